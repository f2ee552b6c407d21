"""Orders and trades of one's own."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from attrs import define

from exchanges.bitex import Ask, Bid
from exchanges.simulator.engine.balances import quotient
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.venues.bitex.base import House, account_of, amount_of, made_since
from exchanges.simulator.venues.venue import Call, handles

__all__ = ["TradingCounter"]

MINIMUM_BID = Decimal(1)
MINIMUM_ASK = Decimal("0.005")
WEEK, MOST_TRADES = timedelta(days=7), 500

O = TypeVar("O", Bid, Ask)  # noqa: E741 - an order


@define(eq=False, slots=False)
class TradingCounter(House):
    """Takes orders to buy and to sell."""

    @handles("bitex.trading.orders")
    def orders(self, call: Call) -> object:
        """List what is active, or was a short while ago."""
        return account_of(call).desk.listed(call.now_ms)

    @handles("bitex.trading.trades")
    def trades(self, call: Call) -> object:
        """List the last seven days, newest first."""
        account = account_of(call)
        rows = [*reversed(account.desk.trades), *account.past.trades]
        return made_since(rows, call.now_ms, WEEK)[:MOST_TRADES]

    @handles("bitex.trading.create_bid")
    def create_bid(self, call: Call) -> object:
        """Take an order to buy."""
        return self._place(call, Bid, MINIMUM_BID)

    @handles("bitex.trading.bid")
    def bid(self, call: Call) -> object:
        """Find an order to buy."""
        return _found(call, Bid, "bid_id")

    @handles("bitex.trading.cancel_bid")
    def cancel_bid(self, call: Call) -> object:
        """Begin to cancel an order."""
        return self.floor.cancel(account_of(call).desk, _found(call, Bid, "bid_id"))

    @handles("bitex.trading.create_ask")
    def create_ask(self, call: Call) -> object:
        """Take an order to sell."""
        return self._place(call, Ask, MINIMUM_ASK)

    @handles("bitex.trading.ask")
    def ask(self, call: Call) -> object:
        """Find an order to sell."""
        return _found(call, Ask, "ask_id")

    @handles("bitex.trading.cancel_ask")
    def cancel_ask(self, call: Call) -> object:
        """Begin to cancel an order."""
        return self.floor.cancel(account_of(call).desk, _found(call, Ask, "ask_id"))

    def _place(self, call: Call, kind: type[O], minimum: Decimal) -> O:
        if call.arguments.integer("orderbook", 1) != 1:
            raise Refused(Reason.WRONG_ARGUMENT, "orderbook", "no existe")
        amount, price = amount_of(call, "amount", minimum), amount_of(call, "price")
        if kind is Bid and not quotient(amount, price):
            raise Refused(Reason.WRONG_NUMBER, "amount", "no alcanza para nada")
        return self.floor.place(account_of(call).desk, kind, amount, price, call.now_ms)


def _found(call: Call, kind: type[O], name: str) -> O:
    order = account_of(call).desk.find(kind, call.arguments.integer(name))
    if order is None:
        raise Refused(Reason.NOT_FOUND)
    return order
