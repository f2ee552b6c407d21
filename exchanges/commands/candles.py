"""``candles``: draws the candles of a market; a pipe gets them as a table."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from attrs import frozen

from exchanges import Bitex, Bitso, Model, UsageError, to_json
from exchanges.commands import screen
from exchanges.commands.board import format_price
from exchanges.commands.clients import MarketClient
from exchanges.commands.parsers import add_market, client_of, market_of, step, whole

HEADS = ("begins (UTC)", "open", "high", "low", "close", "volume")
ROWS = 16
"""Lines of a drawing."""
MOST = 300
"""Of one answer, at every exchange."""


@frozen
class Candle:
    """One candle, with the names that all exchanges understand.

    Attributes:
        at: When it begins (UTC).
        own: What the exchange answered.
    """

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    own: Model

    def cells(self) -> tuple[str, ...]:
        """Return the cells under `HEADS`."""
        prices = (self.open, self.high, self.low, self.close, self.volume)
        return (f"{self.at:%Y-%m-%d %H:%M}", *map(format_price, prices))


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add_market(parser)
    parser.add_argument("--step", type=step, default=3600, metavar="SECONDS", help="of each (default: %(default)s)")
    parser.add_argument("--count", type=whole, default=60, help=f"how many, 1 to {MOST} (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line, by the exchange's names")


def run(args: argparse.Namespace) -> int:
    """Read and draw; return 1 if there are none."""
    if not 1 <= args.count <= MOST:
        raise UsageError(f"--count must be from 1 to {MOST}, got {args.count}")
    market = market_of(args)
    if not args.json:
        print(f"{args.exchange} {market}, candles of {args.step} s", flush=True)
    found = asyncio.run(_read(args, market))
    if args.json:
        print(*(to_json(candle.own) for candle in found), sep="\n")
    elif not found:
        print("the exchange shows none")
    elif screen.can_draw():
        print(drawing(found, screen.width()))
    else:
        print(screen.fitted(HEADS, [candle.cells() for candle in found], numbers=HEADS[1:], columns=screen.WIDEST))
    return 0 if found else 1


async def _read(args: argparse.Namespace, market: str) -> list[Candle]:
    async with client_of(args) as client:
        candles = await read_candles(client, market, step=args.step, count=args.count)
        return candles[-args.count :]


async def read_candles(
    client: MarketClient, market: str, *, step: int, count: int, start: datetime | None = None
) -> list[Candle]:
    """Read candles of any exchange, oldest first: the newest, or those from *start* on."""
    begin = start or datetime.now(UTC) - timedelta(seconds=step * count)
    if isinstance(client, Bitex):
        if step != 3600 or start is not None:
            raise UsageError("bitex has the candles of the last 24 hours alone: --step 3600")
        rows = sorted(await client.market.last_24_hours(market), key=lambda c: c.timestamp)
        return [Candle(c.timestamp, c.open, c.high, c.low, c.close, c.volume, c) for c in rows]
    if isinstance(client, Bitso):
        end = begin + timedelta(seconds=step * count)
        buckets = await client.market.ohlc(book=market, time_bucket=step, start=begin, end=end)
        return sorted(
            (
                Candle(c.bucket_start_time, c.first_rate, c.max_rate, c.min_rate, c.last_rate, c.volume, c)
                for c in buckets
            ),
            key=lambda candle: candle.at,
        )
    answer = await client.market.ohlc(market=market, step=step, limit=count, start=begin)
    found = [Candle(c.timestamp, c.open, c.high, c.low, c.close, c.volume, c) for c in answer.ohlc]
    return sorted(found, key=lambda candle: candle.at)


def drawing(candles: Sequence[Candle], columns: int) -> str:
    """Draw candles as lines of text: newest on the right, as many as fit beside the prices."""
    top, bottom = max(c.high for c in candles), min(c.low for c in candles)
    labels = {0: format_price(top), ROWS - 1: format_price(bottom)}
    room = max(columns - max(map(len, labels.values())) - 2, 1)
    shown = candles[-room:]
    full, hollow, wick = screen.signs("█", "#"), screen.signs("░", "o"), screen.signs("│", "|")

    def line(price: Decimal) -> int:
        return int((top - price) / (top - bottom) * (ROWS - 1)) if top > bottom else 0

    def cell(candle: Candle, row: int) -> str:
        body = sorted((line(candle.open), line(candle.close)))
        is_up = candle.close >= candle.open
        color = screen.GREEN if is_up else screen.RED
        if body[0] <= row <= body[1]:
            return screen.colored(full if is_up else hollow, color)
        return screen.colored(wick, color) if line(candle.high) <= row <= line(candle.low) else " "

    lines = ["".join(cell(c, row) for c in shown) + f"  {labels.get(row, '')}".rstrip() for row in range(ROWS)]
    last = shown[-1]
    foot = f"{shown[0].at:%m-%d %H:%M} to {last.at:%m-%d %H:%M} UTC"
    legend = f"last {format_price(last.close)}; {full} rose, {hollow} fell"
    return "\n".join([*lines, foot, legend])
