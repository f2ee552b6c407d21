"""Bitso v3: market data and balances."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from typing import Any

from attrs import evolve

from exchanges import bitso
from exchanges.bitso import Balance, Book, Fees, FeeTier, FlatRate, OrderBook, PriceLevel, Side, Ticker, Trade
from exchanges.bitso.account import Account
from exchanges.bitso.market import Market
from exchanges.simulator.engine import prices
from exchanges.simulator.engine.balances import Cause, Movement, Wallet, shown
from exchanges.simulator.engine.book_log import Resting
from exchanges.simulator.engine.liquidity import Side as BookSide
from exchanges.simulator.engine.prices import DAY_MS, BookSpec
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.venues.bitso.funding import FEES, identifier
from exchanges.simulator.venues.bitso.trading import (
    MAXIMUM,
    MAXIMUM_VALUE,
    MINIMUM,
    MINIMUM_VALUE,
    oid_of,
    rows_behind,
    shown_oid,
)
from exchanges.simulator.venues.calls import moment, second
from exchanges.simulator.venues.handlers import Handler, answers, handles, lists, show
from exchanges.simulator.venues.spot import SpotCall, SpotHandlers, ticker_of
from exchanges.wire import encode

FEE_PERCENT = Decimal("0.6500")
FEE = Decimal("0.0065")
MAX_PAGE = 100
MAX_LEVELS = 50
"""Levels a side of a book by price; order by order it is whole."""
MAX_CANDLES = 1500
DECIMALS = {"mxn": 2, "usd": 2}
"""Of amounts in currencies that are no coins; these have 8."""


_OPERATIONS = {
    Cause.TRADE: bitso.LedgerOperation.TRADE,
    Cause.DEPOSIT: bitso.LedgerOperation.FUNDING,
    Cause.WITHDRAWAL: bitso.LedgerOperation.WITHDRAWAL,
    Cause.CONVERSION: bitso.LedgerOperation.QUOTED_ORDER,
}


def _book(spec: BookSpec) -> Book:
    return Book(
        book=spec.name,
        minimum_amount=MINIMUM,
        maximum_amount=MAXIMUM,
        minimum_price=spec.tick * spec.gap,
        maximum_price=Decimal(spec.centre * 10),
        minimum_value=MINIMUM_VALUE,
        maximum_value=MAXIMUM_VALUE,
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
        return self._ticker(name, call)

    def _ticker(self, name: str, call: SpotCall) -> Ticker:
        book = self.engine.books[name]
        now = book.market.snapshot(call.now_ms)
        change_24 = now.last - now.day.open
        return ticker_of(Ticker, book, call.now_ms, book=name, created_at=call.now, change_24=change_24)

    tickers = answers(Market.tickers, lambda self, call: [self._ticker(name, call) for name in self.engine.books])

    @handles(Market.ohlc)
    def ohlc(self, call: SpotCall) -> object:
        """List the candles between two moments, oldest first; without a beginning, of the last day."""
        arguments = call.arguments
        market, period = self.engine.market(arguments.text("book")), arguments.integer("time_bucket") * 1000
        refuse_if(period // 1000 not in tuple(bitso.TimeBucket), Reason.WRONG_ARGUMENT, "time_bucket")
        end = min(arguments.integer("end", call.now_ms), call.now_ms)
        start = arguments.integer("start", end - DAY_MS)
        first, last = -(-start // period), (end - 1) // period
        count = min(max(last - first + 1, 0), MAX_CANDLES)
        return [_candle(bar) for bar in market.bars(period, count, last * period, call.now_ms)]

    @handles(Market.catalogues)
    def catalogues(self, _: SpotCall) -> object:
        """Return all currencies."""
        names = {
            name for book in self.engine.books.values() for name in (book.market.spec.base, book.market.spec.quote)
        }
        rows = tuple(
            bitso.CurrencyMetadata(
                code=name,
                precision=DECIMALS.get(name, 8),
                type=bitso.CurrencyType.FIAT if name in DECIMALS else bitso.CurrencyType.CRYPTO,
            )
            for name in sorted(names)
        )
        return bitso.Catalogues(currencies=bitso.Currencies(metadata=rows, supported=tuple(sorted(names))))

    @handles(Market.order_book)
    def order_book(self, call: SpotCall) -> object:
        """Return a book, by price or order by order."""
        name = call.arguments.text("book")
        state = self.engine.snapshot(name, call.now_ms)
        aggregated = call.arguments.flag("aggregate", default=True)
        bids, asks = (
            tuple(
                PriceLevel(
                    book=name,
                    price=row.price,
                    amount=row.amount,
                    oid=shown_oid(row) if isinstance(row, Resting) else None,
                )
                for row in (state.levels(side)[:MAX_LEVELS] if aggregated else state.queue(side))
            )
            for side in BookSide
        )
        at = moment(state.at_us // 1000)
        return OrderBook(asks=asks, bids=bids, updated_at=at, sequence=str(state.sequence))

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
        tape, ascending = self.engine.book(name).tape, arguments.text("sort", "desc") == "asc"
        oldest, newest = tape.bounds(call.now_ms - DAY_MS, call.now_ms)
        if marker and ascending:
            oldest = max(oldest, int(marker) + 1)
        elif marker:
            newest = min(newest, int(marker) - 1)
        return [_trade(name, trade) for trade in islice(tape.by_id(oldest, newest, ascending=ascending), limit)]


def _candle(bar: prices.Bar) -> bitso.Candle:
    return bitso.Candle(
        bucket_start_time=moment(bar.start_ms),
        first_rate=bar.open,
        last_rate=bar.close,
        min_rate=bar.low,
        max_rate=bar.high,
        trade_count=1,
        volume=bar.volume,
        vwap=bar.vwap,
    )


def _trade(book: str, trade: prices.Trade) -> Trade:
    side = Side.BUY if trade.buyer_waited else Side.SELL
    return show(Trade, trade, book=book, created_at=second(trade.at_ms), maker_side=side, tid=str(trade.id))


def _entries(movement: Movement) -> list[bitso.LedgerEntry]:
    """Show a change of balances as the ledger does, newest first: a trade and its fee are two entries."""
    at = second(movement.at_ms)
    updates = tuple(bitso.BalanceUpdate(currency=name, amount=n) for name, n in movement.amounts.items())
    if movement.cause is Cause.TRADE:
        details = bitso.LedgerDetails(tid=str(movement.id), oid=oid_of(movement.order_id))
    elif movement.cause is Cause.DEPOSIT:
        details = bitso.LedgerDetails(fid=identifier("funding", movement.id), method_name=movement.method or None)
    elif movement.cause is Cause.CONVERSION:
        conversion_id, quote_id = movement.reference
        details = bitso.LedgerDetails(oid=conversion_id, qid=quote_id)
    else:
        details = bitso.LedgerDetails(wid=identifier("withdrawal", movement.id), method=movement.method or None)
    entry = bitso.LedgerEntry(
        eid=identifier("entry", movement.id),
        operation=_OPERATIONS[movement.cause],
        created_at=at,
        balance_updates=updates,
        details=details,
    )
    if not movement.fee:
        return [entry]
    fee = bitso.BalanceUpdate(currency=movement.fee_currency, amount=-movement.fee)
    charged = evolve(entry, eid=identifier("fee", movement.id), operation=bitso.LedgerOperation.FEE)
    return [evolve(charged, balance_updates=(fee,)), entry]


def _ledger(method: Callable[..., Any], operation: bitso.LedgerOperation | None = None) -> Handler:
    """Return a handler that lists a page of the ledger: of all entries, or of one operation."""

    def page(_: SpotHandlers, call: SpotCall) -> object:
        entries = [entry for m in reversed(call.wallet.movements) for entry in _entries(m)]
        wanted = [entry for entry in entries if operation in (None, entry.operation)]
        return rows_behind([row for e in wanted if isinstance(row := encode(e), dict)], call, "eid")

    return answers(method, page)


class AccountHandlers(SpotHandlers):
    """Balances, the ledger that explains them, and fees."""

    ledger = _ledger(Account.ledger)
    ledger_trades = _ledger(Account.ledger_trades, bitso.LedgerOperation.TRADE)
    ledger_fees = _ledger(Account.ledger_fees, bitso.LedgerOperation.FEE)
    ledger_fundings = _ledger(Account.ledger_fundings, bitso.LedgerOperation.FUNDING)
    ledger_withdrawals = _ledger(Account.ledger_withdrawals, bitso.LedgerOperation.WITHDRAWAL)

    @handles(Account.account_status)
    def account_status(self, call: SpotCall) -> object:
        """Return the state of the account."""
        return bitso.AccountStatus(client_id=str(call.owner), status=bitso.AccountState.ACTIVE)

    @handles(Account.fees)
    def fees(self, _: SpotCall) -> object:
        """Return the fees of every book."""
        percent, fraction = FEE_PERCENT, FEE
        rows = tuple(
            bitso.BookFees(
                book=name,
                maker_fee_decimal=fraction,
                taker_fee_decimal=fraction,
                maker_fee_percent=percent,
                taker_fee_percent=percent,
            )
            for name in self.engine.books
        )
        return bitso.AccountFees(fees=rows, withdrawal_fees=dict(FEES))

    @handles(Account.balance)
    def balance(self, call: SpotCall) -> object:
        """Return all currencies, in an object of one key; what is incoming or outgoing is not part of the total."""
        return {"balances": encode([_balance(call.wallet, currency) for currency in call.wallet.balances])}


def _balance(wallet: Wallet, currency: str) -> Balance:
    held, nothing = wallet.balances[currency].shown(currency), shown(Decimal(0), currency)
    return show(
        Balance,
        held,
        currency=currency,
        locked=held.reserved,
        pending_deposit=sum((shown(d.amount, currency) for d in wallet.incoming if d.currency == currency), nothing),
        pending_withdrawal=shown(wallet.outgoing.get(currency, nothing), currency),
    )
