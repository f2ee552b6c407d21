"""Which connection a request gets, and what becomes of connections that nobody uses."""

import asyncio
import socket
import ssl
import threading

import pytest

from exchanges.http import addresses, origin_pool, pool
from exchanges.http.answer import Evidence, Lost, TimedOut
from exchanges.http.origin_pool import (
    KEEP_FOR_MONEY_SECONDS,
    KEEP_FOR_READS_SECONDS,
    KEEP_READY_SECONDS,
    READY_AFTER_MONEY_SECONDS,
    READY_PAUSE_SECONDS,
)
from exchanges.http.pool import ConnectionPool
from exchanges.limits.limiter import Priority, reserved_connections
from tests.support.own_connections import KINDS, SECONDS, Clock, get, lab, opened, order, turns, until
from tests.support.raw_server import answering, response, serving
from tests.support.sending import closed_port
from tests.support.tls_servers import presenting, secured

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


async def failure_of(sending):
    """Return what a request fails with."""
    with pytest.raises(Lost) as caught:
        await sending
    return caught.value


def holding(events):
    """Answer each request when its event is set; requests are numbered as they come."""

    async def talk(heard):
        while True:
            await heard.request()
            number = len(heard.server.requests) - 1
            await events[number].wait()
            await heard.say(response(b"%d" % number))

    return talk


# Two ages


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


async def test_the_connection_that_was_used_last():
    """Of several idle connections the one that was used last is taken, and the others grow old."""
    async with opened("plain", answering(ANSWER)) as watch:
        clock = Clock()
        await asyncio.gather(*(watch.send() for _ in range(3)))
        clock.advance(KEEP_FOR_READS_SECONDS / 2)
        await watch.send()
        before = watch.open_sockets
        clock.advance(KEEP_FOR_READS_SECONDS / 2)
        await turns(10)

        assert (3, 3, 1) == (watch.server.connections, before, watch.open_sockets)


async def test_what_a_server_says_of_idle_connections():
    """A server that keeps connections for five seconds is asked within four."""
    async with opened("plain", answering(response(b"1", b"Keep-Alive: timeout=5"))) as watch:
        clock, seen = Clock(), []
        for idle in (0, 3.9, 4.0):
            clock.advance(idle)
            await watch.send()
            seen.append(watch.server.connections)

        assert [1, 1, 2] == seen


async def test_a_new_connection_on_request():
    """A request may ask for a new connection, whatever is idle or ready."""
    async with opened("plain", answering(ANSWER), keeps_ready=True) as watch:
        await watch.send(priority=Priority.MONEY)
        await until(lambda: watch.server.connections == 2)
        await turns(5)
        await watch.send(priority=Priority.CANCEL, fresh=True)

        assert watch.server.connections == 3


# How many


@pytest.mark.parametrize("priority", [Priority.READ, Priority.MONEY])
async def test_connections_that_only_cancels_may_use(priority):
    """Two of the connections are kept for cancels; whoever is beyond the number waits for its turn."""
    events = [asyncio.Event() for _ in range(20)]
    async with opened("plain", holding(events)) as watch:
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


async def test_who_goes_first():
    """Cancels go before orders, orders before reads, each in the order in which they came."""
    events = [asyncio.Event() for _ in range(8)]
    events[0].set()
    async with opened("plain", holding(events), max_connections=1, reserve=0) as watch:
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


async def test_a_deadline_while_waiting_for_a_connection():
    """Who waits for a connection until its deadline has sent nothing, and leaves its place to others."""
    events = [asyncio.Event() for _ in range(3)]
    async with opened("plain", holding(events), max_connections=1, reserve=0) as watch:
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


@pytest.mark.parametrize("steps", range(6))
async def test_a_waiter_that_is_cancelled(steps):
    """A waiter that is cancelled, even as its turn comes, gives its place to the next."""
    events = [asyncio.Event() for _ in range(3)]
    async with opened("plain", holding(events), max_connections=1, reserve=0) as watch:
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


async def test_room_for_a_new_connection():
    """Where all connections are idle and too old for an order, the oldest is closed for a new one."""
    events = [asyncio.Event() for _ in range(17)]
    async with opened("plain", holding(events), reserve=0) as watch:
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


