"""CLABE: the number of a Mexican bank account, whose last digit is a check digit."""

from __future__ import annotations

import re
from itertools import cycle

LENGTH = 18
_WEIGHTS = (3, 7, 1)
_DIGITS = re.compile(r"[0-9]{18}")


def check_digit(digits: str) -> int:
    """Compute the last digit of a CLABE from the 17 before it.

    Each is multiplied by its weight (3, 7, 1 and again); the last digits of the products and the check digit add up
    to a multiple of ten.
    """
    total = sum(int(digit) * weight for digit, weight in zip(digits, cycle(_WEIGHTS), strict=False))
    return -total % 10


def fault_of_clabe(clabe: str) -> str | None:
    """Return what is wrong with a CLABE; None if nothing is."""
    if not _DIGITS.fullmatch(clabe):
        return f"must be a CLABE: {LENGTH} digits"
    return None if check_digit(clabe[:-1]) == int(clabe[-1]) else "must be a CLABE: its check digit does not match"
