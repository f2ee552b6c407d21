"""The final state of an order, by v2: from its status, which lists its trades.

A status shows neither the whole amount nor how many trades are to come, and no document says whether its last trade is
listed at the moment at which it becomes final. So a final status counts once two reads in a row agree.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

from attrs import field

from exchanges.bitstamp.models.trading import Fill, OrderStatus, OrderStatusWord
from exchanges.endpoint.amounts import total
from exchanges.errors import NotFound
from exchanges.values import define, frozen
from exchanges.wire import Model


@frozen(kw_only=True)
class SettledOrder(Model):
    """What is known of an order. "Base" is the first currency of its market, "counter" the second.

    Attributes:
        order_id: Its id.
        status: As it was shown last; None if it was never shown.
        is_settled: Whether it is final and *fills* are all there will ever be.
    """

    order_id: str
    status: OrderStatus | None = None
    is_settled: bool = False

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Its trades, each once."""
        return () if self.status is None else tuple({fill.tid: fill for fill in self.status.transactions}.values())

    @property
    def filled(self) -> Decimal | None:
        """Base: the sum of its trades; None if the exchange did not show what is needed to know it."""
        return self._sum_of(0)

    @property
    def value(self) -> Decimal | None:
        """Counter: the sum of its trades, without fees; None if the exchange did not show what is needed to know it."""
        return self._sum_of(1)

    @property
    def fees(self) -> Decimal:
        """Counter: the sum of the fees of its trades."""
        return total(fill.fee for fill in self.fills)

    def _sum_of(self, place: int) -> Decimal | None:
        """Sum up what moved of one currency of the market: a trade may show others beside both."""
        currencies = self._currencies
        amounts = [fill.amounts.get(currencies[place]) if currencies else None for fill in self.fills]
        known = [amount for amount in amounts if amount is not None]
        # One trade of an unknown amount makes the sum unknown.
        return total(known) if len(known) == len(amounts) else None

    @property
    def _currencies(self) -> list[str]:
        market = "" if self.status is None else self.status.market or ""
        currencies = market.lower().removesuffix("-perp").split("/")
        return currencies if len(currencies) == 2 else []


@define
class Settling:
    """Reads an order until two reads in a row agree that it is final.

    Args:
        order_id: Id of the order.
        read_status: Reads its status; raises `NotFound` while it is not known.
    """

    order_id: str
    read_status: Callable[[], Awaitable[OrderStatus]]
    _latest: OrderStatus | None = field(init=False, default=None)

    async def read(self) -> SettledOrder:
        """Read once."""
        before = self._latest
        try:
            self._latest = await self.read_status()
        except NotFound:
            # Placed a moment ago, or more than 30 days ago: neither says what became of it.
            return SettledOrder(order_id=self.order_id, status=self._latest)
        is_settled = before == self._latest and _is_whole(self._latest)
        return SettledOrder(order_id=self.order_id, status=self._latest, is_settled=is_settled)


def _is_whole(order: OrderStatus) -> bool:
    """Whether a status is final and does not contradict itself."""
    if len({fill.tid for fill in order.transactions}) < len(order.transactions):
        return False  # of two trades of one id nobody knows which one took place
    if order.status is OrderStatusWord.FINISHED:
        return bool(order.transactions) and not order.amount_remaining
    return order.status.is_final
