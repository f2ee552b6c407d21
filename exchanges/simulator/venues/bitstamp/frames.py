"""How Bitstamp's frames write numbers and moments."""

from __future__ import annotations

from decimal import Decimal

from exchanges.wire import Json

_TAIL = Decimal("0.000000000000000001")


def text(amount: Decimal) -> str:
    """Write an amount with eight decimals."""
    return f"{amount:.8f}"


def price_text(price: Decimal) -> str:
    """Write a price without the zeros at its end, which REST does show."""
    return f"{price.normalize():f}"


def inexact(amount: Decimal) -> Decimal:
    """Return a number as a float would show it: sometimes with a tail that is not there."""
    # Quirk: a number beside its text may be inexact (seen in frames).
    return amount + _TAIL if int(amount.scaleb(8)) % 4 == 1 else amount.normalize()


def moment_of(at_us: int) -> dict[str, Json]:
    """Return the two fields of a moment."""
    return {"timestamp": str(at_us // 1_000_000), "microtimestamp": str(at_us)}
