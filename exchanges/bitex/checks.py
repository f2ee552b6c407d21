"""What an argument may be before it is sent: amounts, ranges, percentages, flags, dates, codes, addresses, URLs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import urlsplit

from exchanges.endpoint import Param
from exchanges.endpoint.arguments import money
from exchanges.wire import Amount, plain

__all__ = [
    "at_least",
    "between",
    "calendar_day",
    "country_code",
    "currency_code",
    "fault_of_slug",
    "fault_of_url",
    "one_word",
    "percentage",
    "present_if_true",
]

_SLUG = re.compile(r"[a-z0-9-]+", re.ASCII)
_ZERO = re.compile(r"0+(?:\.0+)?", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
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


def calendar_day(value: object) -> str:
    """Make year/month/day from a `date`, or from the text 1970-01-30."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a date, or a text such as 1970-01-30") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError(f"must be a date without a time, not {type(value).__name__}")
    return f"{value.year:04}/{value.month:02}/{value.day:02}"


def country_code(value: str) -> str | None:
    """Say what is wrong with a country; an ISO code that the guide does not name is none of ours to refuse."""
    return None if _COUNTRY.fullmatch(value) else "must be an ISO country code of two capital letters, such as UY"


def currency_code(value: str) -> str | None:
    """Say what is wrong with a currency."""
    return None if _CURRENCY.fullmatch(value) else "must be an ISO currency code of three capital letters, such as UYU"


def one_word(value: str) -> str | None:
    """Say what is wrong with an address."""
    return "must not be empty or hold spaces" if not value or any(c.isspace() for c in value) else None
