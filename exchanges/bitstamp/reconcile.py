"""How Bitstamp's reads find again what a call did.

An order of v1 that waits is among the open orders, with its limit and with what is left of it; what traded is among the
transactions, with the id of its order. Both together tell the whole amount. They are not read at the same moment, so a
sum that is not what was asked for does not yet speak against an order, but a part that is more does.

An order is sure as long as it is open and its parts add up. One that is gone has left its trades alone: they name
neither its limit, only that it was no worse than their prices, nor what was cancelled of it. It is never sure. One that
was cancelled before it traded is in no list.

A withdrawal of bitcoins is among the requests from the moment on when it was asked for, by the id that the call
answers with. It is sure where its data name the address, of which the document says nothing. One over Ripple has no
type among the requests; it is among the transactions, with amount and moment but not with its receiver: it is never
sure. And no document says when it gets there: where there is none, that proves nothing.

Source:
    Bitstamp API v1, Private Functions, "User transactions", "Open orders", "Withdrawal requests".
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from exchanges.bitstamp.v1.account import Account
from exchanges.bitstamp.v1.funding import Funding
from exchanges.bitstamp.v1.models import (
    Order,
    OrderType,
    SortOrder,
    TransactionType,
    UserTransaction,
    WithdrawalRequest,
    WithdrawalType,
)
from exchanges.bitstamp.v1.trading import Trading
from exchanges.outcomes.matching import MatchQuality, Page, compare, is_before, listed, placed_at, read_back
from exchanges.outcomes.search import Answers, Match, Matches, Query, Read, Search, Searches, id_of

__all__ = ["SEARCHES"]

BASE, PAIR = "btc", "btc_usd"
CENT, SMALLEST = Decimal("0.01"), Decimal("0.00000001")
"""Steps of prices and of amounts."""
PAGE_SIZE = 100

Trades = list[UserTransaction]


# Orders


def _orders(side: OrderType, sought: Query, seen: Answers) -> Matches:
    """Read what waits, then what traded, so that an order which trades meanwhile is in one of both."""
    waiting = Read.of(Trading.open_orders)
    if waiting not in seen:
        return Matches(more=(waiting,))
    back = _look_back(sought, seen)
    if back.more:
        return Matches(more=back.more)
    orders: list[Order] | None = listed(seen, waiting)
    candidates = tuple(_compared(side, sought, orders or [], back.rows))
    return Matches(candidates, whole=back.whole and orders is not None)


def _look_back(sought: Query, seen: Answers) -> Page:
    """Read the transactions back to the call."""

    def page(offset: int) -> Read:
        beyond = {"offset": offset} if offset else {}
        return Read.of(Account.user_transactions, **beyond, limit=PAGE_SIZE, sort=SortOrder.DESC)

    return read_back(seen, page, lambda row: is_before(sought, row.datetime))


def _compared(
    side: OrderType, sought: Query, orders: list[Order], rows: tuple[UserTransaction, ...]
) -> Iterator[Match]:
    trades: dict[int, Trades] = {}
    for row in rows:
        if row.order_id is not None:
            trades.setdefault(row.order_id, []).append(row)
    for order in orders:
        fills = trades.pop(order.id, [])
        likeness = min(_likeness_of_order(side, sought, order), _likeness_of_trades(side, sought, fills))
        if likeness := min(likeness, _likeness_of_sum(sought, order, fills)):
            found = (order, *fills) if fills else order
            yield Match(str(order.id), found, placed_at(sought, order.datetime), sure=likeness is MatchQuality.SAME)
    for order_id, fills in trades.items():
        if _likeness_of_trades(side, sought, fills):
            yield Match(str(order_id), tuple(fills), sure=False)


def _likeness_of_order(side: OrderType, sought: Query, order: Order) -> MatchQuality:
    """Compare all but the amount."""
    if order.type is not side or placed_at(sought, order.datetime) is None:
        return MatchQuality.OTHER
    return compare(order.price, Decimal(sought.intent.arguments["price"]), CENT)


def _likeness_of_trades(side: OrderType, sought: Query, trades: Trades) -> MatchQuality:
    """Rule out trades that an order placed by the call cannot have made."""
    limit, wanted = (Decimal(sought.intent.arguments[name]) for name in ("price", "amount"))
    sign = 1 if side is OrderType.BUY else -1
    for trade in trades:
        price = trade.rates.get(PAIR)
        is_elsewhere = not price and any(trade.rates.values())
        is_worse = price is not None and (price - limit) * sign > 0 and not compare(price, limit, CENT)
        is_against = trade.amounts.get(BASE, Decimal(0)) * sign < 0
        if is_elsewhere or is_worse or is_against or is_before(sought, trade.datetime):
            return MatchQuality.OTHER
    traded = _sum(trades)
    return MatchQuality.OTHER if traded > wanted and not compare(traded, wanted, SMALLEST) else MatchQuality.SAME


def _likeness_of_sum(sought: Query, order: Order, trades: Trades) -> MatchQuality:
    wanted = Decimal(sought.intent.arguments["amount"])
    if order.amount > wanted and not compare(order.amount, wanted, SMALLEST):
        return MatchQuality.OTHER
    return MatchQuality.SAME if order.amount + _sum(trades) == wanted else MatchQuality.DOUBTFUL


def _sum(trades: Trades) -> Decimal:
    return sum((abs(trade.amounts.get(BASE, Decimal(0))) for trade in trades), Decimal(0))


def _placed(order: Order) -> Match:
    """Read the answer to a new order."""
    return Match(str(order.id), order, order.datetime)


# Withdrawals


def _bitcoin_withdrawals(sought: Query, seen: Answers) -> Matches:
    reading = Read.of(Funding.withdrawal_requests)
    if reading not in seen:
        return Matches(more=(reading,))
    requests: list[WithdrawalRequest] | None = listed(seen, reading)
    wanted, address = Decimal(sought.intent.arguments["amount"]), sought.text("address")
    candidates = tuple(
        Match(str(request.id), request, at, sure=request.amount == wanted and request.data == address)
        for request in requests or []
        if request.type is WithdrawalType.BITCOIN
        and compare(request.amount, wanted, SMALLEST)
        and (at := placed_at(sought, request.datetime)) is not None
    )
    return Matches(candidates, whole=requests is not None)


def _ripple_withdrawals(sought: Query, seen: Answers) -> Matches:
    back = _look_back(sought, seen)
    if back.more:
        return Matches(more=back.more)
    currency, wanted = sought.intent.arguments["currency"].lower(), Decimal(sought.intent.arguments["amount"])
    candidates = tuple(
        Match(str(row.id), row, placed_at(sought, row.datetime), sure=False)
        for row in back.rows
        if row.type is TransactionType.WITHDRAWAL
        and not is_before(sought, row.datetime)
        and currency in row.amounts
        and compare(-row.amounts[currency], wanted, SMALLEST)
    )
    return Matches(candidates, whole=back.whole and bool(candidates))


SEARCHES: Searches = {
    id_of(Trading.buy): Search(partial(_orders, OrderType.BUY), _placed),
    id_of(Trading.sell): Search(partial(_orders, OrderType.SELL), _placed),
    id_of(Funding.bitcoin_withdrawal): Search(_bitcoin_withdrawals),
    id_of(Funding.ripple_withdrawal): Search(_ripple_withdrawals),
}