async def test_concurrent_requests():
    """A hundred requests at once are all answered, each with its own answer, over sixteen connections at most."""

    async def talk(heard):
        while True:
            request = await heard.request()
            await heard.say(response(request.split(b" ")[1]))

    async with opened("plain", talk) as watch:
        targets = [f"/{number}" for number in range(100)]
        answers = await asyncio.gather(*(watch.send(get(watch.server.origin, target)) for target in targets))

        assert [target.encode() for target in targets] == [answer.body for answer in answers]
        assert watch.server.connections <= 16


# The connection that is kept ready


@kinds
async def test_a_connection_is_kept_ready(kind):
    """After the first order an unused connection is ready, and after the next one another."""
    async with opened(kind, answering(ANSWER), keeps_ready=True) as watch:
        clock, seen = Clock(), []
        await watch.send()
        await turns(20)
        seen.append(watch.server.connections)
        for number in range(2, 5):
            await watch.send(order(watch.server.origin), priority=Priority.MONEY)
            await until(lambda: ready_of(watch) is not None and watch.server.connections == number)  # noqa: B023
            await turns(20)
            seen.append(watch.server.connections)
            clock.advance(2 * KEEP_FOR_MONEY_SECONDS)

        # The first order shares the read's connection; the others find one that was opened before them.
        assert [1, 2, 3, 4] == seen


@kinds
async def test_a_ready_connection_is_renewed(kind):
    """A connection that is kept ready is replaced before it is old, and no longer once orders have stopped."""
    async with opened(kind, answering(ANSWER), keeps_ready=True) as watch:
        clock, known = Clock(), []
        await watch.send(priority=Priority.MONEY)
        for _ in range(3):
            await until(lambda: ready_of(watch) not in (None, *known))
            known.append(ready_of(watch))
            clock.advance(KEEP_READY_SECONDS)
        await until(lambda: ready_of(watch) not in (None, *known))
        await until(lambda: watch.server.connections == 5)
        clock.advance(READY_AFTER_MONEY_SECONDS)
        await until(lambda: not watch.own_tasks)

        assert (5, None) == (watch.server.connections, ready_of(watch))


@kinds
async def test_a_ready_connection_that_the_server_closes(kind):
    """A server that closes what carries nothing is asked again after a pause, and ever more rarely."""

    async def talk(heard):
        if heard.server.connections == 1:
            await answering(ANSWER)(heard)
        if kind == "plain":
            heard.server.requests.append(b"")

    async with opened(kind, talk, keeps_ready=True) as watch:
        clock = Clock()
        await watch.send(priority=Priority.MONEY)
        pause, seen = READY_PAUSE_SECONDS, []
        for number in range(2, 6):
            await until(lambda: watch.server.connections == number)  # noqa: B023 - used at once
            await turns(50)
            clock.advance(pause - 0.01)
            await turns(20)
            seen.append(watch.server.connections)
            clock.advance(0.02)
            pause *= 2

        assert [2, 3, 4, 5] == seen


async def test_a_ready_connection_that_the_server_closes_later():
    """A server that closes after five seconds gets a new connection at once, and from then on before five seconds."""
    close = asyncio.Event()

    async def talk(heard):
        if heard.server.connections == 1:
            await answering(ANSWER)(heard)
        elif heard.server.connections == 2:
            await close.wait()
        else:
            await heard.reader.read()

    async with opened("plain", talk, keeps_ready=True) as watch:
        clock = Clock()
        await watch.send(priority=Priority.MONEY)
        await until(lambda: ready_of(watch) is not None)
        first = ready_of(watch)
        clock.advance(5.0)
        close.set()
        await until(lambda: ready_of(watch) not in (None, first))
        second = ready_of(watch)
        clock.advance(4.0)
        await until(lambda: ready_of(watch) not in (None, second))

        assert watch.server.connections == 4


async def test_bytes_on_a_ready_connection():
    """A ready connection on which the server speaks unasked is closed, and no order goes over it."""
    speak = asyncio.Event()

    async def talk(heard):
        if heard.server.connections == 2:
            await speak.wait()
            await heard.say(response(b"early"))
            await heard.reader.read()
        await answering(ANSWER)(heard)

    async with opened("plain", talk, keeps_ready=True) as watch:
        clock = Clock()
        await watch.send(priority=Priority.MONEY)
        await until(lambda: ready_of(watch) is not None)
        clock.advance(2 * KEEP_FOR_MONEY_SECONDS)
        speak.set()
        await turns(1)
        answer = await watch.send(order(watch.server.origin), priority=Priority.MONEY)

        assert b'{"id": 1}' == answer.body


