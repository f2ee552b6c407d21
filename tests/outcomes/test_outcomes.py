"""What becomes of calls that are never repeated: refused, unknown, and how far the request came."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from exchanges import errors
from exchanges.errors import OutcomeUnknown, RateLimited
from exchanges.http.answer import Lost
from exchanges.http.connection import Connection
from exchanges.intents import Phase
from exchanges.outcomes.unresolved import Standing
from exchanges.state import MemoryState
from tests.support.fourth import CREDENTIALS, Fourth
from tests.support.fourth_calls import CALLS, WALL, failure_of, fourth
from tests.support.raw_server import response, serving
from tests.support.scripted_transport import Script, html, refusal
from tests.support.unproven_answers import UNPROVEN
from tests.support.virtual_time import elapsed, in_virtual_time

PROVEN = {
    "funds": (refusal("funds"), errors.InsufficientFunds),
    "key": (refusal("auth", 401), errors.AuthenticationFailed),
    "funds, with status 200": (refusal("funds", 200), errors.InsufficientFunds),
    "too many, in its shape": (refusal("limit", 429, wait=1000), RateLimited),
    "too many, as HTML": (html(429), RateLimited),
}


@in_virtual_time
@pytest.mark.parametrize("kind", ["write", "money"])
@pytest.mark.parametrize("case", PROVEN)
async def test_a_refusal_that_proves_it(case, kind):
    """A call that is never repeated is `Rejected` where the answer proves that nothing was done."""
    step, expected = PROVEN[case]
    script = Script.of(step)
    error = await failure_of(script, kind)

    assert (expected, False, 1) == (type(error), error.may_have_executed, len(script.came))


@in_virtual_time
@pytest.mark.parametrize("kind", ["write", "money"])
@pytest.mark.parametrize("case", UNPROVEN)
async def test_an_answer_that_proves_nothing(case, kind):
    """If nothing is proven the outcome is unknown, with the failure as its cause, and the call is not repeated."""
    step, expected = UNPROVEN[case]
    script = Script.of(step)
    error = await failure_of(script, kind)

    assert (OutcomeUnknown, True, expected, 1) == (
        type(error),
        error.may_have_executed,
        type(error.__cause__),
        len(script.came),
    )


@in_virtual_time
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("read", errors.DecodeError),
        ("idempotent", OutcomeUnknown),
        ("write", OutcomeUnknown),
        ("money", OutcomeUnknown),
    ],
)
async def test_an_answer_that_its_reader_did_not_expect(kind, expected):
    """An unexpected exception in an exchange's own reader becomes an error of the library, and proves nothing."""
    script = Script.of(refusal("no such code"))
    error = await failure_of(script, kind)

    assert (expected, True, 1) == (
        type(error),
        "unexpected KeyError while reading the answer" in str(error),
        len(script.came),
    )


