"""What Bitso's streams did not bring, read from REST."""

from __future__ import annotations

from exchanges.bitso.market import Market
from exchanges.bitso.models.market import SortOrder, Trade
from exchanges.bitso.streams.models import LiveTrade
from exchanges.streams.channel import endpoint_of
from exchanges.streams.marks import MissedItems

__all__ = ["MissedTrades"]

PAGE = 100
MAX_PAGES = 20


class MissedTrades(MissedItems[LiveTrade]):
    """Reads the trades page by page, to an empty one. No document says how old an answer may be."""

    def _id(self, item: LiveTrade) -> str:
        return item.tid

    async def _since(self, mark: int) -> list[LiveTrade] | None:
        """Return the trades from *mark* on; None also if there are too many."""
        trades, marker = list[Trade](), mark - 1
        for _ in range(MAX_PAGES):
            call = {"book": self._arguments["book"], "marker": str(marker), "sort": SortOrder.ASC, "limit": PAGE}
            page: list[Trade] = await self._call(endpoint_of(Market.trades), call)
            if not page:
                return [LiveTrade.of(trade) for trade in trades] or None
            # An answer that does not hold the mark shows nothing of what came after it.
            if not trades and all(int(trade.tid) != mark for trade in page):
                return None
            trades += page
            marker = max(int(trade.tid) for trade in page)
        return None
