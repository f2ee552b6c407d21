"""The exchange's clock, as its answers have shown it. No waiting.

Theory. What a call created is recognised by its moment, so a wrong moment hides it. Three clocks may be wrong: ours,
that of an API generation (another zone, another day), and that of the ``Date`` header. What answers show of the last
two is compared with ours and kept for a day, for each source on its own. Three questions are answered from it:

- Where may it be? Wherever any reading says, a wrong one too, or our clock, give or take the skew that is allowed.
- Where does it belong? Where the readings say that agreed with our clock when they were taken; `narrow`.
- Does "nothing there" mean anything? Only if there is a reading, and all of them agree; `doubt`.

Our own clock may be set while a program runs, that of the loop never is; so every reading comes with its *zero*: what
our clock showed, or would have shown, when that of the loop was zero. The loop's clock stops while a computer sleeps,
which looks like a clock that was set. So a reading counts both ways: by our clock, and by that of the loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import reduce

from attrs import evolve, field

from exchanges.intents import ClockOffset
from exchanges.outcomes.search import MAX_SKEW
from exchanges.values import define, frozen

SLACK = timedelta(seconds=2)
"""Exchanges round times to whole seconds, and may not take them at the moment at which the call is executed."""
REMEMBERED = timedelta(days=1)
"""How long readings are remembered, and what a call made."""
MOST_READINGS = 8
"""Of one source. A clock that shows more different times is known well enough to be wrong."""
HEADER_SECONDS = 1.0
"""How often the ``Date`` header is read: it shows whole seconds."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Only the form that servers must send: a header in another one is as good as none.
_DATE = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII)
_HEADER = ""
"""The source of readings that are headers; the others have the name of their API generation."""


@frozen
class Doubt:
    """Why "nothing there" means nothing.

    Attributes:
        reason: What does not agree, and what to do.
        ends_at: When it is forgotten (UTC), by our clock; None if that does not end it.
    """

    reason: str
    ends_at: datetime | None = None


@frozen
class Span:
    """The time from a request to its answer.

    Attributes:
        sent_at: When the request was sent, on the clock of the loop.
        ended_at: When the answer came, on the same.
        zero: What our clock, as it is set now, showed when that of the loop was zero.
    """

    sent_at: float
    ended_at: float
    zero: datetime

    def moment(self, loop: float) -> datetime:
        """Return what our clock shows when that of the loop shows that much."""
        return self.zero + timedelta(seconds=loop)


@frozen
class _Reading:
    """What one answer, or several that agree, have shown.

    Attributes:
        offset: Of the exchange's clock to ours, as ours was set then.
        zero: What our clock, as it was set then, showed when that of the loop was zero.
        seen_at: When the last of them came, on the clock of the loop.
        is_near: Whether it agreed with our clock, as that was set then.
    """

    offset: ClockOffset
    zero: datetime
    seen_at: float
    is_near: bool

    def by_loop(self, zero: datetime) -> ClockOffset:
        """Return the offset to our clock with another *zero*, if that of the loop is right."""
        return self.offset.moved(self.zero - zero)

    def joins(self, other: _Reading) -> bool:
        """Whether both show the same clock."""
        near = other.offset.least - SLACK <= self.offset.most and self.offset.least <= other.offset.most + SLACK
        return near and self.is_near is other.is_near and abs(self.zero - other.zero) <= SLACK


