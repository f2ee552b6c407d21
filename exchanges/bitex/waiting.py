"""Orders as they live: Bitex takes every order, and decides later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import suppress
from typing import Any, Protocol, TypeVar, cast

from exchanges.bitex.models.codes import OrderStatus
from exchanges.bitex.models.rows import Ask, Bid
from exchanges.errors import UsageError

__all__ = ["ENDED", "O", "Orders", "wait_settled"]

ENDED = (OrderStatus.CANCELLED, OrderStatus.COMPLETED)
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 4.0

O = TypeVar("O", Bid, Ask)  # noqa: E741 - an order


class Orders(Protocol):
    """What waiting needs of `Trading`."""

    def bid(self, bid_id: int) -> Awaitable[Bid]:
        """Read a bid."""
        ...

    def ask(self, ask_id: int) -> Awaitable[Ask]:
        """Read an ask."""
        ...


async def wait_settled(
    orders: Orders,
    order: O,
    *,
    timeout_seconds: float,
    until: Collection[OrderStatus] = ENDED,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> O:
    """Read *order* again and again until it is settled, or the time is up.

    Bitex takes every order as RECEIVED and then looks for the funds: it becomes EXECUTING, or CANCELLED with the
    reason NOT_ENOUGH_FUNDS. A cancel makes it TO_CANCEL; until it is CANCELLED it may still trade, and become
    COMPLETED.

    Args:
        orders: Reads orders.
        order: As it was answered.
        timeout_seconds: How long to wait at most.
        until: What settles it; by default CANCELLED and COMPLETED. With EXECUTING among them the wait ends as soon
            as the order is in the order book.
        sleep: Waits between two readings: half a second at first, then longer.

    Returns:
        The order as it was last read: look at its status, as the time may have been up before.
    """
    if not isinstance(order, Bid | Ask):
        raise UsageError("wait_settled takes a Bid or an Ask; nothing was sent")
    read: Callable[[int], Awaitable[O]] = cast("Any", orders.bid if isinstance(order, Bid) else orders.ask)
    with suppress(TimeoutError):  # raised at the deadline alone: what an order can answer is of our own tree
        async with asyncio.timeout(timeout_seconds):
            for pause in _pauses():
                if order.status in until:
                    break
                order = await read(order.id)
                if order.status not in until:
                    await sleep(pause)
    return order


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
