"""What an account holds of one currency."""

from __future__ import annotations

from decimal import Decimal

from attrs import define

__all__ = ["Purse"]


@define
class Purse:
    """An amount, part of which open orders may hold.

    Attributes:
        balance: All of it.
        reserved: What open orders hold of it.
    """

    balance: Decimal
    reserved: Decimal = Decimal(0)

    @property
    def available(self) -> Decimal:
        """What is free to use."""
        return self.balance - self.reserved

    def reserve(self, amount: Decimal) -> bool:
        """Hold *amount* for an order, if there is as much."""
        if amount > self.available:
            return False
        self.reserved += amount
        return True

    def release(self, amount: Decimal) -> None:
        """Give back what an order held."""
        self.reserved -= amount
