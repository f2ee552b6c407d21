"""Bitstamp v2: market data and the account."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from attrs import define, evolve, field

from exchanges import bitstamp
from exchanges.bitstamp import OrderBook, PriceLevel, Side, Ticker, Transaction
from exchanges.bitstamp.account import Account
from exchanges.bitstamp.market import Market
from exchanges.simulator.engine.balances import Cause, Movement, Wallet
from exchanges.simulator.engine.book_log import BookState, Resting
from exchanges.simulator.engine.liquidity import Side as BookSide
from exchanges.simulator.engine.matching import MatchingEngine
from exchanges.simulator.engine.prices import HOUR_MS, Trade
from exchanges.simulator.engine.rejections import Reason, refuse_if
from exchanges.simulator.venues.bitstamp.events import FIRST_ID
from exchanges.simulator.venues.bitstamp.private_streams import VALID_SECONDS, Tokens
from exchanges.simulator.venues.bitstamp.trading import COUNTER_STEP, MINIMUM_VALUE, shown_id
from exchanges.simulator.venues.calls import moment, second
from exchanges.simulator.venues.handlers import answers, handles, lists, show
from exchanges.simulator.venues.spot import SpotCall, SpotHandlers, ticker_of, transactions
from exchanges.wire import Json, encode

FEE = Decimal("0.2500")
"""Percent of each trade."""
COUNTER = "usd"
BOOK_CACHE_MS = 1_000
"""Age of order books."""
FUNDING_RATE, FUNDING_MS = Decimal("0.0001"), 8 * HOUR_MS
_NAMES = {"btc": "Bitcoin", "eth": "Ether", "eur": "Euro", "usd": "U.S. dollar"}
_TYPES = {
    Cause.DEPOSIT: bitstamp.TransactionType.DEPOSIT,
    Cause.WITHDRAWAL: bitstamp.TransactionType.WITHDRAWAL,
    Cause.TRADE: bitstamp.TransactionType.MARKET_TRADE,
}


def _transaction(trade: Trade) -> Transaction:
    side = Side.SELL if trade.buyer_waited else Side.BUY
    return show(Transaction, trade, date=second(trade.at_ms), tid=str(trade.id), type=side)


@define(eq=False)
class MarketHandlers(SpotHandlers):
    """The books, with the orders of accounts in them.

    Attributes:
        book_cache_ms: Age of order books.
    """

    book_cache_ms: int = field(init=False, default=BOOK_CACHE_MS)
    _books: dict[str, tuple[int, BookState]] = field(init=False, factory=dict[str, tuple[int, BookState]])

    transactions = transactions(Market.transactions, lambda call: call.arguments.text("market"), _transaction)

    @handles(Market.ticker)
    def ticker(self, call: SpotCall) -> object:
        """Return the prices of one book."""
        name = call.arguments.text("market")
        if name in self.engine.books:
            return _ticker(self.engine.books[name], call.now_ms)
        # Quirk: an unknown market is answered with all tickers (seen on the live server).
        return [{"pair": _pair(book), **_object(_ticker(book, call.now_ms))} for book in self.engine.books.values()]

    @handles(Market.tickers)
    def tickers(self, call: SpotCall) -> object:
        """Return the prices of all books."""
        return [self._named(book, call) for book in self.engine.books.values()]

    def _named(self, book: MatchingEngine, call: SpotCall) -> Ticker:
        name = _pair(book)
        return evolve(_ticker(book, call.now_ms), pair=name, market=name, market_type=bitstamp.MarketType.SPOT)

    @handles(Market.ticker_hour)
    def ticker_hour(self, call: SpotCall) -> object:
        """Return the prices of the last hour of one book."""
        book = self.engine.book(call.arguments.text("market"))
        (bar,) = book.market.bars(HOUR_MS, 1, call.now_ms)
        now = _ticker(book, call.now_ms)
        return show(bitstamp.HourTicker, bar, last=now.last, bid=now.bid, ask=now.ask, timestamp=now.timestamp)

    markets = lists(
        Market.markets,
        lambda self, _: [book.market.spec for book in self.engine.books.values()],
        lambda spec: bitstamp.MarketInfo(
            name=f"{spec.base}/{spec.quote}".upper(),
            market_symbol=spec.name,
            base_currency=spec.base.upper(),
            counter_currency=spec.quote.upper(),
            base_decimals=8,
            counter_decimals=-int(spec.tick.normalize().as_tuple().exponent),
            minimum_order_value=MINIMUM_VALUE,
            instant_order_counter_decimals=-int(COUNTER_STEP.as_tuple().exponent),
            instant_and_market_orders=bitstamp.Switch.ENABLED,
            description=f"{_NAMES[spec.base]} / {_NAMES[spec.quote]}",
            market_type=bitstamp.MarketType.SPOT,
        ),
    )

    @handles(Market.currencies)
    def currencies(self, _: SpotCall) -> object:
        """Return all currencies."""
        specs = [book.market.spec for book in self.engine.books.values()]
        names = sorted({name for spec in specs for name in (spec.base, spec.quote)})
        return [_currency(name) for name in names]

    @handles(Market.eur_usd)
    def eur_usd(self, call: SpotCall) -> object:
        """Return the best prices of the book of EUR."""
        now = self.engine.market("eurusd").snapshot(call.now_ms)
        return bitstamp.ConversionRate(buy=now.asks[0].price, sell=now.bids[0].price)

    @handles(Market.ohlc)
    def ohlc(self, call: SpotCall) -> object:
        """Return candles, oldest first."""
        arguments = call.arguments
        book, period = self.engine.book(arguments.text("market")), arguments.integer("step") * 1000
        count = arguments.integer("limit")
        last = min(arguments.integer("end", call.now_ms // 1000) * 1000, call.now_ms) // period
        if "start" in arguments.values and "end" not in arguments.values:
            first = -(-arguments.integer("start") * 1000 // period)
            last = min(first + count - 1, last)
            count = last - first + 1
        bars = book.market.bars(period, count, last * period, call.now_ms)
        rows = tuple(show(bitstamp.Candle, bar, timestamp=second(bar.start_ms)) for bar in bars)
        return bitstamp.Candles(market=_pair(book), pair=_pair(book), ohlc=rows)

    # The markets that are played here are spot markets; their funding rate never changes.

    @handles(Market.funding_rate)
    def funding_rate(self, call: SpotCall) -> object:
        """Return the rate."""
        book = self.engine.book(call.arguments.text("market").removesuffix("-perp"))
        due = second((call.now_ms // FUNDING_MS + 1) * FUNDING_MS)
        return bitstamp.FundingRate(
            funding_rate=FUNDING_RATE, timestamp=call.now, market=f"{_pair(book)}-PERP", next_funding_time=due
        )

    @handles(Market.funding_rate_history)
    def funding_rate_history(self, call: SpotCall) -> object:
        """Return the rates of the last times."""
        book = self.engine.book(call.arguments.text("market").removesuffix("-perp"))
        last, limit = call.now_ms // FUNDING_MS, call.arguments.integer("limit", 100)
        rates = tuple(
            bitstamp.PastFundingRate(funding_rate=FUNDING_RATE, timestamp=second(number * FUNDING_MS))
            for number in range(last - limit + 1, last + 1)
        )
        return bitstamp.FundingRateHistory(market=f"{_pair(book)}-PERP", funding_rate_history=rates)

    @handles(Market.order_book)
    def order_book(self, call: SpotCall) -> object:
        """Return a book as it was up to a second ago; order by order for group 2."""
        group = call.arguments.integer("group", 1)
        refuse_if(group not in (0, 1, 2), Reason.WRONG_ARGUMENT, "group")
        state = self._state(call.arguments.text("market"), call.now_ms)
        bids, asks = (
            tuple(
                PriceLevel(row.price, row.amount, str(shown_id(row)) if isinstance(row, Resting) else None)
                for row in (state.queue(side) if group == 2 else state.levels(side))
            )
            for side in BookSide
        )
        # Quirk: the moment is that of the last change, not that of the answer (seen on the live server).
        changed = moment(0) + timedelta(microseconds=state.at_us)
        return OrderBook(bids=bids, asks=asks, timestamp=second(state.at_us // 1000), microtimestamp=changed)

    def _state(self, market: str, now_ms: int) -> BookState:
        """Return the book as it was when it was asked for last, up to a second ago."""
        # Quirk: a cache in front of the server answers for about a second (seen on the live server).
        at_ms, state = self._books.get(market, (-self.book_cache_ms, None))
        if state is None or now_ms - at_ms >= self.book_cache_ms:
            state = self.engine.snapshot(market, now_ms)
            self._books[market] = now_ms, state
        return state


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


def _currency(name: str) -> bitstamp.Currency:
    is_fiat = name in ("usd", "eur")
    chain = bitstamp.Network(network="bitcoin" if name == "btc" else name, withdrawal_decimals=8)
    return bitstamp.Currency(
        name=name.upper(),
        currency=name.upper(),
        type=bitstamp.CurrencyType.FIAT if is_fiat else bitstamp.CurrencyType.CRYPTO,
        decimals=2 if is_fiat else 8,
        deposit=bitstamp.Switch.ENABLED,
        withdrawal=bitstamp.Switch.ENABLED,
        networks=() if is_fiat else (chain,),
    )


def _balance(wallet: Wallet, name: str) -> bitstamp.AccountBalance:
    return show(bitstamp.AccountBalance, wallet.balances[name].shown(name), currency=name)


def _row(movement: Movement) -> Json:
    """Convert a movement."""
    traded = movement.cause is Cause.TRADE
    pair = movement.book[: -len(COUNTER)] + "_" + movement.book[-len(COUNTER) :] if traded else ""
    return encode(
        bitstamp.UserTransaction(
            id=str(movement.id),
            datetime=moment(movement.at_ms),
            type=_TYPES[movement.cause],
            fee=movement.fee,
            order_id=str(FIRST_ID + movement.order_id) if traded else None,
            amounts=dict(movement.amounts),
            rates={pair: movement.price} if traded else {},
            self_trade=False if traded else None,
        )
    )


def _transactions(call: SpotCall, book: str) -> list[Movement]:
    """Return the page of movements that the arguments select."""
    arguments = call.arguments
    movements = [m for m in call.wallet.movements if book in ("", m.book)]
    if "since_id" in arguments.values:
        since = arguments.text("since_id")
        movements = [m for m in movements if since.isdigit() and m.id >= int(since)]
    for name, keep in (("since_timestamp", 1), ("until_timestamp", -1)):
        if name in arguments.values:
            bound = arguments.integer(name) * 1000
            movements = [m for m in movements if keep * (m.at_ms - bound) >= 0]
    if arguments.text("sort", "desc") == "desc":
        movements.reverse()
    offset, limit = arguments.integer("offset", 0), arguments.integer("limit", 100)
    refuse_if(not 1 <= limit <= 1000, Reason.WRONG_ARGUMENT, "limit", "Invalid limit")
    return movements[offset : offset + limit]


def _fee(name: str) -> bitstamp.TradingFee:
    return bitstamp.TradingFee(market=name, currency_pair=name, fees=bitstamp.FeeRates(maker=FEE, taker=FEE))


def _withdrawal_fee(name: str) -> bitstamp.WithdrawalFee:
    return bitstamp.WithdrawalFee(currency=name, fee=Decimal(0), network="bitcoin" if name == "btc" else name)


@define(eq=False)
class AccountHandlers(SpotHandlers):
    """Balances, and what changed them.

    Args:
        tokens: Opens private channels.
    """

    tokens: Tokens

    account_balances = lists(
        Account.account_balances, lambda _, call: [_balance(call.wallet, name) for name in call.wallet.balances]
    )
    user_transactions = lists(Account.user_transactions, lambda _, call: _transactions(call, ""), _row)
    user_transactions_for_market = lists(
        Account.user_transactions_for_market,
        lambda self, call: _transactions(call, self.engine.book(call.arguments.text("market")).market.spec.name),
        _row,
    )
    trading_fees = lists(Account.trading_fees, lambda self, _: list(self.engine.books), _fee)
    my_markets = lists(
        Account.my_markets,
        lambda self, _: list(self.engine.books.values()),
        lambda book: bitstamp.TradingMarket(name=_pair(book), url_symbol=book.market.spec.name),
    )
    withdrawal_fees = lists(Account.withdrawal_fees, lambda _, call: list(call.wallet.balances), _withdrawal_fee)
    withdrawal_fee = answers(
        Account.withdrawal_fee, lambda _, call: _withdrawal_fee(call.arguments.text("currency").lower())
    )
    websockets_token = answers(
        Account.websockets_token,
        lambda self, call: bitstamp.WebsocketsToken(
            token=self.tokens.issue(call.owner, call.now_ms), valid_sec=VALID_SECONDS, user_id=str(call.owner)
        ),
    )
    revoke_all_api_keys = answers(
        Account.revoke_all_api_keys, lambda _, call: bitstamp.RevokedApiKeys(revoked_api_keys=(call.account.api_key,))
    )

    @handles(Account.account_balance)
    def account_balance(self, call: SpotCall) -> object:
        """Return one balance."""
        name = call.arguments.text("currency").lower()
        refuse_if(name not in call.wallet.balances, Reason.NOT_FOUND, text="Currency not found")
        return _balance(call.wallet, name)

    @handles(Account.trading_fee)
    def trading_fee(self, call: SpotCall) -> object:
        """Return the fees of one market."""
        return _fee(self.engine.book(call.arguments.text("market")).market.spec.name)
