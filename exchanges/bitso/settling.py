"""The final state of an order: from the order while it is shown, and from its trades."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

from attrs import evolve, field

from exchanges.bitso.models.trading import Order, OrderStatus, UserTrade
from exchanges.endpoint.amounts import EXACT, total, totals
from exchanges.errors import DecodeError, NotFound, ReadFailed, quotable
from exchanges.values import define, frozen
from exchanges.wire import Model

PENDING = ("0377", "0378")
"""Codes of an order whose trades are still being written, or which is not matched yet."""
LEAST_SPENT = Decimal("0.99")
"""The share of its value that a completed market order has spent at least: the rest is less than one step of amount."""
UNSEEN_SECONDS = 30.0
"""An order that was never shown and shows no trade for this long was cancelled without one."""


@frozen(kw_only=True)
class SettledOrder(Model):
    """What is known of an order.

    Attributes:
        oid: Its id.
        order: As it was shown last; None if it was never shown.
        trades: Its trades, newest first.
        is_shown: Whether the exchange still showed it at the last read.
        is_settled: Whether it is final and *trades* are all there will ever be.
    """

    oid: str
    order: Order | None = None
    trades: tuple[UserTrade, ...] = ()
    is_shown: bool = False
    is_settled: bool = False

    @property
    def filled(self) -> Decimal:
        """Major: the sum of its trades."""
        return total(trade.major for trade in self.trades)

    @property
    def value(self) -> Decimal:
        """Minor: the sum of its trades."""
        return total(trade.minor for trade in self.trades)

    @property
    def fees(self) -> dict[str, Decimal]:
        """The sum of the fees of its trades, by currency."""
        # Quirk: live answers show fees above zero, samples of the documents below.
        return totals((trade.fees_currency, trade.fees_amount) for trade in self.trades)


@define
class Settling:
    """Reads an order and its trades until both agree.

    Args:
        oid: Id of the order.
        read_order: Looks it up; raises `NotFound` once it is no longer shown.
        read_trades: Lists its trades.
    """

    oid: str
    read_order: Callable[[str], Awaitable[Order]]
    read_trades: Callable[[str], Awaitable[list[UserTrade]]]
    _order: Order | None = field(init=False, default=None)
    _before: tuple[UserTrade, ...] | None = field(init=False, default=None)
    _unseen_since: float | None = field(init=False, default=None)

    async def read(self) -> SettledOrder:
        """Read once."""
        is_shown = True
        try:
            self._order = await self.read_order(self.oid)
        except NotFound:
            is_shown = False
        is_final = not is_shown or (self._order is not None and self._order.status.is_final)
        # Read behind the order: what traded before it became final is among them, or not written yet.
        trades = await self._trades() if is_final else None
        state = SettledOrder(oid=self.oid, order=self._order, trades=trades or (), is_shown=is_shown)
        is_settled = is_final and trades is not None and self._is_complete(state)
        self._before = trades
        return evolve(state, is_settled=is_settled)

    async def _trades(self) -> tuple[UserTrade, ...] | None:
        """Return the trades; None while the exchange is still writing them."""
        try:
            trades = await self.read_trades(self.oid)
        except ReadFailed as error:
            if getattr(error.__cause__, "code", None) not in PENDING:
                raise
            return None
        except NotFound:
            return ()
        if others := {trade.oid for trade in trades if trade.oid != self.oid}:
            words = (
                f"the trades of order {quotable(self.oid)} are shown with one of {quotable(min(others))}: read again"
            )
            raise DecodeError(words, endpoint="bitso.trading.order_trades")
        if (order := self._order) is not None and any((t.book, t.side) != (order.book, order.side) for t in trades):
            words = f"the trades of order {quotable(self.oid)} are shown with one of another book or side: read again"
            raise DecodeError(words, endpoint="bitso.trading.order_trades")
        # A trade that is shown twice is one.
        return tuple({trade.tid: trade for trade in trades}.values())

    def _is_complete(self, state: SettledOrder) -> bool:
        """Whether the trades add up to what the final order shows; without that, whether two reads agree."""
        order = state.order
        if order is not None and order.status.is_final and order.original_amount is not None:
            left = order.unfilled_amount
            if left is not None:
                return left >= 0 and state.filled == EXACT.subtract(order.original_amount, left)
            if order.status is OrderStatus.COMPLETED:
                return state.filled == order.original_amount
        if order is not None and order.status is OrderStatus.COMPLETED and order.original_value is not None:
            # What is spent of it is a little less, as amounts are rounded; a trade that is missing shows.
            return state.value >= EXACT.multiply(LEAST_SPENT, order.original_value) and self._before == state.trades
        if order is None and not state.trades:
            # Never shown, and without a trade: it may be that the engine has not got it yet.
            now = asyncio.get_running_loop().time()
            self._unseen_since = now if self._unseen_since is None else self._unseen_since
            return now - self._unseen_since >= UNSEEN_SECONDS
        return self._before == state.trades
