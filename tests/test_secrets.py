import asyncio
import json
import logging
import pickle
import traceback
from datetime import UTC, datetime

import httpx
import pytest

from exchanges.bitex import Bitex
from exchanges.bitso import Bitso
from exchanges.bitstamp import Bitstamp
from exchanges.errors import ExchangeError
from exchanges.state import MemoryState
from tests.fourth import Fourth
from tests.raw_server import answering, response, serving
from tests.virtual_time import in_virtual_time

CANARIES = {"api_key": "canary+Key/1=", "api_secret": "canary-Secret-2", "client_id": "canary-Client-3"}
SHAPES = ["canary", "Key/1", "Key%2F1", "Secret-2"]
"""What must not show: the beginning of each canary, and parts that survive other ways of writing it."""

CALLS = {
    "bitex read": (Bitex, lambda c: c.trading.orders()),
    "bitex cancel": (Bitex, lambda c: c.trading.cancel_bid(5)),
    "bitex money": (Bitex, lambda c: c.trading.create_bid(amount=10, price=10)),
    "bitso v3": (Bitso, lambda c: c.account.balance()),
    "bitso v2": (Bitso, lambda c: c.v2.account.balance()),
    "bitstamp v1": (Bitstamp, lambda c: c.v1.account.balance()),
    "fourth write": (Fourth, lambda c: c.trading.create_address()),
}


def echo(request):
    """Answer as a server that says what it got: path, headers and body, as an error."""
    said = f"no: {request.url} {dict(request.headers)} {request.content.decode()}"
    return httpx.Response(400, json={"error": said, "code": "vague", "message": said})


def raising(kind):
    """Make a transport that fails with what it was given."""

    def fail(request):
        raise kind(f"{request.url} {dict(request.headers)} {request.content.decode()}")

    return fail


FAILURES = {
    "echoed as an error": echo,
    "echoed as HTML": lambda request: httpx.Response(502, content=echo(request).content + b"<html>"),
    "echoed as an answer": lambda request: httpx.Response(200, json={"id": str(request.url)}),
    "echoed in a list": lambda request: httpx.Response(200, json=[[str(request.url)]]),
    "garbled": lambda request: httpx.Response(200, content=b'{"' + str(request.url).encode()),
    "redirected": lambda request: httpx.Response(302, headers={"location": str(request.url)}),
    "an odd encoding": lambda request: httpx.Response(200, stream=Odd(), headers={"content-encoding": "canary"}),
    "no connection": raising(httpx.ConnectError),
    "broken off": raising(httpx.ReadError),
    "a foreign fault": raising(RuntimeError),
}


class Odd(httpx.AsyncByteStream):
    async def __aiter__(self):
        yield b"{}"


def made(client, **options):
    """Make a client with those canaries that its exchange uses."""
    names = {name for needs in NEEDS[client] for name in needs}
    return client(**{name: value for name, value in CANARIES.items() if name in names}, **options)


NEEDS = {
    Bitex: [("api_key",)],
    Bitso: [("api_key", "api_secret", "client_id")],
    Bitstamp: [("api_key", "api_secret", "client_id")],
    Fourth: [("api_key", "api_secret")],
}


def shown(text):
    """Find which canaries show in *text*."""
    return [shape for shape in SHAPES if shape.lower() in text.lower()]


async def failure_of(case, failure, **options):
    """Make a call that fails; hand back the error and its client."""
    client, call = CALLS[case]
    transport = httpx.MockTransport(FAILURES[failure])
    async with made(client, transport=transport, timeout_seconds=5, **options) as opened:
        with pytest.raises(ExchangeError) as caught:
            await call(opened)
    return caught.value, opened


@in_virtual_time
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("case", CALLS)
async def test_no_secret_in_an_error(case, failure):
    """No error, and nothing that an error holds or pickles to, shows a credential, whatever the server echoes."""
    error, client = await failure_of(case, failure)
    seen, chain = [], error
    while chain is not None:
        seen += [str(chain), repr(chain), repr(getattr(chain, "__dict__", "")), repr(chain.args)]
        chain = chain.__cause__ or chain.__context__
    seen += [repr(client), repr(client._session._setup), repr(pickle.loads(pickle.dumps(error)).__dict__)]  # noqa: S301

    assert [] == shown(" ".join(seen).replace("encoding 'canary'", ""))


@in_virtual_time
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("case", CALLS)
async def test_no_secret_in_a_log(case, failure, caplog):
    """No log of any library at any level shows a credential, and a call makes one INFO line at most."""
    caplog.set_level(1)
    await failure_of(case, failure)
    lines = [record for record in caplog.records if record.levelno >= logging.INFO]

    assert ([], 1) == (shown(caplog.text.replace("encoding 'canary'", "")), len(lines))


@in_virtual_time
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("case", CALLS)
async def test_no_secret_in_a_traceback(case, failure, strict):
    """A traceback that prints the locals of every frame of the library shows nothing of what was sent or echoed."""
    error, _ = await failure_of(case, failure, strict=strict)
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    frames = [text for text in lines if "/exchanges/" in text or "/httpx/" in text or "/httpcore/" in text]

    assert [] == shown(" ".join(frames).replace("encoding 'canary'", ""))


@pytest.mark.asyncio
@pytest.mark.parametrize("case", CALLS)
async def test_no_secret_in_a_log_of_the_layers_below(case, caplog):
    """With real sockets and every logger open, no credential shows: the layers below log no addresses."""
    caplog.set_level(1)
    asyncio.get_running_loop().set_debug(True)
    client, call = CALLS[case]
    body = json.dumps({"error": "no", "code": "vague"}).encode()
    async with serving(answering(response(body, status=b"400 Bad"))) as server:
        async with made(client, base_url=server.origin, state=MemoryState()) as opened:
            with pytest.raises(ExchangeError):
                await call(opened)

        assert b"canary" in server.requests[0]

    assert [] == shown(caplog.text)


@in_virtual_time
async def test_no_secret_in_an_intent():
    """What was to be done is told without what signed it."""
    error, _ = await failure_of("bitex money", "broken off")

    assert {"amount": "10", "price": "10", "orderbook": "1"} == error.intent.arguments
    assert error.intent.at <= datetime.now(UTC)


@pytest.mark.parametrize("client", NEEDS)
def test_a_client_is_not_pickled(client):
    """Whoever pickles a client is refused rather than given its credentials."""
    with pytest.raises((TypeError, pickle.PicklingError, AttributeError)):
        pickle.dumps(made(client))


@in_virtual_time
async def test_a_state_knows_fingerprints_only():
    """What the process keeps of a key is its fingerprint."""
    state = MemoryState()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"id": 1}))
    async with made(Fourth, transport=transport, state=state) as client:
        await client.trading.order()

    assert [] == shown(repr((state, state._ledgers, state._counters)))
