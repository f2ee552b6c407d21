"""Public market data of both generations."""

from __future__ import annotations

from decimal import Decimal

from attrs import define

from exchanges.bitstamp import OrderBook, PriceLevel, Side, Ticker, Transaction, v1
from exchanges.simulator.engine import liquidity as strangers
from exchanges.simulator.engine.matching import Pit
from exchanges.simulator.engine.prices import DAY_MS, HOUR_MS, MINUTE_MS, Level, Market
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.venues.bitstamp.base import V1_MARKET, House
from exchanges.simulator.venues.venue import Call, handles, moment, second
from exchanges.wire import Json, encode

__all__ = ["MarketCounter"]

_SPANS = {"minute": MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS}


@define(eq=False, slots=False)
class MarketCounter(House):
    """Shows the books, with the orders of the account in them."""

    @handles("bitstamp.market.ticker")
    def ticker(self, call: Call) -> object:
        """Look at the prices."""
        name = call.arguments.text("market")
        if name in self.markets:
            return _ticker(self.pits[name], call.now_ms)
        # Quirk: an unknown market is answered with all tickers (seen on the live server).
        return [{"pair": _pair(p.market), **_object(_ticker(p, call.now_ms))} for p in self.pits.values()]

    @handles("bitstamp.market.order_book")
    def order_book(self, call: Call) -> object:
        """Look at the book; with the ids of orders for group 2."""
        group = call.arguments.integer("group", 1)
        if group not in (0, 1, 2):
            raise Refused(Reason.WRONG_ARGUMENT, "group")
        now = self.market(call.arguments.text("market")).snapshot(call.now_ms)
        pit = self.pits[call.arguments.text("market")]

        def levels(side: tuple[Level, ...]) -> tuple[PriceLevel, ...]:
            return tuple(PriceLevel(x.price, x.amount, str(x.id) if group == 2 else None) for x in side)

        return OrderBook(
            bids=levels(pit.levels(strangers.Side.BUY, call.now_ms)),
            asks=levels(pit.levels(strangers.Side.SELL, call.now_ms)),
            timestamp=second(now.at_ms),
            microtimestamp=moment(now.at_ms),
        )

    @handles("bitstamp.market.transactions")
    def transactions(self, call: Call) -> object:
        """List the last minute, hour or day."""
        market = self.market(call.arguments.text("market"))
        span = _SPANS[call.arguments.text("time", "hour")]
        return [
            Transaction(
                date=second(trade.at_ms),
                tid=str(trade.id),
                price=trade.price,
                amount=trade.amount,
                type=Side.SELL if trade.buyer_waited else Side.BUY,
            )
            for trade in market.trades(call.now_ms - span, call.now_ms)
        ]

    @handles("bitstamp.v1.market.ticker")
    def ticker_v1(self, call: Call) -> object:
        """Look at the prices."""
        pit = self.pits[V1_MARKET]
        now = pit.market.snapshot(call.now_ms)
        return v1.Ticker(
            last=now.last,
            high=now.day.high,
            low=now.day.low,
            vwap=now.day.vwap,
            volume=now.day.volume,
            bid=pit.best(strangers.Side.BUY, call.now_ms),
            ask=pit.best(strangers.Side.SELL, call.now_ms),
            timestamp=second(call.now_ms),
        )

    @handles("bitstamp.v1.market.order_book")
    def order_book_v1(self, call: Call) -> object:
        """Look at the book; what stands at the same price is summed up in any case, so grouping changes nothing."""
        pit = self.pits[V1_MARKET]
        bids, asks = (pit.levels(side, call.now_ms) for side in strangers.Side)
        return v1.OrderBook(
            bids=tuple(v1.PriceLevel(level.price, level.amount) for level in bids),
            asks=tuple(v1.PriceLevel(level.price, level.amount) for level in asks),
            timestamp=second(call.now_ms),
        )

    @handles("bitstamp.v1.market.transactions")
    def transactions_v1(self, call: Call) -> object:
        """List the last minute or hour."""
        span = _SPANS[call.arguments.text("time", "hour")]
        return [
            v1.Transaction(date=second(trade.at_ms), tid=trade.id, price=trade.price, amount=trade.amount)
            for trade in self.markets[V1_MARKET].trades(call.now_ms - span, call.now_ms)
        ]

    @handles("bitstamp.v1.market.eur_usd")
    def eur_usd(self, call: Call) -> object:
        """Look at what the book of EUR asks and bids."""
        now = self.markets["eurusd"].snapshot(call.now_ms)
        return v1.ConversionRate(buy=now.asks[0].price, sell=now.bids[0].price)


def _pair(market: Market) -> str:
    return f"{market.facts.base}/{market.facts.quote}".upper()


def _object(ticker: Ticker) -> dict[str, Json]:
    value = encode(ticker)
    if not isinstance(value, dict):
        raise TypeError("a ticker is an object")
    return value


def _ticker(pit: Pit, now_ms: int) -> Ticker:
    now = pit.market.snapshot(now_ms)
    return Ticker(
        last=now.last,
        high=now.day.high,
        low=now.day.low,
        vwap=now.day.vwap,
        volume=now.day.volume,
        bid=pit.best(strangers.Side.BUY, now_ms),
        ask=pit.best(strangers.Side.SELL, now_ms),
        timestamp=second(now_ms),
        open=now.day.open,
        open_24=now.day.open,
        percent_change_24=(100 * (now.last - now.day.open) / now.day.open).quantize(Decimal("0.01")),
        side=Side.BUY if now.seller_waited else Side.SELL,
    )
