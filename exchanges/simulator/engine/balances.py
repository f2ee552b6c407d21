"""Balances of accounts and of everybody else: money is only ever transferred, so the sum of all balances stays zero."""

from __future__ import annotations

import copy
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from enum import StrEnum
from typing import TypeAlias

from attrs import define, field, frozen

from exchanges.simulator.engine.arithmetic import EXACT
from exchanges.simulator.engine.snapshots import Shared

SMALLEST = Decimal("0.00000001")
"""The smallest amount that is transferred, in any currency."""
_DECIMALS = {"usd": Decimal("0.01"), "eur": Decimal("0.01"), "mxn": Decimal("0.01")}
_DOWN, _UP = EXACT.copy(), EXACT.copy()
_DOWN.rounding, _UP.rounding = ROUND_DOWN, ROUND_UP


def product(a: Decimal, b: Decimal, *, up: bool = False) -> Decimal:
    """Multiply, rounded down (or up) to `SMALLEST`."""
    context = _UP if up else _DOWN
    return context.quantize(context.multiply(a, b), SMALLEST)


def quotient(a: Decimal, b: Decimal, *, up: bool = False) -> Decimal:
    """Divide, rounded down (or up) to `SMALLEST`."""
    context = _UP if up else _DOWN
    return context.quantize(context.divide(a, b), SMALLEST)


def shown(amount: Decimal, currency: str) -> Decimal:
    """Return *amount* with the decimals of its currency, and with more only where it has them."""
    step = _DECIMALS.get(currency, SMALLEST)
    padded = _DOWN.quantize(amount, step)
    # A trade may leave fractions of a cent; hiding them would make sums wrong that a test computes.
    return padded if padded == amount else _DOWN.quantize(amount, SMALLEST)


@define
class Balance:
    """What an account holds of one currency.

    Attributes:
        total: All of it.
        reserved: The part that open orders hold.
    """

    total: Decimal
    reserved: Decimal = Decimal(0)

    @property
    def available(self) -> Decimal:
        """What is free to use."""
        return self.total - self.reserved

    def shown(self, currency: str) -> Balance:
        """Return it with the decimals of its currency."""
        return Balance(shown(self.total, currency), shown(self.reserved, currency))


class Party(StrEnum):
    """Who holds money beside the accounts."""

    OUTSIDE = "outside"
    """The world beyond the exchange: negative as long as more was deposited than withdrawn."""
    LIQUIDITY = "liquidity"
    """The owners of the background liquidity, counted from zero."""
    FEES = "fees"
    """The exchange itself."""


Holder: TypeAlias = Balance | Party


@define
class Clearing(Shared):
    """Transfers money between holders."""

    _held: dict[tuple[Party, str], Decimal] = field(factory=dict[tuple[Party, str], Decimal], init=False)

    def held(self, party: Party, currency: str) -> Decimal:
        """Return what *party* holds."""
        return self._held.get((party, currency), Decimal(0))

    # There is no way to change one side alone, which is what keeps the sum at zero.

    def transfer(self, currency: str, amount: Decimal, source: Holder, target: Holder) -> None:
        """Transfer *amount* from *source* to *target*."""
        self._change(source, currency, -amount)
        self._change(target, currency, amount)

    def _change(self, holder: Holder, currency: str, amount: Decimal) -> None:
        if isinstance(holder, Balance):
            holder.total += amount
        else:
            self._held[holder, currency] = self.held(holder, currency) + amount


class Cause(StrEnum):
    """Why a balance changed."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRADE = "trade"
    CONVERSION = "conversion"


@frozen(kw_only=True)
class Movement:
    """One change of balances.

    Attributes:
        id: Unique at the exchange.
        at_ms: Milliseconds since 1970.
        cause: Why.
        amounts: By currency: what was received (positive) or given (negative), without the fee.
        fee: What the exchange took in addition.
        fee_currency: Currency of the fee; empty for none.
        method: How a deposit or a withdrawal travelled.
        book: Where a trade took place; empty for all else.
        order_id: The order that traded; 0 for all else.
        price: Of a trade: quote per base.
        reference: The id of the conversion, and that of its quote; empty for all else.
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
    reference: tuple[str, ...] = ()

    @property
    def net(self) -> dict[str, Decimal]:
        """By currency: what was received or given, less the fee."""
        changes = dict(self.amounts)
        if self.fee_currency:
            changes[self.fee_currency] = changes.get(self.fee_currency, Decimal(0)) - self.fee
        return changes


@frozen(eq=False)
class Incoming:
    """A deposit on its way: *amount* of *currency*, sent *sent_ms* after 1970."""

    currency: str
    amount: Decimal
    sent_ms: int


@define(eq=False)
class Wallet:
    """What one account holds, and the movements that explain it.

    Attributes:
        owner: Id of the account.
        balances: By currency, such as btc.
        movements: Oldest first.
        incoming: Deposits that are not credited yet, oldest first; not part of any balance.
        outgoing: Withdrawals that are not sent yet, by currency; no longer part of any balance.
    """

    owner: int
    balances: dict[str, Balance]
    movements: list[Movement] = field(factory=list[Movement], init=False)
    incoming: list[Incoming] = field(factory=list[Incoming], init=False)
    outgoing: dict[str, Decimal] = field(factory=dict[str, Decimal], init=False)

    def __deepcopy__(self, memo: dict[int, object]) -> Wallet:
        """Copy the tables; movements never change."""
        copied = Wallet(self.owner, {currency: copy.copy(balance) for currency, balance in self.balances.items()})
        copied.movements = self.movements.copy()
        copied.incoming, copied.outgoing = self.incoming.copy(), self.outgoing.copy()
        return copied
