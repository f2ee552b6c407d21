"""Bitso v3: market data and balances."""

from __future__ import annotations

from decimal import Decimal

from exchanges.bitso import Balance, Book, Fees, FeeTier, FlatRate, OrderBook, PriceLevel, Side, Ticker, Trade
from exchanges.bitso.account import Account
from exchanges.bitso.market import Market
from exchanges.simulator.engine import prices
from exchanges.simulator.engine.balances import Wallet
from exchanges.simulator.engine.prices import DAY_MS, STEP_MS, BookSpec, Level
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.venues.calls import moment, second
from exchanges.simulator.venues.handlers import handles, lists, show
from exchanges.simulator.venues.spot import SpotCall, SpotHandlers, book_of, ticker_of
from exchanges.wire import encode

FEE_PERCENT = Decimal("0.6500")
FEE = Decimal("0.0065")
MAX_PAGE = 100


def _book(spec: BookSpec) -> Book:
    return Book(
        book=spec.name,
        minimum_amount=Decimal("0.00015000"),
        maximum_amount=Decimal("500.00000000"),
        minimum_price=spec.tick * spec.gap,
        maximum_price=Decimal(spec.centre * 10),
        minimum_value=Decimal("10.00"),
        maximum_value=Decimal("10000000.00"),
        tick_size=spec.tick,
        default_chart="depth",
        fees=Fees(
            flat_rate=FlatRate(maker=FEE, taker=FEE),
            structure=(FeeTier(volume=Decimal(1_500_000), maker=Decimal("0.00500"), taker=FEE),),
        ),
    )


class MarketHandlers(SpotHandlers):
    """The books, with the orders of accounts in them."""

    available_books = lists(
        Market.available_books, lambda self, _: [book.market.spec for book in self.engine.books.values()], _book
    )

    @handles(Market.ticker)
    def ticker(self, call: SpotCall) -> object:
        """Return the prices of a book."""
        name = call.arguments.text("book")
        refuse_if(name not in self.engine.books, Reason.UNKNOWN_BOOK_OF_TICKER, name)
        book = self.engine.books[name]
        now = book.market.snapshot(call.now_ms)
        change_24 = now.last - now.day.open
        return ticker_of(Ticker, book, call.now_ms, book=name, created_at=call.now, change_24=change_24)

    @handles(Market.order_book)
    def order_book(self, call: SpotCall) -> object:
        """Return a book, by price or order by order."""
        book = self.engine.book(call.arguments.text("book"))
        aggregated = call.arguments.flag("aggregate", default=True)
        at_ms = book.market.snapshot(call.now_ms).at_ms

        def level(level: Level) -> PriceLevel:
            order_id = None if aggregated else f"{level.id:016x}"
            return PriceLevel(book=book.market.spec.name, price=level.price, amount=level.amount, oid=order_id)

        sequence = str(at_ms // STEP_MS)
        return book_of(OrderBook, book, call.now_ms, level, updated_at=moment(at_ms), sequence=sequence)

    @handles(Market.trades)
    def trades(self, call: SpotCall) -> object:
        """List a page of trades; an empty one for an unknown book."""
        arguments = call.arguments
        name, limit, marker = arguments.text("book"), arguments.integer("limit", 25), arguments.text("marker", "")
        refuse_if(not 1 <= limit <= MAX_PAGE, Reason.WRONG_ARGUMENT, "limit")
        if marker and not (marker.isascii() and marker.isdigit() and len(marker) < 19):
            raise Refused(Reason.WRONG_ARGUMENT, "marker")
        if name not in self.engine.books:
            return []
        market = self.engine.market(name)
        numbers = _page(market, call.now_ms, marker, ascending=arguments.text("sort", "desc") == "asc")
        return [_trade(name, market.trade(number)) for number in numbers[:limit]]


def _trade(book: str, trade: prices.Trade) -> Trade:
    side = Side.BUY if trade.buyer_waited else Side.SELL
    return show(Trade, trade, book=book, created_at=second(trade.at_ms), maker_side=side, tid=str(trade.id))


def _page(market: prices.Market, now_ms: int, marker: str, *, ascending: bool) -> range:
    """Return the ids of the trades beyond *marker*, of the last day."""
    # Trades are a function of their id, so a page is a range of ids.
    newest = market.trade_number(now_ms)
    oldest = market.trade_number(now_ms - DAY_MS)
    if ascending:
        return range(max(oldest, int(marker) + 1 if marker else oldest), newest + 1)
    return range(min(newest, int(marker) - 1 if marker else newest), oldest - 1, -1)


class AccountHandlers(SpotHandlers):
    """Balances."""

    @handles(Account.balance)
    def balance(self, call: SpotCall) -> object:
        """Return all currencies, in an object of one key; what is incoming or outgoing is not part of the total."""
        return {"balances": encode([_balance(call.wallet, currency) for currency in call.wallet.balances])}


def _balance(wallet: Wallet, currency: str) -> Balance:
    held, nothing = wallet.balances[currency], Decimal("0.00000000")
    return show(
        Balance,
        held,
        currency=currency,
        locked=held.reserved,
        pending_deposit=sum((d.amount for d in wallet.incoming if d.currency == currency), nothing),
        pending_withdrawal=wallet.outgoing.get(currency, nothing),
    )
