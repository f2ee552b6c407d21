"""Bitex, played: one book, orders that rest, an account with a past."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar

from attrs import define, field

from exchanges.bitex import (
    Ask,
    Bid,
    Bitex,
    Candle,
    Movement,
    OrderBook,
    PriceLevel,
    Profile,
    Ticker,
    Trade,
    Transaction,
)
from exchanges.endpoint import Api
from exchanges.simulator.bitex_past import Past, past
from exchanges.simulator.desk import Desk
from exchanges.simulator.exchange import Account, Asked, Call, Claim, Exchange, handles, second
from exchanges.simulator.faults import Fault, Refused
from exchanges.simulator.market import DAY_MS, HOUR_MS, Bar, BookFacts, Level
from exchanges.simulator.market import Trade as MarketTrade
from exchanges.simulator.purses import Purse
from exchanges.simulator.server import HttpAnswer
from exchanges.simulator.truth import Venue
from exchanges.wire import Json, dumps

__all__ = ["BitexPlay"]

FEE_PERCENT = Decimal("0.5")
MINIMUM_BID = Decimal(1)
MINIMUM_ASK = Decimal("0.005")
ARCHIVE_MS = 2 * DAY_MS  # how long the exchange had been there when the play began
SUMMARY_MS, TRADES_MS = 30 * DAY_MS, 7 * DAY_MS
O = TypeVar("O", Bid, Ask)  # noqa: E741 - an order
_NOTHING: Json = {"errors": [{"code": None, "detail": None}]}
_STATUS = {
    Fault.NO_SUCH_PATH: 404,
    Fault.WRONG_VERB: 404,
    Fault.NOT_FOUND: 404,
    Fault.UNKNOWN_BOOK: 404,
    Fault.NO_CREDENTIALS: 401,
    Fault.UNKNOWN_KEY: 401,
}


@define(repr=False)
class BitexAccount(Account):
    """An account at Bitex: what it did before the play began, and its orders since."""

    past: Past = field(kw_only=True)
    desk: Desk = field(kw_only=True)


class BitexPlay(Exchange):
    """Bitex: positional rows, numbers as numbers, the key itself as the only proof."""

    venue = Venue.BITEX
    client = Bitex
    books = (BookFacts("btc_usd", "btc", "usd", centre=60_000, tick=Decimal("0.01"), gap=250),)

    def open_accounts(self) -> Iterable[Account]:
        """Open one account with a little of everything in its past."""
        before = past(self.opened_ms, FEE_PERCENT)
        desk = Desk(usd=Purse(before.usd), btc=Purse(before.btc))
        yield BitexAccount("simulated-bitex-key", past=before, desk=desk)

    def claim(self, asked: Asked) -> Claim:
        """Take the key from among the arguments."""
        rest = dict(asked.fields)
        key = rest.pop("api_key", None)
        if not isinstance(key, str) or not key:
            raise Refused(Fault.NO_CREDENTIALS)
        return Claim(key, rest)

    def signatures(self, asked: Asked, claim: Claim, account: Account) -> tuple[str, ...]:  # noqa: ARG002
        """Know none: nothing is signed."""
        return ()

    def refusal(self, api: Api, refused: Refused) -> HttpAnswer:  # noqa: ARG002 - one generation
        """Refuse as the later API of the same application does."""
        if refused.fault is Fault.TOO_MANY_REQUESTS:
            return HttpAnswer(429, b"Retry later\n", "text/plain")
        status = _STATUS.get(refused.fault, 422)
        if status == 401:
            return HttpAnswer(401, dumps({"error": "Invalid Api Key"}))
        return HttpAnswer(status, dumps(_NOTHING if status == 404 else _validation(refused)))

    # Public market data

    @handles("bitex.market.ticker")
    def ticker(self, call: Call) -> object:
        """Look at the prices."""
        now = self.market(call.arguments.text("book", "btc_usd")).snapshot(call.now_ms)
        return Ticker(
            last=now.last,
            price_before_last=now.before_last,
            open=now.day.open,
            high=now.day.high,
            low=now.day.low,
            vwap=now.day.vwap,
            volume=now.day.volume,
            bid=now.bids[0].price,
            ask=now.asks[0].price,
        )

    @handles("bitex.market.order_book")
    def order_book(self, call: Call) -> object:
        """Look at the book."""
        now = self.market(call.arguments.text("book", "btc_usd")).snapshot(call.now_ms)
        return OrderBook(bids=_levels(now.bids), asks=_levels(now.asks))

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

    # Account

    @handles("bitex.account.profile")
    def profile(self, call: Call) -> object:
        """Look at the balances."""
        desk = _moved_on(call).desk
        return Profile(
            usd_balance=desk.usd.balance,
            usd_reserved=desk.usd.reserved,
            usd_available=desk.usd.available,
            btc_balance=desk.btc.balance,
            btc_reserved=desk.btc.reserved,
            btc_available=desk.btc.available,
            fee=FEE_PERCENT,
            btc_deposit_address="1SimulatedBitexDepositAddress",
            more_mt_deposit_code="SIM0001",
        )

    @handles("bitex.account.account_summary")
    def account_summary(self, call: Call) -> object:
        """List what changed the balances, newest first."""
        whole_life = call.arguments.flag("full", default=False)
        since = second(0 if whole_life else call.now_ms - SUMMARY_MS)
        rows: list[Movement] = [row for row in _moved_on(call).past.movements if row.created_at > since]
        return rows

    # Trading

    @handles("bitex.trading.orders")
    def orders(self, call: Call) -> object:
        """List what is active, or was a short while ago."""
        return _moved_on(call).desk.listed(call.now_ms)

    @handles("bitex.trading.trades")
    def trades(self, call: Call) -> object:
        """List the last seven days."""
        since = second(call.now_ms - TRADES_MS)
        rows: list[Trade] = [row for row in _moved_on(call).past.trades if row.created_at > since]
        return rows

    @handles("bitex.trading.create_bid")
    def create_bid(self, call: Call) -> object:
        """Take an order to buy."""
        return _place(call, Bid, MINIMUM_BID)

    @handles("bitex.trading.bid")
    def bid(self, call: Call) -> object:
        """Find an order to buy."""
        return _found(_moved_on(call).desk.find(Bid, call.arguments.integer("bid_id")))

    @handles("bitex.trading.cancel_bid")
    def cancel_bid(self, call: Call) -> object:
        """Begin to cancel an order."""
        desk = _moved_on(call).desk
        return desk.cancel(_found(desk.find(Bid, call.arguments.integer("bid_id"))))

    @handles("bitex.trading.create_ask")
    def create_ask(self, call: Call) -> object:
        """Take an order to sell."""
        return _place(call, Ask, MINIMUM_ASK)

    @handles("bitex.trading.ask")
    def ask(self, call: Call) -> object:
        """Find an order to sell."""
        return _found(_moved_on(call).desk.find(Ask, call.arguments.integer("ask_id")))

    @handles("bitex.trading.cancel_ask")
    def cancel_ask(self, call: Call) -> object:
        """Begin to cancel an order."""
        desk = _moved_on(call).desk
        return desk.cancel(_found(desk.find(Ask, call.arguments.integer("ask_id"))))


def _moved_on(call: Call) -> BitexAccount:
    """Find the account, and move its orders on by one stage."""
    account = call.account
    if not isinstance(account, BitexAccount):
        raise TypeError("not an account at Bitex")
    account.desk.move_on(call.now_ms)
    return account


def _place(call: Call, kind: type[O], minimum: Decimal) -> O:
    arguments = call.arguments
    if arguments.integer("orderbook", 1) != 1:
        raise Refused(Fault.WRONG_ARGUMENT, "orderbook", "no existe")
    if arguments.decimal("amount") < minimum:
        raise Refused(Fault.WRONG_NUMBER, "amount", f"debe ser mayor que o igual a {minimum}")
    return _moved_on(call).desk.place(kind, arguments.decimal("amount"), arguments.decimal("price"), call.now_ms)


def _found(order: O | None) -> O:
    if order is None:
        raise Refused(Fault.NOT_FOUND)
    return order


def _validation(refused: Refused) -> Json:
    pointer = f"/data/attributes/{refused.about}" if refused.about else "/data"
    detail = refused.text or "no es válido"
    entry: Json = {
        "status": "422",
        "title": "Unprocessable Entity",
        "detail": detail,
        "code": "VALIDATION_ERROR",
        "meta": {},
        "source": {"pointer": pointer},
    }
    return {"errors": [entry]}


def _levels(levels: tuple[Level, ...]) -> tuple[PriceLevel, ...]:
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
