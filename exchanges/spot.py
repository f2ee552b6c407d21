"""One way to trade spot markets, the same at every exchange that can: `client.spot`.

It is built on the declared calls of each exchange, so that outcomes, errors, limits and `reconcile` are the same. What
an exchange answered is in `own` of each result, and `Reconciled.id` of an order is its `SpotOrder.order_id`. Amounts
are exact, in units of the base or of the quote currency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol

from attrs import field, frozen

from exchanges.errors import UsageError
from exchanges.market_data import MarketOrderBook, MarketTicker
from exchanges.wire import Amount

__all__ = ["Market", "Side", "Spot", "SpotBalance", "SpotFill", "SpotOrder", "SpotRules", "SpotState"]

_SEPARATORS = ("/", "_", "-")


class Side(StrEnum):
    """Side of an order."""

    BUY = "buy"
    SELL = "sell"


@frozen(order=True)
class Market:
    """A spot market: the same value for every exchange. Prints as BTC/USD.

    Args:
        base: The currency that is bought and sold, such as BTC, in any case.
        quote: The currency of prices, such as USD, in any case.

    Raises:
        UsageError: One of them is not letters and digits.
    """

    base: str
    quote: str

    def __attrs_post_init__(self) -> None:
        for name, code in (("base", self.base), ("quote", self.quote)):
            if not isinstance(code, str) or not (code.isascii() and code.isalnum()):
                raise UsageError(f"{name} must be a currency, such as BTC: letters and digits")
            object.__setattr__(self, name, code.upper())

    def __str__(self) -> str:
        """Return base and quote, such as BTC/USD."""
        return f"{self.base}/{self.quote}"

    @classmethod
    def parse(cls, text: str) -> Market:
        """Parse BTC/USD, btc_usd or BTC-USD.

        Raises:
            UsageError: Without a separator, as in btcusd, nothing tells where the base ends; use `Spot.markets`.
        """
        for separator in _SEPARATORS:
            base, found, quote = text.partition(separator) if isinstance(text, str) else ("", "", "")
            if found:
                return cls(base, quote)
        raise UsageError("a market is written with a separator, such as BTC/USD; of btcusd nothing tells the base")


@frozen(kw_only=True)
class SpotOrder:
    """An order.

    Attributes:
        order_id: Its id at the exchange.
        side: BUY or SELL; None if the exchange shows another word.
        price: Quote per base: the limit; None for an order without one.
        amount: Base: the whole amount; None if the exchange does not show it.
        unfilled: Base: what did not trade yet, when it was read; None if the exchange does not show it.
        own: What the exchange answered.
    """

    order_id: str
    market: Market
    side: Side | None
    price: Decimal | None
    amount: Decimal | None
    unfilled: Decimal | None
    own: object = field(repr=False)


@frozen(kw_only=True)
class SpotFill:
    """A trade of an own order.

    Attributes:
        fill_id: Its id at the exchange.
        order_id: Id of the order.
        side: Of the own order; None as for `SpotOrder`.
        price: Quote per base; None if the exchange does not show it.
        amount: Base, above zero.
        value: Quote, above zero.
        fee: Of *fee_currency*: what the exchange charged, above zero.
        fee_currency: Such as BTC.
        at: UTC.
        own: What the exchange answered.
    """

    fill_id: str
    order_id: str | None
    market: Market
    side: Side | None
    price: Decimal | None
    amount: Decimal
    value: Decimal
    fee: Decimal
    fee_currency: str
    at: datetime
    own: object = field(repr=False)


@frozen(kw_only=True)
class SpotBalance:
    """What the account has of one currency.

    Attributes:
        total: Available and reserved together.
        available: Free to use.
        reserved: In open orders.
        own: What the exchange answered.
    """

    total: Decimal
    available: Decimal
    reserved: Decimal
    own: object = field(repr=False)


@frozen(kw_only=True)
class SpotState:
    """What became of an order.

    Attributes:
        order_id: Its id at the exchange.
        is_settled: Whether it is final and all its trades are counted; if not, this is what was read last.
        filled: Base: the sum of its trades; None if the exchange does not show what is needed to know it.
        value: Quote: the sum of its trades, without fees; None as for *filled*.
        own: What the exchange answered.
    """

    order_id: str
    is_settled: bool
    filled: Decimal | None
    value: Decimal | None
    own: object = field(repr=False)


def checked_order(market: Market, side: Side | str, *, post_only: bool) -> Side:
    """Return the side of an order whose arguments are valid as far as they are the same at every exchange.

    Raises:
        UsageError: One is not.
    """
    require_market(market)
    if not isinstance(side, str) or side not in tuple(Side):
        raise UsageError(f"side must be one of {', '.join(Side)}; nothing was sent")
    if not isinstance(post_only, bool):
        raise UsageError(f"post_only must be a bool, not {type(post_only).__name__}; nothing was sent")
    return Side(side)


def require_market(market: Market) -> Market:
    """Return a market; raise `UsageError` if it is none."""
    if not isinstance(market, Market):
        raise UsageError("market must be a Market, such as Market.parse('BTC/USD'); nothing was sent")
    return market


def shown_side(word: object) -> Side | None:
    """Return the side that an exchange shows by a word; None for any other word."""
    return Side(word) if isinstance(word, str) and word in tuple(Side) else None


class SpotRules(Protocol):
    """The bounds of orders in a market; see the exchange's own `Rules`."""

    @property
    def tick(self) -> Decimal:
        """Quote per base: the step of prices."""
        ...

    def round_price(self, price: Amount, side: str) -> Decimal:
        """Round a price to the tick: down to buy, up to sell."""
        ...

    def round_amount(self, amount: Amount) -> Decimal:
        """Round an amount of base down."""
        ...


