"""Orders, by v3 and v4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Unpack

from exchanges.bitso.api import V3, V4
from exchanges.bitso.ids import NamedIds, Oid, Oids, OriginId, OriginIds, Word, an_id, fault_of_origin_id, one_of_both
from exchanges.bitso.models.market import Side, SortOrder, SortOrderWord
from exchanges.bitso.models.trading import (
    CancelledId,
    Changes,
    MarginOrderType,
    Order,
    OrderId,
    OrderSource,
    OrderType,
    TimeInForce,
    TimeInForceWord,
    UserTrade,
)
from exchanges.bitso.pages import PageLimit, pages
from exchanges.bitso.rules import RULES, Rules
from exchanges.bitso.settling import SettledOrder, Settling
from exchanges.endpoint import CANCEL, MONEY, Area, Param, private
from exchanges.endpoint.contradictions import fault_of_orders
from exchanges.endpoint.markers import Pages
from exchanges.endpoint.rules import within
from exchanges.endpoint.waiting import wait_until
from exchanges.wire import Amount

MAX_OPEN = 500
IDS = ("oid", "origin_id")


def _fault_of_open_limit(limit: int) -> str | None:
    return None if 1 <= limit <= MAX_OPEN else f"must lie between 1 and {MAX_OPEN}"


def _fault_of_order(arguments: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the arguments of an order together; None if nothing is."""
    given = {name for name, value in arguments.items() if value is not None}
    is_limit = arguments.get("order_type") == OrderType.LIMIT.value
    if is_limit and "price" not in given:
        return "a limit order needs a price"
    # Quirk: since April 2025 the exchange refuses limit orders in minor currency, which older texts allow.
    if is_limit and ("major" not in given or "minor" in given):
        return "the amount of a limit order is major= alone"
    if not is_limit:
        if len(given & {"major", "minor"}) != 1:
            return "give exactly one of major and minor"
        if extra := given & {"price", "time_in_force"}:
            return f"a market order takes no {' and no '.join(sorted(extra))}"
    if is_limit and "slippage_tolerance" in given:
        return "slippage_tolerance is for market orders and stop-loss orders"
    return None


