"""What Bitstamp's streams did not bring, read from REST."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from attrs import evolve

from exchanges.bitstamp.account import Account
from exchanges.bitstamp.market import Market
from exchanges.bitstamp.models.account import SortOrder, TransactionType, UserTransaction
from exchanges.bitstamp.models.market import TimeFrame, Transaction
from exchanges.bitstamp.models.trading import OpenOrder, OrderEventKind, OrderStatus, OrderStatusWord
from exchanges.bitstamp.streams.models import (
    AccountTrade,
    LiveOrder,
    LiveOrderEvent,
    LiveTrade,
    SideWord,
)
from exchanges.bitstamp.trading import Trading
from exchanges.errors import ExchangeError, NotFound
from exchanges.streams.channel import endpoint_of
from exchanges.streams.delivery import EventSource
from exchanges.streams.marks import MissedItems

if TYPE_CHECKING:
    from exchanges.streams.channel import Call


class MissedTrades(MissedItems[LiveTrade]):
    """Reads the trades of the shortest period whose list holds one of the last that came."""

    def _id(self, item: LiveTrade) -> str:
        return item.id

    async def _since(self, mark: int) -> list[LiveTrade] | None:
        for period in (TimeFrame.MINUTE, TimeFrame.HOUR, TimeFrame.DAY):
            call = {"market": self._arguments["market"], "time": period}
            trades: list[Transaction] = await self._call(endpoint_of(Market.transactions), call)
            if any(int(trade.tid) == mark for trade in trades):
                later = [trade for trade in trades if int(trade.tid) > mark]
                return [LiveTrade.of(trade) for trade in sorted(later, key=lambda trade: int(trade.tid))]
        return None


OPEN_ORDERS_CACHE_SECONDS = 10.5
"""The list of open orders may be ten seconds old."""
PAGE = 1000
MAX_PAGES = 20
MOST_HEARD = 10_000
_LAST_STEP = 2


class MissedOrders:
    """Reads what became of the orders of an account while there was no connection.

    First the state of those that were open, which is never old; then, when its cache cannot be older than the
    subscription, the list of open orders, for those that were placed meanwhile. Last comes whether all of it was read:
    what was found is handed on all the same.
    """

    delays = (0.0, OPEN_ORDERS_CACHE_SECONDS, 0.0)

    def __init__(self, call: Call, arguments: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._call, self._market, self._now = call, arguments["market"], now
        self._open: dict[str, LiveOrder] = {}
        self._heard: dict[str, None] = {}
        """Orders of which an event came since the connection was lost: nothing that is read is newer."""
        self._unknown = set[str]()
        self._failure: ExchangeError | None = None

    async def begin(self) -> None:
        """Read which orders are open."""
        for order in await self._open_orders():
            if order.id not in self._heard:
                self._open.setdefault(order.id, _of_open(order, self._now()))

    def note(self, item: LiveOrderEvent) -> None:
        """Record an event."""
        order = item.order
        self._heard[order.id] = None
        if len(self._heard) > MOST_HEARD:
            del self._heard[next(iter(self._heard))]
        if order.orig_order_id is not None:
            self._open.pop(order.orig_order_id, None)
        if item.event is OrderEventKind.ORDER_DELETED:
            self._open.pop(order.id, None)
        else:
            self._open[order.id] = order

    def lost(self) -> None:
        """Forget whose state is known."""
        self._heard.clear()

    async def missed(self, step: int) -> list[LiveOrderEvent] | None:
        """Return what became of the orders; None in the last step if not all of it can be read."""
        if step == _LAST_STEP:
            return self._rest()
        return await (self._known_orders() if step == 0 else self._new_orders())

    async def _known_orders(self) -> list[LiveOrderEvent]:
        found, self._failure = dict[str, LiveOrderEvent](), None
        self._unknown = set(self._open)
        try:
            for order_id, last in list(self._open.items()):
                status = await self._status(order_id)
                event = None if status is None else _of_status(status, last, self._now())
                if event is not None:
                    found[order_id] = event
                    self._unknown.discard(order_id)
        except ExchangeError as error:
            self._failure = error
        return self._changed(found)

    def _changed(self, found: Mapping[str, LiveOrderEvent]) -> list[LiveOrderEvent]:
        """Record what was read, and return what is new in it."""
        # Nothing may wait between this and the readers: what is recorded as known is never read again.
        events = list[LiveOrderEvent]()
        for order_id, event in found.items():
            last = self._open.get(order_id)
            if last is None or order_id in self._heard:
                continue
            if event.event is OrderEventKind.ORDER_DELETED:
                del self._open[order_id]
            elif event.order.amount == last.amount:
                continue
            else:
                self._open[order_id] = event.order
            events.append(event)
        return events

    def _rest(self) -> list[LiveOrderEvent] | None:
        """Return nothing, or None if the state of an order is not known; it stays open, to be read the next time."""
        unknown = [order_id for order_id in self._unknown if order_id in self._open and order_id not in self._heard]
        if unknown and self._failure is not None:
            raise self._failure
        return None if unknown else []

    async def _new_orders(self) -> list[LiveOrderEvent]:
        events = list[LiveOrderEvent]()
        for order in await self._open_orders():
            if order.id not in self._open and order.id not in self._heard:
                self._open[order.id] = _of_open(order, self._now())
                events.append(_event(OrderEventKind.ORDER_CREATED, self._open[order.id]))
        return events

    async def _status(self, order_id: str) -> OrderStatus | None:
        try:
            status: OrderStatus = await self._call(endpoint_of(Trading.order_status), {"order_id": order_id})
        except NotFound:
            return None
        return status

    async def _open_orders(self) -> list[OpenOrder]:
        orders: list[OpenOrder] = await self._call(
            endpoint_of(Trading.open_orders_for_market), {"market": self._market}
        )
        return orders


def _event(kind: OrderEventKind, order: LiveOrder) -> LiveOrderEvent:
    return LiveOrderEvent(event=kind, order=order, source=EventSource.REST)


def _of_open(order: OpenOrder, now: datetime) -> LiveOrder:
    return LiveOrder(
        id=order.id,
        side=order.type,
        amount=order.amount,
        price=order.price,
        microtimestamp=now,
        amount_at_create=order.amount_at_create,
        client_order_id=order.client_order_id,
    )


def _of_status(status: OrderStatus, last: LiveOrder, now: datetime) -> LiveOrderEvent | None:
    """Build the event of an order that is known, from its state; None if that does not say enough."""
    remaining = Decimal(0) if status.status is OrderStatusWord.FINISHED else status.amount_remaining
    if remaining is None or remaining < 0:
        return None
    order = evolve(last, amount=remaining, amount_traded=None, microtimestamp=now, datetime=None)
    is_over = status.status in (OrderStatusWord.FINISHED, OrderStatusWord.CANCELED, OrderStatusWord.EXPIRED)
    return _event(OrderEventKind.ORDER_DELETED if is_over else OrderEventKind.ORDER_CHANGED, order)


class MissedOwnTrades(MissedItems[AccountTrade]):
    """Reads the trades of an account that took place while there was no connection."""

    _newest: int | None = None
    """Number of the newest transaction at the beginning: what is missed comes after it, if no trade came since."""

    async def begin(self) -> None:
        """Read the newest transaction."""
        rows = await self._rows(sort=SortOrder.DESC, limit=1)
        self._newest = max((int(row.id) for row in rows), default=0)

    def _id(self, item: AccountTrade) -> str:
        return item.id

    async def _read(self, mark: int | None) -> list[AccountTrade] | None:
        if mark is None:
            return None if self._newest is None else await self._from(self._newest + 1)
        return await self._since(mark)

    async def _since(self, mark: int) -> list[AccountTrade] | None:
        # The trade itself too: of one between two own orders only one side may have come.
        trades = await self._from(mark)
        return trades if trades and int(trades[0].id) == mark else None

    async def _from(self, number: int) -> list[AccountTrade] | None:
        """Return the trades from *number* on, oldest first; None if not all of them can be read."""
        rows = dict[tuple[str, str | None], UserTransaction]()
        for _ in range(MAX_PAGES):
            page = await self._rows(sort=SortOrder.ASC, limit=PAGE, since_id=str(number))
            new = {(row.id, row.order_id): row for row in page if int(row.id) >= number}
            if new.keys() <= rows.keys():
                return None if len(page) == PAGE else _trades_of(rows.values())
            rows |= new
            # A page may end between the sides of a trade.
            number = max(int(row.id) for row in new.values())
        return None

    async def _rows(self, **arguments: object) -> list[UserTransaction]:
        endpoint = endpoint_of(Account.user_transactions_for_market)
        call = {"market": self._arguments["market"], **arguments}
        rows: list[UserTransaction] = await self._call(endpoint, call)
        return rows


def _trades_of(rows: Iterable[UserTransaction]) -> list[AccountTrade] | None:
    """Build the trades among transactions, oldest first; None if one of them does not show it."""
    ordered = sorted(rows, key=lambda row: int(row.id))
    trades = [_of_transaction(row) for row in ordered if row.type is TransactionType.MARKET_TRADE]
    shown = [trade for trade in trades if trade is not None]
    return shown if len(shown) == len(trades) else None


def _of_transaction(row: UserTransaction) -> AccountTrade | None:
    """Build the trade of a transaction; None if that does not show it."""
    pair = row.pair
    if pair is None or row.order_id is None:
        return None
    moved = row.amounts[pair.partition("_")[0]]
    return AccountTrade(
        id=row.id,
        order_id=row.order_id,
        amount=moved.copy_abs(),
        price=row.rates[pair],
        fee=row.fee,
        side=SideWord.BUY if moved > 0 else SideWord.SELL,
        microtimestamp=row.datetime,
        source=EventSource.REST,
    )
