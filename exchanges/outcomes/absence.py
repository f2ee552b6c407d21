"""When it is proven that a call which bore a client's id left nothing. No waiting.

Where an exchange shows what bears an id, presence is proof at once. Absence is none at first: the request may still be
on its way, and what was created may be shown late. How long either takes is a fact of each API, its `Absence`. Two
looks that find nothing count, the second no earlier than that, and the first no more than the pause between them
earlier; later than an API shows everything, no look counts any more.
"""

from __future__ import annotations

from datetime import timedelta

from exchanges.outcomes.search import Absence
from exchanges.values import define, frozen


@define(eq=False)
class Seen:
    """What the looks for one call have shown so far, by the clock of the loop.

    Attributes:
        fenced_at: When a later call of the key had been accepted, so that this one is refused from then on.
        empty_at: When the first look that counts had ended without a candidate.
        is_named: Whether an event of the account has named its client's id: what it made exists.
    """

    fenced_at: float | None = None
    empty_at: float | None = None
    is_named: bool = False


@frozen
class Look:
    """One look that showed nothing.

    Attributes:
        began: When its first read was sent, on the clock of the loop.
        ended: When its last read was answered.
        least_age: How old the request was when it began, at least.
        most_age: The same, at most.
    """

    began: float
    ended: float
    least_age: timedelta
    most_age: timedelta

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


@frozen
class Outlook:
    """What one look proves.

    Attributes:
        is_proof: Whether the call left nothing.
        never: Why no look will ever prove it; None if one may.
        next_seconds: How long until a look counts that does not count now.
        left_seconds: How long until it can be proven, at least.
    """

    is_proof: bool = False
    never: str | None = None
    next_seconds: float = 0.0
    left_seconds: float = 0.0


def judge(rule: Absence, seen: Seen, look: Look, *, has_fence: bool) -> Outlook:
    """Return what a look proves; the first one that counts is noted in *seen*.

    Args:
        rule: Of the API.
        seen: What earlier looks have shown.
        look: It.
        has_fence: Whether a later call that is accepted keeps the request out.
    """
    if rule.needs_fence and not has_fence:
        return Outlook(never=rule.unfenced)
    if rule.until is not None and look.most_age + timedelta(seconds=look.seconds) > rule.until:
        return Outlook(never=rule.too_late)
    apart, age = rule.apart.total_seconds(), look.least_age.total_seconds()
    after = rule.after.total_seconds()
    if seen.empty_at is not None and age >= after and look.began >= seen.empty_at + apart:
        return Outlook(is_proof=True)
    is_fenced = not rule.needs_fence or (seen.fenced_at is not None and look.began >= seen.fenced_at)
    if seen.empty_at is None and is_fenced and age >= after - apart:
        seen.empty_at = look.ended
    age += look.seconds
    if seen.empty_at is None:
        wait = max(after - apart - age, 0.0)
        return Outlook(next_seconds=wait, left_seconds=wait + apart)
    wait = max(after - age, seen.empty_at + apart - look.ended)
    return Outlook(next_seconds=wait, left_seconds=wait)
