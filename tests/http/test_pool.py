"""Which connection a request gets, and how many there are."""

import asyncio

import pytest

from exchanges.http import origin_pool, pool
from exchanges.http.answer import Evidence, TimedOut, Unwanted
from exchanges.http.origin_pool import (
    KEEP_FOR_MONEY_SECONDS,
    KEEP_FOR_READS_SECONDS,
)
from exchanges.http.pool import ConnectionPool
from exchanges.limits.permits import Priority, reserved_connections
from tests.support.own_connections import (
    KINDS,
    SECONDS,
    Clock,
    get,
    opened,
    order,
    turns,
    until,
)
from tests.support.raw_server import answering, response
from tests.support.sending import failure_of

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


def holding(events):
    """Answer each request when its event is set; requests are numbered as they come."""

    async def talk(heard):
        while True:
            await heard.request()
            number = len(heard.server.requests) - 1
            await events[number].wait()
            await heard.say(response(b"%d" % number))

    return talk


@kinds
@pytest.mark.parametrize(
    ("priority", "idle", "connections"),
    [
        (Priority.MONEY, 0.0, 1),
        (Priority.MONEY, KEEP_FOR_MONEY_SECONDS - 0.01, 1),
        (Priority.MONEY, KEEP_FOR_MONEY_SECONDS, 2),
        (Priority.CANCEL, KEEP_FOR_MONEY_SECONDS - 0.01, 1),
        (Priority.CANCEL, KEEP_FOR_MONEY_SECONDS, 2),
        (Priority.READ, KEEP_FOR_MONEY_SECONDS, 1),
        (Priority.READ, KEEP_FOR_READS_SECONDS - 0.01, 1),
        (Priority.READ, KEEP_FOR_READS_SECONDS, 2),
    ],
)
async def test_how_old_a_connection_may_be(kind, priority, idle, connections):
    """What must not be repeated goes over a connection idle for less than a second, a read over any that is kept."""
    async with opened(kind, answering(ANSWER)) as watch:
        clock = Clock()
        await watch.send(priority=priority)
        clock.advance(idle)
        await watch.send(priority=priority)

        assert connections == watch.server.connections


@kinds
async def test_the_connection_that_was_used_last(kind):
    """Of several idle connections the one that was used last is taken, and the others grow old."""
    async with opened(kind, answering(ANSWER)) as watch:
        clock = Clock()
        await asyncio.gather(*(watch.send() for _ in range(3)))
        clock.advance(KEEP_FOR_READS_SECONDS / 2)
        await watch.send()
        before = watch.open_sockets
        clock.advance(KEEP_FOR_READS_SECONDS / 2)
        await turns(10)

        assert (3, 3, 1) == (watch.server.connections, before, watch.open_sockets)


@kinds
async def test_what_a_server_says_of_idle_connections(kind):
    """A server that keeps connections for five seconds is asked within four."""
    async with opened(kind, answering(response(b"1", b"Keep-Alive: timeout=5"))) as watch:
        clock, seen = Clock(), []
        for idle in (0, 3.9, 4.0):
            clock.advance(idle)
            await watch.send()
            seen.append(watch.server.connections)

        assert [1, 1, 2] == seen


@kinds
async def test_a_new_connection_on_request(kind):
    """A request may ask for a new connection, whatever is idle or ready."""
    async with opened(kind, answering(ANSWER), keeps_ready=True) as watch:
        await watch.send(priority=Priority.MONEY)
        await until(lambda: watch.server.connections == 2)
        await turns(5)
        await watch.send(priority=Priority.CANCEL, fresh=True)

        assert watch.server.connections == 3


@kinds
@pytest.mark.parametrize("priority", [Priority.READ, Priority.MONEY])
async def test_connections_that_only_cancels_may_use(priority, kind):
    """Two of the connections are kept for cancels; whoever is beyond the number waits for its turn."""
    events = [asyncio.Event() for _ in range(20)]
    async with opened(kind, holding(events)) as watch:
        others = [asyncio.create_task(watch.send(priority=priority)) for _ in range(15)]
        await until(lambda: len(watch.server.requests) == 14)
        cancels = [asyncio.create_task(watch.send(priority=Priority.CANCEL)) for _ in range(3)]
        await until(lambda: len(watch.server.requests) == 16)
        await turns(20)
        most = watch.server.connections
        for event in events:
            event.set()
        await asyncio.gather(*others, *cancels)

        assert (16, 16, 18) == (most, watch.server.connections, len(watch.server.requests))


@kinds
async def test_who_goes_first(kind):
    """Cancels go before orders, orders before reads, each in the order in which they came."""
    events = [asyncio.Event() for _ in range(8)]
    events[0].set()
    async with opened(kind, holding(events), max_connections=1, reserve=0) as watch:
        await watch.send()
        origin, waiting = watch.server.origin, []
        waiting.append(asyncio.create_task(watch.send(get(origin, "/first"))))
        await until(lambda: len(watch.server.requests) == 2)
        for name, priority in (
            ("/read1", Priority.READ),
            ("/order1", Priority.MONEY),
            ("/read2", Priority.READ),
            ("/cancel", Priority.CANCEL),
            ("/order2", Priority.MONEY),
        ):
            waiting.append(asyncio.create_task(watch.send(get(origin, name), priority=priority)))
            await turns(1)
        for event in events:
            event.set()
        await asyncio.gather(*waiting)

        assert [b"/cancel", b"/order1", b"/order2", b"/read1", b"/read2"] == [
            request.split(b" ")[1] for request in watch.server.requests[2:]
        ]


