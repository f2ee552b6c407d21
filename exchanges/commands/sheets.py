"""Files of rows, CSV or JSON lines, that are written page by page and continued later."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from exchanges import UsageError
from exchanges.wire.by_name import Named

__all__ = ["Sheet"]

Row = Mapping[str, Named]


class Sheet:
    """A file of rows. What an interruption has left of a last row is removed; complete rows are never changed.

    Args:
        path: Of the file; its suffix is ``.csv`` or ``.jsonl``.

    Attributes:
        last: The last row; None in a new file. Values of CSV are text.

    Raises:
        UsageError: The file cannot be continued.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix not in (".csv", ".jsonl"):
            raise UsageError(f"{path}: the name must end with .csv or .jsonl")
        self._path, self._is_csv = path, path.suffix == ".csv"
        self._heads: list[str] | None = None
        try:
            self._file = path.open("r+b" if path.exists() else "w+b")
        except OSError as error:
            raise UsageError(f"{path}: the file cannot be opened: {error.strerror}") from None
        try:
            self.last = self._read_last()
        except (OSError, UnicodeError, csv.Error, ValueError) as error:
            self._file.close()
            raise UsageError(f"{path}: the file cannot be continued: {type(error).__name__}") from None

    def _read_last(self) -> Row | None:
        """Return the last complete row, and stand behind it."""
        line, first, end = b"", b"", 0
        for number, text in enumerate(self._file):
            if text.endswith(b"\n"):
                first, line, end = first if number else text, text, end + len(text)
        last = self._csv_row(first, line) if self._is_csv else cast("Row", json.loads(line)) if line else None
        # Only now: a file of something else is not touched.
        self._file.truncate(end)
        self._file.seek(end)
        return last

    def _csv_row(self, head: bytes, line: bytes) -> Row | None:
        if not head:
            return None
        self._heads = next(csv.reader([head.decode()]))
        if line == head:
            return None
        cells = next(csv.reader([line.decode()]))
        if len(cells) != len(self._heads):
            raise ValueError("a row has other columns than the head")
        return dict(zip(self._heads, cells, strict=True))

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows, so that they are in the file when this returns.

        Raises:
            UsageError: They have other columns than the file.
        """
        text = io.StringIO()
        for row in rows:
            if not self._is_csv:
                print(json.dumps(row, ensure_ascii=False), file=text)
                continue
            if self._heads is None:
                self._heads = list(row)
                csv.writer(text, lineterminator="\n").writerow(self._heads)
            if list(row) != self._heads:
                raise UsageError(f"{self._path}: the file has other columns; choose another one")
            csv.writer(text, lineterminator="\n").writerow([_cell(value) for value in row.values()])
        self._file.write(text.getvalue().encode())
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _cell(value: Named) -> str:
    """Return a value as one cell, which must not break a line: the last line of the file is the last row."""
    if value is None:
        return ""
    if isinstance(value, str) and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=True)
