"""What Bitso's streams did not bring, read from REST."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from exchanges.bitso.market import Market
from exchanges.bitso.models.market import SortOrder, Trade
from exchanges.bitso.streams.models import LiveTrade
from exchanges.errors import ExchangeError
from exchanges.streams.channel import endpoint_of
from exchanges.streams.marks import Mark

if TYPE_CHECKING:
    from exchanges.streams.channel import Call

DELAY_SECONDS = 1.5
"""No document says how old an answer may be."""
PAGE = 100
MAX_PAGES = 20


class MissedTrades:
    """Reads the trades from one of the last that came on, page by page, to an empty one."""

    delays = (DELAY_SECONDS,)

    def __init__(self, call: Call, arguments: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._call, self._book = call, arguments["book"]
        self._mark = Mark(now)

    async def begin(self) -> None:
        """Do nothing: the first trade that comes is where a list is joined."""

    def note(self, item: LiveTrade) -> None:
        """Record a trade."""
        self._mark.note(int(item.tid))

    def lost(self) -> None:
        """Remember the last trades before the loss."""
        self._mark.lost()

    async def missed(self, _: int) -> list[LiveTrade] | None:
        """Return the trades from one of the last that came, oldest first.

        None if the list does not begin with that one, if there are too many, or if there was none.
        """
        mark = self._mark.number
        try:
            trades = None if mark is None else await self._since(mark)
        except ExchangeError:
            self._mark.settled()
            raise
        self._mark.settled()
        return None if trades is None else [LiveTrade.of(trade) for trade in trades]

    async def _since(self, mark: int) -> list[Trade] | None:
        trades, marker = list[Trade](), mark - 1
        for _ in range(MAX_PAGES):
            arguments = {"book": self._book, "marker": str(marker), "sort": SortOrder.ASC, "limit": PAGE}
            page: list[Trade] = await self._call(endpoint_of(Market.trades), arguments)
            if not page:
                return trades or None
            # An answer that does not hold the mark shows nothing of what came after it.
            if not trades and all(int(trade.tid) != mark for trade in page):
                return None
            trades += page
            marker = max(int(trade.tid) for trade in page)
        return None
