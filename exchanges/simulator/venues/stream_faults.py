"""What faults do to sockets: to subscriptions, and to frames on their way to a client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from attrs import define, field, frozen

from exchanges.simulator.faults.plan import FaultPlan
from exchanges.simulator.faults.points import FaultPoint
from exchanges.simulator.faults.stream_points import Place, StreamFault
from exchanges.wire import Json, dumps

if TYPE_CHECKING:
    from exchanges.simulator.http.websocket import Socket

Frame: TypeAlias = dict[str, Json]
UNKNOWN: Frame = {"event": "bts:more", "type": "more", "channel": "", "data": {"more": 1}}
_LETTERS = 'abcdefghijklmnopqrstuvwxyz{}[]",:0123456789'


@frozen
class StreamFaults:
    """Draws faults of sockets and counts those that struck.

    Args:
        plan: Says which, and how often.
        hits: Counts.
    """

    plan: FaultPlan = field(factory=lambda: FaultPlan(0, (0.0, 0.0)))
    hits: Counter[FaultPoint | StreamFault] = field(factory=Counter[FaultPoint | StreamFault])

    def draw(self, place: Place) -> tuple[StreamFault, Random] | None:
        """Draw a fault; None: none."""
        return self.plan.for_stream(place)

    def struck(self, fault: StreamFault) -> None:
        """Count a fault."""
        self.hits[fault] += 1

    @property
    def slow_ms(self) -> int:
        """How late is what is late."""
        return round(1000 * self.plan.faults.slow_seconds)

    @property
    def giant_bytes(self) -> int:
        """Size of a giant frame."""
        return self.plan.faults.giant_bytes


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
        held: What is sent later: when, and the frame.
        swapped: A frame that is sent behind the next one.
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
    held: list[tuple[int, bytes]] = field(factory=list[tuple[int, bytes]])
    swapped: bytes | None = None
    beats: bool = True
    is_mute: bool = False
    received_bytes: int = 0

    def send(self, frame: Frame) -> None:
        """Send a frame."""
        self.write(dumps(frame))

    def write(self, data: bytes) -> None:
        """Send a text."""
        if not self.is_mute:
            self.socket.send(data)

    def beat(self, frame: Frame) -> None:
        """Send a sign of life."""
        if self.beats:
            self.send(frame)

    def deliver(self, data: bytes) -> None:
        """Send a frame of a channel, behind those that are held back."""
        if self.held:
            self.held.append((self.held[-1][0], data))
            return
        self.write(data)
        if self.swapped is not None:
            swapped, self.swapped = self.swapped, None
            self.write(swapped)

    def release(self, now_ms: int) -> None:
        """Send what was held back until now."""
        while self.held and self.held[0][0] <= now_ms:
            self.write(self.held.pop(0)[1])


@frozen
class Strike:
    """A fault that hits a frame on its way.

    Attributes:
        client: To whom.
        name: Of the channel.
        data: The frame.
        now_ms: Milliseconds since 1970.
        faults: Settings.
        random: Decides the details.
        move: The frame that asks for a new connection; None where there is none.
    """

    client: Client
    name: str
    data: bytes
    now_ms: int
    faults: StreamFaults
    random: Random
    move: Frame | None


def _swap(strike: Strike) -> None:
    if strike.client.swapped is not None:
        strike.client.deliver(strike.data)
    else:
        strike.client.swapped = strike.data


def _garble(strike: Strike) -> None:
    strike.client.deliver("".join(strike.random.choices(_LETTERS, k=len(strike.data))).encode())


def _cut(strike: Strike) -> None:
    # The head of an unmasked text frame whose length takes eight bytes (RFC 6455 section 5.2), and half of it.
    head = b"\x81\x7f" + len(strike.data).to_bytes(8, "big")
    strike.client.socket.write(head + strike.data[: len(strike.data) // 2])
    strike.client.socket.hang_up()


def _giant(strike: Strike) -> None:
    strike.client.deliver(strike.data[:-1] + b" " * strike.faults.giant_bytes + strike.data[-1:])


def _double(strike: Strike) -> None:
    for _ in range(2):
        strike.client.deliver(strike.data)


def _before(data: bytes) -> Callable[[Strike], None]:
    def send(strike: Strike) -> None:
        strike.client.write(data)
        strike.client.deliver(strike.data)

    return send


def _hold(strike: Strike) -> None:
    if strike.client.held:
        strike.client.deliver(strike.data)
    else:
        strike.client.held.append((strike.now_ms + strike.faults.slow_ms, strike.data))


def _mute(strike: Strike) -> None:
    strike.client.is_mute = True


def _stop_beats(strike: Strike) -> None:
    strike.client.beats = False
    strike.client.deliver(strike.data)


def _ignore_pings(strike: Strike) -> None:
    strike.client.socket.ignore_pings()
    strike.client.deliver(strike.data)


def _move(strike: Strike) -> None:
    if strike.move is not None:
        strike.client.send(strike.move)
    strike.client.deliver(strike.data)
    strike.client.ends_ms = strike.now_ms + strike.faults.slow_ms, 0


DELIVERIES: dict[StreamFault, Callable[[Strike], None]] = {
    StreamFault.DROP_FRAME: lambda _: None,
    StreamFault.DOUBLE_FRAME: _double,
    StreamFault.SWAP_FRAMES: _swap,
    StreamFault.GARBLE_FRAME: _garble,
    StreamFault.CUT_FRAME: _cut,
    StreamFault.BINARY_FRAME: lambda strike: strike.client.socket.send(strike.data, binary=True),
    StreamFault.FRAGMENT_FRAME: lambda strike: strike.client.socket.send(
        strike.data, pieces=strike.random.randint(2, 9)
    ),
    StreamFault.GIANT_FRAME: _giant,
    StreamFault.EMPTY_FRAME: _before(b""),
    StreamFault.UNKNOWN_EVENT: _before(dumps(UNKNOWN)),
    StreamFault.BURST: _hold,
    StreamFault.CHANNEL_DIES: lambda strike: strike.client.dead.add(strike.name),
    StreamFault.RESET_LINE: lambda strike: strike.client.socket.reset(),
    StreamFault.HANG_UP_LINE: lambda strike: strike.client.socket.hang_up(),
    StreamFault.CLOSE_LINE: lambda strike: strike.client.socket.close(),
    StreamFault.FREEZE_LINE: lambda strike: strike.client.socket.freeze(),
    StreamFault.MUTE_LINE: _mute,
    StreamFault.STOP_BEATS: _stop_beats,
    StreamFault.IGNORE_PINGS: _ignore_pings,
    StreamFault.ASK_TO_MOVE: _move,
}
"""What becomes of a frame on its way."""
