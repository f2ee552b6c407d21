"""Whether what the exchange shows is what a call asked for: True, False, or None where that cannot be told."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from exchanges.outcomes.matching import placed_at
from exchanges.outcomes.search import Match, Query
from exchanges.redaction import REDACTED
from exchanges.wire import Deviation, Json, loads

__all__ = [
    "UNTOLD",
    "Likeness",
    "alike_amount",
    "alike_number",
    "alike_tag",
    "alike_text",
    "overall",
    "structure",
    "trace",
]

SMALLEST = Decimal("0.00000001")

Likeness: TypeAlias = bool | None
UNTOLD: Likeness = None


def overall(likenesses: Collection[Likeness]) -> Likeness:
    """Sum up: as unlike as the most unlike."""
    return False if False in likenesses else all(likenesses) or UNTOLD


def alike_amount(wanted: Decimal | None, shown: Decimal | None) -> Likeness:
    """Compare amounts by value; one that may have been rounded to what the exchange can hold cannot be told."""
    if wanted is None or shown is None:
        return UNTOLD
    return wanted == shown or (UNTOLD if abs(wanted - shown) < SMALLEST else False)


def alike_number(wanted: str | None, shown: int | None) -> Likeness:
    """Compare ids and other whole numbers."""
    return UNTOLD if wanted is None or shown is None else wanted == str(int(shown))


def alike_text(wanted: str | None, shown: str | None) -> Likeness:
    """Compare texts; where one of them is missing, or is kept secret, it cannot be told."""
    if not wanted and not shown:
        return True
    return UNTOLD if not wanted or not shown or wanted == REDACTED else wanted == shown


def alike_tag(sought: Query, name: str, shown: str | None) -> tuple[Likeness, bool]:
    """Compare the text that bears the tag where the caller left it empty; say besides whether it does."""
    tag = sought.intent.tag
    return alike_text(tag or sought.text(name), shown), tag is not None and tag == shown


def structure(sought: Query, name: str) -> Json:
    """Read an argument that is no single value; None if it was not sent or cannot be read."""
    try:
        return loads((sought.text(name) or "null").encode())
    except Deviation:
        return None


def trace(
    sought: Query,
    found: object,
    likenesses: Collection[Likeness],
    *,
    name: object,
    told: datetime | None = None,
    tagged: bool = False,
) -> Match | None:
    """Name something that may be ours, made when the exchange *told*; None for what is another's.

    The tag decides against all else.
    """
    at = None if told is None else placed_at(sought, told)
    likeness = overall(likenesses) if told is None or at is not None else False
    return (
        Match(str(name), found, at, sure=likeness is True, tagged=tagged) if tagged or likeness is not False else None
    )