async def test_a_server_that_is_gone():
    """A ready connection that cannot be renewed is tried again after a pause, and orders say what is wrong."""
    async with serving(answering(ANSWER)) as server, lab(server, keeps_ready=True) as watch:
        clock = Clock()
        await watch.send(priority=Priority.MONEY)
        await until(lambda: ready_of(watch) is not None)
        known, watch.pool._addresses = watch.pool._addresses, Unreachable()
        watch.pool._pools[server.origin].drop_idle()
        await turns(20)
        evidence = Evidence()
        error = await failure_of(watch.send(priority=Priority.MONEY, evidence=evidence))
        watch.pool._addresses = known
        clock.advance(10 * READY_PAUSE_SECONDS)
        await until(lambda: ready_of(watch) is not None)

        assert ("looking up the name failed (gone)", True) == (str(error), evidence.nothing_left)


class Unreachable:
    """Addresses of a network that is down."""

    async def resolve(self, host, port):
        raise OSError("gone")

    def forget(self, host, port):
        """Know nothing that could be forgotten."""


def ready_of(watch):
    """Return the connection that is kept ready."""
    pools = list(watch.pool._pools.values())
    return pools[0]._ready if pools else None


# Names and addresses


def literal(*places):
    """Make a look-up that finds these places."""

    def look_up(*_, **__):
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place) for place in places]

    return look_up


async def test_a_name_is_looked_up_once(monkeypatch):
    """Requests that start together share one look-up, which is remembered for half a minute."""
    async with opened("plain", answering(ANSWER)) as watch:
        clock, asked = Clock(), []

        def look_up(host, port, *_, **__):
            asked.append(host)
            return literal(("127.0.0.1", watch.server.port))()

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        request = get(f"http://exchange.test:{watch.server.port}")
        counts = []
        for seconds in (0, addresses.REMEMBERED_SECONDS - 1, 1):
            clock.advance(seconds)
            await asyncio.gather(*(watch.send(request, fresh=True) for _ in range(5)))
            counts.append(len(asked))

        assert [1, 1, 2] == counts


async def test_a_name_that_does_not_exist(monkeypatch):
    """A name that cannot be resolved is an error of that phase, and is not remembered."""
    async with opened("plain", answering(ANSWER)) as watch:

        def look_up(*_, **__):
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        evidence, request = Evidence(), get(f"http://exchange.test:{watch.server.port}")
        error = await failure_of(watch.send(request, evidence=evidence))
        monkeypatch.setattr(socket, "getaddrinfo", literal(("127.0.0.1", watch.server.port)))

        assert (200, True, True) == ((await watch.send(request)).status, evidence.refused, evidence.nothing_left)
        assert str(error).startswith("looking up the name failed ([Errno -2] Name or service not known")


async def test_a_look_up_that_hangs(monkeypatch):
    """A deadline while the name is looked up says so; the look-up goes on for whoever comes next."""
    finish = threading.Event()
    async with opened("plain", answering(ANSWER)) as watch:

        def look_up(*_, **__):
            finish.wait()
            return literal(("127.0.0.1", watch.server.port))()

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        clock, evidence = Clock(), Evidence()
        request = get(f"http://exchange.test:{watch.server.port}")
        sending = asyncio.create_task(watch.send(request, evidence=evidence, seconds=5))
        await until(lambda: watch.pool._addresses._lookups)
        await turns(3)
        clock.advance(5)
        error = await failure_of(sending)
        finish.set()
        answer = await watch.send(request)

        assert (TimedOut, "looking up the name", True) == (type(error), error.phase, evidence.nothing_left)
        assert answer.status == 200


