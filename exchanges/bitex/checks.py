"""What an argument may be before it is sent: smallest amounts, ranges, percentages, flags, https URLs, slugs."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from urllib.parse import urlsplit

from exchanges.endpoint import Param
from exchanges.endpoint.arguments import money
from exchanges.wire import Amount, plain

__all__ = ["at_least", "between", "fault_of_slug", "fault_of_url", "percentage", "present_if_true"]

_SLUG = re.compile(r"[a-z0-9-]+", re.ASCII)
_ZERO = re.compile(r"0+(?:\.0+)?", re.ASCII)
_BLANK = re.compile(r"\s")


def at_least(minimum: Decimal, unit: str) -> Param:
    """Make the check of an amount that has a smallest value."""
    return Param(check=_below(minimum, f"must be at least {minimum} {unit}"))


def _below(minimum: Decimal, fault: str) -> Callable[[str], str | None]:
    return lambda amount: fault if Decimal(amount) < minimum else None


def between(lowest: int, highest: int, unit: str) -> Param:
    """Make the check of a whole number between two bounds, both included."""
    return Param(check=lambda n: None if lowest <= n <= highest else f"must be {lowest} to {highest} {unit}")


def percentage(value: Amount) -> str:
    """Write a percentage, which other than money may be zero.

    Raises:
        ValueError: It is above 100.
    """
    written = plain(value) if isinstance(value, Decimal) else str(value)
    if not isinstance(value, float) and _ZERO.fullmatch(written):
        return "0"
    written = money(value)
    if Decimal(written) > 100:
        raise ValueError("must be a percentage from 0 to 100")
    return written


def present_if_true(value: object) -> bool | None:
    """Make a flag that works by being there: False is not sent."""
    if type(value) is not bool:
        raise TypeError(f"must be a bool, not {type(value).__name__}")
    return value or None


def fault_of_url(url: str) -> str | None:
    """Say what is wrong with an address to which Bitex is to post."""
    try:
        parts = urlsplit(url)
        is_https = parts.scheme == "https" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_https = False
    return None if is_https and not _BLANK.search(url) else "must be an https URL: Bitex posts to no other"


def fault_of_slug(slug: str) -> str | None:
    """Say what is wrong with the last part of the address of a point of sale."""
    return None if _SLUG.fullmatch(slug) else "must be of lower-case letters, digits and dashes only"
