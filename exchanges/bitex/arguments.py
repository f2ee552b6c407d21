"""What places, addresses and dates in arguments must look like."""

from __future__ import annotations

import re
from datetime import date, datetime

__all__ = ["calendar_day", "country_code", "currency_code", "one_word"]

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


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