@pytest.mark.parametrize(
    ("seconds", "said"), [(5.0, "no answer before the deadline; connecting"), (30.0, "connecting took")]
)
async def test_a_server_that_does_not_accept(monkeypatch, seconds, said):
    """A connection that is not accepted is given up after ten seconds, or at the deadline if that comes first."""
    async with opened("plain", answering(ANSWER)) as watch:
        clock, evidence, loop = Clock(), Evidence(), asyncio.get_running_loop()
        monkeypatch.setattr(loop, "sock_connect", lambda *_: asyncio.Event().wait())
        sending = asyncio.create_task(watch.send(evidence=evidence, seconds=seconds))
        await until(lambda: watch.sockets)
        clock.advance(min(seconds, pool.CONNECT_SECONDS))
        error = await failure_of(sending)

        assert (True, True) == (str(error).startswith(said), evidence.nothing_left)


async def test_the_time_limit_of_the_system(monkeypatch):
    """A connection that the system gives up failed; no deadline has passed."""
    async with opened("plain", answering(ANSWER)) as watch:
        loop = asyncio.get_running_loop()

        async def sock_connect(*_):
            raise TimeoutError(110, "Connection timed out")

        monkeypatch.setattr(loop, "sock_connect", sock_connect)

        assert "connecting failed ([Errno 110] Connection timed out)" == str(await failure_of(watch.send()))


async def test_a_request_that_is_too_late():
    """A request whose deadline has passed is not sent, and its connection serves the next."""
    async with opened("plain", answering(ANSWER)) as watch:
        await watch.send()
        evidence = Evidence()
        error = await failure_of(watch.send(evidence=evidence, seconds=0, priority=Priority.MONEY))
        await watch.send()

        assert (TimedOut, True) == (type(error), evidence.nothing_left)
        assert (1, 2) == (watch.server.connections, len(watch.server.requests))


async def test_closing_while_a_name_is_looked_up(monkeypatch):
    """A pool that is closed waits for no look-up."""
    finish = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: finish.wait() and [])
    async with opened("plain", answering(ANSWER)) as watch:
        sending = asyncio.create_task(watch.send(get("http://exchange.test")))
        await until(lambda: watch.pool._addresses._lookups)
        await turns(3)
        await watch.pool.aclose()
        error = await failure_of(sending)
        finish.set()

    assert "looking up the name failed" in str(error)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 6, 8, 10, 15])
async def test_several_addresses(monkeypatch, steps):
    """Where an address hangs the next has its turn after a moment; whoever loses, or is cancelled, is closed."""
    async with opened("plain", answering(ANSWER)) as watch:
        dead = ("127.0.0.2", watch.server.port)
        monkeypatch.setattr(socket, "getaddrinfo", literal(dead, ("127.0.0.1", watch.server.port)))
        loop, clock = asyncio.get_running_loop(), Clock()
        really = loop.sock_connect

        async def sock_connect(opened, place):
            if place == dead:
                await asyncio.Event().wait()
            await really(opened, place)

        monkeypatch.setattr(loop, "sock_connect", sock_connect)
        request = get(f"http://exchange.test:{watch.server.port}")
        sending = asyncio.create_task(watch.send(request))
        await until(lambda: len(watch.sockets) == 1)
        clock.advance(addresses.HEAD_START_SECONDS)
        await turns(steps)
        sending.cancel()
        await asyncio.wait((sending,))
        await turns(5)
        left = watch.open_sockets

        sending = asyncio.create_task(watch.send(request, fresh=True))
        count = len(watch.sockets)
        await until(lambda: len(watch.sockets) > count)
        clock.advance(addresses.HEAD_START_SECONDS)

        assert ((await sending).status, left <= 1) == (200, True)


@pytest.mark.parametrize("order_of", [("closed", "good"), ("good", "closed"), ("closed", "closed")])
async def test_addresses_that_refuse(monkeypatch, order_of):
    """Where an address refuses the next is tried at once; if all do, the first says why."""
    async with opened("plain", answering(ANSWER)) as watch:
        places = {"good": ("127.0.0.1", watch.server.port), "closed": ("127.0.0.1", closed_port())}
        monkeypatch.setattr(socket, "getaddrinfo", literal(*dict.fromkeys(places[name] for name in order_of)))
        evidence, request = Evidence(), get(f"http://exchange.test:{watch.server.port}")
        Clock()
        if "good" in order_of:
            assert (await watch.send(request, evidence=evidence)).status == 200
        else:
            error = await failure_of(watch.send(request, evidence=evidence))

            assert (True, True) == ("Connect call failed" in str(error), evidence.nothing_left)