class Spot(Protocol):
    """Trading in spot markets. Every method is one call of the exchange, with its errors and outcomes.

    Markets are passed as `Market`. A call that an exchange lacks raises `UsageError`; nothing is emulated.
    """

    async def markets(self) -> Mapping[Market, SpotRules]:
        """Read the markets and the bounds of their orders; orders are held to them from then on."""
        ...

    def rules(self, market: Market) -> SpotRules:
        """Return the bounds of orders in a market.

        Raises:
            UsageError: `markets` was not read yet, or it showed no such market.
        """
        ...

    async def ticker(self, market: Market) -> MarketTicker:
        """Prices and volume of the last 24 hours."""
        ...

    async def order_book(self, market: Market) -> MarketOrderBook:
        """Open orders of the market, best price first."""
        ...

    async def balances(self) -> dict[str, SpotBalance]:
        """Balances of the account, by currency such as BTC."""
        ...

    async def place_limit(
        self,
        market: Market,
        side: Side | Literal["buy", "sell"],
        *,
        amount: Amount,
        price: Amount,
        post_only: bool = False,
        client_id: str | None = None,
    ) -> SpotOrder:
        """Place a limit order.

        Args:
            market: Where.
            side: BUY or SELL.
            amount: Base.
            price: Quote per base.
            post_only: Cancel it if it would trade at once.
            client_id: Your own id of the order, never used before. None: one is made.

        Raises:
            InsufficientFunds: The balance does not suffice.
            InvalidRequest: The exchange refused the order.
            OutcomeUnknown: Pass its intent to `client.reconcile`.
        """
        ...

    async def cancel(self, order_id: str) -> bool:
        """Cancel an order.

        Returns:
            Whether the exchange accepted the cancel. False: it is not open, so it traded, was cancelled, or never was.
            Only `wait_settled` tells what it traded, in both cases.
        """
        ...

    async def open_orders(self, market: Market) -> Sequence[SpotOrder]:
        """Open orders of the account in a market."""
        ...

    async def fills(self, market: Market) -> Sequence[SpotFill]:
        """Latest trades of the account in a market, newest first, as many as one answer shows."""
        ...

    async def wait_settled(self, order_id: str, *, timeout_seconds: float) -> SpotState:
        """Read an order until it is final and all its trades are listed, or the time is up."""
        ...


def shown(spot: object) -> str:
    """Return the calls, as the `repr` of what has them."""
    return f"{type(spot).__name__}({', '.join(name for name in vars(Spot) if not name.startswith('_'))})"
