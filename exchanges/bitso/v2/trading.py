"""Orders, by v2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from exchanges.bitso.api import V2
from exchanges.bitso.v2.models import AmountUnit, Cancelled, Order, OrderType
from exchanges.endpoint import CANCEL, MONEY, READ, Area, Param, private
from exchanges.endpoint.contradictions import fault_of_orders
from exchanges.wire import Amount, Json

MAX_ID = 100
_UNITS = ", ".join(unit.value for unit in AmountUnit)


def _ids(value: str | Sequence[str]) -> Json:
    """Convert one id to text, several to a list."""
    if isinstance(value, str):
        return _id(value)
    ids: list[Json] = [_id(item) for item in value]
    if not ids:
        raise ValueError("must name an order")
    return ids


def _id(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"must be a str, not {type(value).__name__}")
    if not (value.isascii() and value.isalnum() and len(value) <= MAX_ID):
        raise ValueError("must be the id of an order: letters and digits")
    return str.__str__(value)


def _unsent(_: object) -> None:
    """Render nothing: only the check of the whole call reads the argument."""


def _fault_of_unit(arguments: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the unit of an order to buy; None if nothing is."""
    unit, is_market = arguments.get("amount_unit"), arguments.get("price") is None
    if unit is not None and unit not in tuple(AmountUnit):
        return f"amount_unit must be one of {_UNITS}"
    # Quirk: the unit changed in the documents twice within months. A wrong guess would buy for thousands of times the
    # amount, so there is no default.
    if is_market and unit is None:
        return (
            "without a price it is a market order, and the documents contradict each other on whether its amount is in "
            f"major or in minor currency; find out which holds and pass it as amount_unit= (one of {_UNITS}), "
            "or pass a price"
        )
    if not is_market and unit == AmountUnit.MINOR:
        return "the amount of an order with a price is in major currency; amount_unit cannot change that"
    return None


def _canonical(book: str) -> str:
    """Return a book; empty for the one that the exchange uses if none is sent."""
    return "" if book.lower() == "btc_mxn" else book.lower()


_Book = Annotated[str | None, Param(canonical=_canonical)]
_NamedBook = Annotated[str | None, Param(echo="book")]


class Trading(Area, api=V2):
    """Place, look up and cancel orders. Each *book* that is None is not sent; the exchange uses btc_mxn."""

    @private("POST /open_orders", kind=READ, fault=fault_of_orders)
    async def open_orders(self, book: _NamedBook = None) -> list[Order]:
        """Orders that are open, wholly or in part.

        Args:
            book: Major and minor, such as btc_mxn.

        Returns:
            Wire: list of objects.

        Source:
            Bitso API v2, Private Endpoints, "Open Orders".
        """
        ...

    @private("POST /lookup_order", kind=READ)
    async def lookup_order(
        self, order_id: Annotated[str | Sequence[str], Param(wire="id", type="str-or-list", render=_ids)]
    ) -> list[Order]:
        """Look up one order or several, whatever their status.

        Args:
            order_id: The `Order.id`, or a list of those.

        Returns:
            Without *book* and *updated* while an order is ACTIVE. Wire: list of objects, for one order too.

        Source:
            Bitso API v2, Private Endpoints, "Lookup Order".
        """
        ...

    # A second cancel of the same order finds nothing to cancel, so it may be repeated.
    @private("POST /cancel_order", kind=CANCEL, exempt=True)
    async def cancel_order(self, order_id: Annotated[str, Param(wire="id")]) -> Cancelled:
        """Cancel an order.

        Args:
            order_id: The `Order.id`.

        Returns:
            None: it was found and cancelled. Wire: the string ``"true"``.

        Raises:
            NotFound: There is no such order: filled, cancelled, or never there.

        Source:
            Bitso API v2, Private Endpoints, "Cancel Order".
        """
        ...

    @private("POST /buy", kind=MONEY, check=_fault_of_unit, echoes={"type": OrderType.BUY})
    async def buy(
        self,
        *,
        amount: Amount,
        price: Amount | None = None,
        book: _Book = None,
        amount_unit: Annotated[
            AmountUnit | Literal["major", "minor"] | None, Param(type="str", render=_unsent, echo=None)
        ] = None,
    ) -> Order:
        """Place an order to buy: a limit order, or without a price a market order.

        The documents contradict themselves on the amount of a market order to buy: major currency in February 2016,
        minor in April, major again in June, while the exchange's own client always sent minor currency. Which of the
        two the server assumes is not known, so the caller of a market order must declare it.

        Args:
            amount: Major currency to buy; for a market order see above.
            price: Highest price per unit, in minor per major. None: not sent; a market order.
            book: Major and minor, such as btc_mxn.
            amount_unit: The unit of *amount*, as the caller knows it; mandatory for a market order. It is not sent and
                changes nothing in the request.

        Returns:
            The new order; a market order without status, price and amount. Wire: object.

        Raises:
            UsageError: A market order without *amount_unit*; nothing was sent.

        Source:
            Bitso API v2, Private Endpoints, "Place a Buy Order".
        """
        ...

    @private("POST /sell", kind=MONEY, echoes={"type": OrderType.SELL})
    async def sell(self, *, amount: Amount, price: Amount | None = None, book: _Book = None) -> Order:
        """Place an order to sell: a limit order, or without a price a market order.

        Args:
            amount: Major currency to sell.
            price: Lowest price per unit, in minor per major. None: not sent; a market order.
            book: Major and minor, such as btc_mxn.

        Returns:
            The new order; a market order without status, price and amount. Wire: object.

        Source:
            Bitso API v2, Private Endpoints, "Place a Sell Order".
        """
        ...
