"""How Bitstamp's reads show what a call did.

An order of v1 that waits is among the open orders, with its limit and with what is left of it; what traded is among the
transactions, with the id of its order. Both together show the whole amount. They are not read at the same moment, so a
sum that is not what was asked for does not rule an order out, but a part that is more does.

An order is sure as long as it is open and its parts add up. An order that is gone has only left its trades: they do
not name its limit, only that it was no worse than their prices, nor what was cancelled of it. It is never sure. An
order that was cancelled before it traded is in no list.

A withdrawal of bitcoins is among the requests from the moment it was asked for, by the id that the call answers with.
It is sure if its data name the address, of which the document says nothing. A withdrawal over Ripple has no type among
the requests; it is among the transactions, with amount and moment but not with its receiver: it is never sure. No
document says when it gets there: if none is there, that proves nothing.

Source:
    Bitstamp API v1, Private Functions, "User transactions", "Open orders", "Withdrawal requests".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import partial

from attrs import evolve

from exchanges.bitstamp import client_ids
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
from exchanges.endpoint.amounts import EXACT, total
from exchanges.intents import Intent
from exchanges.outcomes.exposure import limited
from exchanges.outcomes.matching import (
    Cancelling,
    Listing,
    MatchQuality,
    compare,
    is_before,
    is_misdated,
    is_old,
    match,
    placed_at,
    read_back,
    rows_of,
    same_if,
)
from exchanges.outcomes.search import Answers, Commitment, Match, Matches, Query, Read, Search, Searches, id_of

BASE, PAIR = "btc", "btc_usd"
WAITING = Read.of(Trading.open_orders)
TRANSACTIONS = Read.of(Account.user_transactions, limit=100, sort=SortOrder.DESC)

Trades = list[UserTransaction]


# Orders


def _orders(side: OrderType, query: Query, answers: Answers) -> Matches:
    """Read what waits, then what traded, so that an order which trades meanwhile is in one of both."""
    if WAITING not in answers:
        return Matches(more=(WAITING,))
    page = read_back(answers, TRANSACTIONS, lambda row: is_old(query, row.datetime))
    if page.more:
        return Matches(more=page.more)
    orders = rows_of(answers, WAITING, Order)
    candidates = tuple(_matches(side, query, orders or [], page.rows))
    return Matches(candidates, complete=page.complete and orders is not None, unsettled=page.has_moved)


def _matches(side: OrderType, query: Query, orders: list[Order], rows: Iterable[UserTransaction]) -> Iterator[Match]:
    trades: dict[int, Trades] = {}
    # By id: a row that is shown twice is one trade.
    for row in {row.id: row for row in rows}.values():
        if row.order_id is not None:
            trades.setdefault(row.order_id, []).append(row)
    for order in {order.id: order for order in orders}.values():
        fills = trades.pop(order.id, [])
        found = match(
            query,
            (order, *fills) if fills else order,
            same_if(order.type is side),
            compare(order.price, Decimal(query.intent.arguments["price"])),
            _compare_trades(side, query, fills),
            _compare_sum(query, order, fills),
            name=order.id,
            shown_at=order.datetime,
        )
        if found is not None:
            yield found
    # What is left are trades of orders that are gone.
    for order_id, fills in trades.items():
        if _compare_trades(side, query, fills):
            misdated = any(is_misdated(query, trade.datetime) for trade in fills)
            yield Match(str(order_id), tuple(fills), sure=False, misdated=misdated)


def _compare_trades(side: OrderType, query: Query, trades: Trades) -> MatchQuality:
    """Rule out trades that an order placed by the call cannot have made."""
    limit, wanted = (Decimal(query.intent.arguments[name]) for name in ("price", "amount"))
    is_buy = side is OrderType.BUY
    for trade in trades:
        price = trade.rates.get(PAIR)
        is_elsewhere = not price and any(trade.rates.values())
        is_worse = price is not None and (price > limit if is_buy else price < limit) and not compare(price, limit)
        moved = trade.amounts.get(BASE, Decimal(0))
        is_against = moved < 0 if is_buy else moved > 0
        if is_elsewhere or is_worse or is_against or is_before(query, trade.datetime):
            return MatchQuality.OTHER
    traded = _sum(trades)
    if traded > wanted and not compare(traded, wanted):
        return MatchQuality.OTHER
    return same_if(not any(is_misdated(query, trade.datetime) for trade in trades), MatchQuality.DOUBTFUL)


def _compare_sum(query: Query, order: Order, trades: Trades) -> MatchQuality:
    wanted = Decimal(query.intent.arguments["amount"])
    if order.amount > wanted and not compare(order.amount, wanted):
        return MatchQuality.OTHER
    return same_if(EXACT.add(order.amount, _sum(trades)) == wanted, MatchQuality.DOUBTFUL)


def _sum(trades: Trades) -> Decimal:
    return total(trade.amounts.get(BASE, Decimal(0)) for trade in trades)


def _placed(order: Order) -> Match:
    """Return the match that the answer to a new order shows."""
    return Match(str(order.id), order, order.datetime)


# Withdrawals


def _request(query: Query, request: WithdrawalRequest) -> Match | None:
    return match(
        query,
        request,
        same_if(request.type is WithdrawalType.BITCOIN),
        compare(request.amount, query.amount("amount")),
        # What the data mean is not documented: another text is no proof that it goes elsewhere.
        same_if(request.data == query.text("address"), MatchQuality.DOUBTFUL),
        name=request.id,
        shown_at=request.datetime,
    )


def _transaction(query: Query, row: UserTransaction) -> Match | None:
    currency = query.intent.arguments["currency"].lower()
    if row.type is not TransactionType.WITHDRAWAL or currency not in row.amounts or is_before(query, row.datetime):
        return None
    if not compare(row.amounts[currency].copy_negate(), query.amount("amount")):
        return None
    misdated = is_misdated(query, row.datetime)
    return Match(str(row.id), row, placed_at(query, row.datetime), sure=False, misdated=misdated)


_REQUESTS = Listing(lambda _: Read.of(Funding.withdrawal_requests), WithdrawalRequest, _request)
_WITHDRAWALS = Listing(lambda _: TRANSACTIONS, UserTransaction, _transaction, moment=lambda row: row.datetime)


def _ripple_withdrawals(query: Query, answers: Answers) -> Matches:
    return evolve(_WITHDRAWALS(query, answers), only_found=True)


def _open(query: Query, orders: Iterable[Order]) -> Order | None:
    return next((order for order in orders if str(order.id) == query.text("order_id")), None)


def _commitment(intent: Intent, *, is_buy: bool) -> Commitment:
    """Return what an order may cost, in the one market of v1."""
    return limited("btcusd", intent.arguments["amount"], intent.arguments["price"], is_buy=is_buy)


# Which orders are open is all that is shown: one that is not was filled, or cancelled, and proves nothing.
CANCELS: Searches = {
    id_of(Trading.cancel_order): Search(Cancelling(lambda _: WAITING, _open, lambda _: False), by_id=True)
}
SEARCHES: Searches = {
    **client_ids.SEARCHES,
    id_of(Trading.buy): Search(partial(_orders, OrderType.BUY), _placed, commits=partial(_commitment, is_buy=True)),
    id_of(Trading.sell): Search(partial(_orders, OrderType.SELL), _placed, commits=partial(_commitment, is_buy=False)),
    id_of(Funding.bitcoin_withdrawal): Search(
        _REQUESTS, thing=client_ids.WITHDRAWAL, terms=lambda intent: client_ids.terms(intent, BASE)
    ),
    id_of(Funding.ripple_withdrawal): Search(_ripple_withdrawals),
}
