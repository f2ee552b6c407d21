"""Bitso v4: conversions. A quote is valid for thirty seconds, and takes a few more once it is accepted."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_UP, Decimal

from attrs import define, field, frozen

from exchanges.bitso import Conversion, ConversionStatus, Direction, Quote, Slippage
from exchanges.bitso.conversions import Conversions
from exchanges.simulator.engine.balances import SMALLEST, Wallet, product, quotient
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.matching import MatchingEngine
from exchanges.simulator.engine.orders import InsufficientFunds
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.engine.store import IdSequence, Store
from exchanges.simulator.venues.calls import moment
from exchanges.simulator.venues.handlers import Handlers, handles, show
from exchanges.simulator.venues.spot import SpotCall, amount_of

EXPIRY_MS = 30_000
QUEUED_MS, DONE_MS = 1_000, 6_000
PADDING = Decimal("0.0025")


@frozen
class _Quoted:
    """A quote, and the conversion that it led to; empty for none."""

    quote: Quote
    plain_rate: Decimal
    conversion_id: str = ""


@frozen
class _Amounts:
    from_amount: Decimal
    to_amount: Decimal
    rate: Decimal
    plain_rate: Decimal


@define(eq=False)
class ConversionHandlers(Handlers):
    """Quotes and conversions; a conversion goes from OPEN over QUEUED to COMPLETED, or to FAILED."""

    engine: Engine
    _ids: IdSequence = field(init=False, factory=IdSequence)
    _quotes: Store[_Quoted] = field(init=False, factory=Store[_Quoted])
    _conversions: Store[Conversion] = field(init=False, factory=Store[Conversion])
    _failing: set[str] = field(init=False, factory=set[str])

    @handles(Conversions.create_quote)
    def create_quote(self, call: SpotCall) -> object:
        """Quote a rate; nothing is reserved for it."""
        given, taken = (call.arguments.text(name).lower() for name in ("from_currency", "to_currency"))
        book, side = self._book(given, taken)
        amounts = _amounts(call, book, side)
        quote_id = f"{next(self._ids):016x}"
        quote = show(
            Quote,
            amounts,
            id=quote_id,
            oid=quote_id,
            from_currency=given,
            to_currency=taken,
            created_at=moment(call.now_ms),
            expires_at=moment(call.now_ms + EXPIRY_MS),
            rate_currency=book.market.spec.quote,
            estimated_slippage=Slippage(level="normal", message="", value=Decimal("0.00")),
            padding=PADDING,
            direction=Direction[side.name],
            book=book.market.spec.name,
        )
        self._quotes.put(call.owner, quote_id, _Quoted(quote, amounts.plain_rate))
        return quote

    @handles(Conversions.execute)
    def execute(self, call: SpotCall) -> object:
        """Accept a quote: reserve what it spends, and begin."""
        quote_id = call.arguments.text("quote_id")
        quoted = self._quotes.get(call.owner, quote_id, "Quote not found")
        quote, wallet = quoted.quote, call.wallet
        refuse_if(quoted.conversion_id or quote.expires_at <= moment(call.now_ms), Reason.EXPIRED)
        balance = wallet.balances[quote.from_currency]
        if quote.from_amount > balance.available:
            raise InsufficientFunds(quote.from_currency, quote.from_amount, balance.available)
        # Reserved until the conversion ends, which may be seconds after the quote has expired.
        balance.reserved += quote.from_amount
        conversion_id = f"{next(self._ids):016x}"
        self._quotes.change(quote_id, conversion_id=conversion_id)
        created_at, plain_rate = moment(call.now_ms), quoted.plain_rate
        conversion = show(Conversion, quote, id=conversion_id, created_at=created_at, plain_rate=plain_rate)
        conversions, scheduler = self._conversions, self.engine.scheduler
        conversions.put(call.owner, conversion_id, conversion)
        queued = ConversionStatus.QUEUED
        scheduler.at(call.now_ms + QUEUED_MS, lambda _: conversions.change(conversion_id, status=queued))
        scheduler.at(call.now_ms + DONE_MS, lambda at_ms: self._finish(wallet, conversion_id, quote_id, at_ms))
        return {"oid": conversion_id}

    @handles(Conversions.conversion)
    def conversion(self, call: SpotCall) -> object:
        """Return a conversion."""
        return self._conversions.get(call.owner, call.arguments.text("conversion_id"), "Conversion not found")

    def fail(self, conversion_id: str) -> None:
        """Fail a conversion.

        Raises:
            KeyError: No conversion with this id is under way.
        """
        if self._conversions.find(conversion_id).status.is_final:
            raise KeyError(conversion_id)
        self._failing.add(conversion_id)

    def _book(self, given: str, taken: str) -> tuple[MatchingEngine, Side]:
        """Return the book that converts one currency into another, and the side of the conversion."""
        for book in self.engine.books.values():
            pair = book.market.spec.base, book.market.spec.quote
            if pair == (taken, given):
                return book, Side.BUY
            if pair == (given, taken):
                return book, Side.SELL
        raise Refused(Reason.WRONG_ARGUMENT, "to_currency")

    def _finish(self, wallet: Wallet, conversion_id: str, quote_id: str, at_ms: int) -> None:
        """Exchange the amounts of the quote, or release what was reserved."""
        failed = conversion_id in self._failing
        status = ConversionStatus.FAILED if failed else ConversionStatus.COMPLETED
        done = self._conversions.change(conversion_id, status=status)
        # Whatever became of it: a conversion that failed gives back what it reserved.
        wallet.balances[done.from_currency].reserved -= done.from_amount
        if not failed:
            given, taken = (done.from_currency, done.from_amount), (done.to_currency, done.to_amount)
            self.engine.convert(wallet, given, taken, at_ms, reference=(conversion_id, quote_id))


def _amounts(call: SpotCall, book: MatchingEngine, side: Side) -> _Amounts:
    """Calculate both amounts from the one that is given, rounded against the customer."""
    names = [name for name in ("spend_amount", "receive_amount") if name in call.arguments.values]
    refuse_if(len(names) != 1, Reason.WRONG_ARGUMENT, "spend_amount", "Exactly one of both amounts must be given")
    amount, spends = amount_of(call, names[0]), names[0] == "spend_amount"
    plain = book.best(side.other, call.now_ms)
    buys = side is Side.BUY
    padded = plain * (1 + PADDING if buys else 1 - PADDING)
    rate = padded.quantize(SMALLEST, ROUND_UP if buys else ROUND_DOWN)
    # What is received is rounded down, what is spent is rounded up.
    if spends:
        other = quotient(amount, rate) if buys else product(amount, rate)
    else:
        other = product(amount, rate, up=True) if buys else quotient(amount, rate, up=True)
    refuse_if(not other, Reason.WRONG_NUMBER, names[0], "Too little to convert")
    return _Amounts(amount if spends else other, other if spends else amount, rate, plain)
