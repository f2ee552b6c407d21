"""What Bitstamp's streams did not bring, read from REST."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from exchanges.bitstamp.market import Market
from exchanges.bitstamp.models.market import TimeFrame, Transaction
from exchanges.bitstamp.streams.models import LiveTrade
from exchanges.streams.channel import endpoint_of

if TYPE_CHECKING:
    from exchanges.streams.channel import Call

CACHE_SECONDS = 1.5
"""Public answers may be about a second old."""


class MissedTrades:
    """Reads the trades that took place while there was no connection.

    The list of a period is complete if it reaches back to the last trade that came.
    """

    delay_seconds = CACHE_SECONDS

    def __init__(self, call: Call, arguments: Mapping[str, str]) -> None:
        self._call, self._market = call, arguments["market"]
        self._last: int | None = None
        self._mark: int | None = None
        self._is_lost = False

    async def begin(self) -> None:
        """Do nothing: the first trade that comes is where a list is joined."""

    def note(self, item: LiveTrade) -> None:
        """Record a trade."""
        self._last = max(int(item.id), self._last or 0)

    def lost(self) -> None:
        """Remember the last trade before the loss."""
        if not self._is_lost:
            self._mark, self._is_lost = self._last, True

    async def missed(self) -> list[LiveTrade] | None:
        """Return the trades after the last one that came, oldest first; None if no list reaches back to it."""
        mark = self._mark
        if mark is None:
            self._is_lost = False
            return None
        trades = await self._since(mark)
        self._is_lost = False
        return None if trades is None else [LiveTrade.of(trade) for trade in trades]

    async def _since(self, mark: int) -> list[Transaction] | None:
        for period in (TimeFrame.MINUTE, TimeFrame.HOUR, TimeFrame.DAY):
            arguments = {"market": self._market, "time": period}
            trades: list[Transaction] = await self._call(endpoint_of(Market.transactions), arguments)
            later = [trade for trade in trades if int(trade.tid) > mark]
            if len(later) < len(trades):
                return sorted(later, key=lambda trade: int(trade.tid))
        return None
