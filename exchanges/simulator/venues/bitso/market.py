"""Public market data of both generations."""

from __future__ import annotations

from decimal import Decimal

from attrs import define

from exchanges.bitso import Book, Fees, FeeTier, FlatRate, OrderBook, PriceLevel, Side, Ticker, Trade, v2
from exchanges.simulator.engine import liquidity as strangers
from exchanges.simulator.engine.prices import DAY_MS, HOUR_MS, MINUTE_MS, STEP_MS, Level, Market
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.venues.bitso.base import FEE, House
from exchanges.simulator.venues.venue import Call, handles, moment, second

__all__ = ["MAX_PAGE", "MarketCounter"]

MAX_PAGE = 100


@define(eq=False, slots=False)
class MarketCounter(House):
    """Shows the books, with the orders of the accounts in them."""

    @handles("bitso.market.available_books")
    def available_books(self, call: Call) -> object:  # noqa: ARG002 - nothing to choose
        """List all books."""
        return [_book(market) for market in self.markets.values()]

    @handles("bitso.market.ticker")
    def ticker(self, call: Call) -> object:
        """Look at the prices."""
        # Quirk: the ticker of an unknown book is refused in the shape of v2 (seen on the live server).
        name = call.arguments.text("book")
        if name not in self.markets:
            raise Refused(Reason.UNKNOWN_BOOK_OF_TICKER, name)
        now = self.market(name).snapshot(call.now_ms)
        return Ticker(
            book=name,
            last=now.last,
            high=now.day.high,
            low=now.day.low,
            vwap=now.day.vwap,
            volume=now.day.volume,
            bid=self.pits[name].best(strangers.Side.BUY, call.now_ms),
            ask=self.pits[name].best(strangers.Side.SELL, call.now_ms),
            created_at=second(call.now_ms),
            change_24=now.last - now.day.open,
        )

    @handles("bitso.market.order_book")
    def order_book(self, call: Call) -> object:
        """Look at the book, summed up or order by order."""
        market = self.market(call.arguments.text("book"))
        summed_up = call.arguments.flag("aggregate", default=True)
        now, pit = market.snapshot(call.now_ms), self.pits[market.facts.name]

        def levels(side: tuple[Level, ...]) -> tuple[PriceLevel, ...]:
            return tuple(
                PriceLevel(
                    book=market.facts.name,
                    price=level.price,
                    amount=level.amount,
                    oid=None if summed_up else f"{level.id:016x}",
                )
                for level in side
            )

        sequence = str(now.at_ms // STEP_MS)
        return OrderBook(
            bids=levels(pit.levels(strangers.Side.BUY, call.now_ms)),
            asks=levels(pit.levels(strangers.Side.SELL, call.now_ms)),
            updated_at=moment(now.at_ms),
            sequence=sequence,
        )

    @handles("bitso.market.trades")
    def trades(self, call: Call) -> object:
        """List a page of trades; an empty one for an unknown book."""
        arguments = call.arguments
        name, limit, marker = arguments.text("book"), arguments.integer("limit", 25), arguments.text("marker", "")
        if not 1 <= limit <= MAX_PAGE:
            raise Refused(Reason.WRONG_ARGUMENT, "limit")
        if marker and not (marker.isascii() and marker.isdigit() and len(marker) < 19):
            raise Refused(Reason.WRONG_ARGUMENT, "marker")
        if name not in self.markets:
            return []
        market = self.markets[name]
        numbers = _page(market, call.now_ms, marker, rising=arguments.text("sort", "desc") == "asc")
        return [
            Trade(
                book=name,
                created_at=second(trade.at_ms),
                amount=trade.amount,
                maker_side=Side.BUY if trade.buyer_waited else Side.SELL,
                price=trade.price,
                tid=str(trade.id),
            )
            for trade in map(market.trade, numbers[:limit])
        ]

    @handles("bitso.v2.market.ticker")
    def ticker_v2(self, call: Call) -> object:
        """Look at the prices."""
        market = self.market(call.arguments.text("book", "btc_mxn"))
        now, pit = market.snapshot(call.now_ms), self.pits[market.facts.name]
        return v2.Ticker(
            last=now.last,
            high=now.day.high,
            low=now.day.low,
            vwap=now.day.vwap,
            volume=now.day.volume,
            bid=pit.best(strangers.Side.BUY, call.now_ms),
            ask=pit.best(strangers.Side.SELL, call.now_ms),
            timestamp=second(call.now_ms),
        )

    @handles("bitso.v2.market.order_book")
    def order_book_v2(self, call: Call) -> object:
        """Look at the book; what stands at the same price is summed up in any case, so grouping changes nothing."""
        pit = self.pits[self.market(call.arguments.text("book", "btc_mxn")).facts.name]
        bids, asks = (pit.levels(side, call.now_ms) for side in strangers.Side)
        return v2.OrderBook(
            bids=tuple(v2.PriceLevel(level.price, level.amount) for level in bids),
            asks=tuple(v2.PriceLevel(level.price, level.amount) for level in asks),
            timestamp=second(call.now_ms),
        )

    @handles("bitso.v2.market.transactions")
    def transactions_v2(self, call: Call) -> object:
        """List the last hour or minute."""
        market = self.market(call.arguments.text("book", "btc_mxn"))
        span = MINUTE_MS if call.arguments.text("time", "hour") == "minute" else HOUR_MS
        return [
            v2.Transaction(
                date=second(trade.at_ms),
                tid=trade.id,
                price=trade.price,
                amount=trade.amount,
                side=Side.BUY if trade.buyer_waited else Side.SELL,
            )
            for trade in market.trades(call.now_ms - span, call.now_ms)
        ]


def _page(market: Market, now_ms: int, marker: str, *, rising: bool) -> range:
    """Give the ids of a list of trades that begins beyond *marker*; a day is remembered."""
    newest = market.trade_number(now_ms)
    oldest = market.trade_number(now_ms - DAY_MS)
    if rising:
        return range(max(oldest, int(marker) + 1 if marker else oldest), newest + 1)
    return range(min(newest, int(marker) - 1 if marker else newest), oldest - 1, -1)


def _book(market: Market) -> Book:
    facts = market.facts
    return Book(
        book=facts.name,
        minimum_amount=Decimal("0.00015000"),
        maximum_amount=Decimal("500.00000000"),
        minimum_price=facts.tick * facts.gap,
        maximum_price=Decimal(facts.centre * 10),
        minimum_value=Decimal("10.00"),
        maximum_value=Decimal("10000000.00"),
        tick_size=facts.tick,
        default_chart="depth",
        fees=Fees(
            flat_rate=FlatRate(maker=FEE, taker=FEE),
            structure=(FeeTier(volume=Decimal(1_500_000), maker=Decimal("0.00500"), taker=FEE),),
        ),
    )
