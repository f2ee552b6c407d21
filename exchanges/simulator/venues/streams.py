"""The sockets of a simulated exchange: who has subscribed to what, and what is sent when.

A `Streams` belongs to one exchange and speaks as it does; what a channel shows is a `Feed`, which draws on the engine:
the log of a book, trades, events of orders. Feeds follow the simulated clock: `Streams.run_until` goes step by step, so
that a test which moves the clock by a minute gets the frames of that minute.

The `Hub` has all sockets of the simulator. All exchanges are at one address here, so the path decides who answers
(``/bitso``, ``/bitstamp``), or else the first message.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, TypeAlias, TypeVar

from attrs import define, field

from exchanges.simulator.engine.book_log import BookState
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.prices import STEP_MS, Trade, hashed
from exchanges.simulator.engine.snapshots import Shared
from exchanges.simulator.http.messages import HttpAnswer
from exchanges.simulator.record import Venue
from exchanges.wire import Deviation, Json, dumps, loads

if TYPE_CHECKING:
    from exchanges.simulator.http.websocket import Socket

TICK_SECONDS = 0.05
"""How often frames are sent while the clock runs by itself."""
MOST_MS = 600_000
"""When the clock jumps further than this, the time before is not played step by step."""

UNREADABLE = ""
"""Stands for a message that is no JSON."""

Frame: TypeAlias = dict[str, Json]


class Feed(ABC):
    """What one channel shows while somebody is subscribed to it.

    Attributes:
        channel: Id of the declared channel that it plays.
        family: How the exchange's names of such channels begin, or their type.
    """

    channel: ClassVar[str]
    family: ClassVar[str]

    @abstractmethod
    def frames(self, now_ms: int) -> Iterable[Frame]:
        """Return what is due by *now_ms* and was not returned before, in order."""

    def stop(self) -> None:  # noqa: B027 - not every feed has something to stop
        """Stop what the feed has begun."""


F = TypeVar("F", bound=type[Feed])


def plays(channel: str, family: str) -> Callable[[F], F]:
    """Mark the feed that plays a declared channel; its names begin with, or its type is, *family*."""

    def mark(feed: F) -> F:
        feed.channel, feed.family = channel, family
        return feed

    return mark


class MarketFeed(Feed):
    """A feed of one market.

    Args:
        engine: Of the exchange.
        market: Its name.
        now_ms: When somebody subscribed, in milliseconds since 1970.
    """

    def __init__(self, engine: Engine, market: str, now_ms: int) -> None:
        self.engine = engine
        self.market = market
        self.seen_ms = now_ms


class TradesFeed(MarketFeed):
    """Trades as they happen."""

    def __init__(self, engine: Engine, market: str, now_ms: int) -> None:
        super().__init__(engine, market, now_ms)
        self._last = engine.book(market).last_trade_id(now_ms)

    def frames(self, now_ms: int) -> Iterable[Frame]:
        """Return the trades since the last call."""
        book = self.engine.book(self.market)
        # By their ids: several trades may have the same moment, also one that was seen already.
        first, self._last = self._last + 1, book.last_trade_id(now_ms)
        for trade in book.trades_by_id(first, self._last, ascending=True):
            yield self.show(trade, now_ms)

    @abstractmethod
    def show(self, trade: Trade, now_ms: int) -> Frame:
        """Return the frame of a trade."""


class BookFeed(MarketFeed):
    """Frames of a book, sent now and then: each shows what has become of all changes since the one before."""

    period_ms: ClassVar[int]

    def __init__(self, engine: Engine, market: str, now_ms: int) -> None:
        super().__init__(engine, market, now_ms)
        self._salt = hashed(engine.market(market).own_salt, self.family)
        self._number = now_ms // self.period_ms
        self._number += self._due_ms(self._number) <= now_ms
        log = engine.log(market, now_ms)
        # The frames are the same for everybody: the first one may reach back to before the subscription.
        self._last = log.state_at(at_us=max(self._due_ms(self._number - 1) * 1000, log.oldest_us))

    def _due_ms(self, number: int) -> int:
        return number * self.period_ms + hashed(self._salt, number) % (self.period_ms * 3 // 5)

    def frames(self, now_ms: int) -> Iterable[Frame]:
        """Return the frames since the last call."""
        log = self.engine.log(self.market, now_ms)
        while (due_ms := self._due_ms(self._number)) <= now_ms:
            self._number += 1
            state, before = log.state_at(at_us=due_ms * 1000 + 999), self._last
            if state.sequence > before.sequence:
                self._last = state
                yield from self.show(before, state)

    @abstractmethod
    def show(self, before: BookState, now: BookState) -> Iterable[Frame]:
        """Return the frame for a change of the book, or none."""


@define(eq=False)
class Client:
    """A client's socket, and what it has subscribed to.

    Attributes:
        socket: Sends.
        opened_ms: Milliseconds since 1970.
        names: Of its channels, each with how often it is subscribed to.
        leaving: Channels that it left, each with the moment from which on nothing more is sent.
        dead: Channels of which nothing is sent any more.
        ends_ms: When its socket is closed, and with which code (0: without a word); None: never.
        beats: Whether it gets signs of life.
        is_mute: Whether nothing is sent but answers to pings.
        received_bytes: Length of its last message.
    """

    socket: Socket
    opened_ms: int
    names: Counter[str] = field(factory=Counter[str])
    leaving: dict[str, int] = field(factory=dict[str, int])
    dead: set[str] = field(factory=set[str])
    ends_ms: tuple[int, int] | None = None
    beats: bool = True
    is_mute: bool = False
    received_bytes: int = 0

    def send(self, frame: Frame) -> None:
        """Send a frame."""
        if not self.is_mute:
            self.socket.send(dumps(frame))

    def beat(self, frame: Frame) -> None:
        """Send a sign of life."""
        if self.beats:
            self.send(frame)


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
    """

    feeds: ClassVar[tuple[type[Feed], ...]] = ()

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clients: dict[Socket, Client] = {}
        self.opened = 0
        self.asked: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.refused: int | None = None
        self._active: dict[str, Feed] = {}
        self._at_ms = 0

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

    # Clients

    def open(self, socket: Socket, now_ms: int) -> None:
        """Add a client."""
        if not self.clients:
            self._at_ms = now_ms
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

    def unsubscribe(self, client: Client, name: str) -> None:
        """Stop sending a client the frames of a channel; the last one ends its feed."""
        client.names.pop(name, None)
        if name in self._active and not any(name in other.names for other in self.clients.values()):
            self._active.pop(name).stop()

    # Time

    def run_until(self, now_ms: int) -> None:
        """Let time pass for the exchange, and send what is due."""
        if now_ms - self._at_ms > MOST_MS:
            self._at_ms = now_ms - MOST_MS
        while self._at_ms + STEP_MS < now_ms:
            self._step((self._at_ms // STEP_MS + 1) * STEP_MS)
        self._step(now_ms)

    def _step(self, now_ms: int) -> None:
        before_ms, self._at_ms = self._at_ms, max(self._at_ms, now_ms)
        self.engine.pass_time(self._at_ms)
        for name, feed in tuple(self._active.items()):
            for frame in feed.frames(self._at_ms):
                self.broadcast(name, frame)
        for client in tuple(self.clients.values()):
            self.beat(client, before_ms, self._at_ms)
            if client.ends_ms is not None and client.ends_ms[0] <= self._at_ms:
                self._end(client, client.ends_ms[1])

    def broadcast(self, name: str, frame: Frame) -> None:
        """Send a frame of a channel to all who are subscribed."""
        if self.dropped[name]:
            self.dropped[name] -= 1
            return
        wrapped = self.wrap(name, frame)
        for client in tuple(self.clients.values()):
            if name in client.names and name not in client.dead:
                client.send(wrapped)

    def ask_to_move(self, cut_after_ms: int | None) -> None:
        """Ask all clients for a new connection; end theirs a while later, or not at all."""
        for client in self.clients.values():
            if (frame := self.move()) is not None:
                client.send(frame)
            if cut_after_ms is not None:
                client.ends_ms = self._at_ms + cut_after_ms, 0

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


class Hub:
    """All sockets of a simulator; told of them as the `Receiver` of the server.

    Args:
        streams: By exchange.
        now_ms: The simulated clock, in milliseconds since 1970.
    """

    def __init__(self, streams: Mapping[Venue, Streams], now_ms: Callable[[], int]) -> None:
        self._streams = streams
        self._now_ms = now_ms
        self._undecided: set[Socket] = set()
        self._timer: asyncio.TimerHandle | None = None

    def refusal(self, target: str) -> HttpAnswer | None:
        """Return the answer to a request for a socket that is refused; None: it is not."""
        streams = self._named(target) or next(iter(self._streams.values()))
        if streams.refused is None:
            return None
        return HttpAnswer(streams.refused, b"no socket for you", "text/plain")

    def _named(self, target: str) -> Streams | None:
        """Return the exchange that a path names, or the only one."""
        parts = target.partition("?")[0].split("/")
        named = [streams for venue, streams in self._streams.items() if venue.value in parts]
        found = named or (list(self._streams.values()) if len(self._streams) == 1 else [])
        return found[0] if found else None

    def opened(self, socket: Socket) -> None:
        """Add a socket to the exchange that its path names."""
        if (streams := self._named(socket.target)) is not None:
            streams.open(socket, self._now_ms())
        else:
            self._undecided.add(socket)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)

    def received(self, socket: Socket, message: str | bytes) -> None:
        """Let the exchange answer a message."""
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

    def closed(self, socket: Socket) -> None:
        """Remove a socket."""
        self._undecided.discard(socket)
        for streams in self._streams.values():
            streams.close(socket)
        if not self._has_sockets:
            self.stop()

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
