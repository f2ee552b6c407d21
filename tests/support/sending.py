"""One request over a transport, and its result."""

import asyncio
import gzip
import socket

import pytest

from exchanges.errors import ExchangeError, NotSent
from exchanges.http.answer import Evidence, Lost
from exchanges.http.request import Request
from exchanges.limits.limiter import Priority

MAX_BYTES = 100_000
SECONDS = 20.0
BOMB = gzip.compress(bytes(50_000_000))


def request_to(origin, target="/a", verb="GET", headers=(), body=b""):
    """Return a request."""
    return Request(verb, origin, target, headers, body)


async def send(
    transport, origin, *, priority=Priority.READ, evidence=None, max_bytes=MAX_BYTES, cutter=None, **options
):
    """Send one request."""
    return await transport.send(
        request_to(origin, **options),
        evidence or Evidence(),
        max_bytes=max_bytes,
        priority=priority,
        deadline=asyncio.get_running_loop().time() + SECONDS,
        cutter=cutter,
    )


async def lost(transport, origin, *, priority=Priority.MONEY):
    """Send one request that gets no complete answer; return the error and the evidence."""
    evidence = Evidence()
    with pytest.raises(Lost) as caught:
        await send(transport, origin, priority=priority, evidence=evidence)
    return caught.value, evidence


async def error_of_sent(call, seconds):
    """Return the error of a call with a deadline of *seconds*, which is doubled until the request is sent.

    On a busy machine a short deadline may pass before there is a connection.
    """
    while True:
        with pytest.raises(ExchangeError) as caught:
            await call(seconds)
        if not isinstance(caught.value, NotSent):
            return caught.value
        seconds *= 2


def closed_port():
    """Return a port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


async def send_by(sender, request, *, evidence=None, seconds=SECONDS, max_bytes=MAX_BYTES):
    """Send one request."""
    deadline = asyncio.get_running_loop().time() + seconds
    return await sender.send(
        request, evidence or Evidence(), max_bytes=max_bytes, priority=Priority.MONEY, deadline=deadline
    )


async def failure_of(sending, kind=Lost):
    """Return what a request fails with."""
    with pytest.raises(kind) as caught:
        await sending
    return caught.value
