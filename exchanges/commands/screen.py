"""What stdout can show: its width, whether it may be drawn on, and in which signs and colours."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Sequence
from importlib.util import find_spec

from exchanges.commands.tables import aligned

__all__ = ["GREEN", "RED", "can_draw", "can_update_in_place", "colored", "fitted", "rule", "signs", "width"]

GREEN, RED = "32", "31"
WIDEST = 200


def is_terminal() -> bool:
    """Whether stdout is a terminal on which the cursor can be moved."""
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def can_draw() -> bool:
    """Whether a drawing is of use; a pipe gets a table in its place."""
    return sys.stdout.isatty()


def can_update_in_place() -> bool:
    """Whether stdout is such a terminal and rich is installed."""
    return is_terminal() and find_spec("rich") is not None


def width() -> int:
    """Return the columns of the terminal, 80 without one."""
    return min(shutil.get_terminal_size((80, 24)).columns, WIDEST)


def height() -> int:
    """Return the lines of the terminal, 24 without one."""
    return shutil.get_terminal_size((80, 24)).lines


def colored(text: str, color: str) -> str:
    """Return text in a colour, where there are colours."""
    return f"\x1b[{color}m{text}\x1b[0m" if is_terminal() and not os.environ.get("NO_COLOR") else text


def signs(fine: str, plain: str) -> str:
    """Return the finer signs if stdout can show them."""
    try:
        # What rich puts in the place of stdout has no encoding.
        fine.encode(sys.stdout.encoding or getattr(sys.__stdout__, "encoding", None) or "ascii")
    except (UnicodeError, LookupError):
        return plain
    return fine


def rule(length: int) -> str:
    """Return a bar of some length."""
    return signs("▇", "=") * length


def fitted(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Collection[str] = (),
    drop: Sequence[str] = (),
    columns: int | None = None,
) -> str:
    """Format rows as aligned columns; leave out whole columns, in the order of *drop*, until they fit.

    A number is never cut: a price without its last digits is another price.
    """
    columns = columns or width()
    shown, left = list(range(len(heads))), list(drop)
    while True:
        table = aligned(
            [heads[place] for place in shown],
            [[row[place] for place in shown] for row in rows],
            numbers=numbers,
            gap=" ",
        )
        if not left or max(map(len, table.splitlines())) <= columns:
            return table
        dropped = left.pop(0)
        shown = [place for place in shown if heads[place] != dropped]
