"""New orders, by v2. "Base" is the first currency of a market, "counter" the second: in btcusd, BTC and USD."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Unpack

from exchanges.bitstamp.api import V2
from exchanges.bitstamp.arguments import (
    ClientOrderId,
    Flag,
    Symbol,
    exactly_one,
    fault_of_client_id,
)
from exchanges.bitstamp.models.market import Side
from exchanges.bitstamp.models.trading import (
    Derivative,
    Leveraged,
    PlacedOrder,
    ReplacedOrder,
)
from exchanges.bitstamp.rules import RULES, Rules
from exchanges.endpoint import MONEY, Area, Param, private
from exchanges.endpoint.rules import within
from exchanges.errors import Problem, Unavailable
from exchanges.wire import Amount, Json

LIFETIMES = ("daily_order", "ioc_order", "fok_order", "moc_order", "gtd_order")
# The least that milliseconds of this century are, which seconds never reach.
FIRST_MILLIS = 946_684_800_000


def millis(moment: datetime | int) -> int:
    """Convert a moment to milliseconds since 1970."""
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError("must have a time zone, such as datetime.UTC")
        moment = round(moment.timestamp() * 1000)
    # Quirk: the sample of the document has seconds, its text and the clients of others milliseconds.
    if type(moment) is not int or moment < FIRST_MILLIS:
        raise ValueError("must be a datetime, or milliseconds since 1970")
    return moment


def _fault_of_limit_order(arguments: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the flags of a limit order together; None if nothing is."""
    flags = [name for name in LIFETIMES if arguments.get(name)]
    if len(flags) > 1:
        return f"give at most one of {', '.join(flags)}"
    if bool(arguments.get("gtd_order")) != (arguments.get("expire_time") is not None):
        return "gtd_order and expire_time belong together"
    if flags and arguments.get("limit_price") is not None:
        return f"limit_price cannot be given together with {flags[0]}"
    return None


def _fault_of_buy(arguments: Mapping[str, Any]) -> str | None:
    return _fault_of_limit_order(arguments) or _fault_of_opposite(arguments, 1, "above")


def _fault_of_sell(arguments: Mapping[str, Any]) -> str | None:
    return _fault_of_limit_order(arguments) or _fault_of_opposite(arguments, -1, "below")


def _fault_of_opposite(arguments: Mapping[str, Any], sign: int, where: str) -> str | None:
    """Return what is wrong with the price of the order that the exchange places by itself; None if nothing is."""
    price, opposite = arguments["price"], arguments.get("limit_price")
    if opposite is None or (Decimal(opposite) - Decimal(price)) * sign > 0:
        return None
    return f"limit_price must lie {where} price"


def _fault_of_instant_order(arguments: Mapping[str, Any]) -> str | None:
    both = arguments.get("amount_in_counter") and arguments.get("reduce_only")
    return "give amount_in_counter or reduce_only, not both" if both else None


def _replaced_itself(answer: Json) -> Problem | None:
    """Return that an answer names one order as the new one and the old one, which shows neither."""
    ids = [str(answer.get(name)) for name in ("order_id", "orig_order_id")] if isinstance(answer, dict) else ["", "-"]
    text = "the new order has the id of the old one"
    return Problem(Unavailable, text=text, proves_not_executed=False) if ids[0] == ids[1] != "None" else None


_STATED: dict[Side, Mapping[str, Side]] = {side: {"type": side} for side in Side}
_LIMIT, _MARKET, _INSTANT_BUY, _INSTANT_SELL = (
    within(RULES, "market", fault_of)
    for fault_of in (
        Rules.fault_of_limit_order,
        Rules.fault_of_market_order,
        Rules.fault_of_instant_buy,
        Rules.fault_of_instant_sell,
    )
)
# No document says in what unit the answer shows the amount of an instant order.
UncomparedAmount = Annotated[Amount, Param(echo=None)]
OrigClientOrderId = Annotated[
    str | None, Param(check=fault_of_client_id, echo="orig_client_order_id", refers="orig_order_id")
]
ExpireTime = Annotated[datetime | int | None, Param(type="int", render=millis, echo=None)]


