"""Exact sums of amounts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal

# Exact for products of two numbers of at most 30 digits, and for sums of such.
EXACT = Context(prec=80)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the sum of the magnitudes of amounts."""
    result = Decimal(0)
    for amount in amounts:
        result = EXACT.add(result, abs(amount))
    return result


def totals(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Return the sum of the magnitudes of amounts, by currency."""
    result: dict[str, Decimal] = {}
    for currency, amount in amounts:
        result[currency] = EXACT.add(result.get(currency, Decimal(0)), abs(amount))
    return result
