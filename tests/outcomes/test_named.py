"""Calls whose client's id an event names."""

import asyncio
from types import SimpleNamespace

import httpx
import pytest

from exchanges import Bitstamp
from exchanges.errors import ReadFailed, StateError
from exchanges.outcomes import named
from exchanges.outcomes.absence import Seen
from exchanges.outcomes.named import NamedCalls
from exchanges.outcomes.verdicts import Incomplete, Reconciled
from tests.support.scripted_transport import Script, html
from tests.support.shared_state import Journal, Records, Shared, failure
from tests.support.virtual_time import in_virtual_time, settle


class Intents:
    """Pending calls: what is unresolved, and whether ids name it."""

    def __init__(self, *unknown, client_id="client_order_id"):
        self.watchers = set()
        self.unknown = unknown
        self._seen = {}
        self._search = SimpleNamespace(client_id=client_id)

    def searches(self):
        """One endpoint is known."""
        return {"x.trading.buy": self._search}

    def seen(self, call):
        """Of each call, what was seen."""
        return self._seen.setdefault(call, Seen())

    def bearing(self, client_id):
        """All of them are unknown."""
        return [call for call in self.unknown if client_id in (call.tag, *call.arguments.values())]


class Spawned:
    """Runs what is spawned, and records what was reconciled."""

    def __init__(self, failure=None):
        self.work = []
        self.reconciled = []
        self.failure = failure
        self.verdict = None

    async def reconcile(self, which):
        """Reconcile a call."""
        self.reconciled.append(which.tag or which.arguments)
        if self.failure is not None:
            raise self.failure
        return self.verdict

    def spawn(self, work, _):
        """Run something now."""
        self.work.append(work)

    async def run(self):
        """Run what was spawned."""
        while self.work:
            await self.work.pop(0)


class Call:
    """The intent of a call."""

    def __init__(self, tag=None, **arguments):
        self.endpoint, self.tag, self.arguments = "x.trading.buy", tag, arguments


@in_virtual_time
async def test_an_event_resolves_the_call_that_it_names():
    """By the id that the caller chose, or by the library's."""
    spawned, mine, ours = Spawned(), Call(client_order_id="mine"), Call(tag="aio-1")
    calls = NamedCalls(Intents(mine, ours, Call(tag="aio-2")), spawned.reconcile, spawned.spawn)
    for name in ("mine", "aio-1", "other", "mine"):
        calls.name(name)
    await spawned.run()

    assert [{"client_order_id": "mine"}, "aio-1"] == spawned.reconciled


@in_virtual_time
async def test_an_event_that_comes_first_is_remembered():
    """A call that becomes unknown later is resolved then; one that was not named is not."""
    spawned = Spawned()
    calls = NamedCalls(Intents(), spawned.reconcile, spawned.spawn)
    calls.name("aio-1")
    doubted = Call(tag="aio-1")
    for call in (doubted, doubted, Call(tag="aio-2")):
        calls.doubted(call)
    await spawned.run()

    assert ["aio-1"] == spawned.reconciled


@in_virtual_time
async def test_what_is_remembered_is_bounded(monkeypatch):
    """The oldest ids are forgotten."""
    monkeypatch.setattr(named, "REMEMBERED", 2)
    spawned = Spawned()
    calls = NamedCalls(Intents(), spawned.reconcile, spawned.spawn)
    for name in ("a", "b", "c"):
        calls.name(name)
    for tag in ("a", "b"):
        calls.doubted(Call(tag=tag))
    await spawned.run()

    assert ["b"] == spawned.reconciled


@pytest.mark.parametrize("failure", [ReadFailed("no answer")])
@in_virtual_time
async def test_a_call_that_cannot_be_reconciled_stays_unresolved(failure):
    """The next event may try it again."""
    spawned = Spawned(failure)
    calls = NamedCalls(Intents(Call(tag="a")), spawned.reconcile, spawned.spawn)
    calls.name("a")
    await spawned.run()
    calls.doubted(Call(tag="a"))
    await spawned.run()
    await settle()

    assert ["a", "a"] == spawned.reconciled


@in_virtual_time
async def test_each_event_is_a_reason_to_look_while_nothing_is_found():
    """What was found is not looked for again."""
    spawned, call = Spawned(), Call(tag="a")
    calls = NamedCalls(Intents(call), spawned.reconcile, spawned.spawn)
    for verdict in (Incomplete(call, "too early"), Reconciled(call, None), None):
        spawned.verdict = verdict
        calls.name("a")
        await spawned.run()

    assert ["a", "a"] == spawned.reconciled


@in_virtual_time
async def test_endpoints_without_ids_and_journals_that_fail():
    """Nothing is resolved, and nothing is raised."""
    spawned = Spawned()
    NamedCalls(Intents(Call(tag="a"), client_id=None), spawned.reconcile, spawned.spawn).name("a")
    broken = Intents()

    def fail(_):
        raise StateError("broken")

    broken.bearing = fail
    NamedCalls(broken, spawned.reconcile, spawned.spawn).name("a")

    assert [] == spawned.work


@in_virtual_time
async def test_the_calls_that_bear_an_id():
    """Of this process and of others: those whose outcome is unknown, by the id that was chosen or made."""
    records = Records()
    first = Shared(Journal(records, "one"))
    second = Shared(Journal(records, "two"), like=first)
    keys = {"api_key": "k", "api_secret": "s"}
    order = {"market": "btcusd", "amount": 1, "price": 2}

    async def hang(_):
        await asyncio.sleep(1.0)
        return html(502)

    async with Bitstamp(transport=Script.of(html(502), html(502)), state=first, **keys) as one:
        mine = await failure(one.trading.buy(**order, client_order_id="mine"))
        ours = await failure(one.trading.sell(**order))
        await settle()
        async with Bitstamp(transport=httpx.MockTransport(hang), state=second, **keys) as two:
            new = two.trading.buy_market(market="btcusd", amount=1, client_order_id="new")
            waiting = asyncio.ensure_future(failure(new))
            await asyncio.sleep(0.5)
            for client in (one, two):
                calls = client._session.calls

                assert [[mine.intent], [ours.intent], [], []] == [
                    calls.bearing(name) for name in ("mine", ours.intent.tag, "new", "other")
                ]
            await waiting
