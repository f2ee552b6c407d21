"""Name resolution, and connecting to the first address that answers."""

import asyncio
import socket
import threading

import pytest

from exchanges.http import addresses, pool
from exchanges.http.answer import Evidence, TimedOut
from exchanges.limits.limiter import Priority
from tests.support.own_connections import (
    KINDS,
    Clock,
    get,
    literal,
    opened,
    turns,
    until,
)
from tests.support.raw_server import answering, response
from tests.support.sending import closed_port, failure_of

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


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


async def test_an_attempt_that_is_cancelled_from_outside(monkeypatch):
    """An attempt to connect whose task is cancelled from outside counts as failed; the next address is tried."""
    async with opened("plain", answering(ANSWER)) as watch:
        dead = ("127.0.0.2", watch.server.port)
        monkeypatch.setattr(socket, "getaddrinfo", literal(dead, ("127.0.0.1", watch.server.port)))
        loop = asyncio.get_running_loop()
        really = loop.sock_connect

        async def sock_connect(connecting, place):
            if place == dead:
                asyncio.current_task().cancel()
                await asyncio.Event().wait()
            await really(connecting, place)

        monkeypatch.setattr(loop, "sock_connect", sock_connect)
        Clock()

        assert 200 == (await watch.send(get(f"http://exchange.test:{watch.server.port}"))).status


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
