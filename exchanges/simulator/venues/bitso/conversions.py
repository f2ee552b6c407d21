"""Conversions of v4: a quote holds for thirty seconds, and takes some more once it is accepted."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_UP, Decimal

from attrs import define, evolve, field, frozen

from exchanges.bitso import Conversion, ConversionStatus, Direction, Quote, Slippage
from exchanges.simulator.engine.balances import SMALLEST, Party, product, quotient
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.matching import Short
from exchanges.simulator.engine.prices import Market
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.store import Shelf
from exchanges.simulator.venues.bitso.base import House
from exchanges.simulator.venues.spot import Customer, amount_of, customer_of
from exchanges.simulator.venues.venue import Call, handles, moment

__all__ = ["EXPIRY_MS", "ConversionCounter"]

EXPIRY_MS = 30_000
QUEUED_MS, DONE_MS = 1_000, 6_000
PADDING = Decimal("0.0025")


@define(eq=False)
class _Offered:
    """A quote, and the conversion that it led to; empty for none."""

    quote: Quote
    plain_rate: Decimal
    conversion_id: str = ""


@frozen
class _Amounts:
    spend: Decimal
    receive: Decimal
    rate: Decimal
    plain_rate: Decimal


@define(eq=False, slots=False)
class ConversionCounter(House):
    """Quotes rates and keeps to them; a conversion goes from OPEN over QUEUED to COMPLETED, or to FAILED."""

    _quotes: Shelf[_Offered] = field(init=False, factory=Shelf[_Offered])
    _conversions: Shelf[Conversion] = field(init=False, factory=Shelf[Conversion])
    _failing: set[str] = field(init=False, factory=set[str])

    @handles("bitso.conversions.create_quote")
    def create_quote(self, call: Call) -> object:
        """Offer a rate; nothing is held for it."""
        given, taken = (call.arguments.text(name).lower() for name in ("from_currency", "to_currency"))
        market, side = self._way(given, taken)
        amounts = self._amounts(call, market, side)
        quote_id = f"{next(self.ids):016x}"
        quote = Quote(
            id=quote_id,
            oid=quote_id,
            from_currency=given,
            from_amount=amounts.spend,
            to_currency=taken,
            to_amount=amounts.receive,
            created_at=moment(call.now_ms),
            expires_at=moment(call.now_ms + EXPIRY_MS),
            rate=amounts.rate,
            rate_currency=market.facts.quote,
            estimated_slippage=Slippage(level="normal", message="", value=Decimal("0.00")),
            padding=PADDING,
            direction=Direction.BUY if side is Side.BUY else Direction.SELL,
            book=market.facts.name,
        )
        self._quotes.put(_number(customer_of(call)), quote_id, _Offered(quote, amounts.plain_rate))
        return quote

    @handles("bitso.conversions.execute")
    def execute(self, call: Call) -> object:
        """Accept a quote: hold what it spends, and begin."""
        customer, quote_id = customer_of(call), call.arguments.text("quote_id")
        if not self._quotes.has(_number(customer), quote_id):
            raise Refused(Reason.NOT_FOUND, text="Quote not found")
        offered = self._quotes.find(_number(customer), quote_id)
        quote = offered.quote
        if offered.conversion_id or quote.expires_at <= moment(call.now_ms):
            raise Refused(Reason.EXPIRED)
        purse = customer.vault.purses[quote.from_currency]
        if not purse.reserve(quote.from_amount):
            short = Short(quote.from_currency, quote.from_amount, purse.available)
            raise Refused(Reason.NO_FUNDS, quote.from_currency, self.words_for(short))
        offered.conversion_id = conversion_id = f"{next(self.ids):016x}"
        self._conversions.put(_number(customer), conversion_id, _begun(offered, call.now_ms))
        self.diary.at(call.now_ms + QUEUED_MS, lambda _: self._set(conversion_id, ConversionStatus.QUEUED))
        self.diary.at(call.now_ms + DONE_MS, lambda _: self._finish(customer, conversion_id))
        return {"oid": conversion_id}

    @handles("bitso.conversions.conversion")
    def conversion(self, call: Call) -> object:
        """Show how far a conversion is."""
        mine, conversion_id = _number(customer_of(call)), call.arguments.text("conversion_id")
        if not self._conversions.has(mine, conversion_id):
            raise Refused(Reason.NOT_FOUND, text="Conversion not found")
        return self._conversions.find(mine, conversion_id)

    def fail(self, conversion_id: str) -> None:
        """Let a conversion end in FAILED.

        Raises:
            KeyError: There is none with this id that goes on.
        """
        owner = self._conversions.owner(conversion_id)
        if self._conversions.find(owner, conversion_id).status.is_final:
            raise KeyError(conversion_id)
        self._failing.add(conversion_id)

    # Within

    def _way(self, given: str, taken: str) -> tuple[Market, Side]:
        """Find the book that converts one currency into another."""
        for market in self.markets.values():
            pair = market.facts.base, market.facts.quote
            if pair == (taken, given):
                return market, Side.BUY
            if pair == (given, taken):
                return market, Side.SELL
        raise Refused(Reason.WRONG_ARGUMENT, "to_currency")

    def _amounts(self, call: Call, market: Market, side: Side) -> _Amounts:
        """Work out both amounts from the one that is given, rounded against the customer."""
        names = [name for name in ("spend_amount", "receive_amount") if name in call.arguments.values]
        if len(names) != 1:
            raise Refused(Reason.WRONG_ARGUMENT, "spend_amount", "Exactly one of both amounts must be given")
        amount, spends = amount_of(call, names[0]), names[0] == "spend_amount"
        plain = self.pits[market.facts.name].best(side.other, call.now_ms)
        buys = side is Side.BUY
        padded = plain * (1 + PADDING if buys else 1 - PADDING)
        rate = padded.quantize(SMALLEST, ROUND_UP if buys else ROUND_DOWN)
        if spends:
            other = quotient(amount, rate) if buys else product(amount, rate)
        else:
            other = product(amount, rate, up=True) if buys else quotient(amount, rate, up=True)
        if not other:
            raise Refused(Reason.WRONG_NUMBER, names[0], "Too little to convert")
        return _Amounts(amount if spends else other, other if spends else amount, rate, plain)

    def _set(self, conversion_id: str, status: ConversionStatus) -> Conversion:
        owner = self._conversions.owner(conversion_id)
        changed = evolve(self._conversions.find(owner, conversion_id), status=status)
        return self._conversions.put(owner, conversion_id, changed)

    def _finish(self, customer: Customer, conversion_id: str) -> None:
        """Exchange the amounts of the quote, or give back what was held."""
        failed = conversion_id in self._failing
        done = self._set(conversion_id, ConversionStatus.FAILED if failed else ConversionStatus.COMPLETED)
        purses = customer.vault.purses
        purses[done.from_currency].release(done.from_amount)
        if not failed:
            self.tally.move(done.from_currency, done.from_amount, purses[done.from_currency], Party.STRANGERS)
            self.tally.move(done.to_currency, done.to_amount, Party.STRANGERS, purses[done.to_currency])


def _number(customer: Customer) -> int:
    return int(customer.client_id)


def _begun(offered: _Offered, now_ms: int) -> Conversion:
    quote = offered.quote
    return Conversion(
        id=offered.conversion_id,
        from_currency=quote.from_currency,
        from_amount=quote.from_amount,
        to_currency=quote.to_currency,
        to_amount=quote.to_amount,
        created_at=moment(now_ms),
        expires_at=quote.expires_at,
        rate=quote.rate,
        plain_rate=offered.plain_rate,
        rate_currency=quote.rate_currency,
        book=quote.book,
        status=ConversionStatus.OPEN,
    )
