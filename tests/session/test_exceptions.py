"""Exceptions of any class on the path of a call: none takes an outcome with it."""

import asyncio

import pytest

from exchanges.errors import NotSent, OutcomeUnknown, ReadFailed, UnresolvedOutcome
from exchanges.http.pool import ConnectionPool
from exchanges.http.transport import HttpTransport
from exchanges.intents import Phase
from exchanges.limits.permits import Permit
from exchanges.outcomes.history import CallHistory
from exchanges.outcomes.kinship import Kinship
from exchanges.outcomes.pending import PendingCalls
from exchanges.outcomes.unresolved import Standing
from exchanges.session.attempts import Attempts
from exchanges.wire.converter import Wire
from tests.support.connected import client_of
from tests.support.fourth import API, Thing
from tests.support.fourth_calls import CALLS
from tests.support.raw_server import answering, response, serving
from tests.support.scripted_transport import Script
from tests.support.virtual_time import in_virtual_time

FAULTS = [OSError(24, "Too many open files"), ImportError("no module"), MemoryError(), RecursionError(), KeyError("x")]
MACHINE = FAULTS[:3]
"""What `Wire` cannot have raised because of the answer."""
BEHIND = {
    "hear": (PendingCalls, "hear"),
    "structure": (Wire, "structure"),
    "compared": (PendingCalls, "compared"),
    "conclude": (Attempts, "_conclude"),
}
RECORDING = {"note": (CallHistory, "note"), "kinship": (Kinship, "nameless"), "end": (PendingCalls, "end")}
BEFORE = {
    "prepare": ("exchanges.session.preparing.Preparer.prepare",),
    "admit": ("exchanges.session.session.admit_now",),
    "sign": (type(API.scheme), "sign"),
    "sender": (HttpTransport, "_sender"),
    "pool": (ConnectionPool, "_pool"),
}


def raising(error):
    """Return what raises *error* in place of anything."""

    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("error", FAULTS, ids=repr)
@pytest.mark.parametrize("place", [*BEHIND, *RECORDING])
async def test_an_exception_behind_an_answer(monkeypatch, place, error):
    """An order that was answered is listed as unresolved, whatever fails in this process; slots are released."""
    async with serving(answering(response())) as server, client_of(server.origin) as client:
        with monkeypatch.context() as patches:
            patches.setattr(*{**BEHIND, **RECORDING}[place], raising(error))
            with pytest.raises(OutcomeUnknown) as caught:
                await CALLS["money"](client)
        (call,) = client.unresolved.values()
        with pytest.raises(UnresolvedOutcome):
            await CALLS["money"](client)

        assert (Standing.UNKNOWN, Phase.ANSWERED, 1) == (call.standing, caught.value.phase, len(server.requests))
        assert call.error is caught.value
        (connections,) = client._session._destinations._connections.values()
        assert 0 == connections.taken


@pytest.mark.parametrize("error", MACHINE, ids=repr)
@pytest.mark.parametrize("place", BEHIND)
@pytest.mark.parametrize("warm", [False, True])
async def test_an_exception_behind_the_answer_to_a_read(monkeypatch, place, error, warm):
    """A read fails without a word about the answer, which is not at fault."""
    async with serving(answering(response())) as server, client_of(server.origin) as client:
        if warm:
            await client.market.thing()
        with monkeypatch.context() as patches:
            patches.setattr(*BEHIND[place], raising(error))
            with pytest.raises(ReadFailed, match=f"unexpected {type(error).__name__} .*; no answer was read"):
                await client.market.thing()

        assert Thing(1) == await client.market.thing()


@pytest.mark.parametrize("place", BEHIND)
async def test_an_exception_behind_the_answer_to_a_cancel(monkeypatch, place):
    """A cancel is repeated, and its outcome is unknown at last."""
    monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)
    async with serving(answering(response())) as server, client_of(server.origin) as client:
        monkeypatch.setattr(*BEHIND[place], raising(MACHINE[0]))
        with pytest.raises(OutcomeUnknown, match="Too many open files"):
            await CALLS["idempotent"](client)

        assert 3 == len(server.requests)


@pytest.mark.parametrize("error", FAULTS, ids=repr)
@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("place", BEFORE)
async def test_an_exception_before_the_first_byte(monkeypatch, place, kind, error):
    """What fails before anything was sent says so, with its cause, and leaves nothing unresolved."""
    monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)
    async with serving(answering(response())) as server, client_of(server.origin) as client:
        with monkeypatch.context() as patches:
            patches.setattr(*BEFORE[place], raising(error))
            with pytest.raises(ReadFailed if kind == "read" else NotSent, match=type(error).__name__):
                await CALLS[kind](client)

        assert ([], {}) == (server.requests, dict(client.unresolved))
        assert Thing(1) == await CALLS[kind](client)


@pytest.mark.parametrize("place", RECORDING)
@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_the_end_of_a_program(monkeypatch, place, end):
    """What ends a program while an outcome is recorded goes on, and leaves the call listed."""
    kept = []

    async def call():
        async with serving(answering(response())) as server, client_of(server.origin) as client:
            monkeypatch.setattr(*RECORDING[place], raising(end))
            try:
                await CALLS["money"](client)
            finally:
                kept.extend(call.standing for call in client.unresolved.values())

    with pytest.raises(OutcomeUnknown if end is asyncio.CancelledError else end):
        asyncio.run(call())

    assert [Standing.UNKNOWN] == kept


@in_virtual_time
async def test_a_permit_that_cannot_be_ended(monkeypatch, caplog):
    """What fails while slots are released is logged, and the caller gets the answer."""
    async with client_of("http://127.0.0.1", transport=Script.of()) as client:
        with monkeypatch.context() as patches:
            patches.setattr(Permit, "end", raising(KeyError("x")))
            thing = await CALLS["money"](client)

    assert Thing(1) == thing
    assert [True] == ["unexpected KeyError while its permit was ended" in message for message in caplog.messages]
