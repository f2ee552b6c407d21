"""What Bitso's streams did not bring, read from REST."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from exchanges.bitso.market import Market
from exchanges.bitso.models.market import SortOrder, Trade
from exchanges.bitso.streams.models import LiveTrade
from exchanges.streams.channel import endpoint_of

if TYPE_CHECKING:
    from exchanges.streams.channel import Call

DELAY_SECONDS = 1.5
"""No document says how old an answer may be."""
PAGE = 100
MAX_PAGES = 20


class MissedTrades:
    """Reads the trades behind the last one that came, page by page, to an empty one."""

    delays = (DELAY_SECONDS,)

    def __init__(self, call: Call, arguments: Mapping[str, str], now: Callable[[], datetime]) -> None:  # noqa: ARG002
        self._call, self._book = call, arguments["book"]
        self._last: int | None = None
        self._mark: int | None = None
        self._is_lost = False

    async def begin(self) -> None:
        """Do nothing: the first trade that comes is where a list is joined."""

    def note(self, item: LiveTrade) -> None:
        """Record a trade."""
        self._last = max(int(item.tid), self._last or 0)

    def lost(self) -> None:
        """Remember the last trade before the loss."""
        if not self._is_lost:
            self._mark, self._is_lost = self._last, True

    async def missed(self, _: int) -> list[LiveTrade] | None:
        """Return the trades behind the last one that came, oldest first; None if there are too many, or was none."""
        mark, trades = self._mark, list[LiveTrade]()
        for _page in range(MAX_PAGES if mark is not None else 0):
            arguments = {"book": self._book, "marker": str(mark), "sort": SortOrder.ASC, "limit": PAGE}
            page: list[Trade] = await self._call(endpoint_of(Market.trades), arguments)
            if not page:
                self._is_lost = False
                return trades
            trades += [LiveTrade.of(trade) for trade in page]
            mark = max(int(trade.tid) for trade in page)
        self._is_lost = False
        return None
