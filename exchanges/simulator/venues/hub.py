"""All sockets of a simulator.

All exchanges are at one address here, so the path decides who answers (``/bitso``, ``/bitstamp``), or else the first
message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING

from exchanges.simulator.engine.arithmetic import calculates
from exchanges.simulator.faults.stream_points import Place, StreamFault
from exchanges.simulator.http.messages import HttpAnswer
from exchanges.simulator.record import Venue
from exchanges.simulator.venues.stream_faults import StreamFaults
from exchanges.simulator.venues.streams import UNREADABLE, Streams
from exchanges.wire import Deviation, Json, loads

if TYPE_CHECKING:
    from exchanges.simulator.http.websocket import Socket

TICK_SECONDS = 0.05
"""How often frames are sent while the clock runs by itself."""
REFUSALS = (403, 429, 503)


class Hub:
    """All sockets of a simulator; told of them as the `Receiver` of the server.

    Args:
        streams: By exchange.
        now_ms: The simulated clock, in milliseconds since 1970.
        faults: Draws what fails.
    """

    def __init__(self, streams: Mapping[Venue, Streams], now_ms: Callable[[], int], faults: StreamFaults) -> None:
        for each in streams.values():
            each.use(faults)
        self._streams = streams
        self._now_ms = now_ms
        self._undecided: set[Socket] = set()
        self._drawn: tuple[StreamFault, Random] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def refusal(self, target: str) -> HttpAnswer | None:
        """Return the answer to a request for a socket that is refused; None: it is not."""
        streams = self._named(target) or next(iter(self._streams.values()))
        self._drawn = drawn = streams.faults.draw(Place.UPGRADE)
        status = streams.refused
        if drawn is not None:
            streams.faults.struck(drawn[0])
            if drawn[0] is StreamFault.REFUSE_UPGRADE:
                status = drawn[1].choice(REFUSALS)
        return None if status is None else HttpAnswer(status, b"no sockets now", "text/plain")

    @property
    def delay_seconds(self) -> float:
        """How long the handshake of the socket takes about which `refusal` was asked."""
        is_slow = self._drawn is not None and self._drawn[0] is StreamFault.SLOW_UPGRADE
        return next(iter(self._streams.values())).faults.slow_ms / 1000 if is_slow else 0.0

    def _named(self, target: str) -> Streams | None:
        """Return the exchange that a path names, or the only one."""
        parts = target.partition("?")[0].split("/")
        named = [streams for venue, streams in self._streams.items() if venue.value in parts]
        found = named or (list(self._streams.values()) if len(self._streams) == 1 else [])
        return found[0] if found else None

    @calculates
    def opened(self, socket: Socket) -> None:
        """Add a socket to the exchange that its path names."""
        if (streams := self._named(socket.target)) is not None:
            streams.open(socket, self._now_ms())
        else:
            self._undecided.add(socket)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)
        if self._drawn is not None and self._drawn[0] is StreamFault.CLOSE_AFTER_UPGRADE:
            socket.hang_up()

    @calculates
    def received(self, socket: Socket, message: str | bytes) -> None:
        """Pass a message to the exchange, which answers it."""
        value = _read(message)
        if socket in self._undecided:
            # Bitso's requests have an action, Bitstamp's an event.
            venue = Venue.BITSO if isinstance(value, dict) and "action" in value else Venue.BITSTAMP
            if venue not in self._streams:
                return
            self._undecided.discard(socket)
            self._streams[venue].open(socket, self._now_ms())
        streams = next(streams for streams in self._streams.values() if socket in streams.clients)
        self.run()
        client = streams.clients[socket]
        client.received_bytes = len(message.encode() if isinstance(message, str) else message)
        streams.receive(client, value, self._now_ms())

    @calculates
    def closed(self, socket: Socket) -> None:
        """Remove a socket."""
        self._undecided.discard(socket)
        for streams in self._streams.values():
            streams.close(socket)
        if not self._has_sockets:
            self.stop()

    @calculates
    def run(self) -> None:
        """Send what is due by now."""
        for streams in self._streams.values():
            if streams.clients:
                streams.run_until(self._now_ms())

    def stop(self) -> None:
        """Send nothing more by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def _has_sockets(self) -> bool:
        return bool(self._undecided or any(streams.clients for streams in self._streams.values()))

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)
        self.run()


def _read(message: str | bytes) -> Json:
    try:
        return loads(message.encode() if isinstance(message, str) else message)
    except Deviation:
        return UNREADABLE
