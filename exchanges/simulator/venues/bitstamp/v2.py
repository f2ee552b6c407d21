"""Bitstamp v2: public market data."""

from __future__ import annotations

from decimal import Decimal

from exchanges.bitstamp import OrderBook, PriceLevel, Side, Ticker, Transaction
from exchanges.bitstamp.market import Market
from exchanges.simulator.engine.matching import MatchingEngine
from exchanges.simulator.engine.prices import Level, Trade
from exchanges.simulator.engine.rejections import Reason, refuse_if
from exchanges.simulator.venues.calls import moment, second
from exchanges.simulator.venues.handlers import handles, show
from exchanges.simulator.venues.spot import SpotCall, SpotHandlers, book_of, ticker_of, transactions
from exchanges.wire import Json, encode


def _transaction(trade: Trade) -> Transaction:
    side = Side.SELL if trade.buyer_waited else Side.BUY
    return show(Transaction, trade, date=second(trade.at_ms), tid=str(trade.id), type=side)


class MarketHandlers(SpotHandlers):
    """The books, with the orders of accounts in them."""

    transactions = transactions(Market.transactions, lambda call: call.arguments.text("market"), _transaction)

    @handles(Market.ticker)
    def ticker(self, call: SpotCall) -> object:
        """Return the prices of one book."""
        name = call.arguments.text("market")
        if name in self.engine.books:
            return _ticker(self.engine.books[name], call.now_ms)
        # Quirk: an unknown market is answered with all tickers (seen on the live server).
        return [{"pair": _pair(book), **_object(_ticker(book, call.now_ms))} for book in self.engine.books.values()]

    @handles(Market.order_book)
    def order_book(self, call: SpotCall) -> object:
        """Return a book; with the ids of orders for group 2."""
        group = call.arguments.integer("group", 1)
        refuse_if(group not in (0, 1, 2), Reason.WRONG_ARGUMENT, "group")
        book = self.engine.book(call.arguments.text("market"))

        def level(level: Level) -> PriceLevel:
            return PriceLevel(level.price, level.amount, str(level.id) if group == 2 else None)

        at_ms = book.market.snapshot(call.now_ms).at_ms
        times = {"timestamp": second(at_ms), "microtimestamp": moment(at_ms)}
        return book_of(OrderBook, book, call.now_ms, level, **times)


def _pair(book: MatchingEngine) -> str:
    return f"{book.market.spec.base}/{book.market.spec.quote}".upper()


def _object(ticker: Ticker) -> dict[str, Json]:
    value = encode(ticker)
    if not isinstance(value, dict):
        raise TypeError("a ticker is an object")
    return value


def _ticker(book: MatchingEngine, now_ms: int) -> Ticker:
    now = book.market.snapshot(now_ms)
    return ticker_of(
        Ticker,
        book,
        now_ms,
        timestamp=second(now_ms),
        open_24=now.day.open,
        percent_change_24=(100 * (now.last - now.day.open) / now.day.open).quantize(Decimal("0.01")),
        side=Side.BUY if now.seller_waited else Side.SELL,
    )
