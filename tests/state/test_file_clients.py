import asyncio
import threading
from decimal import Decimal

import httpx
import pytest

from exchanges.bitstamp import Bitstamp
from exchanges.bitstamp.api import LIMIT as BITSTAMP_LIMIT
from exchanges.errors import OutcomeUnknown, RateLimited, RateLimitTimeout, StateError, UnresolvedOutcome, UsageError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.state import FileState
from exchanges.state.file.seals import Generations
from tests.support.fourth import CREDENTIALS, LIMIT, Fourth
from tests.support.scripted_transport import Script, answer, refusal
from tests.support.shared_state import is_free

TICKER = (
    b'{"last":"1","high":"1","low":"1","vwap":"1","volume":"1","bid":"1","ask":"1","timestamp":"1700000000","open":"1"}'
)


@pytest.fixture
def states(path):
    """Open one file twice, as two processes do."""
    with FileState(path) as one, FileState(path) as two:
        yield one, two


def client(state, *steps, **options):
    """Build a client whose exchange is scripted."""
    return Fourth(transport=Script.of(*steps), state=state, **{**CREDENTIALS, **options})


def nonces(client):
    """Return the nonces that arrived."""
    return client._session._config.transport._external._injected.nonces


async def settled(state):
    """Wait until what was posted to a state is written."""
    await state._store.worker.run(lambda: None)


async def test_nonces_go_on(path):
    """A client continues above the nonces of an earlier one, even if the clock went back an hour."""
    arrived = []
    for now in (7200.0, 3600.0):
        with FileState(path) as state:
            async with client(state, clock=lambda now=now: now) as fourth:
                await fourth.trading.order()
                await fourth.trading.order()
            arrived += nonces(fourth)

    assert (4, True, sorted(arrived)) == (len(set(arrived)), arrived[0] >= 7_200_000, arrived)


async def test_clients_of_two_processes(states):
    """Clients of two processes with one key never use a nonce twice."""
    clients = [client(state, clock=lambda: 5.0) for state in states]
    for _ in range(2):
        for fourth in clients:
            await fourth.trading.order()
    arrived = [nonce for fourth in clients for nonce in nonces(fourth)]
    for fourth in clients:
        await fourth.aclose()

    assert 4 == len(set(arrived))


async def test_the_limit_is_for_both(states):
    """What one process uses of a limit is not available to the other."""
    limits = [Limit(LIMIT.name, (Window(1, 3600.0),), Scope.KEY)]
    one, two = (client(state, limits=limits, timeout_seconds=5.0) for state in states)
    await one.trading.order()
    with pytest.raises(RateLimitTimeout, match="other processes use all of it"):
        await two.trading.order()
    await one.aclose()
    await two.aclose()

    assert [] == nonces(two)


async def test_a_lockout_is_for_both(states):
    """When the exchange closes its limit to one process, the other does not call either."""
    one, two = client(states[0], refusal("limit", 429)), client(states[1], timeout_seconds=5.0)
    with pytest.raises(RateLimited):
        await one.trading.create_order(amount=Decimal(1))
    await settled(states[0])
    with pytest.raises(RateLimitTimeout):
        await two.trading.order()
    await one.aclose()
    await two.aclose()

    assert [] == nonces(two)


async def test_a_price_process_leaves_the_reserve(states):
    """A process without a key leaves the reserve of a limit of the address to the cancels of another process."""
    limits = [Limit(BITSTAMP_LIMIT.name, (Window(10, 3600.0),), Scope.ADDRESS)]
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=b"true" if request.content else TICKER))
    options = {"limits": limits, "timeout_seconds": 5.0, "transport": transport}
    trader = Bitstamp(state=states[1], api_key="k", api_secret="s", client_id="1", **options)
    prices = Bitstamp(state=states[0], **options)
    await trader.v1.trading.cancel_order(3)
    await settled(states[1])
    reads = await asyncio.gather(*(prices.market.ticker("btcusd") for _ in range(10)), return_exceptions=True)
    cancelled = await trader.v1.trading.cancel_order(3)
    await trader.aclose()
    await prices.aclose()

    assert (2, None) == (sum(isinstance(read, RateLimitTimeout) for read in reads), cancelled)


async def test_the_first_call_after_a_restart(states):
    """A client that was only created keeps its reserve from other processes: its first call, a cancel, is sent."""
    limits = [Limit(BITSTAMP_LIMIT.name, (Window(10, 3600.0),), Scope.ADDRESS)]
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=b"true" if request.content else TICKER))
    options = {"limits": limits, "timeout_seconds": 5.0, "transport": transport}
    async with (
        Bitstamp(state=states[1], api_key="k", api_secret="s", client_id="1", **options) as trader,
        Bitstamp(state=states[0], **options) as prices,
    ):
        await settled(states[1])
        reads = await asyncio.gather(*(prices.market.ticker("btcusd") for _ in range(10)), return_exceptions=True)
        cancelled = await trader.v1.trading.cancel_order(3)

    assert (1, None) == (sum(isinstance(read, RateLimitTimeout) for read in reads), cancelled)


async def test_nothing_is_sent_without_a_state(states, path):
    """If the state cannot be read or written, nothing is sent."""
    fourth = client(states[0])
    path.unlink()
    with pytest.raises(StateError, match=r"deleted or replaced .* nothing was sent"):
        await fourth.trading.order()
    await fourth.aclose()

    assert [] == nonces(fourth)


