"""Files of rows, CSV or JSON lines, that are written page by page and continued later.

Rows do not tell where they are from: those of two markets, or of two lengths of candles, look the same. So a note
beside the file does, and a file without it, or with that of another source, is not continued.

Rule for editors: bytes that are in a file stay there. What an interruption has left of a row is completed, if the next
row begins with it. It is never removed, as it may be somebody else's.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from exchanges import ExchangeError, UsageError
from exchanges.commands.files import is_file
from exchanges.wire.by_name import Named

__all__ = ["NOTE", "Row", "Sheet"]

Row = Mapping[str, Named]
NOTE = ".source"
"""What the name of a note ends with, behind that of its file."""


class Sheet:
    """A file of the rows of one source. The first rows create it.

    Args:
        path: Of the file; its suffix is ``.csv`` or ``.jsonl``.
        source: What makes rows those of one list, such as exchange and market.

    Attributes:
        last: The last row; None in a new file. Values of CSV are text.
        rows: How many were written.

    Raises:
        UsageError: The file cannot be continued.
    """

    def __init__(self, path: Path, source: Row) -> None:
        if path.suffix not in (".csv", ".jsonl"):
            raise UsageError(f"{path}: the name must end with .csv or .jsonl")
        self._path, self._is_csv, self._source = path, path.suffix == ".csv", source
        self._note = path.with_name(path.name + NOTE)
        self._heads: list[str] | None = None
        self._file: BinaryIO | None = None
        self._tail = b""
        self.last: Row | None = None
        self.rows = 0
        try:
            self._open_existing()
        except OSError as error:
            self.close()
            raise UsageError(f"{path}: the file cannot be opened: {error.strerror}") from None
        except UsageError:
            self.close()
            raise

    @property
    def is_whole(self) -> bool:
        """Whether the last row is complete."""
        return not self._tail

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows, so that they are in the file when this returns.

        Raises:
            UsageError: They have other columns than the file, or do not complete its last row.
            ExchangeError: The file cannot be written.
        """
        if not rows:
            return
        heads = int(self._is_csv and self._heads is None)
        data = self._rendered(rows)
        if not data.startswith(self._tail):
            words = "the file ends with an incomplete row, and the next row does not begin with it"
            raise UsageError(f"{self._path}: {words}; nothing was changed, remove the incomplete row yourself")
        rest, before = memoryview(data)[len(self._tail) :], self.rows
        try:
            if self._file is None:
                self._create()
            file = cast("BinaryIO", self._file)
            while rest:
                rest = rest[file.write(rest) :]
                # A cell never breaks a line, so that each line is a row.
                self.rows = before + max(0, data[: len(data) - len(rest)].count(b"\n") - heads)
        except OSError as error:
            words = f"{self._path}: the file cannot be written: {error.strerror}"
            raise ExchangeError(f"{words}; the same command goes on where it ends") from None
        self._tail = b""

    def is_last(self, row: Row) -> bool:
        """Return whether a row is the last one of the file that was opened."""
        if self._is_csv:
            return self.last == {name: _cell(value) for name, value in row.items()}
        return json.dumps(self.last) == json.dumps(row)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    # The file

    def _open_existing(self) -> None:
        is_noted = is_file(self._note)
        if not is_file(self._path):
            return
        self._file = self._opened("r+b")
        if not self._path.stat().st_size:
            self._write_note()
            return
        self._require_source(is_noted=is_noted)
        try:
            self.last = self._read_last(self._file)
        except (UnicodeError, csv.Error, ValueError, RecursionError):
            raise UsageError(f"{self._path}: the file cannot be continued: its last row cannot be read") from None

    def _create(self) -> None:
        self._write_note()
        # Exclusively: a file that another program has created meanwhile has other rows.
        self._file = self._opened("x+b")

    def _opened(self, mode: str) -> BinaryIO:
        # Without a buffer: what could not be written is not written a second time when the file is closed.
        file = cast("BinaryIO", self._path.open(mode, buffering=0))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise UsageError(f"{self._path}: another process writes this file; wait until it has ended") from None
        return file

    # The note

    def _noted(self) -> Row | None:
        """Return what the note says; None if it is none of ours."""
        with suppress(ValueError, RecursionError):
            noted = json.loads(self._note.read_bytes())
            if isinstance(noted, dict) and {"exchange", "rows"} <= noted.keys():
                return cast("Row", noted)
        return None

    def _require_source(self, *, is_noted: bool) -> None:
        noted = self._noted() if is_noted else None
        if noted is None:
            words = f"the file is not known to be one of this command: {self._note.name} is missing or says nothing"
            raise UsageError(f"{self._path}: {words}; nothing was changed, choose another name")
        for name in {**self._source, **noted}:
            have, asked = noted.get(name), self._source.get(name)
            if have != asked:
                words = f"{name} {have} in the file, {asked} asked for"
                raise UsageError(f"{self._path}: the file has other rows: {words}; choose another name")

    def _write_note(self) -> None:
        if is_file(self._note) and self._noted() is None:
            raise UsageError(f"{self._note}: there is such a file of something else; choose another name")
        self._note.write_text(json.dumps(self._source) + "\n", "utf-8")

    # Rows

    def _read_last(self, file: BinaryIO) -> Row | None:
        """Return the last complete row; stand at the end."""
        line = first = b""
        lines = io.BufferedReader(cast("io.RawIOBase", file))
        for number, text in enumerate(lines):
            if not text.endswith(b"\n"):
                self._tail = text
                break
            first, line = first if number else text, text
        lines.detach()
        file.seek(0, io.SEEK_END)
        if not line:
            return None
        return self._csv_row(first, line) if self._is_csv else self._json_row(line)

    def _csv_row(self, head: bytes, line: bytes) -> Row | None:
        self._heads = next(csv.reader([head.decode()]))
        if line == head:
            return None
        cells = next(csv.reader([line.decode()]))
        if len(cells) != len(self._heads):
            raise ValueError("a row has other columns than the head")
        return dict(zip(self._heads, cells, strict=True))

    def _json_row(self, line: bytes) -> Row:
        row = json.loads(line)
        if not isinstance(row, dict):
            raise ValueError("a row is no object")  # noqa: TRY004 - like all else that is wrong with it
        self._heads = list(cast("Row", row))
        return cast("Row", row)

    def _rendered(self, rows: Sequence[Row]) -> bytes:
        text, heads = io.StringIO(), list(rows[0])
        if self._is_csv and self._heads is None:
            csv.writer(text, lineterminator="\n").writerow(heads)
        self._heads = self._heads or heads
        for row in rows:
            if list(row) != self._heads:
                raise UsageError(f"{self._path}: the file has other columns; choose another name")
            if self._is_csv:
                csv.writer(text, lineterminator="\n").writerow([_cell(value) for value in row.values()])
            else:
                print(json.dumps(row, ensure_ascii=False), file=text)
        return text.getvalue().encode()


def _cell(value: Named) -> str:
    """Return a value as one cell, which must not break a line: the last line of the file is the last row."""
    if value is None:
        return ""
    if isinstance(value, str) and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=True)
