import asyncio
import copy
import logging
import pickle
import traceback
from datetime import UTC, datetime

import httpx
import pytest

from exchanges.bitex import Bitex
from exchanges.bitso import Bitso
from exchanges.bitstamp import Bitstamp
from exchanges.errors import DecodeError, ExchangeError, UsageError
from exchanges.http.uploads import Upload
from exchanges.state import MemoryState
from tests.support.fourth import Fourth
from tests.support.fourth_calls import CALLS
from tests.support.leak_scenarios import credentials_of
from tests.support.raw_server import answering, response, serving
from tests.support.scripted_transport import Script, answer
from tests.support.secrets import API_KEY, API_SECRET, PASSWORD, Nose
from tests.support.virtual_time import in_virtual_time

CLIENTS = [Bitex, Bitso, Bitstamp]
KEYS = {"api_key": API_KEY, "api_secret": API_SECRET}
smells = Nose().smells


def made(client, **options):
    """Make a client with canaries."""
    return client(**(KEYS if client is Fourth else credentials_of(client)), **options)


async def failure_of(kind, *steps, **options):
    """Make a call that fails; hand back what it raised."""
    async with made(Fourth, transport=Script.of(*steps), timeout_seconds=5, **options) as opened:
        with pytest.raises(ExchangeError) as caught:
            await CALLS[kind](opened)
    return caught.value


def locals_of(error):
    """Print a traceback with the locals of the library's frames."""
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    return " ".join(text for text in lines if "/exchanges/" in text)


@in_virtual_time
async def test_the_frames_of_a_call():
    """An error leaves no frame of the library behind: each of them may hold what was asked or answered."""
    error = await failure_of("money", answer({"error": API_KEY, "code": "funds"}, 400))
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__) if "/exchanges/" in frame.filename]

    assert [] == frames
    assert [] == smells(locals_of(error))


@in_virtual_time
async def test_an_intent():
    """What was to be done is told without what signed it."""
    error = await failure_of("money", httpx.ReadError(API_KEY))

    assert {"amount": "3"} == error.intent.arguments
    assert error.intent.at <= datetime.now(UTC)


@in_virtual_time
async def test_a_secret_argument_of_an_intent():
    """An argument that is a secret is named in an intent, not told."""
    async with made(Bitex, transport=Script.of(httpx.ReadError("gone"))) as bitex:
        with pytest.raises(ExchangeError) as caught:
            await bitex.resellers.create_user(email="a@b.example", password=PASSWORD)

    assert {"email": "a@b.example", "password": "[redacted]"} == caught.value.intent.arguments


@in_virtual_time
async def test_an_encoding_that_repeats():
    """An encoding that was not asked for is not repeated."""
    step = httpx.Response(200, stream=httpx.ByteStream(b"{}"), headers={"content-encoding": API_KEY})
    async with made(Fourth, transport=httpx.MockTransport(lambda _: step)) as opened:
        with pytest.raises(DecodeError, match="an encoding that was not requested"):
            await opened.trading.order()


@in_virtual_time
@pytest.mark.parametrize("kind", CALLS)
async def test_one_line_in_the_log(kind, caplog):
    """A call makes one line at INFO, and none above."""
    caplog.set_level(1)
    await failure_of(kind, answer({"error": API_KEY, "code": "funds"}, 400))

    assert [logging.INFO] == [record.levelno for record in caplog.records if record.levelno >= logging.INFO]
    assert [] == smells(caplog.text)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", CALLS)
async def test_the_log_of_the_layers_below(kind, caplog):
    """With every logger open the layers below tell what they do, and nothing of what a server answered."""
    caplog.set_level(1)
    asyncio.get_running_loop().set_debug(True)
    step = response(b"no", b"Location: https://a.example/?key=" + API_KEY.encode(), status=b"302 No")
    async with serving(answering(step)) as server, made(Fourth, base_url=server.origin, state=MemoryState()) as opened:
        with pytest.raises(ExchangeError):
            await CALLS[kind](opened)

        assert API_KEY.encode() in server.requests[0]
    assert (True, []) == ("receive_response_headers.complete" in caplog.text, smells(caplog.text))


@in_virtual_time
async def test_an_answer_to_a_call_that_was_not_signed():
    """An answer to a public call is rid of the key too: it may have been meant for another call."""
    async with made(Fourth, transport=Script.of(answer({"error": API_KEY, "code": "funds"}, 400))) as opened:
        with pytest.raises(ExchangeError, match=r"\[redacted\]"):
            await opened.market.thing()


@in_virtual_time
async def test_a_state_knows_fingerprints_only():
    """What the process keeps of a key is its fingerprint."""
    state = MemoryState()
    async with made(Fourth, transport=Script.of(), state=state) as client:
        await client.trading.order()

    assert [] == smells(repr((state, vars(state))))


# Clients


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_client_is_not_pickled(client, protocol):
    """Whoever pickles a client is refused, whether it has credentials or not."""
    for held in (made(client), client(proxy="http://user:word@a.example")):
        with pytest.raises(TypeError, match="a client is not pickled"):
            pickle.dumps(held, protocol)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_client(client, copied):
    """A copy of a client is a view of the same session, with its deadline."""
    original = made(client).with_options(timeout_seconds=7)
    view = copied(original)

    assert (client, True, 7.0) == (type(view), view._session is original._session, view._options.timeout_seconds)
    assert view.market is not original.market


@pytest.mark.parametrize("client", [*CLIENTS, Fourth])
@pytest.mark.parametrize("wrong", [{"timeout_seconds": -1}, {"clocks": 5}, {"api_key": f"{API_KEY} "}])
def test_the_frames_of_a_constructor(client, wrong):
    """A constructor that refuses leaves no frame behind that holds what it was given, and no error behind its own."""
    options = {**(KEYS if client is Fourth else credentials_of(client)), **wrong}
    with pytest.raises(UsageError) as caught:
        client(**options)

    assert [] == smells(locals_of(caught.value))
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def test_the_frames_of_a_constructor_of_ones_own():
    """So does the constructor of a class that a user makes of a client."""

    class Mine(Bitex):
        def __init__(self, key):
            super().__init__(api_key=key, timeout_seconds=-1)

    with pytest.raises(UsageError) as caught:
        Mine(API_KEY)

    assert ["test_the_frames_of_a_constructor_of_ones_own"] == [
        frame.name for frame in traceback.extract_tb(caught.value.__traceback__)
    ]


def test_a_client_that_was_never_made():
    """A client whose constructor failed prints all the same: a traceback may show it."""
    assert "Bitex('')" == repr(object.__new__(Bitex))


# Documents


@pytest.mark.parametrize("options", [{"max_bytes": 1}, {"accepted": {"image/gif"}}])
def test_the_frames_of_a_document(options):
    """A document that is refused leaves no frame behind that holds its content."""
    options = {"name": "a.png", "accepted": {"image/png"}, "max_bytes": 500, **options}
    with pytest.raises(ValueError, match=r"^must") as caught:
        Upload.of(API_KEY.encode(), **options)

    assert [] == smells(locals_of(caught.value))
