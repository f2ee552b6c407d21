"""The bounds of orders in a book: what the exchange would refuse is refused before it is sent.

Nothing is rounded silently: `Rules.round_price` and `Rules.round_amount` are for the caller to call.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Any

from exchanges.bitso.models.market import Book, Side
from exchanges.bitso.models.trading import OrderType
from exchanges.endpoint.amounts import EXACT
from exchanges.endpoint.rules import fault_of_bounds, given_amounts, rounded, step_of
from exchanges.errors import UsageError
from exchanges.values import frozen
from exchanges.wire import Amount, Model, plain

RULES = "bitso.rules"
"""Where the areas of a client keep the rules of all books, by name."""
# Quirk: an exchange's own text: more decimals of a price than these do not count.
PRICE_STEP = Decimal("1e-8")
AMOUNT_DECIMALS = 8


@frozen
class Rules(Model):
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
        return rounded(price, self.tick, rounding, f"{self.book.book}: price")

    def round_amount(self, amount: Amount, *, decimals: int = AMOUNT_DECIMALS) -> Decimal:
        """Round an amount down.

        Args:
            amount: Major or minor.
            decimals: Of the currency; `CurrencyMetadata.precision` of `bitso.market.catalogues`.

        Raises:
            UsageError: Not an amount, or one that rounds to zero.
        """
        return rounded(amount, step_of(decimals), ROUND_DOWN, f"{self.book.book}: amount")

    def fault_of_order(self, arguments: Mapping[str, Any]) -> str | None:
        """Return what the exchange would refuse in the arguments of an order; None if nothing.

        Args:
            arguments: By name, valid by themselves.
        """
        book = self.book
        major, minor, price, stop = given_amounts(arguments, "major", "minor", "price", "stop")
        value = minor
        if major is not None and price is not None and arguments.get("order_type") == OrderType.LIMIT.value:
            value = EXACT.multiply(major, price)
        bounds = (
            ("major", major, book.minimum_amount, book.maximum_amount),
            ("price", price, book.minimum_price, book.maximum_price),
            ("stop", stop, book.minimum_price, book.maximum_price),
            ("the value (amount times price)", value, book.minimum_value, book.maximum_value),
        )
        if fault := fault_of_bounds(bounds, book.book):
            return fault
        if price is not None and EXACT.remainder(price, self.tick):
            return f"price {plain(price)} is no multiple of {plain(self.tick)}, the tick of {book.book}: round it first"
        return None
