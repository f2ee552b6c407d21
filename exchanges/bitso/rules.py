"""The bounds of orders in a book: what the exchange would refuse is refused before it is sent.

Nothing is rounded silently: `Rules.round_price` and `Rules.round_amount` are for the caller to call.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_UP, Context, Decimal
from typing import Any

from attrs import frozen

from exchanges.bitso.models.market import Book, Side
from exchanges.bitso.models.trading import OrderType
from exchanges.endpoint.arguments import money
from exchanges.errors import UsageError
from exchanges.wire import Amount, plain

RULES = "bitso.rules"
"""Where the areas of a client keep the rules of all books, by name."""
# Quirk: an exchange's own text: more decimals of a price than these do not count.
PRICE_STEP = Decimal("1e-8")
AMOUNT_DECIMALS = 8
# Exact for products of two numbers of at most 30 digits.
_CONTEXT = Context(prec=80)


@frozen
class Rules:
    """What orders of one book must obey.

    Attributes:
        book: As `bitso.market.available_books` returned it.
    """

    book: Book

    @property
    def tick(self) -> Decimal:
        """Minor per major: the step of prices."""
        return self.book.tick_size or PRICE_STEP

    def round_price(self, price: Amount, side: Side | str) -> Decimal:
        """Round a price to the tick: down for BUY and up for SELL, so that it is never worse than *price*.

        Args:
            price: Minor per major.
            side: BUY or SELL.

        Raises:
            UsageError: Not an amount, or a price that rounds to zero.
        """
        if side not in tuple(Side):
            raise UsageError(f"side must be one of {', '.join(Side)}")
        rounding = ROUND_DOWN if side == Side.BUY else ROUND_UP
        return self._round(price, self.tick, rounding, "price")

    def round_amount(self, amount: Amount, *, decimals: int = AMOUNT_DECIMALS) -> Decimal:
        """Round an amount down.

        Args:
            amount: Major or minor.
            decimals: Of the currency; `CurrencyMetadata.precision` of `bitso.market.catalogues`.

        Raises:
            UsageError: Not an amount, or one that rounds to zero.
        """
        if type(decimals) is not int or not 0 <= decimals <= 18:
            raise UsageError("decimals must lie between 0 and 18")
        return self._round(amount, Decimal(1).scaleb(-decimals), ROUND_DOWN, "amount")

    def _round(self, value: Amount, step: Decimal, rounding: str, name: str) -> Decimal:
        try:
            exact = Decimal(money(value))
        except ValueError as fault:
            raise UsageError(f"{self.book.book}: {name} {fault}") from None
        steps = _CONTEXT.divide(exact, step).to_integral_value(rounding)
        if not steps:
            raise UsageError(f"{self.book.book}: {name} {plain(exact)} is less than the step {plain(step)}")
        return _CONTEXT.multiply(steps, step)

    def fault_of_order(self, arguments: Mapping[str, Any]) -> str | None:
        """Return what the exchange would refuse in the arguments of an order; None if nothing.

        Args:
            arguments: By name, valid by themselves.
        """
        book = self.book
        amounts = {name: arguments.get(name) for name in ("major", "minor", "price", "stop")}
        major, minor, price, stop = (None if value is None else Decimal(money(value)) for value in amounts.values())
        value = minor
        if major is not None and price is not None and arguments.get("order_type") == OrderType.LIMIT.value:
            value = _CONTEXT.multiply(major, price)
        bounds = (
            ("major", major, book.minimum_amount, book.maximum_amount),
            ("price", price, book.minimum_price, book.maximum_price),
            ("stop", stop, book.minimum_price, book.maximum_price),
            ("the value (amount times price)", value, book.minimum_value, book.maximum_value),
        )
        for name, given, least, most in bounds:
            # A book that was listed a moment ago may not have all its bounds yet.
            if given is not None and (given < (least or given) or given > (most or given)):
                shown = " to ".join("none" if bound is None else plain(bound) for bound in (least, most))
                return f"{name} {plain(given)} is outside of {shown}, the bounds of {book.book}"
        if price is not None and _CONTEXT.remainder(price, self.tick):
            return f"price {plain(price)} is no multiple of {plain(self.tick)}, the tick of {book.book}: round it first"
        return None
