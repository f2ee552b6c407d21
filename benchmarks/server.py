"""A server on loopback that answers at once, in a process of its own: what it takes is nobody's cost.

It reads no more of a request than where it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from data import BALANCE_BITSO, BALANCE_BITSTAMP, TICKER

__all__ = ["serving"]

ANSWERS = {
    b"/api/v2/ticker/btcusd/": TICKER,
    b"/api/balance/": BALANCE_BITSTAMP,
    b"/api/v3/balance/": BALANCE_BITSO,
    b"/api/v3/balance": BALANCE_BITSO,
}
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


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
            body = ANSWERS[head.split(b" ", 2)[1]]
            self._transport.write(_HEAD % len(body) + body)


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Run the server; gives its base URL."""
    command = [sys.executable, str(Path(__file__).resolve())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - this very file
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Answerer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
