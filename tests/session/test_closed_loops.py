import asyncio

import pytest

from exchanges import Standing
from exchanges.errors import OutcomeUnknown, ReadFailed, UsageError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.state import MemoryState
from tests.support.fourth import CREDENTIALS, LIMIT, Fourth
from tests.support.fourth_calls import CALLS, fourth
from tests.support.lagging_exchange import placing
from tests.support.scripted_transport import Script, answer, html
from tests.support.shared_state import Journal, Lease, Shared, shared
from tests.support.virtual_time import elapsed, in_virtual_time, settle


def outside(*steps, open=None, **options):  # noqa: A002 - as its name is in a script
    """Create a client that lives in no virtual time."""
    return Fourth(transport=Script.of(*steps, open=open), **CREDENTIALS, **options)


def abandoned(client, *calls):
    """Begin *calls* in a loop, and close the loop by hand while they are under way."""
    loop = asyncio.new_event_loop()

    async def begin():
        tasks = [asyncio.create_task(call(client)) for call in calls]
        await settle(200)
        return tasks

    tasks = loop.run_until_complete(begin())
    loop.close()
    for task in tasks:
        task._log_destroy_pending = False
    for task in client._session._attempts.tasks:
        task._log_destroy_pending = False
    return tasks


def closed(client):
    """Close *client* in a loop of its own; return what is unresolved."""

    async def close():
        await asyncio.wait_for(client.aclose(), 10)
        return client.unresolved

    return asyncio.run(close())


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("windows", [(), (Window(1, 60.0),)], ids=["key lock", "slot"])
def test_closing_after_the_loop(kind, windows):
    """A client whose loop was closed by hand is closed in another one, whatever was under way."""
    state = MemoryState()
    client = outside(open=asyncio.Event(), state=state, limits=[Limit(LIMIT.name, windows, Scope.KEY)])
    tasks = abandoned(client, *[CALLS[kind]] * 3)
    closed(client)
    (limiter,) = state._limiters.values()

    assert (0, 0, 3) == (limiter.users, limiter.signers, len(tasks))


def test_what_was_under_way_in_a_closed_loop():
    """A money call of a loop that was closed by hand is found unresolved, and may be dismissed."""
    client = outside(open=asyncio.Event())
    tasks = abandoned(client, CALLS["money"])
    unresolved = closed(client)
    ((intent, call),) = unresolved.items()
    unresolved.dismiss(intent)

    assert (Standing.UNKNOWN, 0, 1) == (call.standing, len(unresolved), len(tasks))


def test_closing_with_a_journal_that_is_still_written():
    """Closing does not wait for a write to the journal whose loop was closed by hand."""
    journal = Journal()
    client = outside(html(502), state=Shared(journal))

    async def dismiss(client):
        with pytest.raises(OutcomeUnknown) as caught:
            await client.trading.create_order(amount=3)
        await settle()
        journal.seconds = 60.0
        client.unresolved.dismiss(caught.value.intent)
        await settle()

    abandoned(client, dismiss)
    (writing,) = client._session.calls._writing
    writing._log_destroy_pending = False
    closed(client)

    assert not writing.done()


def test_closing_in_another_loop():
    """A client is not closed in another loop while its own is open."""
    client, loop = outside(), asyncio.new_event_loop()
    loop.run_until_complete(client.market.thing())
    with pytest.raises(UsageError, match="another event loop, which is open; close it there"):
        asyncio.run(client.aclose())
    loop.run_until_complete(client.aclose())
    loop.close()


@in_virtual_time
async def test_what_is_unresolved_is_read_after_closing():
    """Reading `unresolved` after closing registers nothing: the history ends with the last open client."""
    state = MemoryState()
    client = fourth(Script.of(html(502), answer()), state=state)
    with pytest.raises(OutcomeUnknown):
        await client.trading.create_order(amount=3)
    await client.aclose()
    calls = client._session.calls

    assert (1, 0) == (len(client.unresolved), calls.users)


@in_virtual_time
async def test_a_client_that_is_only_asked_what_is_unresolved():
    """A client that made no call, was closed and is asked afterwards keeps no history of its key alive."""
    state = MemoryState()
    script = Script.of(answer({"id": 1, "amount": 3, "price": 5}))
    idle, client, later = (placing(script, state=state) for _ in range(3))
    await idle.aclose()
    async with client:
        order = await client.orders.buy(amount=3, price=5)
        assert len(idle.unresolved) == 0
    async with later:
        again = await later.orders.buy(amount=3, price=5)

    assert (1, order) == (again.id, again)


@in_virtual_time
async def test_closing_awaits_what_begins_meanwhile():
    """Closing waits for the release of a read that it ended before it began."""
    client, _, limiter, _ = shared(answers=[Lease(seconds=5.0)], entering=1.0)
    call = asyncio.create_task(client.trading.order())
    await settle()
    await asyncio.sleep(1)  # it is granted in this turn of the loop
    await client._session.aclose()

    assert (ReadFailed, 6.0, 1) == (type(call.exception()), elapsed(), len(limiter.leases[0].left))


@in_virtual_time
async def test_a_client_that_is_closed_and_dropped_leaves_once():
    """A client that was closed does not unregister again when it is collected: others still use the history."""
    state = MemoryState()
    closed_one, other = (placing(Script.of(answer()), state=state) for _ in range(2))
    calls = [client._session.calls for client in (closed_one, other)]
    await closed_one.aclose()
    closed_one._session._destinations.leave()

    assert [1, 1] == [one.users for one in calls]

    await other.aclose()
