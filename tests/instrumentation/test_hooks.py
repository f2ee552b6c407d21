import asyncio
import logging
from decimal import Decimal

import httpx
import pytest

from exchanges.errors import NotFound, UsageError
from exchanges.instrumentation import CallRecord, Hooks
from exchanges.instrumentation.hooks import HOOK_NAMES, notify
from exchanges.instrumentation.logs import LOGS
from tests.support.fourth import CREDENTIALS, Fourth
from tests.support.scripted_transport import Script, answer, refusal
from tests.support.virtual_time import in_virtual_time

LINES = "exchanges.session.session"


class Ear(Hooks):
    """Keeps what it heard."""

    def __init__(self):
        self.heard, self.calls = [], []

    def call_started(self, call):
        self.heard.append("started")
        self.calls.append(call)

    def attempt_waiting(self, call, attempt):
        self.heard.append(f"waiting {attempt.number}")

    def attempt_sent(self, call, attempt):
        self.heard.append(f"sent {attempt.number}")

    def attempt_answered(self, call, attempt):
        self.heard.append(f"answered {attempt.status}")

    def call_ended(self, call):
        self.heard.append(f"ended {call.outcome}")


def fourth(script, *hooks, **options):
    """Create a client of the fourth exchange with observers."""
    return Fourth(transport=script, hooks=hooks, **{**CREDENTIALS, **options})


@in_virtual_time
async def test_the_steps_of_a_call():
    """A hook hears of a call, its request, the answer and the end, in this order."""
    ear = Ear()
    async with fourth(Script.of(seconds=2.0), ear) as client:
        await client.market.thing("a")
    call = ear.calls[0]

    assert ["started", "waiting 1", "sent 1", "answered 200", "ended 200"] == ear.heard
    assert ("fourth.market.thing", "GET", "read", "fourth.example") == (call.endpoint, call.verb, call.kind, call.host)
    assert (0.0, 2.0, 2.0) == (call.attempts[0].waiting_seconds, call.attempts[0].wire_seconds, call.seconds)


@in_virtual_time
async def test_a_repeated_read():
    """Each request of a call has its own record."""
    ear = Ear()
    async with fourth(Script.of(answer(status=503), answer()), ear) as client:
        await client.market.thing("a")

    assert ["waiting 1", "sent 1", "answered 503", "waiting 2", "sent 2", "answered 200"] == ear.heard[1:-1]


@in_virtual_time
async def test_a_refusal():
    """The end of a call names the status and the class of the error, and what it leaves open."""
    ear = Ear()
    async with fourth(Script.of(refusal("missing", 404)), ear) as client:
        with pytest.raises(NotFound):
            await client.trading.create_order(amount=1)
    call = ear.calls[0]

    assert ("404 NotFound", "NotFound", 404, False) == (call.outcome, call.error, call.status, call.may_have_executed)


@in_virtual_time
async def test_an_unknown_outcome():
    """A lost answer is no answer, and leaves it open whether the call was executed."""
    ear = Ear()
    async with fourth(Script.of(httpx.ReadError("gone")), ear) as client:
        with pytest.raises(Exception, match="fourth"):
            await client.trading.create_order(amount=1)

    assert ["started", "waiting 1", "sent 1", "ended - OutcomeUnknown"] == ear.heard
    assert (None, True) == (ear.calls[0].attempts[0].wire_seconds, ear.calls[0].may_have_executed)


@in_virtual_time
async def test_a_cancelled_caller():
    """A call whose caller was cancelled ends at once; its request is answered later."""
    ear, script = Ear(), Script.of(seconds=3.0)
    async with fourth(script, ear) as client:
        task = asyncio.create_task(client.trading.create_order(amount=1))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])

    assert ["sent 1", "ended -", "answered 200"] == ear.heard[2:]


@in_virtual_time
async def test_a_wrong_argument_is_no_call():
    """What is refused before anything is sent is no call."""
    ear = Ear()
    async with fourth(Script.of(), ear) as client:
        with pytest.raises(UsageError):
            await client.trading.create_order(amount=0.1)

    assert [] == ear.heard


@in_virtual_time
async def test_a_hook_that_raises(caplog):
    """What a hook raises changes nothing about the call, is logged by its class, and does not stop other hooks."""
    ear, broken = Ear(), Ear()
    broken.heard = None
    async with fourth(Script.of(), broken, ear) as client:
        thing = await client.market.thing("a")

    assert (1, "ended 200") == (thing.id, ear.heard[-1])
    assert "Ear.call_started raised AttributeError" in caplog.messages


class Stop(BaseException):
    """What a hook may raise without inheriting from `Exception`, as some test tools do."""


class Raising(Hooks):
    """Raises in one step."""

    def __init__(self, step, error):
        def fail(*_):
            raise error("a detail")

        setattr(self, step, fail)


STEPS = [name for name in HOOK_NAMES if name != "stream_event"]


@pytest.mark.parametrize("error", [Stop, GeneratorExit, asyncio.CancelledError])
@pytest.mark.parametrize("step", STEPS)
@in_virtual_time
async def test_a_hook_that_raises_no_exception(step, error, caplog):
    """What a hook raises changes nothing about an order, whatever class it is of."""
    script = Script.of()
    async with fourth(script, Raising(step, error)) as client:
        await client.trading.create_order(amount=Decimal(1))
        left = dict(client.unresolved)

    assert ({}, 1) == (left, len(script.came))
    assert [f"Raising.{step} raised {error.__name__}"] == [m for m in caplog.messages if "Raising" in m]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_program(error):
    """What ends the program, and a signal may raise anywhere, is no matter of the hook."""
    with pytest.raises(error):
        notify((Raising("call_started", error),), "call_started", None)


@pytest.mark.parametrize("hooks", [None, "x", [None], [object()], [Hooks], Ear()])
def test_what_is_no_hook(hooks):
    """What lacks the methods of a hook is refused when the client is created."""
    with pytest.raises(UsageError, match="hooks must be a list"):
        Fourth(hooks=hooks)


class TestLogLines:
    @in_virtual_time
    async def test_a_line(self, caplog):
        """A line has verb, endpoint, market, host, outcome and time."""
        with caplog.at_level(logging.INFO, LINES):
            async with fourth(Script.of(seconds=0.5)) as client:
                await client.market.thing("a")

        assert ["GET fourth.market.thing at fourth.example: 200, 500 ms"] == caplog.messages

    def test_a_market(self, caplog):
        """A line names the market of a call that has one."""
        call = CallRecord("a.b", "GET", "read", "host", "btc_mxn", began=0.0)
        with caplog.at_level(logging.INFO, LINES):
            LOGS.call_ended(call)

        assert "GET a.b btc_mxn at host: -, 0 ms" == caplog.messages[0]

    @in_virtual_time
    async def test_nobody_observes(self, caplog):
        """Without hooks, and with a log that nobody reads, no record is kept."""
        with caplog.at_level(logging.WARNING, LINES):
            async with fourth(Script.of()) as client:
                await client.market.thing("a")

        assert [] == caplog.messages
