"""Bitstamp, played: v1 with its body signature and its errors under status 200, the public part of v2."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import define, field

from exchanges.bitstamp import Bitstamp, OrderBook, PriceLevel, Side, Ticker, Transaction, v1
from exchanges.endpoint import Api
from exchanges.simulator.exchange import Account, Asked, Call, Claim, Exchange, handles, moment, second
from exchanges.simulator.faults import Fault, Refused
from exchanges.simulator.market import DAY_MS, HOUR_MS, MINUTE_MS, BookFacts, Level, Market, Snapshot
from exchanges.simulator.purses import Purse
from exchanges.simulator.server import HttpAnswer
from exchanges.simulator.truth import Venue
from exchanges.wire import Json, dumps, encode

__all__ = ["BitstampPlay"]

FEE_PERCENT = Decimal("0.2500")
V1_MARKET = "btcusd"
_SPANS = {"minute": MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS}

# Words of v1 and, for what concerns one argument, of both.
_WORDS = {
    Fault.WRONG_VERB: "Method not allowed.",
    Fault.TOO_MANY_REQUESTS: "Request limit exceeded.",
    Fault.NO_CREDENTIALS: "Missing key, signature and nonce parameters",
    Fault.UNKNOWN_KEY: "API key not found",
    Fault.WRONG_SIGNATURE: "Invalid signature",
    Fault.WRONG_NONCE: "Invalid nonce",
    Fault.UNREADABLE: "Invalid request",
    Fault.UNKNOWN_ARGUMENT: "Invalid field.",
    Fault.MISSING_ARGUMENT: "This field is required.",
    Fault.WRONG_ARGUMENT: "Invalid value.",
    Fault.WRONG_NUMBER: "Enter a number.",
    Fault.UNKNOWN_BOOK: "Market not found.",
    Fault.NOT_FOUND: "Not found",
}
# Status and code of v2; 400 and 400.001 for all others.
_V2 = {
    Fault.WRONG_VERB: (405, "405.001"),
    Fault.UNKNOWN_BOOK: (404, "404.002"),
    Fault.NOT_FOUND: (404, "404.001"),
}


@define(repr=False)
class BitstampAccount(Account):
    """An account at Bitstamp."""

    purses: dict[str, Purse] = field(kw_only=True)


class BitstampPlay(Exchange):
    """Bitstamp: both generations see the same markets and the same account."""

    venue = Venue.BITSTAMP
    client = Bitstamp
    books = (
        BookFacts(V1_MARKET, "btc", "usd", centre=60_000, tick=Decimal("0.01"), gap=100),
        BookFacts("btceur", "btc", "eur", centre=55_000, tick=Decimal("0.01"), gap=150),
        BookFacts("ethusd", "eth", "usd", centre=2_500, tick=Decimal("0.01"), gap=20),
        BookFacts("eurusd", "eur", "usd", centre=Decimal("1.08"), tick=Decimal("0.00001"), gap=2),
    )

    def open_accounts(self) -> Iterable[Account]:
        """Open one account with some of each currency."""
        held = {"usd": "42000.00", "btc": "2.25000000"}
        purses = {currency: Purse(Decimal(amount)) for currency, amount in held.items()}
        yield BitstampAccount("SimulatedBitstampKey", "simulated-bitstamp-secret", "7890", purses=purses)

    # Who calls

    def claim(self, asked: Asked) -> Claim:
        """Take the three fields of v1."""
        rest = dict(asked.fields)
        key, nonce, signature = (rest.pop(name, None) for name in ("key", "nonce", "signature"))
        if not (isinstance(key, str) and isinstance(nonce, str) and isinstance(signature, str)):
            raise Refused(Fault.NO_CREDENTIALS)
        return Claim(key, rest, nonce, signature)

    def signatures(self, asked: Asked, claim: Claim, account: Account) -> tuple[str, ...]:  # noqa: ARG002
        """Sign nonce, client id and key, in upper case."""
        return (account.mac(f"{claim.nonce}{account.client_id}{account.api_key}".encode()).upper(),)

    # Shapes

    def refusal(self, api: Api, refused: Refused) -> HttpAnswer:
        """Refuse with status 200 on v1; too many requests and unknown paths are the same in both."""
        fault = refused.fault
        if fault is Fault.NO_SUCH_PATH:
            return HttpAnswer(404, b"<!DOCTYPE html><title>Page not found</title>", "text/html; charset=utf-8")
        if fault is Fault.TOO_MANY_REQUESTS:
            return HttpAnswer(429, _error_v2(_WORDS[fault], "400.002"))
        words: Json = refused.text or _WORDS[fault]
        if refused.about and fault is not Fault.UNKNOWN_BOOK:
            words = {refused.about: [words]}
        if api.name == "bitstamp.v1":
            return HttpAnswer(200, dumps({"error": words}))
        status, code = _V2.get(fault, (400, "400.001"))
        return HttpAnswer(status, _error_v2(words, code))

    # Public market data of v2

    @handles("bitstamp.market.ticker")
    def ticker(self, call: Call) -> object:
        """Look at the prices."""
        name = call.arguments.text("market")
        if name in self.markets:
            return _ticker(self.markets[name], call.now_ms)
        # Quirk: an unknown market is answered with all tickers (seen on the live server).
        return [{"pair": _pair(m), **_object(_ticker(m, call.now_ms))} for m in self.markets.values()]

    @handles("bitstamp.market.order_book")
    def order_book(self, call: Call) -> object:
        """Look at the book; with the ids of orders for group 2."""
        group = call.arguments.integer("group", 1)
        if group not in (0, 1, 2):
            raise Refused(Fault.WRONG_ARGUMENT, "group")
        now = self.market(call.arguments.text("market")).snapshot(call.now_ms)

        def levels(side: tuple[Level, ...]) -> tuple[PriceLevel, ...]:
            return tuple(PriceLevel(x.price, x.amount, str(x.id) if group == 2 else None) for x in side)

        return OrderBook(
            bids=levels(now.bids),
            asks=levels(now.asks),
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

    # V1

    @handles("bitstamp.v1.market.ticker")
    def ticker_v1(self, call: Call) -> object:
        """Look at the prices."""
        now = self._now(call)
        return v1.Ticker(
            last=now.last,
            high=now.day.high,
            low=now.day.low,
            vwap=now.day.vwap,
            volume=now.day.volume,
            bid=now.bids[0].price,
            ask=now.asks[0].price,
            timestamp=second(call.now_ms),
        )

    @handles("bitstamp.v1.market.order_book")
    def order_book_v1(self, call: Call) -> object:
        """Look at the book; no level holds more than one order, so grouping changes nothing."""
        now = self._now(call)
        return v1.OrderBook(
            bids=tuple(v1.PriceLevel(level.price, level.amount) for level in now.bids),
            asks=tuple(v1.PriceLevel(level.price, level.amount) for level in now.asks),
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

    @handles("bitstamp.v1.account.balance")
    def balance_v1(self, call: Call) -> object:
        """List all currencies, three keys each."""
        account = call.account
        if not isinstance(account, BitstampAccount):
            raise TypeError("not an account at Bitstamp")
        currencies = {
            currency: v1.CurrencyBalance(balance=purse.balance, reserved=purse.reserved, available=purse.available)
            for currency, purse in account.purses.items()
        }
        return v1.Balance(fee=FEE_PERCENT, currencies=currencies)

    def _now(self, call: Call) -> Snapshot:
        return self.markets[V1_MARKET].snapshot(call.now_ms)


def _error_v2(words: Json, code: str) -> bytes:
    return dumps({"status": "error", "reason": words, "response_code": code})


def _pair(market: Market) -> str:
    return f"{market.facts.base}/{market.facts.quote}".upper()


def _object(ticker: Ticker) -> dict[str, Json]:
    value = encode(ticker)
    if not isinstance(value, dict):
        raise TypeError("a ticker is an object")
    return value


def _ticker(market: Market, now_ms: int) -> Ticker:
    now = market.snapshot(now_ms)
    return Ticker(
        last=now.last,
        high=now.day.high,
        low=now.day.low,
        vwap=now.day.vwap,
        volume=now.day.volume,
        bid=now.bids[0].price,
        ask=now.asks[0].price,
        timestamp=second(now_ms),
        open=now.day.open,
        open_24=now.day.open,
        percent_change_24=(100 * (now.last - now.day.open) / now.day.open).quantize(Decimal("0.01")),
        side=Side.BUY if now.seller_waited else Side.SELL,
    )
