"""The sockets of a simulated exchange: who has subscribed to what, and what is sent when.

A `Streams` belongs to one exchange and speaks as it does; what a channel shows is a `Feed`, which draws on the engine:
the log of a book, trades, events of orders. Feeds follow the simulated clock: `Streams.run_until` goes step by step, so
that a test which moves the clock by a minute gets the frames of that minute.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, ClassVar

from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.prices import STEP_MS
from exchanges.simulator.engine.snapshots import Shared
from exchanges.simulator.faults.stream_points import Place, StreamFault
from exchanges.simulator.venues.feeds import Feed
from exchanges.simulator.venues.stream_faults import DELIVERIES, Client, Frame, StreamFaults, Strike
from exchanges.wire import Json, dumps

if TYPE_CHECKING:
    from exchanges.simulator.http.websocket import Socket

MOST_MS = 600_000
"""When the clock jumps further than this, the time before is not played step by step."""

UNREADABLE = ""
"""Stands for a message that is no JSON."""


class Streams(Shared, ABC):
    """The sockets of one exchange.

    Args:
        engine: Whose books and orders are shown.

    Attributes:
        clients: By socket.
        opened: How many sockets were ever opened.
        asked: How many subscriptions were ever confirmed, by name of the channel.
        dropped: How many of the next frames are lost, by name of the channel.
        refused: Status by which new sockets are refused; None: they are not.
        faults: Draws what fails.
        at_ms: Until when everything was sent, in milliseconds since 1970.
    """

    feeds: ClassVar[tuple[type[Feed], ...]] = ()

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clients: dict[Socket, Client] = {}
        self.opened = 0
        self.asked: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.refused: int | None = None
        self.faults = StreamFaults()
        self._active: dict[str, Feed] = {}
        self.at_ms = 0

    @abstractmethod
    def refuse(self, client: Client, now_ms: int) -> None:
        """Refuse something without a name."""

    @abstractmethod
    def confirm(self, client: Client, name: str, now_ms: int) -> None:
        """Confirm a subscription."""

    @abstractmethod
    def distort(self, fault: StreamFault, name: str, frame: Frame) -> Frame | None:
        """Return a frame of a book as a fault changes it; None where the fault has nothing to change."""

    @abstractmethod
    def receive(self, client: Client, message: Json, now_ms: int) -> None:
        """Answer a message; `UNREADABLE` is one that was no JSON."""

    @abstractmethod
    def feed(self, name: str, now_ms: int) -> Feed | None:
        """Create the feed of a channel; None for one that is silent."""

    @abstractmethod
    def wrap(self, name: str, frame: Frame) -> Frame:
        """Return a frame of a channel in the envelope of the exchange."""

    @abstractmethod
    def beat(self, client: Client, before_ms: int, now_ms: int) -> None:
        """Send a sign of life if one was due since *before_ms*."""

    def use(self, faults: StreamFaults) -> None:
        """Draw what fails from *faults*."""
        self.faults = faults
        self.engine.snapshot_age_ms = self._snapshot_age_ms

    def _snapshot_age_ms(self) -> int:
        """Draw how much too old the next snapshot is."""
        if (drawn := self.faults.draw(Place.SNAPSHOT)) is None:
            return 0
        self.faults.struck(drawn[0])
        return round(1000 * drawn[1].uniform(0, self.faults.plan.faults.old_seconds))

    # Clients

    def open(self, socket: Socket, now_ms: int) -> None:
        """Add a client."""
        if not self.clients:
            self.at_ms = now_ms
        self.clients[socket] = Client(socket, now_ms)
        self.opened += 1

    def close(self, socket: Socket) -> None:
        """Remove a client."""
        client = self.clients.pop(socket, None)
        if client is not None:
            for name in tuple(client.names):
                self.unsubscribe(client, name)

    def subscribe(self, client: Client, name: str, now_ms: int) -> None:
        """Send a client the frames of a channel from now on."""
        if name not in self._active and (feed := self.feed(name, now_ms)) is not None:
            self._active[name] = feed
        client.names[name] += 1
        client.dead.discard(name)
        self.asked[name] += 1

    def admit(self, client: Client, name: str, now_ms: int) -> None:
        """Confirm a subscription and begin it, unless a fault has it otherwise."""
        drawn = self.faults.draw(Place.SUBSCRIPTION)
        fault = None if drawn is None else drawn[0]
        if fault is not None:
            self.faults.struck(fault)
        if fault is StreamFault.NAMELESS_ERROR:
            self.refuse(client, now_ms)
            return
        if fault is StreamFault.LATE_ACK:
            self.engine.scheduler.at(now_ms + self.faults.slow_ms, lambda at_ms: self.confirm(client, name, at_ms))
        elif fault is not StreamFault.NO_ACK:
            self.confirm(client, f"{name}x" if fault is StreamFault.WRONG_ACK else name, now_ms)
        self.subscribe(client, name, now_ms)
        if fault is StreamFault.SILENT_ACK:
            client.dead.add(name)

    def unsubscribe(self, client: Client, name: str) -> None:
        """Stop sending a client the frames of a channel; the last one ends its feed."""
        client.names.pop(name, None)
        if name in self._active and not any(name in other.names for other in self.clients.values()):
            self._active.pop(name).stop()

    # Time

    def run_until(self, now_ms: int) -> None:
        """Pass time for the exchange, and send what is due."""
        if now_ms - self.at_ms > MOST_MS:
            self.at_ms = now_ms - MOST_MS
        while self.at_ms + STEP_MS < now_ms:
            self._step((self.at_ms // STEP_MS + 1) * STEP_MS)
        self._step(now_ms)

    def _step(self, now_ms: int) -> None:
        before_ms, self.at_ms = self.at_ms, max(self.at_ms, now_ms)
        self.engine.pass_time(self.at_ms)
        for name, feed in tuple(self._active.items()):
            for frame in feed.frames(self.at_ms):
                self.broadcast(name, frame)
        for client in tuple(self.clients.values()):
            self.beat(client, before_ms, self.at_ms)
            client.release(self.at_ms)
            if client.ends_ms is not None and client.ends_ms[0] <= self.at_ms:
                self._end(client, client.ends_ms[1])

    def broadcast(self, name: str, frame: Frame) -> None:
        """Send a frame of a channel to all who are subscribed."""
        if self.dropped[name]:
            self.dropped[name] -= 1
            return
        wrapped: Frame | None = self.wrap(name, frame)
        if (drawn := self.faults.draw(Place.SENDING)) is not None:
            wrapped = self._distorted(drawn[0], name, self.wrap(name, frame))
        if wrapped is None:
            return
        data = dumps(wrapped)
        for client in tuple(self.clients.values()):
            if name in client.names and name not in client.dead:
                self._deliver(client, name, data)

    def _distorted(self, fault: StreamFault, name: str, frame: Frame) -> Frame | None:
        changed = None if fault is StreamFault.LOSE_FRAME else self.distort(fault, name, frame)
        if changed is None and fault is not StreamFault.LOSE_FRAME:
            return frame
        self.faults.struck(fault)
        return changed

    def _deliver(self, client: Client, name: str, data: bytes) -> None:
        drawn = self.faults.draw(Place.DELIVERY)
        if drawn is None:
            client.deliver(data)
            return
        fault, random = drawn
        self.faults.struck(fault)
        DELIVERIES[fault](Strike(client, name, data, self.at_ms, self.faults, random, self.move()))

    def ask_to_move(self, cut_after_ms: int | None) -> None:
        """Ask all clients for a new connection; end theirs a while later, or not at all."""
        for client in self.clients.values():
            if (frame := self.move()) is not None:
                client.send(frame)
            if cut_after_ms is not None:
                client.ends_ms = self.at_ms + cut_after_ms, 0

    def move(self) -> Frame | None:
        """Return the frame that asks for a new connection; None where there is none."""
        return None

    @staticmethod
    def _end(client: Client, code: int) -> None:
        client.ends_ms = None
        if code:
            client.socket.close(code)
        else:
            client.socket.hang_up()
