"""The candles of a download: those that are complete, in order, each once, and no hole that nobody sees.

Pages overlap by their last candle: an answer that lacks it does not begin where it was asked to, so that candles
between could be missing. Where the exchange shows no candle at all, nothing was traded; such periods are counted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise

from exchanges import Bitex, Model, ReadFailed, to_dict
from exchanges.commands.candles import Candle, read_candles
from exchanges.commands.clients import MarketClient
from exchanges.commands.sheets import Sheet

__all__ = ["CandlePages"]

CANDLES = 250
"""In one answer: fewer than the least that an exchange sends, so that none is left out."""
SETTLED = timedelta(seconds=60)
"""How long after its end a candle counts as complete."""
HOUR_SECONDS = 3600
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CandlePages:
    """Reads candles of one market.

    Args:
        client: Of the exchange.
        market: In its own words.
        step: Seconds of a candle.

    Attributes:
        first: When the first candle begins that was read.
        missing: How many periods between candles had none.
    """

    def __init__(self, client: MarketClient, market: str, step: int) -> None:
        self.first: datetime | None = None
        self.missing = 0
        self._client, self._market, self._length = client, market, timedelta(seconds=step)
        self._is_short = isinstance(client, Bitex)
        self._end = datetime.now(UTC) - SETTLED
        # Longer candles may begin at midnight of another zone.
        self._grid = EPOCH if step <= HOUR_SECONDS and not self._is_short else None
        self._before: datetime | None = None

    async def read(self, sheet: Sheet, last: datetime | None, since: datetime | None) -> AsyncIterator[Sequence[Model]]:
        """Yield pages of candles behind the last one of a sheet.

        Args:
            sheet: The file.
            last: When its last candle begins; None in a new file.
            since: Where a new file begins; None: so that one answer has all.

        Raises:
            ReadFailed: An answer is not the list that was asked for.
        """
        anchor = self._before = last
        start = last or since or self._end - self._length * CANDLES
        while (start if anchor is None else start + self._length) + self._length <= self._end:
            # A second before the last candle, so that a start that is not included makes no difference.
            rows = await self._answer(start if anchor is None else max(anchor, EPOCH) - timedelta(seconds=1))
            if anchor is not None:
                _require_last(rows, anchor, sheet if anchor == last else None)
            page = [c for c in rows if (c.at >= start if anchor is None else c.at > anchor) and self._is_complete(c)]
            self._count(page)
            yield [candle.own for candle in page]
            if self._is_short:
                return
            if page:
                start = anchor = page[-1].at
            else:
                start, anchor = start + self._length * CANDLES, None

    def is_late(self, since: datetime) -> bool:
        """Return whether the first candle is not the one that begins where the file was to begin."""
        return self.first is not None and self.first - since >= self._length

    def _is_complete(self, candle: Candle) -> bool:
        return candle.at + self._length <= self._end

    async def _answer(self, start: datetime) -> list[Candle]:
        """Read the candles from a moment on, and what the time is at the exchange."""
        asked = None if self._is_short else start
        step = int(self._length.total_seconds())
        with self._client.raw() as seen:
            rows = await read_candles(self._client, self._market, step=step, count=CANDLES, start=asked)
        self._require_list(rows, asked)
        now = _moment(seen[-1].headers.get("date", "")) if seen else None
        if now is not None:
            # Whoever's clock is late: what is complete by one of them may not be complete.
            self._end = min(self._end, now - SETTLED)
        elif rows:
            # Nothing tells the time there, so that the newest may go on.
            self._end = min(self._end, rows[-1].at)
        return rows

    def _require_list(self, rows: Sequence[Candle], asked: datetime | None) -> None:
        grid = self._grid or self._before or (rows[0].at if rows else EPOCH)
        moments = [row.at for row in rows]
        odd = next((at for at in moments if (at - grid) % self._length), None)
        if odd is not None:
            raise ReadFailed(f"the exchange shows a candle at {odd:%Y-%m-%d %H:%M:%S}, where none of this step begins")
        double = next((at for at, after in pairwise(moments) if at == after), None)
        if double is not None:
            raise ReadFailed(f"the exchange shows two candles for {double:%Y-%m-%d %H:%M}")
        if asked is not None and moments and moments[-1] + self._length <= asked:
            raise ReadFailed(
                f"the exchange shows candles from before {asked:%Y-%m-%d %H:%M} alone, which was the start"
            )

    def _count(self, page: Sequence[Candle]) -> None:
        for candle in page:
            if self._before is not None:
                self.missing += (candle.at - self._before) // self._length - 1
            self.first = self.first or candle.at
            self._before = candle.at


def _require_last(rows: Sequence[Candle], anchor: datetime, sheet: Sheet | None) -> None:
    """Raise unless an answer has the last candle, and as it is in the file."""
    found = next((row for row in rows if row.at == anchor), None)
    if found is None:
        words = f"the exchange shows no candle at {anchor:%Y-%m-%d %H:%M}, where the file ends"
        raise ReadFailed(f"{words}: what lies between cannot be read any more; begin another file")
    if sheet is not None and not sheet.is_last(to_dict(found.own)):
        words = f"the exchange shows the candle at {anchor:%Y-%m-%d %H:%M} otherwise than the last row of the file"
        raise ReadFailed(f"{words}; remove that row, or begin another file")


def _moment(date: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