async def test_families_in_turn(monkeypatch):
    """Addresses of both families are tried in turn, beginning with the family that the system prefers."""
    six = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (f"::{n}", 1, 0, 0)) for n in (1, 2, 3)]
    four = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", 1)) for n in (1, 2)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [*six, *four, six[0]])
    found = await addresses.AddressCache().resolve("exchange.test", 1)

    assert ["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"] == [address.place[0] for address in found]


@pytest.mark.parametrize("kind", ["plain", "tls"])
async def test_nobody_listens(kind):
    """A port at which nobody listens refuses, and nothing was sent."""
    async with opened(kind, answering(ANSWER)) as watch:
        evidence = Evidence()
        request = get(f"{watch.server.origin.partition(':')[0]}://127.0.0.1:{closed_port()}")
        error = await failure_of(watch.send(request, priority=Priority.MONEY, evidence=evidence))

        assert (True, True, True) == ("connecting failed" in str(error), evidence.refused, evidence.nothing_left)


# TLS


@pytest.mark.parametrize(
    ("certificate", "said"),
    [("elsewhere", "IP address mismatch"), ("expired", "certificate has expired"), ("nobody", "signed certificate")],
)
async def test_a_server_that_is_somebody_else(certificate, said):
    """A server that is not trusted gets no request, and its socket is closed."""
    async with secured(presenting(certificate), answering(ANSWER)) as server, lab(server) as watch:
        evidence = Evidence()
        error = await failure_of(watch.send(priority=Priority.MONEY, evidence=evidence))
        await turns(3)

        assert (True, True, [], 0) == (said in str(error), evidence.refused, server.requests, watch.open_sockets)


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", None])
async def test_a_server_that_does_not_speak_tls(says):
    """A server that answers a handshake with something else, or closes, or is silent, gets no request."""

    async def talk(heard):
        heard.server.requests.append(await heard.reader.read(1))
        if says is None:
            await asyncio.Event().wait()
        await heard.say(says)

    async with serving(talk) as server, lab(server) as watch:
        clock, evidence = Clock(), Evidence()
        request = order(f"https://127.0.0.1:{server.port}")
        sending = asyncio.create_task(watch.send(request, priority=Priority.MONEY, evidence=evidence))
        if says is None:
            await until(lambda: server.requests)
            clock.advance(pool.CONNECT_SECONDS)
        error = await failure_of(sending)
        await turns(3)

        assert (True, 0) == (evidence.nothing_left, watch.open_sockets)
        assert ("TLS handshake" in str(error)) is (says is None or not says)


async def test_the_shared_context_is_built_in_a_thread(monkeypatch):
    """The context of clients that bring none is built once, outside the loop."""
    threads, built = [], ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def build(*, secure):
        threads.append((threading.current_thread() is threading.main_thread(), secure))
        return built

    monkeypatch.setattr(pool, "shared_context", build)
    async with secured(talk=answering(ANSWER)) as server:
        own = ConnectionPool()
        for _ in range(2):
            deadline = asyncio.get_running_loop().time() + SECONDS
            sending = own.send(get(server.origin), Evidence(), max_bytes=1, priority=Priority.READ, deadline=deadline)
            assert "CERTIFICATE_VERIFY_FAILED" in str(await failure_of(sending))
        await own.aclose()

    assert [(False, True)] == threads


# Half-dead connections


@pytest.mark.parametrize(
    ("priority", "left", "answers", "expected"),
    [
        (Priority.READ, 30.0, [], 10.0),
        (Priority.READ, 3.0, [9.0], 2.0),
        (Priority.CANCEL, 30.0, [], 1.0),
        (Priority.CANCEL, 30.0, [0.1, 0.1, 9.0], 1.0),
        (Priority.CANCEL, 30.0, [0.1, 0.4, 9.0], 2.0),
        (Priority.MONEY, 30.0, [0.1], None),
    ],
)
async def test_how_long_a_silence_is(priority, left, answers, expected):
    """A read waits for a third of its time, a cancel for five answers; an order is never given up early."""
    own = ConnectionPool()
    own._pool("http://127.0.0.1").answer_seconds.extend(answers)

    assert expected == own.silence_seconds("http://127.0.0.1", priority, left)


