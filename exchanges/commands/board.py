"""The table of a poll: one line per market, printed at the end or updated in place in a terminal."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING

from attrs import define, field

from exchanges import Update
from exchanges.commands import screen
from exchanges.commands.markets import Quote, source_names

if TYPE_CHECKING:
    from rich.console import Group

HEADS = ("exchange", "book", "last", "bid", "ask", "spread", "updates", "p50 latency")
NUMBERS = HEADS[2:]
MAX_LATENCIES = 1000
"""Number of latencies per market from which the median is computed."""


@define
class _Market:
    """The newest prices of one market, the number of its answers and their newest latencies in seconds."""

    last: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    updates: int = 0
    latencies: deque[float] = field(factory=lambda: deque[float](maxlen=MAX_LATENCIES))

    def add(self, quote: Quote, latency_seconds: float) -> None:
        """Add an answer."""
        self.updates += 1
        self.latencies.append(latency_seconds)
        self.bid, self.ask = quote.bid, quote.ask
        # An order book has no last price: the one of the last ticker stays.
        self.last = self.last if quote.last is None else quote.last

    def cells(self) -> tuple[str, ...]:
        """Return the cells under `NUMBERS`."""
        spread = None if self.bid is None or self.ask is None else self.ask - self.bid
        latency = f"{median(self.latencies) * 1000:.1f} ms" if self.latencies else "-"
        return (*map(format_price, (self.last, self.bid, self.ask, spread)), str(self.updates), latency)


class Board:
    """The newest prices of every market, and the sources that fail or have not answered yet.

    Args:
        books: The books of each exchange.

    Attributes:
        unanswered: Names of the sources that have never answered.
        failing: The error of each source whose newest answer was one.
    """

    def __init__(self, books: Mapping[str, Sequence[str]]) -> None:
        self.unanswered = source_names(books)
        self.failing: dict[str, Exception] = {}
        self._markets = {f"{exchange} {book}": _Market() for exchange in books for book in books[exchange]}

    def add(self, update: Update[Quote]) -> Board:
        """Add the update of one source, and return the board."""
        if update.error is not None:
            self.failing[update.source] = update.error
        if update.value is not None:
            self.failing.pop(update.source, None)
            if update.source in self.unanswered:
                self.unanswered.remove(update.source)
            market = update.source.rpartition(" ")[0]  # the last word is the endpoint
            self._markets[market].add(update.value, update.latency_seconds)
        return self

    def rows(self) -> list[tuple[str, ...]]:
        """Return one row of cells per market."""
        return [(*name.split(" "), *market.cells()) for name, market in self._markets.items()]


def format_price(number: Decimal | None) -> str:
    """Format a price in plain digits; a dash if there is none."""
    return "-" if number is None else f"{number:f}"


DROP = ("p50 latency", "updates", "spread", "last", "book")
"""Columns that a narrow terminal does without, the first ones first."""


def plain_table(board: Board, columns: int = 79) -> str:
    """Return *board* as plain text, without the columns that do not fit; no price is cut."""
    return screen.fitted(HEADS, board.rows(), numbers=NUMBERS, drop=DROP, columns=columns)


@contextmanager
def updating_in_place() -> Generator[Callable[[Board], None]]:
    """Provide a function that draws a board over the previous one."""
    from rich.live import Live

    # No refresh thread: the board is drawn after each update, and has not changed in between.
    with silent_keys(), Live(auto_refresh=False) as live:
        yield lambda board: live.update(_drawn(board), refresh=True)


@contextmanager
def silent_keys() -> Generator[None]:
    """Keep the terminal from writing ``^C`` into the drawing, which then would be drawn beside itself."""
    try:
        import termios

        number = sys.stdin.fileno()
        before = termios.tcgetattr(number)
    except (ImportError, OSError, ValueError):  # no terminal, or none of this kind
        yield
        return
    quiet = [*before]
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(number, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _drawn(board: Board) -> Group:
    from rich.console import Group
    from rich.text import Text

    table = Text(plain_table(board, screen.width() - 1), no_wrap=True, overflow="crop")
    failing = [f"{source}: {error}" for source, error in board.failing.items()]
    return Group(table, *(Text(line, style="red", no_wrap=True, overflow="ellipsis") for line in failing))