def _fault_of_changes(arguments: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a modification; None if nothing is."""
    given = {name for name in ("major", "minor", "price", "stop") if arguments.get(name) is not None}
    if not given:
        return "give at least one of major, minor, price and stop"
    return "give major or minor, not both" if {"major", "minor"} <= given else None


def _lasting(word: str) -> str:
    """Return a time in force; empty for the one that the exchange uses if none is sent."""
    return "" if word.lower() == TimeInForce.GOOD_TILL_CANCELLED.value else word.lower()


class Trading(Area, api=V3):
    """Place, modify, cancel and look up orders, and list their trades.

    A finished order can be looked up for an hour at most, and perhaps not at all; its trades remain.
    """

    @private("POST /orders", kind=MONEY, check=_fault_of_order, via=within(RULES, "book", Rules.fault_of_order))
    async def place_order(
        self,
        *,
        book: Word,
        side: Side | Literal["buy", "sell"],
        order_type: Annotated[OrderType | Literal["limit", "market"], Param(wire="type")],
        major: Amount | None = None,
        minor: Amount | None = None,
        price: Amount | None = None,
        stop: Amount | None = None,
        time_in_force: Annotated[TimeInForce | TimeInForceWord | None, Param(canonical=_lasting)] = None,
        slippage_tolerance: Amount | None = None,
        margin_order_type: MarginOrderType | Literal["CROSS_MARGIN"] | None = None,
        origin_id: OriginId = None,
    ) -> OrderId:
        """Place an order: limit, market, stop-limit (limit with *stop*) or stop-loss (market with *stop*).

        Args:
            book: Major and minor, such as btc_mxn.
            side: BUY or SELL.
            order_type: LIMIT or MARKET.
            major: Major currency to buy or sell; the only amount of a limit order.
            minor: Minor currency to spend (BUY) or to receive (SELL); not for limit orders.
            price: Minor per major: the limit. Beyond the tick of the book the exchange rounds it, up for SELL and down
                for BUY.
            stop: Minor per major: the price that triggers the order. None: not sent; active at once.
            time_in_force: How long a limit order may wait. None: not sent; the exchange uses GOOD_TILL_CANCELLED.
            slippage_tolerance: Largest slippage accepted, for MARKET; the documents call it a percentage in decimal
                form, so that 0.01 is read as one per cent. None: not sent; no protection.
            margin_order_type: None: not sent; no margin.
            origin_id: Your own id of the order: 1 to 40 of A-Z, a-z, 0-9, _ and -, never used before. None: one is
                made, by which `client.reconcile` finds the order.

        Returns:
            Id of the order. It was accepted, but may still be cancelled by the engine, as POST_ONLY orders are that
            would trade. Wire: object with ``oid``, in an envelope.

        Raises:
            InsufficientFunds: The balance does not suffice.
            InvalidRequest: Amount, price or book is not as the exchange demands it.

        Source:
            Bitso API v3, "Place An Order".
        """
        ...

    @private("GET /open_orders", fault=fault_of_orders, shows_ids=IDS)
    async def open_orders(
        self,
        *,
        book: Annotated[str | None, Param(echo="book")] = None,
        currency: str | None = None,
        source: OrderSource | Literal["alpha", "all"] | None = None,
        marker: str | None = None,
        sort: SortOrder | SortOrderWord | None = None,
        limit: Annotated[int | None, Param(check=_fault_of_open_limit)] = None,
    ) -> list[Order]:
        """Orders that are open, wholly or in part.

        Args:
            book: Major and minor, such as btc_mxn. None: not sent; all books.
            currency: Such as btc. None: not sent.
            source: ALPHA leaves out the orders of the exchange's app. None: not sent; the exchange uses ALL.
            marker: `Order.oid`: where the list begins. Not documented; other clients send it. None: not sent.
            sort: As *marker*.
            limit: Length of the list, 1 to 500. None: not sent; the exchange uses 500.

        Returns:
            With 500 rows there may be more. Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Open Orders".
        """
        ...

    # Quirk: a list of one travels, an empty one for an unknown id (seen on the live server).
    @private("GET /orders/{oid}", single=True, shows_ids=IDS)
    async def order(self, oid: Oid) -> Order:
        """Look up one order.

        Args:
            oid: Its id.

        Returns:
            Wire: list of one object in an envelope.

        Raises:
            NotFound: It is not known, or finished and no longer shown; `order_trades` still has its trades.

        Source:
            Bitso API v3, "Look Up Orders".
        """
        ...

    @private("GET /orders", check=one_of_both("oids", "origin_ids"), fault=fault_of_orders, shows_ids=IDS)
    async def orders(self, *, oids: Oids = None, origin_ids: OriginIds = None) -> list[Order]:
        """Look up several orders, by their ids or by the client's.

        Args:
            oids: Up to 50 `Order.oid`.
            origin_ids: Up to 50 `Order.origin_id`.

        Returns:
            Those that the exchange still shows. Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "Look Up Orders".
        """
        ...

    # A second cancel of the same order finds nothing to cancel, so it may be repeated.
    @private("DELETE /orders/{oid}", kind=CANCEL, exempt=True)
    async def cancel_order(self, oid: Oid) -> list[CancelledId]:
        """Cancel an order.

        Args:
            oid: Its id.

        Returns:
            The id if this call cancelled the order; empty if it was no longer open. Wire: list in an envelope.

        Source:
            Bitso API v3, "Cancel Order".
        """
        ...

    @private("DELETE /orders", kind=CANCEL, exempt=True, check=one_of_both("oids", "origin_ids"))
    async def cancel_orders(self, *, oids: Oids = None, origin_ids: NamedIds = None) -> list[CancelledId]:
        """Cancel several orders.

        Args:
            oids: Up to 50 `Order.oid`.
            origin_ids: Up to 50 `Order.origin_id`.

        Returns:
            Ids (oid) of those that this call cancelled; others were no longer open. Wire: list in an envelope.

        Raises:
            OutcomeUnknown: It names an order that this client has neither placed nor read under one of *origin_ids*;
                read `orders` by them.

        Source:
            Bitso API v3, "Cancel Orders".
        """
        ...

    @private("DELETE /orders/all", kind=CANCEL, exempt=True)
    async def cancel_all_orders(self) -> list[CancelledId]:
        """Cancel every open order of the account: of all books, of other programs, and of the exchange's app.

        Returns:
            Ids of those that this call cancelled. Wire: list in an envelope.

        Source:
            Bitso API v3, "Cancel All Orders".
        """
        ...

    @private("GET /user_trades")
    async def user_trades(
        self,
        *,
        book: str | None = None,
        marker: str | None = None,
        sort: SortOrder | SortOrderWord | None = None,
        limit: PageLimit = None,
    ) -> list[UserTrade]:
        """Own trades, newest first.

        Args:
            book: Major and minor, such as btc_mxn. None: not sent; all books.
            marker: `UserTrade.tid`: only later (ascending) or earlier (descending) ones. None: not sent.
            sort: None: not sent; the exchange uses DESC, newest first.
            limit: Length of the list, 1 to 100. None: not sent; the exchange uses 25.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List User Trades".
        """
        ...

    @private("GET /user_trades/{tid}", single=True)
    async def user_trade(self, tid: Annotated[str, an_id("tid")]) -> UserTrade:
        """Look up one own trade.

        Args:
            tid: Its id.

        Returns:
            Wire: list of one object in an envelope.

        Raises:
            NotFound: There is no such trade.

        Source:
            Bitso API v3, "List User Trades".
        """
        ...

    @private("GET /order_trades/{oid}")
    async def order_trades(self, oid: Oid) -> list[UserTrade]:
        """Trades of one order, also after the order itself is no longer shown.

        Args:
            oid: `Order.oid`.

        Returns:
            Newest first. Wire: list of objects in an envelope.

        Raises:
            ReadFailed: The order was matched, and its trades are still being written, or it is not matched yet (codes
                0377, 0378): read again later.

        Source:
            Bitso API v3, "List Trades Of An Order".
        """
        ...

    @private("GET /order_trades")
    async def order_trades_by_origin_id(
        self, origin_id: Annotated[str, Param(check=fault_of_origin_id)]
    ) -> list[UserTrade]:
        """Trades of every order that ever bore a client's id.

        Args:
            origin_id: `Order.origin_id`.

        Returns:
            Newest first. Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Trades Of An Order".
        """
        ...

    @private("PATCH /orders/{oid}", kind=MONEY, api=V4, check=_fault_of_changes)
    async def modify_order(self, *, oid: Oid, **changes: Unpack[Changes]) -> OrderId:
        """Change an open limit order, or a stop order that was not triggered.

        A new price of an order to buy changes its amount: the exchange keeps the value, and the amount becomes value
        divided by price. Of an order to sell it keeps the amount.

        Args:
            oid: `Order.oid`.
            changes: See `Changes`; at least one.

        Returns:
            Id of the order, which stays the same. Wire: object with ``oid``, in an envelope.

        Raises:
            NotFound: There is no such open order.
            InvalidRequest: Nothing would change, or the order cannot be changed so.

        Source:
            Bitso API v4, "Modify An Order".
        """
        ...

    @private("PATCH /orders", kind=MONEY, api=V4, check=_fault_of_changes)
    async def modify_order_by_origin_id(
        self,
        *,
        origin_id: Annotated[str, Param(check=fault_of_origin_id, in_query=True, refers="oid")],
        **changes: Unpack[Changes],
    ) -> OrderId:
        """Change an open order, named by the client's id; see `modify_order`.

        Args:
            origin_id: `Order.origin_id`.
            changes: See `Changes`; at least one.

        Returns:
            Id of the order (oid), which stays the same. Wire: object with ``oid``, in an envelope.

        Raises:
            OutcomeUnknown: It is the id of an order that this client has neither placed nor read under *origin_id*:
                read `orders` by it before, or reconcile.

        Source:
            Bitso API v4, "Modify An Order".
        """
        ...

    def every_user_trades(
        self, *, book: str | None = None, sort: SortOrder | SortOrderWord | None = None, marker: str | None = None
    ) -> Pages[UserTrade]:
        """Iterate over all own trades, each once, however many arrive meanwhile.

        A page is read when the iteration reaches it, as one call.

        Args:
            book: Major and minor, such as btc_mxn. None: all books.
            sort: None: newest first; ASC: oldest first.
            marker: `UserTrade.tid`, or `Pages.marker` of an earlier iteration: begin behind it.
        """
        return pages(self.user_trades, lambda trade: trade.tid, marker, book=book, sort=sort)

    async def wait_settled(self, oid: str, *, timeout_seconds: float) -> SettledOrder:
        """Read an order until it is final and all its trades are written, or the time is up.

        Each read counts against the limit. An order that is no longer shown is final as well; its trades tell what
        became of it.

        Args:
            oid: `Order.oid`, as `place_order` returned it.
            timeout_seconds: How long to wait at most.

        Returns:
            What was read last: `SettledOrder.is_settled` tells whether it is final.

        Source:
            Bitso API v3, "Look Up Orders", "List Trades Of An Order".
        """
        settling = Settling(oid, self.order, self.order_trades)
        return await wait_until(
            settling.read, lambda latest: latest.is_settled, timeout_seconds, latest=SettledOrder(oid=oid)
        )
