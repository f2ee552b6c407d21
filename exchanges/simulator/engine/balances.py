"""What an account holds of one currency, and who holds the rest: no money comes from nowhere or goes there."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal
from enum import StrEnum
from typing import TypeAlias

from attrs import define, field

from exchanges.simulator.engine.snapshots import Shared

__all__ = ["SMALLEST", "Holder", "Party", "Purse", "Tally", "product", "quotient"]

SMALLEST = Decimal("0.00000001")
"""Nothing smaller changes hands, of any currency."""
_DOWN = Context(prec=80, rounding=ROUND_DOWN)
_UP = Context(prec=80, rounding=ROUND_UP)


def product(a: Decimal, b: Decimal, *, up: bool = False) -> Decimal:
    """Multiply, rounded down (or up) to what can change hands."""
    context = _UP if up else _DOWN
    return context.quantize(context.multiply(a, b), SMALLEST)


def quotient(a: Decimal, b: Decimal, *, up: bool = False) -> Decimal:
    """Divide, rounded down (or up) to what can change hands."""
    context = _UP if up else _DOWN
    return context.quantize(context.divide(a, b), SMALLEST)


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


class Party(StrEnum):
    """Who may hold money beside the accounts."""

    OUTSIDE = "outside"
    """The world beyond the exchange: less than nothing as long as more came in than went out."""
    STRANGERS = "strangers"
    """Those whose orders make the public book, counted from nothing."""
    FEES = "fees"
    """The exchange itself."""


Holder: TypeAlias = Purse | Party


@define
class Tally(Shared):
    """Moves money from one to another, and so keeps the sum of all at nothing."""

    _held: dict[tuple[Party, str], Decimal] = field(factory=dict[tuple[Party, str], Decimal], init=False)

    def held(self, party: Party, currency: str) -> Decimal:
        """Say what *party* holds."""
        return self._held.get((party, currency), Decimal(0))

    def move(self, currency: str, amount: Decimal, source: Holder, target: Holder) -> None:
        """Take *amount* from *source* and give it to *target*."""
        self._change(source, currency, -amount)
        self._change(target, currency, amount)

    def _change(self, holder: Holder, currency: str, amount: Decimal) -> None:
        if isinstance(holder, Purse):
            holder.balance += amount
        else:
            self._held[holder, currency] = self.held(holder, currency) + amount
