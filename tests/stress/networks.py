"""Processes with networks of their own, as on other hosts: what they reach goes through sockets of the file system."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def leave_network() -> bool:
    """Move this process into a network with nothing but a loopback; return whether the system allows it."""
    try:
        unshare = ctypes.CDLL(None, use_errno=True).unshare
    except (OSError, AttributeError):
        return False
    # As root the network alone; others need a user namespace for it.
    if unshare(CLONE_NEWNET) and unshare(CLONE_NEWUSER | CLONE_NEWNET):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("16sh22x", b"lo", 0)
        try:
            (flags,) = struct.unpack_from("h", fcntl.ioctl(probe, SIOCGIFFLAGS, request), 16)
            fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))
        except OSError:
            return False
    return True


def are_available() -> bool:
    """Whether processes can have networks of their own here."""
    code = f"import sys; from {__name__} import leave_network; sys.exit(not leave_network())"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@asynccontextmanager
async def own_network(port: int, path: str) -> AsyncIterator[None]:
    """Leave the network, and pass what comes to *port* of the new loopback on to the socket at *path*."""
    if not leave_network():
        raise OSError("this process cannot leave the network")
    serve = _passing(lambda: asyncio.open_unix_connection(path))
    async with await asyncio.start_server(serve, "127.0.0.1", port):
        yield


@asynccontextmanager
async def relay(path: str, port: int) -> AsyncIterator[None]:
    """Pass what comes to the socket at *path* on to *port* of this loopback."""
    serve = _passing(lambda: asyncio.open_connection("127.0.0.1", port))
    async with await asyncio.start_unix_server(serve, path):
        yield


def _passing(connect: Callable[[], Awaitable[Streams]]) -> Callable[..., Awaitable[None]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            theirs, ours = await connect()
            await asyncio.wait(
                [asyncio.ensure_future(_pass(reader, ours)), asyncio.ensure_future(_pass(theirs, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
            ours.transport.abort()
        writer.transport.abort()

    return serve


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
