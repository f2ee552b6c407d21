"""Bitso, played: v3 with its envelope and header signature, v2 with its bare objects and body signature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from attrs import define, field

from exchanges.bitso import (
    Balance,
    Bitso,
    Book,
    Fees,
    FeeTier,
    FlatRate,
    OrderBook,
    PriceLevel,
    Side,
    Ticker,
    Trade,
    v2,
)
from exchanges.endpoint import Api, Endpoint
from exchanges.simulator.exchange import Account, Asked, Call, Claim, Exchange, handles, moment, second
from exchanges.simulator.faults import Fault, Refused
from exchanges.simulator.market import DAY_MS, HOUR_MS, MINUTE_MS, STEP_MS, BookFacts, Level, Market
from exchanges.simulator.purses import Purse
from exchanges.simulator.server import HttpAnswer, HttpRequest
from exchanges.simulator.truth import Venue
from exchanges.wire import Json, dumps, encode

__all__ = ["BitsoPlay"]

FEE_PERCENT = Decimal("0.6500")
FEE = Decimal("0.0065")
MAX_PAGE = 100
_NOTHING = Decimal("0.00000000")

# Status, code and words of v3.
_V3 = {
    Fault.WRONG_VERB: (400, "0901", "HTTP verb not allowed for this endpoint"),
    Fault.TOO_MANY_REQUESTS: (420, "0801", "Too many requests"),
    Fault.NO_CREDENTIALS: (401, "0201", "Credentials are missing or not in the expected form"),
    Fault.UNKNOWN_KEY: (401, "0201", "Unknown credentials"),
    Fault.WRONG_SIGNATURE: (401, "0215", "Wrong signature, nonce or credentials"),
    Fault.WRONG_NONCE: (401, "0207", "Nonce must be larger than the last one"),
    Fault.UNREADABLE: (400, "0302", "Arguments cannot be read"),
    Fault.UNKNOWN_ARGUMENT: (400, "0304", "Unknown field"),
    Fault.MISSING_ARGUMENT: (400, "0303", "Required field is missing"),
    Fault.WRONG_ARGUMENT: (400, "0304", "Field is not valid"),
    Fault.WRONG_NUMBER: (400, "0304", "Field is not a number in the expected form"),
    Fault.UNKNOWN_BOOK: (400, "0301", "Unknown order book"),
    Fault.NOT_FOUND: (404, "1401", "Not found"),
}
# Code and words of v2; the status is 400.
_V2 = {
    Fault.NO_CREDENTIALS: (20, "Missing API key, signature or nonce"),
    Fault.UNKNOWN_KEY: (20, "API key not found"),
    Fault.WRONG_SIGNATURE: (20, "Invalid signature"),
    Fault.WRONG_NONCE: (104, "Nonce must be larger than the last one"),
    Fault.WRONG_NUMBER: (22, "Invalid amount or precision"),
    Fault.UNKNOWN_BOOK: (20, "Unknown order book"),
    Fault.UNKNOWN_BOOK_OF_TICKER: (20, "Unknown order book"),  # on v3 alone
}


@define(repr=False)
class BitsoAccount(Account):
    """An account at Bitso."""

    purses: dict[str, Purse] = field(kw_only=True)


class BitsoPlay(Exchange):
    """Bitso: both generations see the same books and the same account."""

    venue = Venue.BITSO
    client = Bitso
    books = (
        BookFacts("btc_mxn", "btc", "mxn", centre=1_080_000, tick=Decimal("0.01"), gap=1_000),
        BookFacts("eth_mxn", "eth", "mxn", centre=45_000, tick=Decimal("0.01"), gap=500),
        BookFacts("xrp_mxn", "xrp", "mxn", centre=10, tick=Decimal("0.0001"), gap=5),
        BookFacts("usd_mxn", "usd", "mxn", centre=18, tick=Decimal("0.0001"), gap=5),
        BookFacts("btc_usd", "btc", "usd", centre=60_000, tick=Decimal("0.01"), gap=200),
    )

    def open_accounts(self) -> Iterable[Account]:
        """Open one account with some of each currency."""
        held = {
            "btc": "3.50000000",
            "eth": "12.00000000",
            "xrp": "25000.00000000",
            "usd": "9000.00",
            "mxn": "750000.00",
        }
        purses = {currency: Purse(Decimal(amount)) for currency, amount in held.items()}
        yield BitsoAccount("simulatedbitsokey", "simulated-bitso-secret", "102030", purses=purses)

    # Who calls

    def claim(self, asked: Asked) -> Claim:
        """Look into the body (v2) or the header (v3)."""
        return _claim_v2(asked.fields) if _is_v2(asked.endpoint.api) else _claim_v3(asked.request, asked.fields)

    def signatures(self, asked: Asked, claim: Claim, account: Account) -> tuple[str, ...]:
        """Sign nonce, client id and key in both documented orders (v2), or nonce, verb, target and body (v3)."""
        if not _is_v2(asked.endpoint.api):
            request = asked.request
            return (account.mac(f"{claim.nonce}{request.verb}{request.target}".encode() + request.body),)
        key, client_id = account.api_key, account.client_id
        orders = (f"{claim.nonce}{client_id}{key}", f"{claim.nonce}{key}{client_id}")
        return tuple(account.mac(order.encode()) for order in orders)

    # Shapes

    def envelope(self, endpoint: Endpoint, value: Json) -> Json:
        """Wrap what v3 answers."""
        return value if _is_v2(endpoint.api) else {"success": True, "payload": value}

    def refusal(self, api: Api, refused: Refused) -> HttpAnswer:
        """Refuse with numbers on v2, with codes of four characters on v3, with silence for unknown paths."""
        if refused.fault is Fault.NO_SUCH_PATH or (refused.fault is Fault.WRONG_VERB and _is_v2(api)):
            return HttpAnswer(404)
        as_v2 = _is_v2(api) and refused.fault is not Fault.TOO_MANY_REQUESTS
        if as_v2 or refused.fault is Fault.UNKNOWN_BOOK_OF_TICKER:
            code, words = _V2.get(refused.fault, (None, "Invalid arguments"))
            return _refusal_v2(code, _words(refused, words))
        status, code_v3, words = _V3[refused.fault]
        error: Json = {"code": code_v3, "message": _words(refused, words), "details": []}
        return HttpAnswer(status, dumps({"success": False, "error": error}))

    # Public market data of v3

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
            raise Refused(Fault.UNKNOWN_BOOK_OF_TICKER, name)
        now = self.market(name).snapshot(call.now_ms)
        return Ticker(
            book=name,
            last=now.last,
            high=now.day.high,
            low=now.day.low,
            vwap=now.day.vwap,
            volume=now.day.volume,
            bid=now.bids[0].price,
            ask=now.asks[0].price,
            created_at=second(call.now_ms),
            change_24=now.last - now.day.open,
        )

    @handles("bitso.market.order_book")
    def order_book(self, call: Call) -> object:
        """Look at the book, summed up or order by order."""
        market = self.market(call.arguments.text("book"))
        summed_up = call.arguments.flag("aggregate", default=True)
        now = market.snapshot(call.now_ms)

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
        return OrderBook(bids=levels(now.bids), asks=levels(now.asks), updated_at=moment(now.at_ms), sequence=sequence)

    @handles("bitso.market.trades")
    def trades(self, call: Call) -> object:
        """List a page of trades; an empty one for an unknown book."""
        arguments = call.arguments
        name, limit, marker = arguments.text("book"), arguments.integer("limit", 25), arguments.text("marker", "")
        if not 1 <= limit <= MAX_PAGE:
            raise Refused(Fault.WRONG_ARGUMENT, "limit")
        if marker and not (marker.isascii() and marker.isdigit() and len(marker) < 19):
            raise Refused(Fault.WRONG_ARGUMENT, "marker")
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

    @handles("bitso.account.balance")
    def balance(self, call: Call) -> object:
        """List all currencies, in an object of one key."""
        balances = [
            Balance(
                currency=currency,
                total=purse.balance,
                locked=purse.reserved,
                available=purse.available,
                pending_deposit=_NOTHING,
                pending_withdrawal=_NOTHING,
            )
            for currency, purse in _purses(call).items()
        ]
        return {"balances": encode(balances)}

    # V2

    @handles("bitso.v2.market.ticker")
    def ticker_v2(self, call: Call) -> object:
        """Look at the prices."""
        now = self.market(call.arguments.text("book", "btc_mxn")).snapshot(call.now_ms)
        return v2.Ticker(
            last=now.last,
            high=now.day.high,
            low=now.day.low,
            vwap=now.day.vwap,
            volume=now.day.volume,
            bid=now.bids[0].price,
            ask=now.asks[0].price,
            timestamp=second(call.now_ms),
        )

    @handles("bitso.v2.market.order_book")
    def order_book_v2(self, call: Call) -> object:
        """Look at the book; no level holds more than one order, so grouping changes nothing."""
        now = self.market(call.arguments.text("book", "btc_mxn")).snapshot(call.now_ms)
        return v2.OrderBook(
            bids=tuple(v2.PriceLevel(level.price, level.amount) for level in now.bids),
            asks=tuple(v2.PriceLevel(level.price, level.amount) for level in now.asks),
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

    @handles("bitso.v2.account.balance")
    def balance_v2(self, call: Call) -> object:
        """List all currencies, three keys each."""
        currencies = {
            currency: v2.CurrencyBalance(balance=purse.balance, reserved=purse.reserved, available=purse.available)
            for currency, purse in _purses(call).items()
        }
        return v2.Balance(fee=FEE_PERCENT, currencies=currencies)


def _is_v2(api: Api) -> bool:
    return api.name == "bitso.v2"


def _claim_v2(fields: Mapping[str, Json]) -> Claim:
    rest = dict(fields)
    key, nonce, signature = (rest.pop(name, None) for name in ("key", "nonce", "signature"))
    if not isinstance(key, str) or type(nonce) not in (str, int) or not isinstance(signature, str):
        raise Refused(Fault.NO_CREDENTIALS)
    return Claim(key, rest, str(nonce), signature)


def _claim_v3(request: HttpRequest, fields: Mapping[str, Json]) -> Claim:
    word, _, credentials = request.header("authorization").partition(" ")
    parts = credentials.split(":")
    if word != "Bitso" or len(parts) != 3 or not all(parts):
        raise Refused(Fault.NO_CREDENTIALS)
    return Claim(parts[0], fields, parts[1], parts[2])


def _words(refused: Refused, words: str) -> str:
    said = refused.text or words
    return f"{said}: {refused.about}" if refused.about else said


def _refusal_v2(code: int | None, words: str) -> HttpAnswer:
    error: Json = words if code is None else {"code": code, "message": words}
    return HttpAnswer(400, dumps({"error": error}))


def _purses(call: Call) -> dict[str, Purse]:
    account = call.account
    if not isinstance(account, BitsoAccount):
        raise TypeError("not an account at Bitso")
    return account.purses


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
