"""One side of an order book: amounts by price, and the prices in order.

Prices are compared as numbers: ``63000`` and ``63000.0`` are one level. Numbers come as text, and a text that is no
plain number is refused, never rounded: see `Numbers`.
"""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

__all__ = ["Level"]


@frozen
class Level:
    """One price of an order book.

    Attributes:
        price: Quote currency per unit of base.
        amount: Base currency on offer, or wanted, at this price.
    """

    price: Decimal
    amount: Decimal
