"""Public market data: prices, the book, trades and candles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exchanges.bitex import Candle, OrderBook, PriceLevel, Ticker, Transaction
from exchanges.bitex.market import Market
from exchanges.simulator.engine import prices
from exchanges.simulator.engine.prices import DAY_MS, HOUR_MS, Bar, Trade
from exchanges.simulator.venues.bitex.customers import BOOK, BitexCall, BitexHandlers
from exchanges.simulator.venues.calls import second
from exchanges.simulator.venues.handlers import Handler, handles, lists, show
from exchanges.simulator.venues.spot import book_of, ticker_of

ARCHIVE_MS = 2 * DAY_MS
"""How far the archive reaches back before the start of the simulator."""


def _market(handlers: BitexHandlers, call: BitexCall) -> prices.Market:
    return handlers.engine.market(call.arguments.text("book", BOOK))


def _transaction(trade: Trade) -> Transaction:
    return Transaction(second(trade.at_ms), trade.id, trade.price, trade.amount)


def _candle(bar: Bar) -> Candle:
    return show(Candle, bar, timestamp=second(bar.start_ms), price_before_last=bar.before_close)


def _candles(method: Callable[..., Any], period_ms: int, count: int) -> Handler:
    """Return a handler that lists *count* candles of *period_ms*."""
    return lists(method, lambda self, call: _market(self, call).bars(period_ms, count, call.now_ms), _candle)


class MarketHandlers(BitexHandlers):
    """Public market data. Trades are those of the background; the book includes the orders of accounts."""

    last_24_hours = _candles(Market.last_24_hours, HOUR_MS, 24)
    last_7_days = _candles(Market.last_7_days, 4 * HOUR_MS, 42)
    last_30_days = _candles(Market.last_30_days, DAY_MS, 30)
    transactions = lists(
        Market.transactions,
        lambda self, call: _market(self, call).trades(call.now_ms - HOUR_MS, call.now_ms),
        _transaction,
    )

    @handles(Market.transactions_archive)
    def transactions_archive(self, call: BitexCall) -> object:
        """List everything up to the beginning of the hour."""
        market = _market(self, call)
        # From a fixed time on: a client that reads the archive again must find the same beginning.
        trades = market.trades(market.started_ms - ARCHIVE_MS, call.now_ms // HOUR_MS * HOUR_MS)
        return [_transaction(trade) for trade in trades]

    @handles(Market.ticker)
    def ticker(self, call: BitexCall) -> object:
        """Return the prices."""
        book = self.engine.book(call.arguments.text("book", BOOK))
        before_last = book.market.snapshot(call.now_ms).before_last
        return ticker_of(Ticker, book, call.now_ms, price_before_last=before_last)

    @handles(Market.order_book)
    def order_book(self, call: BitexCall) -> object:
        """Return the book."""
        book = self.engine.book(call.arguments.text("book", BOOK))
        return book_of(OrderBook, book, call.now_ms, lambda level: PriceLevel(level.price, level.amount))