async def test_one_transaction_before_an_order(states, monkeypatch):
    """An order has its nonce and is in the journal after one transaction, which waits for the disk; nothing is read."""
    order, used = client(states[0]), list[object]()
    async with order:
        await order.trading.order()
        await settled(states[0])
        for name in ("writing", "reading"):
            of = getattr(states[0]._store._database, name)
            noted = lambda of=of, name=name, **how: [used.append((name, how.get("durable"))), of(**how)][1]  # noqa: E731
            monkeypatch.setattr(states[0]._store._database, name, noted)
        monkeypatch.setattr(Script, "handle_async_request", _noting(used))
        await order.trading.create_order(amount=3)

    assert [("writing", True), "sent"] == used[:2]


def _noting(used):
    async def handle(script, request, *, send=Script.handle_async_request):
        used.append("sent")
        return await send(script, request)

    return handle


@pytest.fixture
def safe(monkeypatch):
    """Return what lets transactions end that wait for the disk."""
    event, add = threading.Event(), Generations.add

    def late(generations, generation, *, durable):
        assert not durable or event.wait(60)
        add(generations, generation, durable=durable)

    monkeypatch.setattr(Generations, "add", late)
    yield event
    event.set()


async def signed(order):
    """Wait until an order is signed."""
    while not order._session._attempts.tasks:  # noqa: ASYNC110 - the turns of the loop are what is tested
        await asyncio.sleep(0)
    await asyncio.sleep(0)


def recorded(state):
    """Count what is in the journal."""
    with state._store._database.reading() as data:
        return data.execute("SELECT count(*) FROM calls").fetchone()[0]


async def test_nothing_is_sent_before_it_is_recorded(states, safe):
    """An order is signed while its entry is written to the disk, and leaves when that is done."""
    order = client(states[0])
    calling = asyncio.create_task(order.trading.create_order(amount=3))
    await signed(order)
    for _ in range(20):
        await asyncio.sleep(0)
    before = nonces(order)[:]
    safe.set()
    await calling

    assert ([], 1) == (before, len(nonces(order)))


async def test_an_order_that_cannot_be_recorded(states, path, monkeypatch):
    """If an entry is not where others see it, its order is not sent, though it was signed."""
    order, record = client(states[0]), states[0]._store.journal.record

    def losing(data, entry):
        path.with_name("state-wal").unlink()
        return record(data, entry)

    monkeypatch.setattr(states[0]._store.journal, "record", losing)
    with pytest.raises(StateError, match=r"deleted or replaced while in use.*nothing was sent"):
        await order.trading.create_order(amount=3)

    assert ([], 0, True) == (nonces(order), order._session._attempts.in_flight, is_free(order))


@pytest.mark.parametrize("turns", range(4))
async def test_cancelled_while_an_order_is_recorded(states, safe, turns):
    """An order whose caller is gone before it is on the disk is not sent, and leaves nothing behind."""
    order = client(states[0])
    calling = asyncio.create_task(order.trading.create_order(amount=3))
    if turns:
        await signed(order)
    for _ in range(turns):
        await asyncio.sleep(0)
    calling.cancel()
    await asyncio.wait([calling])
    safe.set()
    await order.aclose()
    await settled(states[0])

    assert (True, [], 0, {}) == (calling.cancelled(), nonces(order), recorded(states[1]), states[0]._store._leases)


async def test_closed_while_an_order_is_recorded(states, monkeypatch):
    """An order whose client is closed before it can be signed is not sent, and leaves nothing in the journal."""
    order, loop = client(states[0]), asyncio.get_running_loop()
    record = states[0]._store.journal.record

    def closing(data, entry):
        asyncio.run_coroutine_threadsafe(order.aclose(), loop)
        return record(data, entry)

    monkeypatch.setattr(states[0]._store.journal, "record", closing)
    with pytest.raises(UsageError, match="closed; nothing was sent"):
        await order.trading.create_order(amount=3)
    await settled(states[0])
    assert ([], 0) == (nonces(order), recorded(states[1]))


async def test_a_twin_that_comes_while_nothing_waits(states):
    """A call that another process has left unresolved is refused with its lease, which gives everything back."""
    limits = [Limit("fourth", (Window(2, 3600.0),), Scope.KEY)]
    async with client(states[0], OSError("gone")) as one, client(states[1], limits=limits) as two:
        with pytest.raises(OutcomeUnknown):
            await one.trading.create_order(amount=3)
        await settled(states[0])
        for _ in range(3):
            with pytest.raises(UnresolvedOutcome):
                await two.trading.create_order(amount=3)
        await settled(states[1])

        assert ([], 1) == (nonces(two), len(two.unresolved))


async def test_money_of_another_process(states):
    """A money call that another process left with an unknown outcome is listed, and guarded, until it is dismissed."""
    one, two = client(states[0], httpx.ReadError("lost")), client(states[1], answer())
    with pytest.raises(OutcomeUnknown):
        await one.trading.create_order(amount=Decimal(1))
    await one.aclose()
    (intent,) = two.unresolved
    with pytest.raises(UnresolvedOutcome):
        await two.trading.create_order(amount=Decimal(1))
    two.unresolved.dismiss(intent)
    await two.aclose()
    async with client(states[1]) as fourth:
        order = await fourth.trading.create_order(amount=Decimal(1))

    assert (1, ()) == (order.id, tuple(fourth.unresolved))
