"""``watch``: follows a market live: best prices, depth and trades."""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from attrs import define, field

from exchanges import Bitex, BookStatus, BookUnknown, MarketOrderBook, UsageError, to_dict
from exchanges.commands import screen
from exchanges.commands.board import format_price, silent_keys
from exchanges.commands.book import depth
from exchanges.commands.clients import CLIENTS
from exchanges.commands.parsers import add_market, market_of, number, whole
from exchanges.streams import Gap, KeptBook, Lossless
from exchanges.wire import dumps

TRADES = 8
"""Lines of trades below the depth."""
DRAW_SECONDS = 0.1
"""The least time between two drawings: nobody reads faster."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add_market(parser)
    parser.add_argument("--levels", type=whole, default=5, help="prices of each side (default: %(default)s)")
    parser.add_argument("--seconds", type=number, default=math.inf, help="stop after this time (default: on Ctrl-C)")
    parser.add_argument("--count", type=whole, default=0, metavar="N", help="stop after this many changes and trades")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")


def run(args: argparse.Namespace) -> int:
    """Follow until the time is over or Ctrl-C; return 1 if there was no connection."""
    if not args.seconds > 0 or args.levels < 1:
        raise UsageError("--seconds and --levels must be above 0")
    if args.exchange == "bitex":
        raise UsageError("bitex has no streams; `poll bitex --live` asks again and again")
    market = market_of(args)
    if not args.json:
        print(f"connecting to {args.exchange} {market}", flush=True)
    view = View(args.exchange, market, args.levels)
    with _display(args, view) as show, suppress(KeyboardInterrupt, TimeoutError):
        asyncio.run(_watch(args, view, show))
    if view.book is None:
        print(f"there was no connection to {args.exchange} in this time", file=sys.stderr)
        return 1
    return 0


@define
class View:
    """What is known of one market.

    Attributes:
        book: The kept book; None before it is there.
        lines: The last trades and gaps, newest last.
    """

    exchange: str
    market: str
    levels: int
    book: KeptBook[Any] | None = None
    lines: deque[str] = field(factory=lambda: deque[str](maxlen=TRADES))

    def text(self, columns: int) -> str:
        """Return everything as lines."""
        head = f"{self.exchange} {self.market} {datetime.now(UTC):%H:%M:%S} UTC"
        return "\n".join([head, self._depth(columns), "", *(line[:columns] for line in self.lines)])

    def _depth(self, columns: int) -> str:
        if self.book is None:
            return "connecting"
        try:
            return f"{depth(self.book, self.levels, columns)}\n{_spread(self.book)}"
        except BookUnknown as error:
            # Old prices are not shown: they may be wrong.
            return f"the order book is unknown: {error}"[:columns]


def _spread(book: MarketOrderBook) -> str:
    if not (book.bids and book.asks):
        return "no spread"
    return f"spread {format_price(book.asks[0].price - book.bids[0].price)}"


Show = Callable[[str, object], None]
"""Takes what came: ``book``, ``trade`` or ``gap``, and it."""


async def _watch(args: argparse.Namespace, view: View, show: Show) -> None:
    client = CLIENTS[args.exchange](base_url=args.base_url)
    if isinstance(client, Bitex):
        raise UsageError("bitex has no streams")
    left = args.count or math.inf
    done = asyncio.Event()

    def came(kind: str, item: object) -> None:
        nonlocal left
        show(kind, item)
        left -= 1
        if left <= 0:
            done.set()

    async with (
        asyncio.timeout(None if args.seconds == math.inf else args.seconds),
        client,
        client.streams.order_book(view.market) as book,
        client.streams.trades(view.market) as trades,
    ):
        view.book = book
        works = (_changes(book, came), _trades(view, trades, came), _once(done))
        tasks = [asyncio.create_task(work) for work in works]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _once(event: asyncio.Event) -> None:
    await event.wait()


async def _changes(book: KeptBook[Any], came: Show) -> None:
    came("book", book)
    async for _ in book:
        came("book", book)


async def _trades(view: View, trades: Lossless[Any], came: Show) -> None:
    async for trade in trades:
        if isinstance(trade, Gap):
            view.lines.append(f"trades may be missing from {trade.since:%H:%M:%S} to {trade.until:%H:%M:%S} UTC")
            came("gap", trade)
        else:
            view.lines.append(f"trade {format_price(trade.amount)} at {format_price(trade.price)}")
            came("trade", trade)


@contextmanager
def _display(args: argparse.Namespace, view: View) -> Generator[Show]:
    """Provide a function that shows what came, in the requested form."""
    if args.json:
        yield lambda kind, item: print(_json(view, kind, item), flush=True)
    elif screen.can_update_in_place():
        with _drawing(view) as draw:
            yield lambda _kind, _item: draw()
    else:
        yield Lines(view).show


class Lines:
    """Prints trades, and best prices when they change: for pipes and plain terminals.

    Args:
        view: What is known.
    """

    def __init__(self, view: View) -> None:
        self._view, self._last = view, ""

    def show(self, kind: str, _: object) -> None:
        """Print what came."""
        line = self._view.lines[-1] if kind != "book" else _best(self._view.book)
        if kind == "book" and line == self._last:
            return
        self._last = line if kind == "book" else self._last
        print(f"{datetime.now(UTC):%H:%M:%S} {line}", flush=True)


def _best(book: KeptBook[Any] | None) -> str:
    try:
        if book is None or not (book.bids and book.asks):
            return "no offers on one side"
        return f"bid {format_price(book.bids[0].price)}, ask {format_price(book.asks[0].price)}"
    except BookUnknown as error:
        return f"the order book is unknown: {error}"


@contextmanager
def _drawing(view: View) -> Generator[Callable[[], None]]:
    """Provide a function that draws the view over the previous one, not too often."""
    from rich.live import Live
    from rich.text import Text

    with silent_keys(), Live(auto_refresh=False) as live:

        def draw() -> None:
            live.update(Text.from_ansi(view.text(screen.width() - 1), no_wrap=True, overflow="crop"), refresh=True)

        yield paced(draw)


def paced(draw: Callable[[], None]) -> Callable[[], None]:
    """Return a function that draws at once, or, within `DRAW_SECONDS` of the last drawing, at their end."""
    last, timer = -math.inf, None

    def draw_now() -> None:
        nonlocal last, timer
        last, timer = asyncio.get_running_loop().time(), None
        draw()

    def request() -> None:
        nonlocal timer
        loop = asyncio.get_running_loop()
        early_seconds = last + DRAW_SECONDS - loop.time()
        if early_seconds <= 0:
            draw_now()
        elif timer is None:
            # Not dropped: nothing may come any more, and old prices would stay on a book that is unknown.
            timer = loop.call_later(early_seconds, draw_now)

    return request


def _json(view: View, kind: str, item: Any) -> str:  # noqa: ANN401 - what came
    facts: dict[str, Any] = {"exchange": view.exchange, "market": view.market, "kind": kind}
    if kind == "trade":
        return dumps({**facts, "trade": to_dict(item)}).decode()
    if kind == "gap":
        return dumps({**facts, "since": item.since.isoformat(), "until": item.until.isoformat()}).decode()
    if item.status is not BookStatus.GOOD:
        return dumps({**facts, "status": item.status.value}).decode()
    sides: dict[str, Any] = {
        name: [[format_price(level.price), format_price(level.amount)] for level in levels[: view.levels]]
        for name, levels in (("bids", item.bids), ("asks", item.asks))
    }
    return dumps({**facts, "status": item.status.value, **sides}).decode()
