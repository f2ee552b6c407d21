"""What public channels and private reads of Bitso say about the orders of an account.

Ids that are the account's own are known from the list of open orders, read at first, after each gap and every minute,
and from what this program has placed. A change that comes before its order is known to be own is kept for two minutes,
or until there are too many: then all of them are dropped, a `Gap` says so, and the orders are read.

A trade is handed out only as the account's own list shows it: a public trade that names an own order is the reason to
read that list, never the trade itself.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from attrs import define

from exchanges.bitso.models.market import Side, SortOrder
from exchanges.bitso.models.trading import Order, UserTrade
from exchanges.bitso.streams.models import (
    LiveSide,
    LiveTrade,
    OrderChange,
    OrderChanges,
    OrderState,
    OwnOrder,
)
from exchanges.bitso.trading import Trading
from exchanges.errors import DecodeError, ExchangeError, NotFound
from exchanges.instrumentation.lines import Log
from exchanges.streams.channel import endpoint_of
from exchanges.streams.delivery import Buffer, EventSource, Gap, GapReason

if TYPE_CHECKING:
    from exchanges.streams.live import Lossless
    from exchanges.streams.owner import Owner

__all__ = ["OwnEvents"]

logger = Log(__name__)

PLACE = "bitso.trading.place_order"
LOOK_SECONDS = 60.0
MATCH_SECONDS = 0.5
KEPT_SECONDS = 120.0
RETRY_SECONDS = 1.0
MOST = 20_000
STRANGE = 1000
"""How many trades of orders that may be own are kept; one that is dropped is found with the next look at the list."""
PAGE = 100
LOOKED_UP = 50
TRIES = 20

N = TypeVar("N")
Fill: TypeAlias = tuple[str, str]
"""Id of a trade and of an own order in it: a trade of two own orders has two."""


@define(eq=False)
class _Unclaimed:
    """Changes of an order that may turn out to be own."""

    since: float
    changes: list[OwnOrder]


class OwnEvents:
    """Hands the events and trades of own orders to one reader.

    It knows nothing of the stream that the reader holds, so that one that is dropped is noticed.

    Args:
        hub: Whose the channels are.
        arguments: Of the channels.
        label: Of the stream, for messages.
        buffer: What the reader reads.
    """

    def __init__(self, hub: Owner, arguments: Mapping[str, str], label: str, buffer: Buffer[Any]) -> None:
        self._hub, self._label, self._buffer = hub, label, buffer
        self._book = arguments["book"]
        self.streams: list[Lossless[Any]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._open: dict[str, OwnOrder] = {}
        self._final: OrderedDict[str, None] = OrderedDict()
        self._heard: OrderedDict[str, None] = OrderedDict()
        self._unclaimed: OrderedDict[str, _Unclaimed] = OrderedDict()
        self._kept = 0
        self._expected: dict[Fill, int] = {}
        self._traded: OrderedDict[Fill, None] = OrderedDict()
        self._strange: OrderedDict[Fill, None] = OrderedDict()
        self._marker: str | None = None
        self._gap: Gap | None = None
        self._due = asyncio.Event()

    async def enter(self, changes: Lossless[Any], trades: Lossless[Any]) -> None:
        """Subscribe to both channels, and read which orders are open.

        Raises:
            ExchangeError: As other streams; the first private read fails without a key.
        """
        # The key is needed before anything is subscribed to.
        newest = await self._trades(sort=SortOrder.DESC, limit=1)
        self._marker = newest[0].tid if newest else None
        for stream in (changes, trades):
            await stream.__aenter__()
            self.streams.append(stream)
        # After the subscription: what changes from now on comes as a change.
        async for order in self._open_orders():
            if order.oid not in self._heard:
                self._open[order.oid] = self._of(order)
        work = (
            self._read(changes, self._changed),
            self._read(trades, self._trade_came),
            self._look(),
            self._match(),
        )
        self._tasks = [self._hub.spawn(each, f"streams own orders {self._book}") for each in work]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    def _ended(self, _: asyncio.Task[None]) -> None:
        """End: one part alone would tell half of it. Not in a task, which may be cancelled before it begins."""
        self._buffer.end()
        for task in self._tasks:
            task.cancel()

    async def leave(self) -> None:
        """Release both channels."""
        tasks, self._tasks, streams, self.streams = self._tasks, [], self.streams, []
        for task in tasks:
            task.cancel()
        self._buffer.discard()
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            for stream in streams:
                await stream.__aexit__(None, None, None)

    # What public channels say

    async def _read(self, stream: Lossless[Any], handle: Callable[[Any], None]) -> None:
        try:
            async for item in stream:
                if isinstance(item, Gap):
                    self.missed(item)
                else:
                    handle(item)
        except ExchangeError as error:
            self._buffer.end(error)

    def missed(self, gap: Gap) -> None:
        """Report that something may be missing, and read what became of the orders."""
        self._buffer.gap(gap)
        self._gap = gap if self._gap is None else self._gap.joined(gap)
        self._heard.clear()
        self._due.set()

    def _changed(self, changes: OrderChanges) -> None:
        for change in changes.payload:
            event = self._of_change(change, changes.sent)
            if change.oid in self._open:
                self._hand_on(event)
            elif change.oid in self._final or self._is_own(change.oid):
                # What came before the order was known to be own comes first.
                self._claim(change.oid)
                # Quirk: an order that is modified is cancelled, then open again under the same id (seen in frames).
                self._hand_on(event)
            else:
                self._keep(event)

    def _keep(self, event: OwnOrder) -> None:
        now = asyncio.get_running_loop().time()
        while self._unclaimed and next(iter(self._unclaimed.values())).since < now - KEPT_SECONDS:
            self._kept -= len(self._unclaimed.popitem(last=False)[1].changes)
        if self._kept == MOST:
            self._drop_unclaimed(now)
        self._unclaimed.setdefault(event.oid, _Unclaimed(now, [])).changes.append(event)
        self._kept += 1

    def _drop_unclaimed(self, now: float) -> None:
        """Drop all changes that are kept: nobody knows whether some of them are of own orders."""
        oldest, until = next(iter(self._unclaimed.values())).since, self._hub.host.now()
        self._unclaimed.clear()
        self._kept = 0
        logger.warning("%s: too many changes came of orders that may be own", self._label)
        self.missed(Gap(until - timedelta(seconds=now - oldest), until, GapReason.LAGGED))

    def _is_own(self, oid: str) -> bool:
        return self._hub.host.made(PLACE, oid)

    def _hand_on(self, event: OwnOrder) -> None:
        _remember(self._heard, event.oid)
        if event.status is OrderState.OPEN:
            self._open[event.oid] = event
            self._final.pop(event.oid, None)
        else:
            self._open.pop(event.oid, None)
            _remember(self._final, event.oid)
        self._buffer.put(self._hub.host.now(), event)

    def _trade_came(self, trade: LiveTrade) -> None:
        for oid in {trade.maker_oid, trade.taker_oid} - {None, ""}:
            if oid is not None and (oid in self._open or oid in self._final or self._is_own(oid)):
                self._expect((trade.tid, oid))
            elif oid is not None:
                _remember(self._strange, (trade.tid, oid), STRANGE)

    def _expect(self, fill: Fill) -> None:
        self._expected.setdefault(fill, 0)
        self._due.set()

    async def _match(self) -> None:
        """Look whether kept changes and trades are of orders that this program has placed since."""
        while True:
            await asyncio.sleep(MATCH_SECONDS)
            for oid in [oid for oid in self._unclaimed if self._is_own(oid)]:
                self._claim(oid)
            for fill in [fill for fill in self._strange if self._is_own(fill[1])]:
                del self._strange[fill]
                self._expect(fill)

    def _claim(self, oid: str) -> None:
        kept = self._unclaimed.pop(oid, None)
        for event in () if kept is None else kept.changes:
            self._kept -= 1
            self._hand_on(event)
        self._due.set()

    # What private reads say

    async def _look(self) -> None:
        """Read own trades when there is a reason, orders after a gap, and both once in a while."""
        while True:
            is_due = False
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    is_due = await self._due.wait()
            self._due.clear()
            try:
                if self._gap is not None or not is_due:
                    await self._look_at_orders()
                await self._look_at_trades()
            except ExchangeError as error:
                logger.warning("%s: own orders cannot be read: %s", self._label, error)
                self._again()

    def _again(self) -> None:
        asyncio.get_running_loop().call_later(RETRY_SECONDS, self._due.set)

    async def _look_at_orders(self) -> None:
        gap, listed = self._gap, set[str]()
        async for order in self._open_orders():
            listed.add(order.oid)
            self._listed(order)
        if gap is None:
            return
        gone = [oid for oid in self._open if oid not in listed and oid not in self._heard]
        for first in range(0, len(gone), LOOKED_UP):
            await self._look_up(gone[first : first + LOOKED_UP], gap)
        if self._gap is gap:
            self._gap = None
        else:
            self._due.set()

    def _listed(self, order: Order) -> None:
        """Record an open order, unless something newer is known of it."""
        if order.oid in self._heard or order.oid in self._final:
            return
        if order.oid in self._unclaimed:
            self._claim(order.oid)
            return
        event, known = self._of(order), self._open.get(order.oid)
        if known is None or known.amount != event.amount:
            self._hand_on(event)
            self._settle(order.origin_id)

    async def _look_up(self, oids: list[str], gap: Gap) -> None:
        """Read what became of orders that are open no more."""
        orders: list[Order] = await self._hub.call(endpoint_of(Trading.orders), {"oids": oids})
        found = {order.oid: order for order in orders}
        for oid in oids:
            if oid in self._heard:
                continue
            order = found.get(oid)
            if order is not None and order.status.is_final:
                self._hand_on(self._of(order))
            elif order is None:
                # It is shown no more, so nothing tells how it ended.
                self._open.pop(oid, None)
                self._buffer.gap(Gap(gap.since, self._hub.host.now(), GapReason.NOT_RECONCILED))

    async def _look_at_trades(self) -> None:
        while page := await self._trades(sort=SortOrder.ASC, limit=PAGE, **self._behind):
            new = sum(self._hand_on_trade(trade) for trade in page)
            # The last trade again: of one between two own orders the other side may be on the next page, or come late.
            last = page[-1].tid
            self._marker = str(int(last) - 1) if last.isascii() and last.isdigit() else last
            if not new:
                break
        await self._look_up_trades()

    async def _look_up_trades(self) -> None:
        """Read expected trades by their ids: one that is listed late stands before the marker."""
        for tid in {tid for tid, _ in self._expected}:
            with suppress(NotFound, DecodeError):
                self._hand_on_trade(await self._hub.call(endpoint_of(Trading.user_trade), {"tid": tid}))
            for fill in [fill for fill in self._expected if fill[0] == tid]:
                self._expected[fill] += 1
                if self._expected[fill] >= TRIES:
                    now = self._hub.host.now()
                    del self._expected[fill]
                    self._buffer.gap(Gap(now, now, GapReason.NOT_RECONCILED))
        if self._expected:
            self._again()

    @property
    def _behind(self) -> dict[str, str]:
        return {} if self._marker is None else {"marker": self._marker}

    def _hand_on_trade(self, trade: UserTrade) -> bool:
        """Hand on a trade that was read; return whether it was not known."""
        # A trade of two own orders is listed once for each of them.
        fill = (trade.tid, trade.oid)
        self._expected.pop(fill, None)
        if fill in self._traded:
            return False
        _remember(self._traded, fill)
        self._settle(trade.origin_id)
        self._buffer.put(self._hub.host.now(), trade)
        return True

    def _settle(self, origin_id: str | None) -> None:
        if origin_id:
            self._hub.host.settle(origin_id)

    async def _trades(self, **arguments: object) -> list[UserTrade]:
        call = {"book": self._book, **arguments}
        trades: list[UserTrade] = await self._hub.call(endpoint_of(Trading.user_trades), call)
        return trades

    async def _open_orders(self) -> AsyncIterator[Order]:
        marker: dict[str, str] = {}
        while True:
            arguments = {"book": self._book, "sort": SortOrder.ASC, "limit": PAGE, **marker}
            orders: list[Order] = await self._hub.call(endpoint_of(Trading.open_orders), arguments)
            for order in orders:
                yield order
            if not orders or marker == (marker := {"marker": orders[-1].oid}):
                return

    # What they look like

    def _of(self, order: Order) -> OwnOrder:
        status = OrderState(order.status.value) if order.status.is_final else OrderState.OPEN
        return OwnOrder(
            oid=order.oid,
            book=order.book,
            side=LiveSide.BUY if order.side is Side.BUY else LiveSide.SELL,
            status=status,
            price=order.price,
            amount=None if (left := order.unfilled_amount) is None or left < 0 else left,
            at=self._hub.host.now(),
            source=EventSource.REST,
        )

    def _of_change(self, change: OrderChange, sent: datetime) -> OwnOrder:
        return OwnOrder(
            oid=change.oid,
            book=self._book,
            side=change.side,
            status=change.status,
            price=change.price,
            amount=Decimal(0) if change.status is OrderState.COMPLETED else change.amount,
            at=sent,
            source=EventSource.STREAM,
        )


def _remember(names: OrderedDict[N, None], name: N, most: int | None = None) -> None:
    names[name] = None
    if len(names) > (most or MOST):
        names.popitem(last=False)
