"""What one account holds of all currencies, and what moved it: deposits, withdrawals and trades."""

from __future__ import annotations

import copy
from decimal import Decimal
from enum import StrEnum

from attrs import define, field, frozen

from exchanges.simulator.engine.balances import Purse

__all__ = ["Cause", "Movement", "Vault"]


class Cause(StrEnum):
    """Why money moved."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRADE = "trade"


@frozen(kw_only=True)
class Movement:
    """One thing that moved money.

    Attributes:
        id: Unique at the exchange.
        at_ms: Milliseconds since 1970.
        cause: Why.
        amounts: By currency: what came (above zero) or went (below), without the fee.
        fee: What the exchange took beside that.
        fee_currency: What the fee is counted in; empty for none.
        method: How a deposit came or a withdrawal went.
        book: Where a trade took place; empty for all else.
        order_id: What traded; 0 for all else.
        price: Of a trade: quote per base.
    """

    id: int
    at_ms: int
    cause: Cause
    amounts: dict[str, Decimal]
    fee: Decimal = Decimal(0)
    fee_currency: str = ""
    method: str = ""
    book: str = ""
    order_id: int = 0
    price: Decimal = Decimal(0)

    @property
    def net(self) -> dict[str, Decimal]:
        """By currency: what came or went, the fee taken off."""
        changes = dict(self.amounts)
        if self.fee_currency:
            changes[self.fee_currency] = changes.get(self.fee_currency, Decimal(0)) - self.fee
        return changes


@define(eq=False)
class Vault:
    """Purses by currency, and the rows that explain them.

    Attributes:
        purses: By currency, such as btc.
        movements: Oldest first.
        coming: Deposits that are not credited yet, by currency; not part of any purse.
        going: Withdrawals that are not sent yet, by currency; not part of any purse any more.
    """

    purses: dict[str, Purse]
    movements: list[Movement] = field(factory=list[Movement], init=False)
    coming: dict[str, Decimal] = field(factory=dict[str, Decimal], init=False)
    going: dict[str, Decimal] = field(factory=dict[str, Decimal], init=False)

    def __deepcopy__(self, memo: dict[int, object]) -> Vault:
        """Hold in a picture what is there now."""
        picture = memo[id(self)] = Vault({currency: copy.copy(purse) for currency, purse in self.purses.items()})
        picture.movements = self.movements.copy()
        picture.coming, picture.going = self.coming.copy(), self.going.copy()
        return picture

    @classmethod
    def of(cls, *currencies: str) -> Vault:
        """Make one with an empty purse for each currency."""
        return cls({currency: Purse(Decimal(0)) for currency in currencies})

    def expect(self, where: dict[str, Decimal], currency: str, amount: Decimal) -> None:
        """Add *amount* to what is coming or going; take it off if it is less than nothing."""
        where[currency] = where.get(currency, Decimal(0)) + amount
