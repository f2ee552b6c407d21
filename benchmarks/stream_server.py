"""A server on loopback as Bitstamp's for one order book, in a process of its own: what it takes is nobody's cost.

It sends frames of changes to who has subscribed, or to who asks for them without a subscription, when it is told to.
The moment of a frame is that at which it is sent, by the monotonic clock of the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen
from stream_data import Market, frame
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

__all__ = ["Served", "serving"]

LEVELS, CHANGES = 1_000, 10
SECONDS = 0.005
"""From one frame to the next."""
MARKETS = json.dumps([{
    "name": "BTC/USD", "market_symbol": "btcusd", "base_currency": "BTC", "base_decimals": 8,
    "counter_currency": "USD", "counter_decimals": 2, "minimum_order_value": "10", "trading": "Enabled",
    "instant_order_counter_decimals": 2, "instant_and_market_orders": "Enabled", "description": "Bitcoin / US dollar",
    "market_type": "SPOT",
}])  # fmt: skip


@frozen
class Served:
    """Where the server is, and how it states moments.

    Attributes:
        port: On 127.0.0.1.
        epoch: What its moments, in microseconds, are ahead of the monotonic clock.
    """

    port: int
    epoch: int

    def now(self) -> int:
        """Return the present as the server would state it."""
        return self.epoch + time.monotonic_ns() // 1000


@contextlib.contextmanager
def serving() -> Iterator[Served]:
    """Run the server."""
    command = [sys.executable, str(Path(__file__).resolve())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - this very file
        try:
            assert process.stdout is not None
            yield Served(*map(int, process.stdout.readline().split()))
        finally:
            process.kill()


class _Exchange:
    def __init__(self) -> None:
        self.served = Served(0, (time.time_ns() - time.monotonic_ns()) // 1000)
        self._market = Market(LEVELS, CHANGES)
        self._at = self.served.now()
        self._subscriber: ServerConnection | None = None

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer what is no stream."""
        path = request.path.split("?")[0]
        if path == "/api/v2/markets/":
            body = MARKETS
        elif path == "/api/v2/order_book/btcusd/":
            body = self._book()
        else:
            return None
        response = connection.respond(200, body)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response

    def _book(self) -> str:
        sides = (
            sorted(side.items(), key=lambda row: float(row[0]), reverse=is_bids)
            for side, is_bids in zip(self._market.sides, (True, False), strict=True)
        )
        rows = [[[price, amount, "1"] for price, amount in side] for side in sides]
        moment = str(self._at)
        return json.dumps({"timestamp": moment[:10], "microtimestamp": moment, "bids": rows[0], "asks": rows[1]})

    async def handle(self, connection: ServerConnection) -> None:
        """Do what a client asks for."""
        async for message in connection:
            asked = json.loads(message)
            match asked["event"]:
                case "bts:subscribe":
                    self._subscriber, channel = connection, asked["data"]["channel"]
                    answer = {"event": "bts:subscription_succeeded", "channel": channel, "data": {}}
                    await connection.send(json.dumps(answer))
                case "bts:heartbeat":
                    await connection.send('{"event":"bts:heartbeat","channel":"","data":{"status":"success"}}')
                case "bench:send":
                    is_subscriber = asked["to"] == "subscriber" and self._subscriber is not None
                    await self._send(self._subscriber if is_subscriber else connection, asked["frames"])

    async def _send(self, connection: ServerConnection | None, frames: int) -> None:
        assert connection is not None
        # What one receives that has no book changes nothing for the one that has.
        market = self._market if connection is self._subscriber else Market(LEVELS, CHANGES)
        due = time.monotonic()
        for _ in range(frames):
            due += SECONDS
            await asyncio.sleep(due - time.monotonic())
            # An order book that is asked for must not show what no frame has said.
            rows, at = market.change(), max(self._at + 1, self.served.now())
            if market is self._market:
                self._at = at
            await connection.send(frame(rows, at), text=True)


async def _serve() -> None:
    exchange = _Exchange()
    async with serve(
        exchange.handle, "127.0.0.1", 0, process_request=exchange.answer, compression=None, ping_interval=None
    ) as server:
        print(server.sockets[0].getsockname()[1], exchange.served.epoch, flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