@define(eq=False)
class ExchangeClock:
    """What the answers of one server have shown within the last day."""

    _readings: dict[str, list[_Reading]] = field(factory=dict[str, "list[_Reading]"])
    _next_header_at: float = 0.0

    # Readings

    def is_due(self, now: float) -> bool:
        """Whether it is time to read another header; the last one cannot be of a loop that began later."""
        return not 0 <= self._next_header_at - now <= HEADER_SECONDS

    def note_header(self, headers: Mapping[str, str], span: Span) -> None:
        """Read the ``Date`` header of an answer."""
        shown = _date_of(headers)
        if shown is not None:
            self._next_header_at = span.ended_at + HEADER_SECONDS
            self._note(_HEADER, shown, span, MAX_SKEW)

    def note_moment(self, endpoint: str, shown: datetime, span: Span, max_skew: timedelta) -> None:
        """Record what an answer has *shown* as the moment of its call."""
        self._note(_api_of(endpoint), shown, span, max_skew)

    def contradicts(self, endpoint: str, shown: datetime, span: Span) -> bool:
        """Whether what was created just now is *shown* as of another day, by our clock and by another witness.

        That is a ``Date`` header, or an earlier moment of the same generation that agreed with our clock. Our clock may
        be wrong by itself; a server that never sent a header is no exchange, but one whose answers are samples, which
        are old. More than a day is no zone.
        """
        now, headers = span.moment(span.ended_at), self._readings.get(_HEADER, ())
        moments = [r for r in self._readings.get(_api_of(endpoint), ()) if r.is_near]
        theirs = [r.by_loop(span.zero) for r in (headers or moments)[-1:]]
        offsets = [ClockOffset(-MAX_SKEW, MAX_SKEW), *theirs]
        return bool(theirs) and not any(o.least - REMEMBERED <= shown - now <= o.most + REMEMBERED for o in offsets)

    def _note(self, source: str, shown: datetime, span: Span, max_skew: timedelta) -> None:
        offset = ClockOffset(shown - span.moment(span.ended_at) - SLACK, shown - span.moment(span.sent_at) + SLACK)
        reading = _Reading(offset, span.zero, span.ended_at, offset.is_within(max_skew))
        others = list[_Reading]()
        for known in self._readings.get(source, ()):
            if known.joins(reading):
                reading = evolve(reading, offset=reading.offset.joined(known.offset))
            elif known.seen_at > span.ended_at - REMEMBERED.total_seconds():
                others.append(known)
        self._readings[source] = [*others[1 - MOST_READINGS :], reading]

    def _sources(self, endpoint: str) -> list[_Reading]:
        """Return the readings of a generation, or else, if there is none, of all; and those of headers."""
        api = _api_of(endpoint)
        own = self._readings.get(api)
        others = [r for name, rs in self._readings.items() if name != _HEADER for r in rs]
        return [*(others if own is None else own), *self._readings.get(_HEADER, ())]

    # What they say

    def narrow(self, endpoint: str, zero: datetime, max_skew: timedelta = MAX_SKEW) -> ClockOffset | None:
        """Return the offset of the clock that moments of *endpoint* are from; None if none has been shown.

        Generations may use different zones, so only moments of its own count. If the skew that is allowed leaves no
        room for zones, headers are witnesses as well.
        """
        own = [r for r in self._readings.get(_api_of(endpoint), ()) if r.is_near]
        if own and max_skew <= MAX_SKEW:
            own += [r for r in self._readings.get(_HEADER, ()) if r.is_near]
        return _union(r.by_loop(zero) for r in own)

    def known(self, endpoint: str, zero: datetime) -> ClockOffset | None:
        """Return the union of all readings, near or not; None without any."""
        return _union(r.by_loop(zero) for r in self._sources(endpoint))

    def wide(self, endpoint: str, zero: datetime, zero_now: datetime, max_skew: timedelta = MAX_SKEW) -> ClockOffset:
        """Return the bounds that the offset has if a single reading is right, or our clock, as it was set or is now."""
        ours = ClockOffset(-max_skew, max_skew)
        readings = self._sources(endpoint)
        offsets = [ours.moved(zero_now - zero), *(r.by_loop(zero) for r in readings), *(r.offset for r in readings)]
        return reduce(ClockOffset.joined, offsets, ours)

    def doubt(self, endpoint: str, zero: datetime, now: float, max_skew: timedelta = MAX_SKEW) -> Doubt | None:
        """Return why moments cannot be trusted: no reading, or one that does not agree with our clock."""
        readings = self._sources(endpoint)
        if not readings:
            return Doubt("no answer has shown the exchange's clock so far, neither by a moment nor by a Date header")
        for reading in readings:
            if not reading.is_near and not reading.by_loop(zero).is_within(max_skew):
                kept = timedelta(seconds=reading.seen_at - now) + REMEMBERED
                if kept > timedelta(0):
                    words = f"an answer has shown a clock that is {reading.by_loop(zero)} from ours"
                    return Doubt(words, zero + timedelta(seconds=now) + kept)
        return None


def _union(offsets: Iterable[ClockOffset]) -> ClockOffset | None:
    known = list(offsets)
    return reduce(ClockOffset.joined, known) if known else None


def _api_of(endpoint: str) -> str:
    """Return the generation of the API: all but area and call."""
    return endpoint.rsplit(".", 2)[0]


def _date_of(headers: Mapping[str, str]) -> datetime | None:
    """Return the ``Date`` of an answer that no cache has kept; None if there is none."""
    parts = _DATE.fullmatch(headers.get("date", ""))
    if parts is None or "age" in headers:
        return None
    day, month, year, hour, minute, second = parts.groups()
    try:
        number = _MONTHS.index(month) + 1
        return datetime(int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None
