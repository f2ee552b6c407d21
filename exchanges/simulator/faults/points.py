"""What may go wrong, and how often: named points at which a request, its answer or its connection comes to grief.

::

    async with simulate(faults=Faults({FaultPoint.CLOSE_AFTER_EXECUTING: 0.05}, kinds={Kind.MONEY})) as sim:
        ...
        sim.faults = Faults()  # well again

At most one fault befalls a request. Which one is drawn in the order of the requests, the same from the same seed. What
was really carried out, whatever the answer said, is in `Simulator.deeds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import fsum, isfinite
from types import MappingProxyType
from typing import TypeAlias

from attrs import field, frozen

from exchanges.endpoint import Kind

__all__ = [
    "AFTER_EXECUTING",
    "BEFORE_EXECUTING",
    "CONNECTION",
    "HARMLESS",
    "TOO_MANY_REQUESTS",
    "FaultPoint",
    "Faults",
    "HowOften",
]


class FaultPoint(StrEnum):
    """Where something goes wrong. What is said of the answer holds for refusals too."""

    # The connection, whatever will be asked on it.
    REFUSE_TO_ACCEPT = "refuse to accept"
    """The connection is reset at once."""
    CLOSE_AFTER_ACCEPT = "close after accept"
    """The connection is closed before anything is read."""

    # The request; nothing is executed, and no nonce is used up.
    CLOSE_INSIDE_REQUEST = "close inside the request"
    """The connection is closed when the head, or some of the body, has been read."""
    CLOSE_BEFORE_EXECUTING = "close before executing"
    """The connection is closed when the whole request has been read."""
    SILENT_BEFORE_EXECUTING = "stay silent before executing"
    """Nothing happens, and the connection stays open."""
    TOO_MANY_REQUESTS = "too many requests"
    """The exchange refuses as it does (429, at Bitso 420), without `Retry-After`."""
    TOO_MANY_REQUESTS_SECONDS = "too many requests, retry after seconds"
    TOO_MANY_REQUESTS_DATE = "too many requests, retry after a date"
    TOO_MANY_REQUESTS_PAST = "too many requests, retry after a date in the past"
    TOO_MANY_REQUESTS_GARBAGE = "too many requests, retry after garbage"
    TOO_MANY_REQUESTS_NEGATIVE = "too many requests, retry after a negative number"
    TOO_MANY_REQUESTS_HUGE = "too many requests, retry after ages"
    REFUSE_NONCE = "refuse a valid nonce"
    """The exchange refuses the nonce in its own words. Calls without one are spared."""
    HTML_403 = "HTML 403"
    """A firewall in front of the exchange refuses."""
    HTML_502 = "HTML 502"
    """A proxy in front of the exchange did not reach it."""
    REDIRECT = "redirect"
    """302 or 307 leads to `Faults.redirect_to`."""

    # The answer; the request was executed, or refused for reasons of its own.
    CLOSE_AFTER_EXECUTING = "close after executing"
    """The connection is closed in place of an answer."""
    CLOSE_INSIDE_HEAD = "close inside the head"
    """The connection is closed within the head of the answer."""
    CLOSE_INSIDE_BODY = "close inside the body"
    """The connection is closed when the head and some of the body have been sent."""
    SILENT_AFTER_EXECUTING = "stay silent after executing"
    """The answer never comes, and the connection stays open."""
    ANSWER_404 = "answer 404"
    """The answer is that of the exchange for a path that is not there."""
    ANSWER_500 = "answer 500"
    """The answer is a page that says that something went wrong."""
    HTML_502_AFTER_EXECUTING = "HTML 502 after executing"
    """A proxy in front of the exchange lost the answer."""
    REDIRECT_AFTER_EXECUTING = "redirect after executing"
    GARBLE = "garble"
    """The body is noise, of the same length."""
    ANSWER_TWICE = "answer twice"
    """The same bytes come twice; who reads on takes them for the next answer."""
    DRIP = "drip"
    """The answer comes byte by byte."""
    GZIP_BOMB = "gzip bomb"
    """The answer ends `Faults.bomb_bytes` of white space; packed it is a thousandth of that."""
    DOUBLE_GZIP_BOMB = "double gzip bomb"
    """The same, packed once more."""
    ENDLESS_BODY = "endless body"
    """White space follows the answer, until the peer leaves."""
    LENGTH_TOO_LARGE = "length too large"
    """More bytes are announced than come before the connection is closed."""
    LENGTH_TOO_SMALL = "length too small"
    """Fewer bytes are announced than come."""
    SHUFFLE_KEYS = "shuffle keys"
    """The keys of objects come in another order."""
    ADD_FIELDS = "add fields"
    """Objects have keys that nobody ever heard of."""
    NUMBERS_AS_STRINGS = "numbers as strings"
    STRINGS_AS_NUMBERS = "strings as numbers"


CONNECTION = frozenset({FaultPoint.REFUSE_TO_ACCEPT, FaultPoint.CLOSE_AFTER_ACCEPT})
"""Drawn for each connection; `Faults.kinds` means nothing to them."""

TOO_MANY_REQUESTS = frozenset(point for point in FaultPoint if point.name.startswith("TOO_MANY_REQUESTS"))
"""Refusals for too many requests, with every kind of `Retry-After`."""

BEFORE_EXECUTING = (
    CONNECTION
    | TOO_MANY_REQUESTS
    | {
        FaultPoint.CLOSE_INSIDE_REQUEST,
        FaultPoint.CLOSE_BEFORE_EXECUTING,
        FaultPoint.SILENT_BEFORE_EXECUTING,
        FaultPoint.REFUSE_NONCE,
        FaultPoint.HTML_403,
        FaultPoint.HTML_502,
        FaultPoint.REDIRECT,
    }
)
"""What they hit is never executed."""

AFTER_EXECUTING = frozenset(FaultPoint) - BEFORE_EXECUTING
"""What they hit is executed, unless the exchange refuses it anyway."""

HARMLESS = frozenset(
    {FaultPoint.ANSWER_TWICE, FaultPoint.DRIP, FaultPoint.SHUFFLE_KEYS, FaultPoint.ADD_FIELDS},
)
"""Of those after executing: the answer is there, whole and true."""

HowOften: TypeAlias = Mapping[FaultPoint, float] | Mapping[str, float]
MIB = 1024 * 1024


def _read_points(at: HowOften) -> Mapping[FaultPoint, float]:
    """Look names up.

    Raises:
        ValueError: No point has this name.
    """
    unknown = [str(name) for name in at if name not in set(FaultPoint)]
    if unknown:
        raise ValueError(f"there is no fault {unknown[0]!r}, but: {', '.join(FaultPoint)}")
    return MappingProxyType({FaultPoint(name): float(share) for name, share in at.items()})


def _read_kinds(kinds: Iterable[Kind] | None) -> frozenset[Kind] | None:
    return None if kinds is None else frozenset(map(Kind, kinds))


@frozen
class Faults:
    """How often what goes wrong.

    Attributes:
        at: Probability of each point, for each request or connection; names do as well. Together at most 1.
        kinds: Which requests may be hit; None: all for which an endpoint is declared.
        late_seconds: Least and largest time, on the simulated clock, for which private reads do not show what a
            write has done. It is drawn for each write and endpoint to read it from; the answer to the write itself
            is not late.
        idle_seconds: Connections are closed so long after an answer, even as the next request is being written;
            None: they stay open.
        drip_seconds: Pause before each byte of an answer that comes byte by byte.
        bomb_bytes: How large a bomb is when it is unpacked.
        redirect_to: Scheme and host to which redirects lead.

    Raises:
        ValueError: Not a probability, more than 1 in all, no such point, or no such time.
    """

    at: Mapping[FaultPoint, float] = field(factory=dict[FaultPoint, float], converter=_read_points)
    kinds: frozenset[Kind] | None = field(default=None, converter=_read_kinds)
    late_seconds: tuple[float, float] = (0.0, 0.0)
    idle_seconds: float | None = None
    drip_seconds: float = 0.001
    bomb_bytes: int = 256 * MIB
    redirect_to: str = "https://elsewhere.invalid"

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be."""
        for point, share in self.at.items():
            if not 0 <= share <= 1:
                raise ValueError(f"{point}: a probability lies between 0 and 1, not at {share}")
        if (total := fsum(self.at.values())) > 1:
            raise ValueError(f"the probabilities add up to {total:g}: one fault at most befalls a request")
        least, largest = self.late_seconds
        if not (0 <= least <= largest and isfinite(largest)):
            raise ValueError("late_seconds must be the least and the largest delay, in seconds")
        if self.idle_seconds is not None and not self.idle_seconds > 0:
            raise ValueError("idle_seconds must be above 0, or None")
        if self.drip_seconds < 0 or self.bomb_bytes < 1:
            raise ValueError("drip_seconds must not be below 0, nor bomb_bytes below 1")

    @classmethod
    def of(cls, given: Faults | HowOften | None) -> Faults:
        """Take a mapping for what it says of `at`, and None for no faults."""
        return given if isinstance(given, Faults) else cls(given or {})

    @property
    def late(self) -> bool:
        """Whether reads may show what no longer is."""
        return self.late_seconds[1] > 0