@kinds
async def test_a_deadline_while_waiting_for_a_connection(kind):
    """Who waits for a connection until its deadline has sent nothing, and leaves its place to others."""
    events = [asyncio.Event() for _ in range(3)]
    async with opened(kind, holding(events), max_connections=1, reserve=0) as watch:
        clock, evidence = Clock(), Evidence()
        first = asyncio.create_task(watch.send(seconds=1000))
        await until(lambda: watch.server.requests)
        second = asyncio.create_task(watch.send(evidence=evidence, priority=Priority.MONEY))
        third = asyncio.create_task(watch.send(seconds=1000))
        await turns(3)
        clock.advance(SECONDS)
        error = await failure_of(second)
        for event in events:
            event.set()
        await asyncio.gather(first, third)

        assert (TimedOut, "waiting for a connection", True) == (type(error), error.phase, evidence.nothing_left)


@kinds
@pytest.mark.parametrize("steps", range(6))
async def test_a_waiter_that_is_cancelled(steps, kind):
    """A waiter that is cancelled, even as its turn comes, gives its place to the next."""
    events = [asyncio.Event() for _ in range(3)]
    async with opened(kind, holding(events), max_connections=1, reserve=0) as watch:
        first = asyncio.create_task(watch.send())
        await until(lambda: watch.server.requests)
        waiting = [asyncio.create_task(watch.send()) for _ in range(2)]
        await turns(2)
        for event in events:
            event.set()
        await until(first.done)
        await turns(steps)
        waiting[0].cancel()
        await asyncio.wait(waiting)

        assert (b"0", False) == ((await first).body, waiting[1].cancelled())
        assert [0, []] == [
            watch.pool._pools[watch.server.origin]._in_use,
            watch.pool._pools[watch.server.origin]._waiters,
        ]


@kinds
async def test_room_for_a_new_connection(kind):
    """Where all connections are idle and too old for an order, the oldest is closed for a new one."""
    events = [asyncio.Event() for _ in range(17)]
    async with opened(kind, holding(events), reserve=0) as watch:
        clock = Clock()
        reads = [asyncio.create_task(watch.send(seconds=1000)) for _ in range(16)]
        await until(lambda: len(watch.server.requests) == 16)
        for event in events:
            event.set()
        await asyncio.gather(*reads)
        clock.advance(KEEP_FOR_MONEY_SECONDS)
        await watch.send(priority=Priority.MONEY)
        await turns(3)

        assert (17, 16) == (watch.server.connections, watch.open_sockets)


@kinds
async def test_concurrent_requests(kind):
    """A hundred requests at once are all answered, each with its own answer, over sixteen connections at most."""

    async def talk(heard):
        while True:
            request = await heard.request()
            await heard.say(response(request.split(b" ")[1]))

    async with opened(kind, talk) as watch:
        targets = [f"/{number}" for number in range(100)]
        answers = await asyncio.gather(*(watch.send(get(watch.server.origin, target)) for target in targets))

        assert [target.encode() for target in targets] == [answer.body for answer in answers]
        assert watch.server.connections <= 16


@kinds
@pytest.mark.parametrize("warm", [False, True])
async def test_a_caller_who_is_gone(kind, warm):
    """A request whose caller is cancelled before its first byte is not sent, and its connection serves the next."""
    async with opened(kind, answering(ANSWER)) as watch:
        if warm:
            await watch.send()
        evidence, before = Evidence(), len(watch.server.requests)
        sending = asyncio.create_task(watch.send(order(watch.server.origin), evidence=evidence))
        await turns(0 if warm else 3)
        evidence.caller_gone = True
        lost = await failure_of(sending)
        sent = len(watch.server.requests) - before
        await watch.send()

        assert (Unwanted, True, 0, 1) == (type(lost), evidence.nothing_left, sent, watch.server.connections)


@kinds
async def test_a_caller_who_is_gone_while_waiting_for_a_connection(kind):
    """A request that waits for a connection is not sent if its caller is gone by the time there is one."""
    events = [asyncio.Event() for _ in range(3)]
    async with opened(kind, holding(events), max_connections=1, reserve=0) as watch:
        evidence, first = Evidence(), asyncio.create_task(watch.send())
        await until(lambda: watch.server.requests)
        waiting = asyncio.create_task(watch.send(evidence=evidence, priority=Priority.MONEY))
        await turns(3)
        evidence.caller_gone = True
        for event in events:
            event.set()
        await first
        lost = await failure_of(waiting)

        assert (Unwanted, True, 1) == (type(lost), evidence.nothing_left, len(watch.server.requests))


@pytest.mark.parametrize("origin", ["ftp://a.example", "http://", "http://a.example:99999", "a.example", "http://[::1"])
async def test_an_address_that_is_none(origin):
    """An origin that is none refuses the request."""
    own, evidence = ConnectionPool(), Evidence()
    sending = own.send(get(origin), evidence, max_bytes=1, priority=Priority.READ, deadline=0.0)
    error = await failure_of(sending)

    assert ("the address of the server is malformed", True) == (str(error), evidence.nothing_left)


def test_the_reserve_is_smaller_than_the_number():
    """There are connections for everybody."""
    assert reserved_connections(pool.MAX_CONNECTIONS) < pool.MAX_CONNECTIONS
    assert [0, 1, 2, 2] == [reserved_connections(most) for most in (1, 2, 3, 16)]
    assert origin_pool.KEEP_READY_SECONDS < origin_pool.KEEP_FOR_READS_SECONDS
