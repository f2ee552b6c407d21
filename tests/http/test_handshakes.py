"""TLS handshakes with servers that are not what they should be."""

import asyncio
import gc
import ssl
import threading

import pytest

from exchanges.http import pool
from exchanges.http.answer import Evidence
from exchanges.http.pool import ConnectionPool
from exchanges.limits.limiter import Priority
from tests.support.own_connections import (
    KINDS,
    SECONDS,
    Clock,
    get,
    lab,
    order,
    turns,
    until,
)
from tests.support.raw_server import answering, response, serving
from tests.support.sending import failure_of
from tests.support.tls_servers import presenting, secured

kinds = pytest.mark.parametrize("kind", KINDS)
ANSWER = response(b'{"id": 1}')


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


@pytest.mark.parametrize("ends", ["deadline", "cancelled"])
async def test_a_handshake_that_is_given_up(ends):
    """A deadline, or a cancellation, in the handshake leaves no socket to the garbage collector."""

    async def talk(heard):
        heard.server.requests.append(await heard.reader.read(1))
        await asyncio.Event().wait()

    async with serving(talk) as server, lab(server) as watch:
        clock, evidence = Clock(), Evidence()
        gc.disable()
        try:
            for number in range(1, 6):
                sending = asyncio.create_task(
                    watch.send(order(f"https://127.0.0.1:{server.port}"), evidence=evidence, seconds=5.0)
                )
                await until(lambda: len(server.requests) == number)  # noqa: B023 - used at once
                if ends == "cancelled":
                    sending.cancel()
                clock.advance(5.0)
                await asyncio.wait((sending,))
                await turns(3)
        finally:
            gc.enable()

        assert (5, 0) == (len(watch.sockets), watch.open_sockets)
        assert evidence.nothing_left
        assert ends == "cancelled" or sending.exception().phase == "TLS handshake"


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
