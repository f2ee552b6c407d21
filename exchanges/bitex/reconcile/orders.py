"""Bids, asks and bots.

Where an order shows depends on what became of it. By the guide the list of orders holds those that are executing; it
has been seen to hold as well those that ended within two hours. One that traded is in the summary of 30 days, and its
trades of 7 days name it. So for two hours every order is seen somewhere, and if the guide were right alone, what would
be missed is an order that ended without a trade. After two hours such an order shows nowhere: nothing is whole then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

from attrs import frozen

from exchanges.bitex.account import Account
from exchanges.bitex.bots import Bots
from exchanges.bitex.models.bots import BotIssuer, BuyingBot, SellingBot
from exchanges.bitex.models.rows import Ask, Bid, Buy, Sell
from exchanges.bitex.reconcile.likeness import (
    UNTOLD,
    Likeness,
    alike_amount,
    alike_number,
    trace,
)
from exchanges.bitex.reconcile.lists import Listing, found_in, goes_back, reaches, rows_of
from exchanges.bitex.trading import Trading
from exchanges.outcomes.matching import RESOLUTION
from exchanges.outcomes.search import Answers, Match, Matches, Query, Read

__all__ = ["ASKS", "BIDS", "BUYING_BOTS", "SELLING_BOTS"]

ORDERS = Read.of(Trading.orders)
TRADES = Read.of(Trading.trades)
SUMMARY = Read.of(Account.account_summary)
LISTED = timedelta(hours=2)
MOST_FOLLOWED = 20
"""Orders that nothing but their trades shows are read one by one, up to so many."""
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

    def __call__(self, sought: Query, seen: Answers) -> Matches:
        """Look."""
        if unread := tuple(r for r in (ORDERS, SUMMARY, TRADES) if r not in seen):
            return Matches(more=unread)
        lists = [rows_of(seen, SUMMARY, self.kind), rows_of(seen, ORDERS, self.kind)]
        orders = {order.id: order for rows in lists for order in rows or ()}
        hidden = self._hidden(sought, seen, orders)
        followed = [self.single(number) for number in hidden[:MOST_FOLLOWED]]
        if unread := tuple(r for r in followed if r not in seen):
            return Matches(more=unread)
        orders |= {order.id: order for r in followed if isinstance(order := seen[r], self.kind)}
        seen_all = None not in (*lists, rows_of(seen, TRADES, self.trade)) and set(hidden) <= orders.keys()
        found = found_in(orders.values(), lambda order: _compare(sought, order))
        return Matches(found, whole=seen_all and reaches(sought, LISTED))

    def _hidden(self, sought: Query, seen: Answers, orders: dict[int, Order]) -> list[int]:
        """Name the orders that nothing but a trade of theirs shows."""
        trades = rows_of(seen, TRADES, self.trade) or []
        numbers = [self.order_of(trade) for trade in trades if trade.created_at + RESOLUTION >= sought.since]
        return [number for number in dict.fromkeys(numbers) if number not in orders]


def _compare(sought: Query, order: Order) -> Match | None:
    likenesses = [
        alike_amount(sought.amount("amount"), order.amount),
        alike_amount(sought.amount("price"), order.price),
        alike_number(sought.text("orderbook"), order.orderbook),
        _by_call(order.issuer),
    ]
    return trace(sought, order, likenesses, name=order.id, told=order.created_at)


def _by_call(issuer: str | None) -> Likeness:
    """Whether a call placed it; whom the exchange names where a reseller acts for a user is not documented."""
    return not issuer or issuer.startswith("ApiKey") or UNTOLD


def _compare_bot(sought: Query, bot: BuyingBot | SellingBot) -> Match | None:
    likenesses = [
        alike_amount(sought.amount("amount"), bot.amount),
        alike_amount(sought.amount("chunk_size"), bot.chunk_size),
        alike_number(sought.text("time_to_live"), bot.time_to_live),
        bot.issuer_type not in _NO_CALLS and (bot.issuer_type in (None, BotIssuer.API_KEY) or UNTOLD),
    ]
    return trace(sought, bot, likenesses, name=bot.id, told=bot.created_at)


BIDS = _Orders(Bid, Buy, lambda buy: buy.bid_id, lambda number: Read.of(Trading.bid, bid_id=number))
ASKS = _Orders(Ask, Sell, lambda sell: sell.ask_id, lambda number: Read.of(Trading.ask, ask_id=number))
BUYING_BOTS = Listing(
    lambda _: Read.of(Bots.buying_bots, full=True),
    BuyingBot,
    _compare_bot,
    lambda sought, bots: goes_back(sought, [bot.created_at for bot in bots], MOST_BOTS),
)
SELLING_BOTS = Listing(
    lambda _: Read.of(Bots.selling_bots, full=True),
    SellingBot,
    _compare_bot,
    lambda sought, bots: goes_back(sought, [bot.created_at for bot in bots], MOST_BOTS),
)
