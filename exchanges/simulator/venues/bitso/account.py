"""Balances, and all that changed them."""

from __future__ import annotations

from decimal import Decimal

from attrs import define

from exchanges.bitso import Balance, v2
from exchanges.bitso.v2 import TransactionType, UserTransaction
from exchanges.simulator.engine.vault import Cause, Movement
from exchanges.simulator.venues.bitso.base import FEE_PERCENT, House
from exchanges.simulator.venues.bitso.market import MAX_PAGE
from exchanges.simulator.venues.bitso.trading import long_id
from exchanges.simulator.venues.spot import customer_of, page_of
from exchanges.simulator.venues.venue import Call, handles, second
from exchanges.wire import encode

__all__ = ["AccountCounter"]

_NOTHING = Decimal("0.00000000")
_TYPES = {
    Cause.DEPOSIT: TransactionType.DEPOSIT,
    Cause.WITHDRAWAL: TransactionType.WITHDRAWAL,
    Cause.TRADE: TransactionType.TRADE,
}


@define(eq=False, slots=False)
class AccountCounter(House):
    """Tells a customer what he has."""

    @handles("bitso.account.balance")
    def balance(self, call: Call) -> object:
        """List all currencies, in an object of one key; what is coming or going is not part of the total."""
        vault = customer_of(call).vault
        balances = [
            Balance(
                currency=currency,
                total=purse.balance,
                locked=purse.reserved,
                available=purse.available,
                pending_deposit=vault.coming.get(currency, _NOTHING),
                pending_withdrawal=vault.going.get(currency, _NOTHING),
            )
            for currency, purse in vault.purses.items()
        ]
        return {"balances": encode(balances)}

    @handles("bitso.v2.account.balance")
    def balance_v2(self, call: Call) -> object:
        """List all currencies, three keys each."""
        currencies = {
            currency: v2.CurrencyBalance(balance=purse.balance, reserved=purse.reserved, available=purse.available)
            for currency, purse in customer_of(call).vault.purses.items()
        }
        return v2.Balance(fee=FEE_PERCENT, currencies=currencies)

    @handles("bitso.v2.account.user_transactions")
    def user_transactions(self, call: Call) -> object:
        """List a page of the trades of one book, and of what came and went of its two currencies."""
        facts = self.market(call.arguments.text("book", "btc_mxn")).facts

        def wanted(movement: Movement) -> bool:
            return (movement.book or facts.name) == facts.name and movement.amounts.keys() <= {facts.base, facts.quote}

        page = page_of(call, customer_of(call).vault.movements, MAX_PAGE, wanted)
        return [_row(movement) for movement in page]


def _row(movement: Movement) -> UserTransaction:
    traded = movement.cause is Cause.TRADE
    return UserTransaction(
        id=movement.id if traded else None,
        datetime=second(movement.at_ms),
        type=_TYPES[movement.cause],
        method=movement.method or None,
        order_id=long_id(movement.order_id) if traded else None,
        rate=movement.price if traded else None,
        amounts=movement.net,
    )
