"""A simulator without delay or limits, and a plain HTTP client for it."""

import asyncio

import pytest

from exchanges.simulator import Simulator
from tests.support.simulator_calls import plain_http, simulated


@pytest.fixture
async def sim():
    """All three venues."""
    async with simulated() as simulator:
        yield simulator


@pytest.fixture
async def http(sim: Simulator):
    """A plain HTTP client."""
    async with plain_http(sim.base_url) as client:
        yield client


@pytest.fixture
async def raw_posts():
    """A server that answers each request with 204, and what it received."""
    received: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        received.append(head + await reader.readexactly(int(length.partition(b":")[2])))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", received
