"""A link: one open connection, what is subscribed to on it, and whether it lives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from attrs import evolve

from exchanges.instrumentation.lines import Log
from exchanges.streams.dialect import Ack, Data, Dialect, Message, Move, Odd, Refusal
from exchanges.streams.liveness import Liveness, Step, Watchdog
from exchanges.streams.subscriptions import Outcome, Subscriptions

if TYPE_CHECKING:
    from exchanges.streams.opening import Connection

__all__ = ["Link", "Listener", "Token"]

logger = Log(__name__)


class Token(Protocol):
    """A secret that opens private channels."""

    @property
    def token(self) -> str:
        """The secret."""
        ...

    @property
    def user_id(self) -> str:
        """What stands in the names of private channels."""
        ...


class Listener(Protocol):
    """What is told what a link receives."""

    def arrived(self, link: Link, data: Data) -> None:
        """Handle data of a channel."""
        ...

    def unreadable(self, link: Link, name: str | None, cause: str) -> None:
        """Handle a frame that cannot be read, of a channel or of nobody knows which."""
        ...

    def answered(self, link: Link, outcomes: list[Outcome]) -> None:
        """Handle what the server answered."""
        ...

    def wake(self) -> None:
        """Look at the link again."""
        ...


class Link:
    """One connection. It is the receiver of its frames.

    Args:
        number: Which one of its line.
        dialect: What frames say.
        liveness: When it counts as dead.
        listener: What is told what it receives.
    """

    def __init__(self, number: int, dialect: Dialect, liveness: Liveness, listener: Listener) -> None:
        self.number = number
        self._dialect, self._listener = dialect, listener
        self._loop = asyncio.get_running_loop()
        self.opened_at = self._loop.time()
        self.subscriptions = Subscriptions()
        self._watchdog = Watchdog(liveness, self.opened_at)
        self._connection: Connection | None = None
        self.end: str | None = None
        self.must_move = False
        self.user_id: str | None = None
        self._names: dict[str, str] = {}

    def __repr__(self) -> str:
        """Show its subscriptions, and whether it is over."""
        return f"Link({self.number}, {self.subscriptions!r}{', over' * (self.end is not None)})"

    def open(self, connection: Connection) -> None:
        """Begin with an open connection."""
        self._connection = connection
        self.opened_at = self._loop.time()
        self._watchdog.listen(self.opened_at)

    # What is sent

    def tick(self) -> list[Outcome]:
        """Send what keeps it alive; return what follows for its subscriptions."""
        now = self._loop.time()
        for step in self._watchdog.tick(now):
            heartbeat = self._dialect.heartbeat() if step is Step.HEARTBEAT else None
            if self._connection is not None and step is Step.PING:
                self._connection.write_ping()
            elif self._connection is not None and heartbeat is not None:
                self._connection.write(heartbeat)
        if self._watchdog.death is not None:
            self.closed(self._watchdog.death)
        outcomes = self.subscriptions.tick(now)
        self._weigh_unclaimed()
        return outcomes

    def ask(self, token: Token | None, *, is_private: bool) -> None:
        """Send what is to be subscribed to or given up; a private channel only with a token."""
        for ask in self.subscriptions.outgoing(self._loop.time(), may_subscribe=token is not None or not is_private):
            if ask.is_subscribed and token is not None:
                self.user_id = token.user_id
            wire = self._wire_name(ask.name)
            if self._connection is not None:
                secret = None if token is None else token.token
                frame = self._dialect.subscribe(wire, secret) if ask.is_subscribed else self._dialect.unsubscribe(wire)
                self._connection.write(frame)

    @property
    def next_tick(self) -> float:
        """When `tick` is to be called at the latest."""
        return min(self._watchdog.next_tick, self.subscriptions.next_tick(self._loop.time()))

    def _wire_name(self, name: str) -> str:
        wire = name.replace("{user_id}", self.user_id or "")
        self._names[wire] = name
        return wire

    # What is received

    def received(self, frame: bytes) -> None:
        """Handle a text frame."""
        if self.end is not None:
            return
        now = self._loop.time()
        self._watchdog.listen(now)
        try:
            message = self._dialect.read(frame)
            if not isinstance(message, Data):
                self._handle(message, now)
            elif (name := self._names.get(message.name, message.name)) == message.name:
                self._listener.arrived(self, message)
            else:
                self._listener.arrived(self, _renamed(message, name))
        except Exception as fault:  # noqa: BLE001 - a bug must end the link, not the event loop's callback
            logger.error("unexpected %s while reading a frame", type(fault).__name__)  # noqa: TRY400 - no values
            self.closed(f"unexpected {type(fault).__name__} while reading a frame")

    def _handle(self, message: Message, now: float) -> None:
        """Handle what is no data of a channel."""
        match message:
            case Ack(name=wire, is_subscribed=is_subscribed):
                ack = Ack(self._names.get(wire, wire), is_subscribed=is_subscribed)
                self._listener.answered(self, self.subscriptions.acknowledge(ack, now))
                self._weigh_unclaimed()
                self._listener.wake()
            case Refusal(name=wire):
                refusal = evolve(message, name=wire if wire is None else self._names.get(wire, wire))
                self._listener.answered(self, self.subscriptions.refuse(refusal, now))
                self._weigh_unclaimed()
                self._listener.wake()
            case Move():
                self.must_move = True
                self._listener.wake()
            case Odd(expected=expected, name=wire):
                known = wire if wire is None else self._names.get(wire, wire)
                self._listener.unreadable(self, known, f"a frame that is not {expected}")
            case _:
                pass

    def _weigh_unclaimed(self) -> None:
        """Draw the conclusion from refusals that are about what was confirmed: any of it may be silent from now on."""
        for refusal in self.subscriptions.unclaimed():
            if refusal.is_unauthorized and self.user_id is not None:
                self.closed("the exchange no longer accepts the token of the connection")
            else:
                self._listener.unreadable(self, None, "an error that names no channel, and answers nothing,")

    def alive(self) -> None:
        """Note a frame of any kind."""
        self._watchdog.hear(self._loop.time())

    def garbled(self, reason: str) -> None:
        """Note a frame that is no text: what it said is lost."""
        self._listener.unreadable(self, None, reason)

    def closed(self, reason: str) -> None:
        """Note that nothing more will come."""
        if self.end is None:
            self.end = reason
            self._listener.wake()

    async def leave(self) -> None:
        """Close the connection, for half a second in order, then by force."""
        self.closed("closed")
        if self._connection is not None:
            await self._connection.leave()


def _renamed(data: Data, name: str) -> Data:
    return Data(name, data.event, data.body, data.whole)
