"""Checks and renderings of arguments: amounts, ranges, percentages, flags, dates, codes, addresses, URLs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import urlsplit

from exchanges.endpoint import Param
from exchanges.endpoint.arguments import money
from exchanges.wire import Amount

ECHOED_ID = Param(echo="id")
"""Of the object that a call names: an answer about another one belongs to another request."""
_ZERO = re.compile(r"0+(?:\.0+)?", re.ASCII)
_BLANK = re.compile(r"\s")


def at_least(minimum: Decimal, unit: str) -> Param:
    """Build the check of an amount with a minimum."""
    return Param(check=lambda amount: None if Decimal(amount) >= minimum else f"must be at least {minimum} {unit}")


def between(lowest: int, highest: int, unit: str) -> Param:
    """Build the check of a whole number in a range, both ends included."""
    return Param(check=lambda n: None if lowest <= n <= highest else f"must be {lowest} to {highest} {unit}")


def percentage(value: Amount) -> str:
    """Render a percentage.

    Raises:
        ValueError: It is negative or above 100, or not an exact number.
    """
    # `money` accepts only what is above zero, but keeping nothing is a valid percentage. Not by its text, which may be
    # as long as its exponent is large.
    is_number = isinstance(value, Decimal | int) and not isinstance(value, bool)
    if (is_number and value == 0) or (isinstance(value, str) and _ZERO.fullmatch(value)):
        return "0"
    written = money(value)
    if Decimal(written) > 100:
        raise ValueError("must be a percentage from 0 to 100")
    return written


def present_if_true(value: object) -> bool | None:
    """Render a flag that Bitex reads as true whenever it is present: False is not sent."""
    if type(value) is not bool:
        raise TypeError(f"must be a bool, not {type(value).__name__}")
    # Quirk: the exchange looks only whether the field is there, so "full=false" would mean true (guide).
    return value or None


def calendar_day(value: object) -> str:
    """Render a `date`, or text such as 1970-01-30, as year/month/day."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a date, or a text such as 1970-01-30") from None
    # A datetime is a date too, but which day it means depends on its zone.
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError(f"must be a date without a time, not {type(value).__name__}")
    # Quirk: the sample of the guide has no leading zeros; the exchange's own client sends two digits, as here.
    return f"{value.year:04}/{value.month:02}/{value.day:02}"


def fault_of_address(value: str) -> str | None:
    """Return what is wrong with an address on the Bitcoin network; only the exchange verifies its checksum."""
    return "must not be empty or contain spaces" if not value or _BLANK.search(value) else None


def fault_of_url(url: str) -> str | None:
    """Return what is wrong with a URL that Bitex is to post to."""
    try:
        parts = urlsplit(url)
        is_https = parts.scheme == "https" and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_https = False
    return None if is_https and not _BLANK.search(url) else "must be an https URL: Bitex posts to no other"


def _matching(pattern: str, fault: str) -> Callable[[str], str | None]:
    """Build the check of a text as a whole."""
    whole = re.compile(pattern, re.ASCII)
    return lambda text: None if whole.fullmatch(text) else fault


# An ISO code that the guide does not list is accepted: its lists have grown, and the exchange refuses what it must.
fault_of_country = _matching(r"[A-Z]{2}", "must be an ISO country code of two capital letters, such as UY")
fault_of_currency = _matching(r"[A-Z]{3}", "must be an ISO currency code of three capital letters, such as UYU")
fault_of_slug = _matching(r"[a-z0-9-]+", "must contain lower-case letters, digits and dashes only")
