"""Faults: the named points at which a connection, a request or its answer fails, and how often each of them does.

::

    async with simulate(faults=Faults({FaultPoint.CLOSE_AFTER_EXECUTING: 0.05}, kinds={Kind.MONEY})) as sim:
        ...
        sim.faults = Faults()  # none from now on

At most one fault hits a request. It is drawn in the order of the requests; the same seed gives the same faults. What
was executed, whatever the answer said, is listed in `Simulator.deeds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import fsum, isfinite
from types import MappingProxyType
from typing import TypeAlias

from attrs import field, frozen

from exchanges.endpoint import MIB, Kind
from exchanges.simulator.faults.stream_points import StreamFault, read_stream_points


class FaultPoint(StrEnum):
    """Where something fails. Faults of the answer hit rejections too."""

    # Faults of the connection, whatever request will be sent on it.
    REFUSE_TO_ACCEPT = "refuse to accept"
    """The connection is reset at once."""
    CLOSE_AFTER_ACCEPT = "close after accept"
    """The connection is closed before anything is read."""

    # Faults of the request: nothing is executed, and no nonce is consumed.
    CLOSE_INSIDE_REQUEST = "close inside the request"
    """The connection is closed after the head, or part of the body, has been read."""
    CLOSE_BEFORE_EXECUTING = "close before executing"
    """The connection is closed after the whole request has been read."""
    SILENT_BEFORE_EXECUTING = "stay silent before executing"
    """Nothing is sent, and the connection stays open."""
    TOO_MANY_REQUESTS = "too many requests"
    """The exchange rejects the request in its usual form (429; Bitso: 420), without `Retry-After`."""
    TOO_MANY_REQUESTS_SECONDS = "too many requests, retry after seconds"
    TOO_MANY_REQUESTS_DATE = "too many requests, retry after a date"
    TOO_MANY_REQUESTS_PAST = "too many requests, retry after a date in the past"
    TOO_MANY_REQUESTS_GARBAGE = "too many requests, retry after garbage"
    TOO_MANY_REQUESTS_NEGATIVE = "too many requests, retry after a negative number"
    TOO_MANY_REQUESTS_HUGE = "too many requests, retry after ages"
    REFUSE_NONCE = "refuse a valid nonce"
    """The exchange rejects a valid nonce. Requests without a nonce are not hit."""
    HTML_403 = "HTML 403"
    """A firewall in front of the exchange blocks the request."""
    HTML_502 = "HTML 502"
    """A proxy in front of the exchange cannot reach it."""
    REDIRECT = "redirect"
    """302 or 307 to `Faults.redirect_to`."""

    # Faults of the answer: the request was executed, or rejected for reasons of its own.
    CLOSE_AFTER_EXECUTING = "close after executing"
    """The connection is closed instead of an answer."""
    CLOSE_INSIDE_HEAD = "close inside the head"
    """The connection is closed within the head of the answer."""
    CLOSE_INSIDE_BODY = "close inside the body"
    """The connection is closed after the head and part of the body have been sent."""
    SILENT_AFTER_EXECUTING = "stay silent after executing"
    """No answer is sent, and the connection stays open."""
    ANSWER_404 = "answer 404"
    """The answer is the one of the exchange for an unknown path."""
    ANSWER_500 = "answer 500"
    """The answer is an HTML error page."""
    HTML_502_AFTER_EXECUTING = "HTML 502 after executing"
    """A proxy in front of the exchange lost the answer."""
    REDIRECT_AFTER_EXECUTING = "redirect after executing"
    GARBLE = "garble"
    """The body is random bytes of the same length."""
    ANSWER_TWICE = "answer twice"
    """The same bytes are sent twice; a client that reads on takes them for the next answer."""
    DRIP = "drip"
    """The answer is sent byte by byte."""
    GZIP_BOMB = "gzip bomb"
    """The answer follows `Faults.bomb_bytes` of white space; compressed it is a thousandth of that."""
    DOUBLE_GZIP_BOMB = "double gzip bomb"
    """The same, compressed once more."""
    ENDLESS_BODY = "endless body"
    """White space follows the answer until the peer closes the connection."""
    LENGTH_TOO_LARGE = "length too large"
    """More bytes are announced than are sent before the connection is closed."""
    LENGTH_TOO_SMALL = "length too small"
    """Fewer bytes are announced than are sent."""
    SHUFFLE_KEYS = "shuffle keys"
    """The keys of objects are in another order."""
    ADD_FIELDS = "add fields"
    """Objects have keys that are not documented."""
    NUMBERS_AS_STRINGS = "numbers as strings"
    STRINGS_AS_NUMBERS = "strings as numbers"


CONNECTION = frozenset({FaultPoint.REFUSE_TO_ACCEPT, FaultPoint.CLOSE_AFTER_ACCEPT})
"""Drawn for each connection; `Faults.kinds` does not apply to them."""

TOO_MANY_REQUESTS = frozenset(point for point in FaultPoint if point.name.startswith("TOO_MANY_REQUESTS"))
"""Rejections for too many requests, with every kind of `Retry-After`."""

_POINTS = tuple(FaultPoint)
BEFORE_EXECUTING = frozenset(_POINTS[: _POINTS.index(FaultPoint.CLOSE_AFTER_EXECUTING)])
"""A request that one of these hits is never executed: the first two sections of `FaultPoint`."""

AFTER_EXECUTING = frozenset(_POINTS) - BEFORE_EXECUTING
"""A request that one of these hits is executed, unless the exchange rejects it anyway."""

HARMLESS = frozenset({FaultPoint.ANSWER_TWICE, FaultPoint.DRIP, FaultPoint.SHUFFLE_KEYS, FaultPoint.ADD_FIELDS})
"""Faults after executing under which the answer still arrives complete and true."""

FaultShares: TypeAlias = Mapping[FaultPoint, float] | Mapping[str, float]


def _read_points(at: FaultShares) -> Mapping[FaultPoint, float]:
    """Convert names to points.

    Raises:
        ValueError: No point has such a name.
    """
    unknown = [str(name) for name in at if name not in set(FaultPoint)]
    if unknown:
        raise ValueError(f"unknown fault {unknown[0]!r}; the faults are: {', '.join(FaultPoint)}")
    return MappingProxyType({FaultPoint(name): float(share) for name, share in at.items()})


def _read_kinds(kinds: Iterable[Kind] | None) -> frozenset[Kind] | None:
    return None if kinds is None else frozenset(map(Kind, kinds))


@frozen
class Faults:
    """Which faults there are, how often, and their settings.

    Attributes:
        at: Probability of each point per request or per connection, by point or by its name. The sum is at most 1.
        kinds: Kinds of requests that may be hit; None: all requests to declared endpoints.
        late_seconds: Least and largest time, on the simulated clock, for which private reads do not show the effect
            of a write. It is drawn for each write and each endpoint that reads it; the answer to the write itself is
            never late.
        idle_seconds: Time after an answer at which its connection is closed, even if the next request is being
            written; None: connections stay open.
        drip_seconds: Pause before each byte of an answer that is sent byte by byte.
        bomb_bytes: Decompressed size of a gzip bomb.
        redirect_to: Scheme and host of redirects.
        streams: Probability of each fault of sockets where it is drawn, by point or by its name.
        slow_seconds: How late is what is late at a socket.
        old_seconds: How much older than it should be a snapshot is at most.
        giant_bytes: Size of a giant frame.

    Raises:
        ValueError: A probability is not between 0 and 1, their sum exceeds 1, or a point or a time is invalid.
    """

    at: Mapping[FaultPoint, float] = field(factory=dict[FaultPoint, float], converter=_read_points)
    kinds: frozenset[Kind] | None = field(default=None, converter=_read_kinds)
    late_seconds: tuple[float, float] = (0.0, 0.0)
    idle_seconds: float | None = None
    drip_seconds: float = 0.001
    bomb_bytes: int = 256 * MIB
    redirect_to: str = "https://elsewhere.invalid"
    streams: Mapping[StreamFault, float] = field(factory=dict[StreamFault, float], converter=read_stream_points)
    slow_seconds: float = 2.0
    old_seconds: float = 10.0
    giant_bytes: int = 8 * MIB

    def __attrs_post_init__(self) -> None:
        """Validate probabilities and times."""
        for point, share in self.at.items():
            if not 0 <= share <= 1:
                raise ValueError(f"{point}: the probability must be between 0 and 1, got {share:g}")
        # `fsum` rounds once: shares that add up to 1 must not exceed it by accumulated rounding errors.
        if (total := fsum(self.at.values())) > 1:
            raise ValueError(f"the probabilities add up to {total:g}, but at most one fault hits a request")
        least, largest = self.late_seconds
        if not (0 <= least <= largest and isfinite(largest)):
            raise ValueError(
                f"late_seconds must be the least and the largest delay in seconds, got {self.late_seconds}"
            )
        if self.idle_seconds is not None and not self.idle_seconds > 0:  # `not >`: NaN is refused too
            raise ValueError(f"idle_seconds must be above 0, or None, got {self.idle_seconds:g}")
        if self.drip_seconds < 0 or self.bomb_bytes < 1:
            raise ValueError("drip_seconds must be at least 0, and bomb_bytes at least 1")
        if not (self.slow_seconds >= 0 and self.old_seconds >= 0 and self.giant_bytes >= 1):
            raise ValueError("slow_seconds and old_seconds must be at least 0, and giant_bytes at least 1")

    @classmethod
    def of(cls, given: Faults | FaultShares | None) -> Faults:
        """Convert a mapping to faults with these probabilities, and None to no faults."""
        return given if isinstance(given, Faults) else cls(given or {})

    @property
    def late(self) -> bool:
        """Whether private reads may be late."""
        return self.late_seconds[1] > 0
