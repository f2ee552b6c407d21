"""The notion of "the same" that is common to echoes in answers and to searches. Pure.

An exchange may repeat an amount with fewer decimals and a word in another case. Whatever is taken for the echo of an
argument must not be ruled out when the same call is searched for: both ask here.
"""

from __future__ import annotations

from decimal import Decimal

from exchanges.endpoint.amounts import EXACT

CENT = Decimal("0.01")
"""The coarsest step to which an exchange may round."""
SMALLEST = Decimal("0.00000001")
"""Digits behind this step are those of a float, and show no precision."""
NEGLIGIBLE = Decimal("0.01")
"""The share of an amount that rounding may change in an echo: a cent is much of an amount in BTC."""


def is_rounded(shown: Decimal, exact: Decimal) -> bool:
    """Whether *shown* may be *exact*, rounded to the decimals that it has: at most two that are zero are left out."""
    digits = shown.as_tuple().exponent
    if not isinstance(digits, int):
        return False
    # Digits behind the cents show that it was not rounded to cents.
    return _difference(shown, exact) < min(CENT, max(SMALLEST, EXACT.scaleb(1, digits)))


def is_echo(shown: Decimal, exact: Decimal) -> bool:
    """Whether *shown* repeats *exact*, rounded by no more than is negligible."""
    difference, negligible = _difference(shown, exact), EXACT.multiply(NEGLIGIBLE, exact.copy_abs())
    return difference < SMALLEST or (is_rounded(shown, exact) and difference <= negligible)


def _difference(shown: Decimal, exact: Decimal) -> Decimal:
    return EXACT.subtract(shown, exact).copy_abs()


def is_same_text(shown: str, sent: str) -> bool:
    """Whether two texts differ by nothing but blanks around them and case."""
    return shown.strip().casefold() == sent.strip().casefold()
