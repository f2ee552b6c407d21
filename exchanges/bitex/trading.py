"""Bids, asks and their trades."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Annotated, Any, TypeVar, cast

from exchanges.bitex.api import API, MINIMUM_ASK, MINIMUM_BID
from exchanges.bitex.checks import ECHOED_ID, at_least
from exchanges.bitex.models.codes import OrderStatus
from exchanges.bitex.models.rows import Ask, Bid, Order, Trade
from exchanges.endpoint import CANCEL, MONEY, Area, private
from exchanges.endpoint.contradictions import fault_of_orders
from exchanges.endpoint.waiting import wait_until
from exchanges.errors import UsageError
from exchanges.wire import Amount

# TO_CANCEL is not among them: such an order may still trade.
ENDED = (OrderStatus.CANCELLED, OrderStatus.COMPLETED)
# An order in another status is in the book as if nobody had cancelled it.
LEAVING = (OrderStatus.TO_CANCEL, *ENDED)

O = TypeVar("O", Bid, Ask)  # noqa: E741 - an order


class Trading(Area, api=API):
    """Place, read and cancel orders.

    Bitex accepts every order as RECEIVED and checks the funds afterwards. An order without funds becomes CANCELLED with
    the reason NOT_ENOUGH_FUNDS; it is never rejected.
    """

    # Quirk: the guide lists active orders only; the exchange's own client says that those of the last two hours come
    # too.
    @private("GET /private/orders", fault=fault_of_orders)
    async def orders(self) -> list[Order]:
        """Return your active bids and asks.

        Orders that ended within the last two hours have been seen in the answer: check the status.

        Returns:
            Wire: list of rows of 12; class reference 1 is a bid, 2 an ask.

        Source:
            Bitex developer guide, Trading, "Your Active Orders".
        """
        ...

    # Quirk: the exchange's own client speaks of 30 days where the guide says 7 days and 500 rows.
    @private("GET /private/trades")
    async def trades(self) -> list[Trade]:
        """Return your buys and sells of the last 7 days, at most 500.

        Returns:
            Wire: list of rows of 9; class reference 3 is a buy, 4 a sell.

        Source:
            Bitex developer guide, Trading, "Your Latest Trades".
        """
        ...

    @private("POST /private/bids", kind=MONEY)
    async def create_bid(
        self, *, amount: Annotated[Amount, at_least(MINIMUM_BID, "USD")], price: Amount, orderbook: int = 1
    ) -> Bid:
        """Place a limit order to buy.

        Executes until *amount* is spent or the bid is cancelled. Asks below *price* are matched at their own price,
        so the same amount buys more.

        Args:
            amount: Quote currency to spend, in USD; at least 1.
            price: Highest price per unit, in USD per BTC.
            orderbook: 1 is BTC/USD.

        Returns:
            The new bid with status RECEIVED. It becomes EXECUTING when the funds have been checked, or CANCELLED
            without them. Wire: row of 12, class reference 1.

        Source:
            Bitex developer guide, Trading, "Create a Bid (Buy Order)".
        """
        ...

    @private("GET /private/bids/{bid_id}")
    async def bid(self, bid_id: Annotated[int, ECHOED_ID]) -> Bid:
        """Return one of your bids.

        Args:
            bid_id: The `Bid.id`.

        Returns:
            Wire: row of 12, class reference 1.

        Source:
            Bitex developer guide, Trading, "Find a Bid".
        """
        ...

    # A second cancel of the same order changes nothing, so it may be repeated.
    @private("POST /private/bids/{bid_id}/cancel", kind=CANCEL, echoes={"status": LEAVING})
    async def cancel_bid(self, bid_id: Annotated[int, ECHOED_ID]) -> Bid:
        """Request the cancellation of a bid.

        It may still trade until the matching engine has removed it: read the bid until it is CANCELLED or COMPLETED.

        Args:
            bid_id: The `Bid.id`.

        Returns:
            The bid with status TO_CANCEL and reason NOT_CANCELLED. Wire: row of 12, class reference 1.

        Source:
            Bitex developer guide, Trading, "Cancel a Bid".
        """
        ...

    @private("POST /private/asks", kind=MONEY)
    async def create_ask(
        self,
        *,
        amount: Annotated[Amount, at_least(MINIMUM_ASK, "of the base currency")],
        price: Amount,
        orderbook: int = 1,
    ) -> Ask:
        """Place a limit order to sell.

        Executes until *amount* is sold or the ask is cancelled. Bids above *price* are matched at their own price,
        so the same amount yields more.

        Args:
            amount: Base currency to sell, in BTC; at least 0.005.
            price: Lowest price per unit, in USD per BTC.
            orderbook: 1 is BTC/USD.

        Returns:
            The new ask with status RECEIVED. It becomes EXECUTING when the funds have been checked, or CANCELLED
            without them. Wire: row of 12, class reference 2.

        Source:
            Bitex developer guide, Trading, "Create an Ask (Sell Order)".
        """
        ...

    @private("GET /private/asks/{ask_id}")
    async def ask(self, ask_id: Annotated[int, ECHOED_ID]) -> Ask:
        """Return one of your asks.

        Args:
            ask_id: The `Ask.id`.

        Returns:
            Wire: row of 12, class reference 2.

        Source:
            Bitex developer guide, Trading, "Find an Ask".
        """
        ...

    @private("POST /private/asks/{ask_id}/cancel", kind=CANCEL, echoes={"status": LEAVING})
    async def cancel_ask(self, ask_id: Annotated[int, ECHOED_ID]) -> Ask:
        """Request the cancellation of an ask.

        It may still trade until the matching engine has removed it, so *remaining_amount* may change: read the ask
        until it is CANCELLED or COMPLETED.

        Args:
            ask_id: The `Ask.id`.

        Returns:
            The ask with status TO_CANCEL and reason NOT_CANCELLED. Wire: row of 12, class reference 2.

        Source:
            Bitex developer guide, Trading, "Cancel an Ask".
        """
        ...

    async def wait_settled(self, order: O, *, timeout_seconds: float, until: Collection[OrderStatus] = ENDED) -> O:
        """Read an order until it has settled or the time is up; each read counts against the limit.

        Bitex accepts every order as RECEIVED and checks the funds afterwards: it becomes EXECUTING, or CANCELLED with
        the reason NOT_ENOUGH_FUNDS. A cancel makes it TO_CANCEL; until it is CANCELLED it may still trade, and become
        COMPLETED.

        Args:
            order: A bid or an ask, as it was returned.
            timeout_seconds: How long to wait at most.
            until: Statuses that end the wait; default: CANCELLED and COMPLETED. With EXECUTING among them the wait
                ends as soon as the order is in the order book.

        Returns:
            The order as last read: check its status, the time may have been up before it settled.

        Source:
            Bitex developer guide, Trading, "Create a Bid (Buy Order)" and "Cancel a Bid", on the states of an order.
        """
        if not isinstance(order, Bid | Ask):
            raise UsageError("wait_settled takes a Bid or an Ask; nothing was sent")
        # The type of the order decides the endpoint, which no type checker can follow through the TypeVar.
        read: Callable[[int], Awaitable[O]] = cast("Any", self.bid if isinstance(order, Bid) else self.ask)
        return await wait_until(
            lambda: read(order.id), lambda latest: latest.status in until, timeout_seconds, latest=order
        )
