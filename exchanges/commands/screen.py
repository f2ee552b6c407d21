"""The terminal: a board that is redrawn in place, where rich is installed and there is somebody to see it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from exchanges.commands.board import HEADS, NUMBERS, Board
from exchanges.commands.tables import aligned

if TYPE_CHECKING:
    from rich.console import Group

__all__ = ["can_redraw", "printed", "redrawing"]


def can_redraw() -> bool:
    """Whether a table can be redrawn in place."""
    return sys.stdout.isatty() and find_spec("rich") is not None


@contextmanager
def redrawing() -> Generator[Callable[[Board], None]]:
    """Hand out what draws a board over the one before."""
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        yield lambda board: live.update(_drawn(board), refresh=True)


def printed(board: Board) -> str:
    """Write a board as plain text, less than 80 columns wide."""
    return aligned(HEADS, board.rows(), numbers=NUMBERS, gap=" ")


def _drawn(board: Board) -> Group:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for head in HEADS:
        table.add_column(head, justify="right" if head in NUMBERS else "left", no_wrap=True)
    for row in board.rows():
        table.add_row(*row)
    failing = [f"{source}: {error}" for source, error in board.failing.items()]
    return Group(table, *(Text(line, style="red", no_wrap=True, overflow="ellipsis") for line in failing))
