"""Exact arithmetic of amounts.

Rules for editors: operators of `Decimal`, ``abs()`` and ``sum()`` round to the precision of whoever calls, and raise
what their context traps. Amounts are never left to them: only comparisons and copies need no context.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

# Exact for products of two numbers of at most 30 digits, and for sums of such. What is not stated here would be that of
# the default context, which a program may have changed.
EXACT = Context(
    prec=80,
    rounding=ROUND_HALF_EVEN,
    Emin=MIN_EMIN,
    Emax=MAX_EMAX,
    traps=[DivisionByZero, InvalidOperation, Overflow],
)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the sum of the magnitudes of amounts."""
    result = Decimal(0)
    for amount in amounts:
        result = EXACT.add(result, amount.copy_abs())
    return result


def totals(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Return the sum of the magnitudes of amounts, by currency."""
    result: dict[str, Decimal] = {}
    for currency, amount in amounts:
        result[currency] = EXACT.add(result.get(currency, Decimal(0)), amount.copy_abs())
    return result
