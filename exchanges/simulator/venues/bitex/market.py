"""What Bitex shows to everybody: prices, the book, trades and candles."""

from __future__ import annotations

from attrs import define

from exchanges.bitex import Candle, OrderBook, PriceLevel, Ticker, Transaction
from exchanges.simulator.engine.prices import DAY_MS, HOUR_MS, Bar, Level
from exchanges.simulator.engine.prices import Trade as MarketTrade
from exchanges.simulator.venues.bitex.base import House
from exchanges.simulator.venues.venue import Call, handles, second

__all__ = ["MarketCounter"]

ARCHIVE_MS = 2 * DAY_MS  # how long the exchange had been there when the play began


@define(eq=False, slots=False)
class MarketCounter(House):
    """Public market data. The trades are those of strangers; in the book customers' orders stand among theirs."""

    @handles("bitex.market.ticker")
    def ticker(self, call: Call) -> object:
        """Look at the prices."""
        bids, asks = self.floor.levels(call.now_ms)
        now = self.market(call.arguments.text("book", "btc_usd")).snapshot(call.now_ms)
        return Ticker(
            last=now.last,
            price_before_last=now.before_last,
            open=now.day.open,
            high=now.day.high,
            low=now.day.low,
            vwap=now.day.vwap,
            volume=now.day.volume,
            bid=(bids or now.bids)[0].price,
            ask=(asks or now.asks)[0].price,
        )

    @handles("bitex.market.order_book")
    def order_book(self, call: Call) -> object:
        """Look at the book."""
        self.market(call.arguments.text("book", "btc_usd"))
        bids, asks = self.floor.levels(call.now_ms)
        return OrderBook(bids=_levels(bids), asks=_levels(asks))

    @handles("bitex.market.transactions")
    def transactions(self, call: Call) -> object:
        """List the last hour."""
        market = self.market(call.arguments.text("book", "btc_usd"))
        return _transactions(market.trades(call.now_ms - HOUR_MS, call.now_ms))

    @handles("bitex.market.transactions_archive")
    def transactions_archive(self, call: Call) -> object:
        """List everything up to the beginning of the hour."""
        market = self.market(call.arguments.text("book", "btc_usd"))
        return _transactions(market.trades(self.opened_ms - ARCHIVE_MS, call.now_ms // HOUR_MS * HOUR_MS))

    @handles("bitex.market.last_24_hours")
    def last_24_hours(self, call: Call) -> object:
        """Draw one candle an hour."""
        return self._candles(call, HOUR_MS, 24)

    @handles("bitex.market.last_7_days")
    def last_7_days(self, call: Call) -> object:
        """Draw one candle for every four hours."""
        return self._candles(call, 4 * HOUR_MS, 42)

    @handles("bitex.market.last_30_days")
    def last_30_days(self, call: Call) -> object:
        """Draw one candle a day."""
        return self._candles(call, DAY_MS, 30)

    def _candles(self, call: Call, period_ms: int, count: int) -> list[Candle]:
        market = self.market(call.arguments.text("book", "btc_usd"))
        return [_candle(bar) for bar in market.bars(period_ms, count, call.now_ms)]


def _levels(levels: list[Level]) -> tuple[PriceLevel, ...]:
    return tuple(PriceLevel(level.price, level.amount) for level in levels)


def _transactions(trades: list[MarketTrade]) -> list[Transaction]:
    return [Transaction(second(trade.at_ms), trade.id, trade.price, trade.amount) for trade in trades]


def _candle(bar: Bar) -> Candle:
    return Candle(
        timestamp=second(bar.start_ms),
        low=bar.low,
        open=bar.open,
        close=bar.close,
        high=bar.high,
        volume=bar.volume,
        price_before_last=bar.before_close,
        vwap=bar.vwap,
    )
