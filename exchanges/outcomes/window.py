"""The window of a call: between which moments of the exchange's clock it created something, if it did. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import frozen

from exchanges.intents import ClockOffset, Intent
from exchanges.limits.windows import LOST_SECONDS
from exchanges.outcomes.clocks import Doubt, ExchangeClock
from exchanges.outcomes.search import MAX_SKEW, Match, Query

ALWAYS = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)


@frozen
class Now:
    """How our clocks are set.

    Attributes:
        zero: What ours shows, as it is set now, when that of the loop is zero.
        loop: What that of the loop shows.
    """

    zero: datetime
    loop: float

    @property
    def wall(self) -> datetime:
        """What ours shows."""
        return self.zero + timedelta(seconds=self.loop)


@frozen
class Sent:
    """A call that was sent; its moments are of our clock, as that was set then.

    Attributes:
        intent: What it was to do.
        ended_at: When its connection was closed; None if that was not recorded.
        zero: What our clock showed when that of the loop was zero; None if another process recorded it, or nobody. Then
            the intent alone says how far our clock was from the exchange's.
    """

    intent: Intent
    ended_at: datetime | None
    zero: datetime | None


@frozen
class Window:
    """When a call created something, if it did.

    Attributes:
        since: Not before, if any clock is right that was seen.
        until: Not after, if any clock is right that was seen.
        clock: How far the exchange's clock was ahead of ours, by the answers that agree with it.
        belongs_since: Not before, by these answers.
        belongs_until: Not after, by these answers.
        age: How long ago it was sent, at most.
        least_age: The same, at least.
        is_narrow: Whether there are such answers.
        known: How far the exchange's clock was ahead of ours, by all answers; None without any.
    """

    since: datetime
    until: datetime
    clock: ClockOffset
    belongs_since: datetime
    belongs_until: datetime
    age: timedelta
    least_age: timedelta
    is_narrow: bool
    known: ClockOffset | None

    def query(self, intent: Intent) -> Query:
        """Return the query that searches in it."""
        back = _plus(self.belongs_since, -MAX_SKEW) if self.is_narrow else self.since
        return Query(intent, self.since, self.until, self.age, max(back, self.since), self.known)

    def fits(self, moment: datetime) -> bool:
        """Return whether what was created at *moment* may be of the call."""
        return self.belongs_since <= moment <= self.belongs_until

    def takes(self, match: Match) -> bool:
        """Return whether a match counts as one of the call, rather than as one whose moment may be wrong."""
        return match.tagged or not (match.misdated or (match.at is not None and not self.fits(match.at)))


def window_of(clock: ExchangeClock, sent: Sent, now: Now, max_skew: timedelta) -> Window:
    """Return the window of a call.

    Args:
        clock: What answers have shown of the exchange's clock.
        sent: The call.
        now: How our clocks are set.
        max_skew: How far the exchange's clock may be from ours.
    """
    intent, endpoint = sent.intent, sent.intent.endpoint
    present = clock.wide(endpoint, now.zero, now.zero, max_skew)
    if sent.zero is None:
        known = intent.clock
        ours, narrow = ClockOffset(-max_skew, max_skew), intent.clock
        wide = ours if narrow is None else ours.joined(narrow)
    else:
        known = clock.known(endpoint, sent.zero)
        narrow, wide = clock.narrow(endpoint, sent.zero, max_skew), clock.wide(endpoint, sent.zero, now.zero, max_skew)
    best = wide if narrow is None else narrow
    # Of a call of another process that was not seen to end, the exchange may have heard until now.
    ended, last, best_last = (now.wall, present, present) if sent.ended_at is None else (sent.ended_at, wide, best)
    lost = timedelta(seconds=LOST_SECONDS)
    ages = _ages(sent, now, best, clock.narrow(endpoint, now.zero, max_skew))
    return Window(
        since=_plus(intent.at, wide.least),
        until=_plus(ended, lost + last.most),
        clock=best,
        belongs_since=_plus(intent.at, best.least),
        belongs_until=_plus(ended, lost + best_last.most),
        age=max(ages),
        least_age=min(ages),
        is_narrow=narrow is not None,
        known=known,
    )


def _ages(sent: Sent, now: Now, then: ClockOffset, present: ClockOffset | None) -> list[timedelta]:
    """Return how long ago a call was sent, by each clock: ours may have been set, and that of the loop may rest."""
    ages = [now.wall - sent.intent.at]
    if sent.zero is not None:
        ages.append(sent.zero + timedelta(seconds=now.loop) - sent.intent.at)
    elif present is not None and sent.intent.clock is not None:
        ages += [ages[0] + present.most - then.least, ages[0] + present.least - then.most]
    return ages


def doubt_of(intent: Intent, max_skew: timedelta) -> Doubt | None:
    """Return why the moment of an intent of another process, or of none, cannot be trusted."""
    if intent.clock is None:
        return Doubt("no answer had shown the exchange's clock when it was sent; ours may have been set since")
    if not intent.clock.is_within(max_skew):
        return Doubt(f"when it was sent, the exchange's clock was {intent.clock} from ours")
    return None


def _plus(moment: datetime, by: timedelta) -> datetime:
    """Add, and stay within what a datetime can hold: a wrong clock may show any year."""
    try:
        return moment + by
    except OverflowError:
        return ALWAYS if by > timedelta(0) else NEVER
