"""Live channels of Bitso. The exchange has no private ones.

Source:
    Bitso WebSocket API.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from exchanges.bitso.models.market import OrderBook
from exchanges.bitso.streams.books import BOOK
from exchanges.bitso.streams.dialect import BitsoDialect
from exchanges.bitso.streams.missed import MissedTrades
from exchanges.bitso.streams.models import (
    LiveOrder,
    LiveSide,
    LiveTrade,
    OrderChange,
    OrderChanges,
    OrderState,
    OwnOrder,
    TopOrders,
)
from exchanges.bitso.streams.own import OwnOrders
from exchanges.endpoint import Access, Param
from exchanges.streams.books import KeptBook
from exchanges.streams.channel import Channels, StreamApi, channel
from exchanges.streams.delivery import EventSource
from exchanges.streams.live import Lossless, Newest
from exchanges.streams.liveness import Liveness

__all__ = [
    "EventSource",
    "LiveOrder",
    "LiveSide",
    "LiveTrade",
    "OrderChange",
    "OrderChanges",
    "OrderState",
    "OwnOrder",
    "OwnOrders",
    "Streams",
    "TopOrders",
]

# A sign of life comes every 20 seconds.
SILENCE_SECONDS = 45.0
MAX_ID = 64
"""Characters of an order's id, which has 16: what is kept of many orders is bounded."""
_BOOK = re.compile(r"[a-z0-9]+_[a-z0-9]+", re.ASCII)


def _fault_of_book(book: str) -> str | None:
    return None if _BOOK.fullmatch(book) else "must be a book in lower case, such as btc_mxn"


STREAMS = StreamApi(
    name="bitso.streams",
    url="wss://ws.bitso.com",
    dialect=BitsoDialect(),
    liveness=Liveness(silence_seconds=SILENCE_SECONDS),
)

Book = Annotated[str, Param(check=_fault_of_book)]


def _fault_of_trade(trade: LiveTrade) -> str | None:
    return None if trade.price > 0 and trade.amount > 0 else "a price and an amount above zero"


def _fault_of_changes(changes: OrderChanges) -> str | None:
    for change in changes.payload:
        # Quirk: an order of price zero was seen; one that leaves the book may show what was left of it.
        if len(change.oid) > MAX_ID:
            return f"ids of at most {MAX_ID} characters"
        least = Decimal(0) if change.amount is None else change.amount
        if change.price < 0 or least < 0 or (change.status is OrderState.OPEN and not least):
            return "orders without numbers below zero, and with an amount if they are open"
    return None


def _fault_of_orders(top: TopOrders) -> str | None:
    orders = (*top.bids, *top.asks)
    return None if all(order.price > 0 and order.amount > 0 for order in orders) else "prices and amounts above zero"


def _steps(changes: OrderChanges) -> tuple[str, str]:
    return str(changes.sequence), str(changes.sequence - 1)


class Streams(Channels, api=STREAMS):
    """Live channels. None but `my_orders` needs a key.

    Arguments that several of them have: *book* is major and minor, such as btc_mxn. *buffer* is how many unread items
    are kept, and 8 MiB of frames or 1 KiB for each of them, whichever is more; older ones are dropped, and a `Gap` says
    how many. *timeout_seconds* is how long entering may take; None: as long as a call.
    """

    @channel(
        "trades:{book}",
        on={"trades": list[LiveTrade]},
        key=lambda trade: trade.tid,
        fault=_fault_of_trade,
        catch_up=MissedTrades,
        moves_book=True,
    )
    def trades(
        self, book: Book, *, backfill: bool = False, buffer: int = 1000, timeout_seconds: float | None = None
    ) -> Lossless[LiveTrade]:
        """Trades as they happen.

        Args:
            book: See `Streams`.
            backfill: Whether trades that were missed are read from REST, so that a `Gap` comes only if that fails.
            buffer: See `Streams`.
            timeout_seconds: See `Streams`.

        Source:
            Bitso WebSocket API, "Trades Channel".
        """
        ...

    @channel("diff-orders:{book}", book=BOOK)
    def order_book(
        self,
        book: Book,
        *,
        audit_seconds: float | None = None,
        max_age_seconds: float | None = None,
        timeout_seconds: float | None = None,
    ) -> KeptBook[OrderBook]:
        """Keep the whole order book: exact, as each step of it has a number.

        Args:
            book: See `Streams`.
            audit_seconds: How often it is compared with REST, if the limit allows; None: 300.
            max_age_seconds: After how long a silence it cannot be read before it was compared; None: never.
            timeout_seconds: See `Streams`.

        Source:
            Bitso WebSocket API, "Diff-Orders".
        """
        ...

    @channel(
        "diff-orders:{book}",
        on={"diff-orders": OrderChanges},
        whole=True,
        key=lambda changes: str(changes.sequence),
        fault=_fault_of_changes,
        chain=_steps,
    )
    def diff_orders(
        self, book: Book, *, buffer: int = 1000, timeout_seconds: float | None = None
    ) -> Lossless[OrderChanges]:
        """Every change of every order, in numbered steps; for the book itself see `order_book`.

        Args:
            book: See `Streams`.
            buffer: See `Streams`.
            timeout_seconds: See `Streams`.

        Source:
            Bitso WebSocket API, "Diff-Orders".
        """
        ...

    @channel("orders:{book}", on={"orders": TopOrders}, fault=_fault_of_orders)
    def orders(self, book: Book, *, timeout_seconds: float | None = None) -> Newest[TopOrders]:
        """Best 20 orders of each side, whole each time.

        Args:
            book: See `Streams`.
            timeout_seconds: See `Streams`.

        Source:
            Bitso WebSocket API, "Orders Channel".
        """
        ...

    @channel("diff-orders:{book}", on={"diff-orders": OrderChanges}, access=Access.PRIVATE)
    def my_orders(self, book: Book, *, buffer: int = 10_000, timeout_seconds: float | None = None) -> OwnOrders:
        """Events and trades of the own orders of a book; needs a key, though the exchange has no private channel.

        Changes of own orders are found in the public channel by their ids; trades are those of the account's own list,
        which is read as soon as a public trade names an own order. Orders that another program places are found within
        a minute. After there was no connection comes a `Gap`, then what became of the orders meanwhile.

        Args:
            book: See `Streams`.
            buffer: How many unread items are kept; if there are more, the stream ends with `ReaderTooSlow`.
            timeout_seconds: See `Streams`.

        Source:
            Bitso WebSocket API, "Diff-Orders" and "Trades Channel"; Bitso API v3, "List User Trades".
        """
        ...
