"""A client's socket at the simulator: `websockets` alone, and JSON."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from exchanges.simulator import Simulator

PATIENCE_SECONDS = 20.0
"""How long a frame may take on a busy machine; no test waits that long for something that does not come."""


class Wire:
    """One socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: object) -> None:
        """Send JSON, or a text as it is."""
        await self.connection.send(message if isinstance(message, str) else json.dumps(message))

    async def next(self) -> Any:
        """Return the next frame."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return json.loads(await self.connection.recv())

    async def until_closed(self) -> list[Any]:
        """Return all frames before the end of the socket."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            frames = []
            with suppress(ConnectionClosed):
                while True:
                    frames.append(json.loads(await self.connection.recv()))
            return frames

    async def ask(self, message: object) -> Any:
        """Send, and return the next frame."""
        await self.send(message)
        return await self.next()

    async def subscribe(self, channel: str, **data: str) -> Any:
        """Subscribe to a channel of Bitstamp."""
        return await self.ask({"event": "bts:subscribe", "data": {"channel": channel, **data}})

    async def follow(self, book: str, kind: str) -> Any:
        """Subscribe to a channel of Bitso."""
        return await self.ask({"action": "subscribe", "book": book, "type": kind})

    async def until_beat(self) -> list[Any]:
        """Return all frames before the answer to a heartbeat of Bitstamp."""
        await self.send({"event": "bts:heartbeat"})
        frames = []
        while (frame := await self.next()).get("event") != "bts:heartbeat":
            frames.append(frame)
        return frames

    async def until_refusal(self) -> list[Any]:
        """Return all frames before the answer of Bitso to a message that it cannot read."""
        await self.send("what?")
        frames = []
        while (frame := await self.next()).get("error") != "invalid message":
            frames.append(frame)
        return frames


@asynccontextmanager
async def wired(sim: Simulator, path: str = "/bitstamp") -> AsyncIterator[Wire]:
    """Open a socket while the block lasts."""
    url = sim.base_url.replace("http", "ws") + path
    async with connect(url, proxy=None, compression=None, ping_interval=None, close_timeout=0.2) as connection:
        yield Wire(connection)
