"""Bids, asks and bots.

Which list shows an order depends on its state. By the guide the list of orders holds those that are executing; it has
been seen to hold those that ended within two hours as well. An order that traded is in the summary of 30 days, and its
trades of 7 days name it. So for two hours every order is shown somewhere; were the guide right alone, an order that
ended without a trade would be missed. After two hours such an order is in no list, and no search is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias

from attrs import frozen

from exchanges.bitex.account import Account
from exchanges.bitex.bots import Bots
from exchanges.bitex.models.bots import BotIssuer, BuyingBot, SellingBot
from exchanges.bitex.models.codes import OrderStatus
from exchanges.bitex.models.rows import Ask, Bid, Buy, Sell
from exchanges.bitex.trading import Trading
from exchanges.intents import Intent
from exchanges.outcomes.exposure import limited
from exchanges.outcomes.matching import (
    Cancelling,
    Listing,
    MatchQuality,
    compare,
    compare_numbers,
    is_before,
    is_shown,
    match,
    reaches_back,
    rows_of,
    same_if,
)
from exchanges.outcomes.search import Answers, Commitment, Match, Matches, Query, Read, Search, Searches, id_of

ORDERS = Read.of(Trading.orders)
TRADES = Read.of(Trading.trades)
SUMMARY = Read.of(Account.account_summary)
LISTED = timedelta(hours=2)
MOST_FOLLOWED = 20
"""Orders that only their trades show are read one by one, up to so many."""
# The longest list of bots, by the guide.
MOST_BOTS = 200
_NO_CALLS = (BotIssuer.PAYMENT, BotIssuer.COIN_DEPOSIT)

Order: TypeAlias = Bid | Ask


@frozen
class _Orders:
    """The search for orders of one side."""

    kind: type[Order]
    trade: type[Buy | Sell]
    order_of: Callable[[Any], int]
    single: Callable[[int], Read]

    def __call__(self, query: Query, answers: Answers) -> Matches:
        """Return the matches, or what to read."""
        if unread := tuple(read for read in (ORDERS, SUMMARY, TRADES) if read not in answers):
            return Matches(more=unread)
        lists = [rows_of(answers, SUMMARY, self.kind), rows_of(answers, ORDERS, self.kind)]
        orders = {order.id: order for rows in lists for order in rows or ()}
        hidden = self._hidden(query, answers, orders)
        followed = [self.single(number) for number in hidden[:MOST_FOLLOWED]]
        if unread := tuple(read for read in followed if read not in answers):
            return Matches(more=unread)
        orders |= {order.id: order for read in followed if isinstance(order := answers[read], self.kind)}
        # Each list hides what another shows: without one of them, or without one order, any may be missing.
        seen_all = None not in (*lists, rows_of(answers, TRADES, self.trade)) and set(hidden) <= orders.keys()
        found = tuple(match for order in orders.values() if (match := _order(query, order)) is not None)
        return Matches(found, complete=seen_all and is_shown(query, LISTED))

    def _hidden(self, query: Query, answers: Answers, orders: dict[int, Order]) -> list[int]:
        """Return the ids of orders that only a trade shows."""
        trades = rows_of(answers, TRADES, self.trade) or []
        numbers = [self.order_of(trade) for trade in trades if not is_before(query, trade.created_at)]
        return [number for number in dict.fromkeys(numbers) if number not in orders]


def _order(query: Query, order: Order) -> Match | None:
    # Its status is not compared: an order without funds is placed as well, and cancelled afterwards.
    return match(
        query,
        order,
        compare(order.amount, query.amount("amount")),
        compare(order.price, query.amount("price")),
        compare_numbers(order.orderbook, query.text("orderbook")),
        # Which issuer is shown if a reseller acts for a user is not documented.
        same_if(not order.issuer or order.issuer.startswith("ApiKey"), MatchQuality.DOUBTFUL),
        name=order.id,
        shown_at=order.created_at,
    )


def _bot(query: Query, bot: BuyingBot | SellingBot) -> Match | None:
    by_call = same_if(bot.issuer_type in (None, BotIssuer.API_KEY), MatchQuality.DOUBTFUL)
    return match(
        query,
        bot,
        compare(bot.amount, query.amount("amount")),
        compare(bot.chunk_size, query.amount("chunk_size")),
        compare_numbers(bot.time_to_live, query.text("time_to_live")),
        MatchQuality.OTHER if bot.issuer_type in _NO_CALLS else by_call,
        name=bot.id,
        shown_at=bot.created_at,
    )


def _are_all_bots(query: Query, bots: Sequence[BuyingBot | SellingBot]) -> bool:
    return reaches_back(query, [bot.created_at for bot in bots], MOST_BOTS)


_BIDS = _Orders(Bid, Buy, lambda buy: buy.bid_id, lambda number: Read.of(Trading.bid, bid_id=number))
_ASKS = _Orders(Ask, Sell, lambda sell: sell.ask_id, lambda number: Read.of(Trading.ask, ask_id=number))
_BUYING_BOTS = Listing(lambda _: Read.of(Bots.buying_bots, full=True), BuyingBot, _bot, _are_all_bots)
_SELLING_BOTS = Listing(lambda _: Read.of(Bots.selling_bots, full=True), SellingBot, _bot, _are_all_bots)


def _is_cancelled(order: Order) -> bool:
    return order.status in (OrderStatus.TO_CANCEL, OrderStatus.CANCELLED)


def _number(query: Query) -> int:
    (number,) = query.intent.arguments.values()
    return int(number)


CANCELS: Searches = {
    id_of(Trading.cancel_bid): Search(
        Cancelling(lambda query: Read.of(Trading.bid, bid_id=_number(query)), lambda _, bid: bid, _is_cancelled),
        by_id=True,
    ),
    id_of(Trading.cancel_ask): Search(
        Cancelling(lambda query: Read.of(Trading.ask, ask_id=_number(query)), lambda _, ask: ask, _is_cancelled),
        by_id=True,
    ),
}


def _commitment(intent: Intent, *, is_buy: bool) -> Commitment:
    """Return what an order or a bot may cost: who buys names what is spent."""
    said = intent.arguments
    market = "btcusd" if said.get("orderbook", "1") == "1" else None
    return limited(market, said["amount"], said.get("price"), is_buy=is_buy, in_quote=is_buy)


# Each kind has ids of its own: a bid and a bot of the same number are two things.
SEARCHES: Searches = {
    id_of(Trading.create_bid): Search(_BIDS, thing="bid", commits=partial(_commitment, is_buy=True)),
    id_of(Trading.create_ask): Search(_ASKS, thing="ask", commits=partial(_commitment, is_buy=False)),
    id_of(Bots.create_buying_bot): Search(_BUYING_BOTS, thing="buying bot", commits=partial(_commitment, is_buy=True)),
    id_of(Bots.create_selling_bot): Search(
        _SELLING_BOTS, thing="selling bot", commits=partial(_commitment, is_buy=False)
    ),
}
