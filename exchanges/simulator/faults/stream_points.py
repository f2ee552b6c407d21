"""Faults of sockets: the named points at which a socket, a subscription, a frame or a snapshot fails.

Each is drawn at its `Place`: at most one fault hits a socket that is opened, a subscription, a frame that the exchange
sends, a frame on its way to one client, a token, and a snapshot of REST. The same seed gives the same faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from math import fsum
from types import MappingProxyType
from typing import TypeAlias


class StreamFault(StrEnum):
    """Where something fails."""

    # When a socket is asked for.
    REFUSE_UPGRADE = "refuse upgrade"
    """With the status 403, 429 or 503."""
    SLOW_UPGRADE = "slow upgrade"
    """The handshake is answered `Faults.slow_seconds` later, on the clock of the event loop."""
    CLOSE_AFTER_UPGRADE = "close after upgrade"
    """The connection ends right after the handshake."""

    # When something is subscribed to.
    NO_ACK = "no ack"
    """The subscription begins, and is not confirmed."""
    LATE_ACK = "late ack"
    """The subscription begins, and is confirmed `Faults.slow_seconds` later."""
    WRONG_ACK = "wrong ack"
    """Another channel is confirmed."""
    NAMELESS_ERROR = "nameless error"
    """The subscription is refused without a name."""
    SILENT_ACK = "silent ack"
    """The subscription is confirmed, and nothing ever comes."""

    # When the exchange sends a frame, to all clients alike.
    LOSE_FRAME = "lose frame"
    """The exchange never sends it, and later frames do not make up for it."""
    SEQUENCE_JUMP = "sequence jump"
    """The sequence number is too large."""
    SEQUENCE_BACK = "sequence back"
    """The sequence number is one that was used already."""
    CROSS_BOOK = "cross book"
    """A bid is above an ask."""
    ZERO_PRICE = "zero price"
    """There is a bid at no price."""
    EMPTY_SIDE = "empty side"
    """There are no asks."""

    # On the way to one client.
    DROP_FRAME = "drop frame"
    DOUBLE_FRAME = "double frame"
    SWAP_FRAMES = "swap frames"
    """The frame comes behind the next one."""
    GARBLE_FRAME = "garble frame"
    """The frame is random characters of the same length."""
    CUT_FRAME = "cut frame"
    """The connection ends within the frame."""
    BINARY_FRAME = "binary frame"
    FRAGMENT_FRAME = "fragment frame"
    """The frame comes in several fragments."""
    GIANT_FRAME = "giant frame"
    """The frame has `Faults.giant_bytes` of white space."""
    EMPTY_FRAME = "empty frame"
    """An empty message comes before the frame."""
    UNKNOWN_EVENT = "unknown event"
    """A frame of a kind that nobody knows comes before it."""
    BURST = "burst"
    """Frames are held back for `Faults.slow_seconds` of the simulated clock, then come at once."""
    CHANNEL_DIES = "channel dies"
    """Nothing more comes of this channel, and the socket lives."""
    RESET_LINE = "reset line"
    HANG_UP_LINE = "hang up line"
    """The connection ends without a word."""
    CLOSE_LINE = "close line"
    """The socket is closed as the protocol has it."""
    FREEZE_LINE = "freeze line"
    """The connection stays open, and nothing is sent or read any more."""
    MUTE_LINE = "mute line"
    """Nothing comes any more but answers to pings."""
    STOP_BEATS = "stop beats"
    """Signs of life stop, and heartbeats are not answered."""
    IGNORE_PINGS = "ignore pings"
    ASK_TO_MOVE = "ask to move"
    """The client is asked for a new connection; the old one ends `Faults.slow_seconds` later."""

    # When a token is issued.
    REFUSE_TOKEN = "refuse token"  # noqa: S105 - a name
    """It opens nothing."""
    EXPIRED_TOKEN = "expired token"  # noqa: S105 - a name
    """It is too old already."""
    FOREIGN_TOKEN = "foreign token"  # noqa: S105 - a name
    """It is of another account."""

    # When REST is asked for a book.
    OLD_SNAPSHOT = "old snapshot"
    """The book is older than it should be, by up to `Faults.old_seconds`."""


class Place(Enum):
    """When faults are drawn."""

    UPGRADE = "a socket that is opened"
    SUBSCRIPTION = "a subscription"
    SENDING = "a frame that is sent"
    DELIVERY = "a frame on its way to a client"
    TOKEN = "a token"  # noqa: S105 - a name
    SNAPSHOT = "a book of REST"


_POINTS = tuple(StreamFault)
_FIRST = {
    Place.UPGRADE: StreamFault.REFUSE_UPGRADE,
    Place.SUBSCRIPTION: StreamFault.NO_ACK,
    Place.SENDING: StreamFault.LOSE_FRAME,
    Place.DELIVERY: StreamFault.DROP_FRAME,
    Place.TOKEN: StreamFault.REFUSE_TOKEN,
    Place.SNAPSHOT: StreamFault.OLD_SNAPSHOT,
}
_STARTS = [_POINTS.index(first) for first in _FIRST.values()]

DRAWN_AT: Mapping[Place, tuple[StreamFault, ...]] = {
    place: _POINTS[start:end] for place, start, end in zip(_FIRST, _STARTS, [*_STARTS[1:], None], strict=True)
}
"""The faults of each place: the sections of `StreamFault`."""

StreamShares: TypeAlias = Mapping[StreamFault, float] | Mapping[str, float]


def read_stream_points(at: StreamShares) -> Mapping[StreamFault, float]:
    """Convert names to points.

    Raises:
        ValueError: No point has such a name, a probability is not between 0 and 1, or those of one place exceed 1.
    """
    unknown = [str(name) for name in at if name not in set(StreamFault)]
    if unknown:
        raise ValueError(f"unknown fault {unknown[0]!r}; the faults of sockets are: {', '.join(StreamFault)}")
    shares = {StreamFault(name): float(share) for name, share in at.items()}
    for point, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{point}: the probability must be between 0 and 1, got {share:g}")
    for place, points in DRAWN_AT.items():
        if (total := fsum(shares.get(point, 0.0) for point in points)) > 1:
            raise ValueError(f"the probabilities add up to {total:g}, but at most one fault hits {place.value}")
    return MappingProxyType(shares)
