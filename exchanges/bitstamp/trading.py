"""Orders, by v2: their state, their trades, and how they are cancelled."""

from __future__ import annotations

from typing import Annotated, Literal

from exchanges.bitstamp.api import V2
from exchanges.bitstamp.arguments import (
    Flag,
    ListedMarket,
    MarketName,
    OrderId,
    exactly_one,
    fault_of_client_id,
    fault_of_symbol,
    symbol_of,
)
from exchanges.bitstamp.models.cancelled import CancelledOrder, CancelledOrders
from exchanges.bitstamp.models.trading import (
    OpenOrder,
    OrderEvent,
    OrderSource,
    OrderStatus,
)
from exchanges.bitstamp.placing import Placing
from exchanges.bitstamp.settling import SettledOrder, Settling
from exchanges.endpoint import CANCEL, READ, Param, private
from exchanges.endpoint.contradictions import fault_of_orders
from exchanges.endpoint.waiting import wait_until

# Each order that was cancelled must be one of this market.
OnlyMarket = Annotated[str, Param(check=fault_of_symbol, canonical=symbol_of, echo="market")]
IDS = ("id", "client_order_id")


class Trading(Placing, api=V2):
    """Place, replace, cancel and look up orders.

    Every order bears a client's id: yours, or one that the library makes. The exchange accepts the same one twice, so
    it protects from nothing; but by it `client.reconcile` finds the order again.
    """

    # Quirk: the exchange shows a list that is up to 10 seconds old.
    @private("POST /open_orders/", kind=READ, fault=fault_of_orders, shows_ids=IDS)
    async def open_orders(self) -> list[OpenOrder]:
        """Orders that are open, of all markets; up to 10 seconds old.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Orders, "Get all open orders".
        """
        ...

    @private("POST /open_orders/{market}/", kind=READ, fault=fault_of_orders, shows_ids=IDS)
    async def open_orders_for_market(self, market: ListedMarket) -> list[OpenOrder]:
        """Orders that are open in one market; up to 10 seconds old.

        Args:
            market: Symbol, such as btcusd.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Orders, "Get open orders for market".
        """
        ...

    @private("POST /order_status/", kind=READ, check=exactly_one("order_id", "client_order_id"), shows_ids=IDS)
    async def order_status(
        self,
        *,
        order_id: OrderId = None,
        client_order_id: Annotated[str | None, Param(check=fault_of_client_id, echo="client_order_id")] = None,
        omit_transactions: Flag = None,
    ) -> OrderStatus:
        """Read the state of an order, and its trades; a finished one for 30 days.

        Args:
            order_id: Its id; or:
            client_order_id: The client's id. Which of several orders of one id is shown, no document says.
            omit_transactions: Leave out the trades.

        Returns:
            Wire: object.

        Raises:
            NotFound: It is not known. An order that was placed seconds ago may not be known yet.

        Source:
            Bitstamp API v2, Orders, "Get order status".
        """
        ...

    async def wait_settled(self, *, order_id: str, timeout_seconds: float) -> SettledOrder:
        """Read an order until it is final and all its trades are listed, or the time is up.

        Each read counts against the limit, and a final state is read twice. An order that is not known yet is waited
        for; CANCEL_PENDING is not final, and an order that traded before its cancel shows those trades.

        Args:
            order_id: `PlacedOrder.id`.
            timeout_seconds: How long to wait at most.

        Returns:
            What was read last: `SettledOrder.is_settled` tells whether it is final.

        Source:
            Bitstamp API v2, Orders, "Get order status".
        """
        settling = Settling(order_id, lambda: self.order_status(order_id=order_id))
        return await wait_until(
            settling.read,
            lambda latest: latest.is_settled,
            timeout_seconds,
            latest=SettledOrder(order_id=order_id),
        )

    # A second cancel of the same order finds nothing to cancel, so it may be repeated.
    @private("POST /cancel_order/", kind=CANCEL, check=exactly_one("order_id", "client_order_id"))
    async def cancel_order(
        self,
        *,
        order_id: OrderId = None,
        client_order_id: Annotated[
            str | None, Param(check=fault_of_client_id, echo="client_order_id", refers="id")
        ] = None,
    ) -> CancelledOrder:
        """Cancel an order.

        Args:
            order_id: Its id; or:
            client_order_id: The client's id.

        Returns:
            What was cancelled. With the status CANCEL_PENDING it may still trade: read its status. Wire: object.

        Raises:
            NotFound: It is not in the book: filled, cancelled before, or never there. Read its status.
            OutcomeUnknown: It shows no client's id, and an order that this client has neither placed nor read under
                *client_order_id*: read `order_status` by it.

        Source:
            Bitstamp API v2, Orders, "Cancel order".
        """
        ...

    @private("POST /cancel_all_orders/", kind=CANCEL)
    async def cancel_all_orders(self) -> CancelledOrders:
        """Cancel every open order of the account.

        Returns:
            Those that were cancelled; if not `CancelledOrders.success`, others are still open. Wire: object.

        Source:
            Bitstamp API v2, Orders, "Cancel all orders".
        """
        ...

    @private("POST /cancel_all_orders/{market}/", kind=CANCEL)
    async def cancel_all_orders_for_market(self, market: OnlyMarket) -> CancelledOrders:
        """Cancel every open order of the account in one market.

        Args:
            market: Symbol, such as btcusd.

        Returns:
            Those that were cancelled; if not `CancelledOrders.success`, others are still open. Wire: object.

        Source:
            Bitstamp API v2, Orders, "Cancel all orders for market".
        """
        ...

    @private("POST /account_order_data/", kind=READ)
    async def account_order_data(
        self,
        *,
        market: MarketName,
        order_source: OrderSource | Literal["orderbook", "stop_order", "tokenized_securities"],
        since_id: str | None = None,
        until_id: str | None = None,
    ) -> list[OrderEvent]:
        """Events of the orders of the account in one market, oldest first; kept for 30 days.

        Args:
            market: **Name**, such as BTC/USD.
            order_source: Where the orders are.
            since_id: `OrderEvent.event_id`: from this one on, itself included. None: the 24 hours before *until_id*.
            until_id: `OrderEvent.event_id`: up to this one, itself left out. None: up to now.

        Returns:
            At most 1,000. Wire: list of objects.

        Raises:
            NotFound: Nothing happened in this time (code 404.008), or there is no such market.

        Source:
            Bitstamp API v2, Orders, "Get account order data".
        """
        ...

    @private("POST /order_data/", kind=READ)
    async def order_data(
        self, *, market: MarketName, since_id: str | None = None, until_id: str | None = None
    ) -> list[OrderEvent]:
        """Events of all orders of one market, whosesoever, oldest first; kept for 30 days.

        Args:
            market: **Name**, such as BTC/USD.
            since_id: As in `account_order_data`.
            until_id: As in `account_order_data`.

        Returns:
            At most 1,000, without what is private. Wire: list of objects.

        Raises:
            NotFound: Nothing happened in this time (code 404.008), or there is no such market.

        Source:
            Bitstamp API v2, Orders, "Get order data".
        """
        ...
