"""Balances, and all that changed them."""

from __future__ import annotations

from decimal import Decimal

from attrs import define

from exchanges.bitstamp import v1
from exchanges.bitstamp.v1 import TransactionType, UserTransaction
from exchanges.simulator.engine.vault import Cause, Movement
from exchanges.simulator.venues.bitstamp.base import FEE_PERCENT, House
from exchanges.simulator.venues.spot import customer_of, page_of
from exchanges.simulator.venues.venue import Call, handles, second
from exchanges.wire import Json, encode

__all__ = ["AccountCounter"]

MAX_PAGE = 1000
_NOTHING = Decimal("0.00")
_TYPES = {
    Cause.DEPOSIT: TransactionType.DEPOSIT,
    Cause.WITHDRAWAL: TransactionType.WITHDRAWAL,
    Cause.TRADE: TransactionType.MARKET_TRADE,
}


@define(eq=False, slots=False)
class AccountCounter(House):
    """Tells a customer what he has."""

    @handles("bitstamp.v1.account.balance")
    def balance_v1(self, call: Call) -> object:
        """List all currencies, three keys each."""
        currencies = {
            currency: v1.CurrencyBalance(balance=purse.balance, reserved=purse.reserved, available=purse.available)
            for currency, purse in customer_of(call).vault.purses.items()
        }
        return v1.Balance(fee=FEE_PERCENT, currencies=currencies)

    @handles("bitstamp.v1.account.user_transactions")
    def user_transactions(self, call: Call) -> object:
        """List a page of what moved money."""
        return [_row(movement) for movement in page_of(call, customer_of(call).vault.movements, MAX_PAGE)]


def _row(movement: Movement) -> Json:
    """Show what moved money; a deposit or a withdrawal has null for an order (seen in recordings)."""
    traded = movement.cause is Cause.TRADE
    row = encode(_transaction(movement, traded=traded))
    return {"order_id": None, **row} if isinstance(row, dict) else row


def _transaction(movement: Movement, *, traded: bool) -> UserTransaction:
    return UserTransaction(
        id=movement.id,
        datetime=second(movement.at_ms),
        type=_TYPES[movement.cause],
        fee=movement.fee or _NOTHING,
        order_id=movement.order_id if traded else None,
        amounts={"usd": _NOTHING, "btc": _NOTHING, **movement.amounts},
        rates={"btc_usd": movement.price if traded else _NOTHING},
    )