async def test_a_fresh_connection_is_not_given_up_early(monkeypatch):
    """A connection that was opened for its request is never silent, however long its TLS handshake took."""
    monkeypatch.setattr(pool, "KEEP_FOR_MONEY_SECONDS", 0.0)  # none counts as just opened by its age
    answers = asyncio.Event()

    async def talk(heard):
        await heard.request()
        await answers.wait()
        await heard.say(ANSWER)

    async with opened("plain", talk) as watch:
        clock = Clock()
        sending = asyncio.create_task(watch.send(silent_after=2.0, fresh=True))
        await until(lambda: len(watch.server.requests) == 1)
        clock.advance(2.0)
        answers.set()

        assert 200 == (await sending).status


async def test_a_look_up_without_a_thread(monkeypatch):
    """If no thread can be started for the look-up of a name, nothing has left."""

    def refuse(*_):
        raise RuntimeError("can't start new thread")

    own, evidence = ConnectionPool(), Evidence()
    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", refuse)
    deadline = asyncio.get_running_loop().time() + SECONDS
    lost = await failure_of(
        own.send(get("http://a.example"), evidence, max_bytes=1, priority=Priority.MONEY, deadline=deadline)
    )
    await own.aclose()

    assert ("can't start new thread" in str(lost), True) == (True, evidence.nothing_left)


async def test_where_one_connection_is_dead_the_others_are_too():
    """After a connection died in silence no idle one is used: they were cut at the same time."""

    async def talk(heard):
        await heard.request()
        await heard.say(ANSWER)
        await heard.request()
        await asyncio.Event().wait()

    async with opened("plain", talk) as watch:
        clock = Clock()
        await asyncio.gather(*(watch.send() for _ in range(3)))
        sending = asyncio.create_task(watch.send(silent_after=2.0))
        await until(lambda: len(watch.server.requests) == 4)
        clock.advance(2.0)
        await failure_of(sending)
        answer = await watch.send()

        assert (200, 4) == (answer.status, watch.server.connections)


# The end


@kinds
async def test_closing(kind):
    """A closed pool has no socket and no task; what is under way is lost, and says so."""

    async def talk(heard):
        while True:
            await heard.request()
            if len(heard.server.requests) == 4:
                await asyncio.Event().wait()
            await heard.say(ANSWER)

    async with opened(kind, talk, keeps_ready=True) as watch:
        before = watch.pool.is_open
        for priority in (Priority.READ, Priority.MONEY, Priority.READ):
            await watch.send(priority=priority)
        evidence = Evidence()
        sending = asyncio.create_task(watch.send(evidence=evidence))
        await until(lambda: len(watch.server.requests) == 4)
        during = watch.pool.is_open
        await watch.pool.aclose()

        assert (False, True, False, 0) == (before, during, watch.pool.is_open, watch.open_sockets)
        assert ("the connection was closed", False) == (
            str(await failure_of(sending))[:25],
            evidence.nothing_left,
        )


async def test_a_closed_pool_opens_again():
    """A pool that was closed can be used again: closing has left nothing behind."""
    async with opened("plain", answering(ANSWER)) as watch:
        await watch.send()
        await watch.pool.aclose()

        assert (await watch.send()).status == 200


def test_a_loop_that_is_closed():
    """A pool whose loop is closed can be closed in another one."""
    own = ConnectionPool(keeps_ready=True)

    async def use():
        async with serving(answering(ANSWER)) as server:
            deadline = asyncio.get_running_loop().time() + SECONDS
            await own.send(get(server.origin), Evidence(), max_bytes=99, priority=Priority.READ, deadline=deadline)
            await own._pools[server.origin].aclose()

    asyncio.run(use())
    asyncio.run(own.aclose())

    assert not own.is_open


async def test_tasks_that_are_cancelled_from_outside():
    """Whoever cancels every task of the process harms the requests that were under way, and no other."""
    async with opened("plain", answering(ANSWER), keeps_ready=True) as watch:
        for _ in range(20):
            sending = [asyncio.create_task(watch.send(priority=Priority.MONEY)) for _ in range(20)]
            await turns(4)
            for task in watch.own_tasks:
                task.cancel()
            await asyncio.wait(sending)
        await turns(5)
        leased = watch.pool._pools[watch.server.origin]._in_use

        assert (0, 200) == (leased, (await watch.send(priority=Priority.MONEY)).status)


# What is not sent


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