class Placing(Area, api=V2, area="trading"):
    """Place and replace orders.

    Every order bears a client's id: yours, or one that the library makes. The exchange accepts the same one twice, so
    it protects from nothing; but by it `client.reconcile` finds the order again.
    """

    @private("POST /buy/{market}/", kind=MONEY, check=_fault_of_buy, echoes=_STATED[Side.BUY], via=_LIMIT)
    async def buy(
        self,
        *,
        market: Symbol,
        amount: Amount,
        price: Amount,
        limit_price: Annotated[Amount | None, Param(echo=None)] = None,
        daily_order: Flag = None,
        ioc_order: Flag = None,
        fok_order: Flag = None,
        moc_order: Flag = None,
        gtd_order: Flag = None,
        expire_time: ExpireTime = None,
        client_order_id: ClientOrderId = None,
        **derivative: Unpack[Derivative],
    ) -> PlacedOrder:
        """Place a limit order to buy.

        Args:
            market: Symbol, such as btcusd.
            amount: Base to buy; `MarketInfo.base_decimals`.
            price: Counter per base: the highest; `MarketInfo.counter_decimals`, within 20 % of the market.
            limit_price: Counter per base, above *price*: once the order traded, **the exchange places an order to sell
                at it by itself**, with an id that no answer shows. None: not sent.
            daily_order: Cancel it at 00:00 UTC.
            ioc_order: Cancel what does not trade at once.
            fok_order: Trade all of it at once, or nothing.
            moc_order: Cancel it if it would trade at once.
            gtd_order: Cancel it at *expire_time*, at 00:00 UTC at the latest.
            expire_time: A moment with a zone, or milliseconds since 1970.
            client_order_id: Your own id of the order, up to 180 characters, never used before. None: one is made.
            derivative: See `Derivative`; for derivatives alone.

        Returns:
            The order, accepted. Wire: object.

        Raises:
            InsufficientFunds: The balance does not suffice.
            InvalidRequest: Amount or price is not as the exchange demands it.

        Source:
            Bitstamp API v2, Orders, "Buy limit order".
        """
        ...

    @private("POST /sell/{market}/", kind=MONEY, check=_fault_of_sell, echoes=_STATED[Side.SELL], via=_LIMIT)
    async def sell(
        self,
        *,
        market: Symbol,
        amount: Amount,
        price: Amount,
        limit_price: Annotated[Amount | None, Param(echo=None)] = None,
        daily_order: Flag = None,
        ioc_order: Flag = None,
        fok_order: Flag = None,
        moc_order: Flag = None,
        gtd_order: Flag = None,
        expire_time: ExpireTime = None,
        client_order_id: ClientOrderId = None,
        **derivative: Unpack[Derivative],
    ) -> PlacedOrder:
        """Place a limit order to sell.

        Args:
            market: Symbol, such as btcusd.
            amount: Base to sell; `MarketInfo.base_decimals`.
            price: Counter per base: the lowest; `MarketInfo.counter_decimals`, within 20 % of the market.
            limit_price: Counter per base, below *price*: once the order traded, **the exchange places an order to buy
                at it by itself**, with an id that no answer shows. None: not sent.
            daily_order: As in `buy`.
            ioc_order: As in `buy`.
            fok_order: As in `buy`.
            moc_order: As in `buy`.
            gtd_order: As in `buy`.
            expire_time: As in `buy`.
            client_order_id: Your own id of the order, up to 180 characters, never used before. None: one is made.
            derivative: See `Derivative`; for derivatives alone.

        Returns:
            The order, accepted. Wire: object.

        Source:
            Bitstamp API v2, Orders, "Sell limit order".
        """
        ...

    @private("POST /buy/market/{market}/", kind=MONEY, echoes=_STATED[Side.BUY], via=_MARKET)
    async def buy_market(
        self,
        *,
        market: Symbol,
        amount: UncomparedAmount,
        client_order_id: ClientOrderId = None,
        **derivative: Unpack[Derivative],
    ) -> PlacedOrder:
        """Place a market order to buy.

        Args:
            market: Symbol, such as btcusd.
            amount: Base to buy, whatever it costs.
            client_order_id: Your own id of the order, never used before. None: one is made.
            derivative: See `Derivative`; for derivatives alone.

        Returns:
            The order, accepted. Wire: object.

        Source:
            Bitstamp API v2, Orders, "Buy market order".
        """
        ...

    @private("POST /sell/market/{market}/", kind=MONEY, echoes=_STATED[Side.SELL], via=_MARKET)
    async def sell_market(
        self,
        *,
        market: Symbol,
        amount: UncomparedAmount,
        client_order_id: ClientOrderId = None,
        **derivative: Unpack[Derivative],
    ) -> PlacedOrder:
        """Place a market order to sell.

        Args:
            market: Symbol, such as btcusd.
            amount: Base to sell, whatever it brings.
            client_order_id: Your own id of the order, never used before. None: one is made.
            derivative: See `Derivative`; for derivatives alone.

        Returns:
            The order, accepted. Wire: object.

        Source:
            Bitstamp API v2, Orders, "Sell market order".
        """
        ...

    @private("POST /buy/instant/{market}/", kind=MONEY, echoes=_STATED[Side.BUY], via=_INSTANT_BUY)
    async def buy_instant(
        self,
        *,
        market: Symbol,
        amount: UncomparedAmount,
        client_order_id: ClientOrderId = None,
        **leveraged: Unpack[Leveraged],
    ) -> PlacedOrder:
        """Buy for an amount of counter currency.

        Args:
            market: Symbol, such as btcusd.
            amount: **Counter** to spend, such as USD; `MarketInfo.instant_order_counter_decimals`.
            client_order_id: Your own id of the order, never used before. None: one is made.
            leveraged: See `Leveraged`; for derivatives alone.

        Returns:
            The order, accepted. Wire: object.

        Source:
            Bitstamp API v2, Orders, "Buy instant order".
        """
        ...

    @private(
        "POST /sell/instant/{market}/",
        kind=MONEY,
        check=_fault_of_instant_order,
        echoes=_STATED[Side.SELL],
        via=_INSTANT_SELL,
    )
    async def sell_instant(
        self,
        *,
        market: Symbol,
        amount: UncomparedAmount,
        amount_in_counter: Flag = None,
        client_order_id: ClientOrderId = None,
        reduce_only: Flag = None,
        **leveraged: Unpack[Leveraged],
    ) -> PlacedOrder:
        """Sell an amount of base currency, or as much as brings an amount of counter currency.

        Args:
            market: Symbol, such as btcusd.
            amount: Base to sell; counter to receive if *amount_in_counter*.
            amount_in_counter: Whether *amount* is counter currency.
            client_order_id: Your own id of the order, never used before. None: one is made.
            reduce_only: Whether it may only make a position smaller; for derivatives alone.
            leveraged: See `Leveraged`; for derivatives alone.

        Returns:
            The order, accepted. Wire: object.

        Source:
            Bitstamp API v2, Orders, "Sell instant order".
        """
        ...

    @private(
        "POST /replace_order/",
        kind=MONEY,
        check=exactly_one("order_id", "orig_client_order_id"),
        read_problem=_replaced_itself,
    )
    async def replace_order(
        self,
        *,
        order_id: Annotated[str | None, Param(wire="id", echo="orig_order_id")] = None,
        orig_client_order_id: OrigClientOrderId = None,
        amount: Amount,
        price: Amount,
        client_order_id: Annotated[str | None, Param(check=fault_of_client_id, call_id=True, echo=None)] = None,
    ) -> ReplacedOrder:
        """Cancel an order and place another in its stead, in one step.

        Args:
            order_id: Of the order that goes; or:
            orig_client_order_id: The client's id of the order that goes.
            amount: Base: of the new order.
            price: Counter per base: of the new order.
            client_order_id: Your own id of the new order, never used before. None: one is made.

        Returns:
            The new order. Wire: object.

        Source:
            Bitstamp API v2, Orders, "Replace order".
        """
        ...