@in_virtual_time
@pytest.mark.parametrize("kind", ["write", "money"])
@pytest.mark.parametrize("fault", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
async def test_no_connection(fault, kind):
    """A transport of the caller may retry, so that its failure to connect proves nothing."""
    script = Script.of(fault("no"))
    error = await failure_of(script, kind)

    assert (OutcomeUnknown, True, 1) == (type(error), error.may_have_executed, len(script.came))


@in_virtual_time
@pytest.mark.parametrize("kind", CALLS)
async def test_an_error_in_the_code_of_a_transport(kind):
    """An error in the code of a transport reaches the caller as it is, and a call that is never repeated is kept."""
    odd = RuntimeError("odd")
    script = Script.of(odd)
    async with fourth(script) as client:
        with pytest.raises(RuntimeError) as caught:
            await CALLS[kind](client)
        kept = [(call.standing, type(call.error)) for call in client.unresolved.values()]

        expected = [(Standing.UNKNOWN, OutcomeUnknown)] if kind in ("write", "money") else []
        assert (odd, expected, 1) == (caught.value, kept, len(script.came))


class Junk(httpx.AsyncBaseTransport):
    """A transport that returns something else than a response."""

    def __init__(self, made):
        self.made = made

    async def handle_async_request(self, request):
        return self.made(request)


def _without_bytes(_):
    made = httpx.Response(200)

    class Texts(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield "text"

    made.stream = Texts()
    return made


@in_virtual_time
@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize(
    ("made", "named"),
    [
        (lambda _: None, "NoneType"),
        (lambda _: b"{}", "bytes"),
        (lambda _: (200, {}, b""), "tuple"),
        (lambda request: request, "Request"),
        (lambda _: httpx.Response(200, stream=httpx.SyncByteStream()), "Response"),
        (_without_bytes, "a body of str"),
    ],
)
async def test_what_is_no_response(kind, made, named):
    """What a transport returns that is no response is an error of ours, and a call that is never repeated is kept."""
    async with fourth(Junk(made)) as client:
        with pytest.raises(errors.ExchangeError, match=f"the transport returned {named}") as caught:
            await CALLS[kind](client)
        kept = [call.error for call in client.unresolved.values()]

    expected = [caught.value] if kind in ("write", "money") else []
    assert (expected, kind == "read") == (kept, not caught.value.may_have_executed)


@in_virtual_time
@pytest.mark.parametrize("kind", ["write", "money"])
async def test_no_answer_before_the_deadline(kind):
    """A call that is never repeated and whose deadline passes in flight has an unknown outcome."""
    error = await failure_of(Script.of(open=asyncio.Event()), kind, timeout_seconds=5)

    assert (OutcomeUnknown, 5.0) == (type(error), elapsed())


@in_virtual_time
async def test_what_an_unknown_outcome_carries():
    """`OutcomeUnknown` carries the intent, its time, the nonce, and the phase that the request reached."""
    error = await failure_of(Script.of(html(502)), "money")

    assert (
        "fourth.trading.create_order",
        {"amount": "3"},
        datetime.fromtimestamp(WALL, UTC),
        str(int(WALL * 1000)),
        502,
        Phase.ANSWERED,
    ) == (error.intent.endpoint, error.intent.arguments, error.intent.at, error.nonce, error.status, error.phase)


@in_virtual_time
@pytest.mark.parametrize("kind", ["write", "money"])
@pytest.mark.parametrize("case", UNPROVEN)
async def test_how_far_it_came(case, kind):
    """An injected transport does not show how far an unanswered request came; an answer does."""
    error = await failure_of(Script.of(UNPROVEN[case][0]), kind)
    phase = Phase.MAYBE_SENT if case in ("broken off", "no connection") else Phase.ANSWERED

    assert (phase, True) == (error.phase, f"it may have been executed ({phase})" in str(error))


@in_virtual_time
@pytest.mark.parametrize("kind", ["write", "money"])
async def test_what_to_do(kind):
    """The message of an unknown outcome says what to do before the call is repeated."""
    error = await failure_of(Script.of(html(502)), kind)

    assert "await client.reconcile(error.intent) before you repeat it" in str(error)


@pytest.mark.parametrize("kind", ["write", "money"])
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, Phase.SENT),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", Phase.SENT),
        (response(b"<html>", status=b"502 Bad Gateway"), Phase.ANSWERED),
        (response(b'{"id": '), Phase.ANSWERED),
    ],
    ids=["silence", "half an answer", "no answer of theirs", "garbled"],
)
async def test_how_far_it_came_with_sockets(said, expected, kind):
    """The library's own transport shows that a whole request was sent, or that an answer arrived."""

    async def talk(heard):
        await heard.request()
        if said is not None:
            await heard.say(said)

    async with serving(talk) as server, Fourth(base_url=server.origin, **CREDENTIALS, state=MemoryState()) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await CALLS[kind](client)

        assert (expected, 1) == (caught.value.phase, server.connections)


async def test_a_request_that_left_in_part(monkeypatch):
    """A request that breaks off between its head and its end may have left in part."""

    async def talk(heard):
        await heard.reader.readuntil(b"\r\n")

    write = Connection._write

    def break_off(self, data, evidence):
        write(self, data[:30], evidence)
        raise Lost("the connection broke")

    monkeypatch.setattr(Connection, "_write", break_off)
    async with serving(talk) as server, Fourth(base_url=server.origin, **CREDENTIALS, state=MemoryState()) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await CALLS["money"](client)

        assert Phase.MAYBE_SENT is caught.value.phase


@in_virtual_time
async def test_the_error_names_endpoint_and_words():
    """An error carries the endpoint, status, code and text."""
    error = await failure_of(Script.of(refusal("funds")), "money")

    assert ("fourth.trading.create_order", 400, "funds", "no: funds") == (
        error.endpoint,
        error.status,
        error.code,
        error.text,
    )
