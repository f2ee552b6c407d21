"""A server on loopback that answers at once, in a process of its own: what it takes is nobody's cost.

It reads no more of a request than where it ends. A relay in front of it delays whatever passes.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import functools
import itertools
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

from data import BALANCE_BITSO, BALANCE_BITSTAMP, TICKER, archive

__all__ = ["ARCHIVE_ROWS", "relaying", "serving"]

ANSWERS = {
    b"/api/v2/ticker/btcusd/": TICKER,
    b"/api/balance/": BALANCE_BITSTAMP,
    b"/api/v3/balance/": BALANCE_BITSO,
    b"/api/v3/balance": BALANCE_BITSO,
}
ARCHIVE_ROWS = 200_000
_ARCHIVE = b"/api-v1/rest/btc_usd/market/transactions_archive"
CERTIFICATE = Path(__file__).parent.parent / "tests" / "certificates" / "here.pem"
# An id may not come twice: an answer that names what an earlier call made is not believed.
_NUMBERS = itertools.count(1)
_ORDER = b'{"id": %d, "datetime": "2013-09-26 23:15:04", "type": 0, "price": "1", "amount": "1"}'
COARSE_SECONDS = 0.002
"""The timers of a loop are late by up to a millisecond: for so long before its time a piece is polled for."""
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


@functools.cache
def _answer(path: bytes) -> bytes:
    """Return the answer to a path; the archive, which takes long to build, only where it is asked for."""
    return archive(ARCHIVE_ROWS).body if path == _ARCHIVE else ANSWERS[path]


class _Answerer(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            _, found, length = head.partition(b"content-length:")
            whole = end + 4 + (int(length.split(b"\r\n")[0]) if found else 0)
            if len(self._received) < whole:
                return
            self._received = self._received[whole:]
            path = head.split(b" ", 2)[1]
            body = _ORDER % next(_NUMBERS) if path == b"/api/buy/" else _answer(path)
            self._transport.write(_HEAD % len(body) + body)


class _Relay(asyncio.Protocol):
    """One direction of a relayed connection."""

    def __init__(self, delay: float, other: asyncio.Future[asyncio.Transport]) -> None:
        self._delay, self._other, self._loop = delay, other, asyncio.get_running_loop()
        self._held = collections.deque[tuple[float, Callable[[asyncio.Transport], None]]]()

    def data_received(self, data: bytes) -> None:
        self._hold(lambda transport: transport.write(data))

    def connection_lost(self, _: Exception | None) -> None:
        self._hold(lambda transport: transport.close())

    def _hold(self, action: Callable[[asyncio.Transport], None]) -> None:
        self._held.append((self._loop.time() + self._delay, action))
        if len(self._held) == 1:
            self._pass_on()

    def _pass_on(self) -> None:
        """Pass on what is due, and wait for the next piece."""
        while self._held and (left := self._held[0][0] - self._loop.time()) <= 0:
            _, action = self._held.popleft()
            self._other.add_done_callback(lambda other, action=action: action(other.result()))
        if not self._held:
            return
        if left > COARSE_SECONDS:
            self._loop.call_later(left - COARSE_SECONDS, self._pass_on)
        else:
            self._loop.call_soon(self._pass_on)


class _Entrance(_Relay):
    """What a client connects to."""

    def __init__(self, delay: float, port: int) -> None:
        super().__init__(delay, asyncio.get_running_loop().create_future())
        self._port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        back: asyncio.Future[asyncio.Transport] = self._loop.create_future()
        back.set_result(cast("asyncio.Transport", transport))
        self._opening = self._loop.create_task(self._open(back))

    async def _open(self, back: asyncio.Future[asyncio.Transport]) -> None:
        opened, _ = await self._loop.create_connection(lambda: _Relay(self._delay, back), "127.0.0.1", self._port)
        self._other.set_result(opened)


def serving(*, secure: bool = False) -> AbstractContextManager[str]:
    """Run the server; gives its base URL."""
    return _running("https" if secure else "http", *(["secure"] if secure else []))


def relaying(base_url: str, delay: float) -> AbstractContextManager[str]:
    """Run a relay that holds back for *delay* seconds whatever passes; gives its base URL."""
    scheme, _, port = base_url.replace("://127.0.0.1", "").partition(":")
    return _running(scheme, port, str(delay))


@contextlib.contextmanager
def _running(scheme: str, *arguments: str) -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).resolve()), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - this very file
        try:
            assert process.stdout is not None
            yield f"{scheme}://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


async def _serve(arguments: list[str]) -> None:
    context, factory = None, _Answerer
    if len(arguments) == 1:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
    elif arguments:
        factory = functools.partial(_Entrance, float(arguments[1]), int(arguments[0]))
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1:]))
