"""Cutting a large list of rows into pieces of whole rows, and checking them, while it arrives.

Theory. A decoder that is given all of a large answer holds the event loop until it is done, in a thread as well. So the
bytes are cut where a row ends, in pieces of a few kilobytes, and each piece is checked by itself. Almost always one
match of a pattern (`exchanges.wire.row_patterns`) proves a piece; one that it does not match is read like a small
answer. The rows stay bytes: objects of millions of rows would take ten times their memory.

Nobody waits here. Each call does a bounded piece of work, and what it leaves is done by `RowCutter.steps`, between
whose steps the caller returns to the event loop and looks at its deadline.

Rules for editors:

1. No match and no decoder is given more than a piece, or a row of `MAX_ROW_BYTES`.
2. A piece that was read slowly ends a step, and so many of them end the answer.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from attrs import field

from exchanges.errors import DecodeError, quotable
from exchanges.values import define
from exchanges.wire.codecs import Deviation, loads, without_mark
from exchanges.wire.odd_rows import MAX_MORE, OddRows
from exchanges.wire.row_patterns import ELEMENT, ELEMENTS
from exchanges.wire.rows import Rows

__all__ = ["LARGE_BYTES", "MAX_ROW_BYTES", "MAX_SLOW_PIECES", "PIECE_BYTES", "RowCutter", "count_rows", "is_list"]

LARGE_BYTES = 64 * 1024
"""What is not larger is decoded at once."""
PIECE_BYTES = 4096
PIECES_AT_ONCE = 32
BLOCK_BYTES = 64 * 1024
MAX_ROW_BYTES = 32 * 1024
MAX_SLOW_PIECES = 256
_BLANKS = b" \t\r\n"
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

Build = Callable[[bytes, int, OddRows], list[Any]]


def is_list(body: bytes | bytearray) -> bool:
    """Whether *body* begins like a list."""
    return without_mark(bytes(body[:64])).lstrip(_BLANKS).startswith(b"[")


@define(eq=False, repr=False)
class RowCutter:
    """One large list of rows while it arrives.

    Attributes:
        where: What messages begin with.
        pattern: Returns what matches rows that can be built for certain; None if there is no such pattern.
        build: Builds the rows of a piece, given the number of its first, and counts those that are left out; raises
            `Deviation` with the number of a row.
    """

    where: str
    pattern: Callable[[], re.Pattern[bytes] | None]
    build: Build
    _waiting: deque[bytearray] = field(factory=deque[bytearray], init=False)
    _data: bytearray = field(factory=bytearray, init=False)
    _blocks: list[bytes] = field(factory=list[bytes], init=False)
    _ends: list[int] = field(factory=list[int], init=False)
    _slow_pieces: int = field(default=0, init=False)
    _odd: OddRows = field(factory=OddRows, init=False)
    _is_open: bool = field(default=False, init=False)
    _is_whole: bool = field(default=False, init=False)
    _needed: int = field(default=PIECE_BYTES, init=False)
    _failure: Deviation | None = field(default=None, init=False)

    def add(self, chunk: bytes | bytearray | memoryview) -> None:
        """Receive the next bytes of the list, and check what came before them."""
        if self._failure is not None:  # what follows a bad row is read by nobody
            return
        # In blocks, so that no step moves more than one; those of one byte each would take fifty times their size.
        if self._waiting and len(self._waiting[-1]) + len(chunk) <= BLOCK_BYTES:
            self._waiting[-1] += chunk
        else:
            self._waiting.append(bytearray(chunk))
        self._work()

    def steps(self) -> Generator[None, None, None]:
        """Check the rest, in steps, when the whole list has arrived."""
        while self._waiting:
            yield
            self._work()
        self._end()
        while self._data:
            yield
            self._work()
        if self._failure is None:
            try:
                self._odd.check(self._count)
            except Deviation as deviation:
                self._failure = deviation

    def result(self) -> Rows[Any]:
        """Return the rows, when all steps are done.

        Raises:
            DecodeError: Names the row that is not as documented, and what was expected.
        """
        if self._failure is not None:
            raise self._error(self._failure)
        return Rows(self._blocks, self._ends, self._access)

    # Steps

    def _work(self) -> None:
        """Check some pieces of what has arrived."""
        pattern = self.pattern()
        while self._waiting and len(self._data) < BLOCK_BYTES:
            self._data += self._waiting.popleft()
        if not self._is_open:
            del self._data[: self._begin()]
            return  # a large pattern takes milliseconds to compile, which is enough for one step
        position = 0
        for _ in range(PIECES_AT_ONCE):
            if self._failure is not None or len(self._data) - position < self._needed:
                break
            proven = position if pattern is None else self._match(pattern, position, PIECE_BYTES)
            piece = bytes(self._data[position:proven])
            count = count_rows(piece)
            if not count:
                position = self._read_slowly(position)
                break
            self._keep(piece, count)
            position = proven
        del self._data[:position]
        if self._failure is not None:
            self._waiting.clear()
            self._data.clear()

    def _match(self, pattern: re.Pattern[bytes], start: int, size: int) -> int:
        """Return the end of what *pattern* matches."""
        match = pattern.match(self._data, start, start + size)
        return start if match is None else match.end()

    def _keep(self, piece: bytes, count: int) -> None:
        self._blocks.append(piece)
        self._ends.append(self._count + count)
        self._needed = 1 if self._is_whole else PIECE_BYTES

    def _read_slowly(self, start: int) -> int:
        """Read the rows of a piece that is not proven; return its end."""
        end = self._match(ELEMENTS.compiled, start, PIECE_BYTES)
        if end == start:
            end = self._match(ELEMENT.compiled, start, MAX_ROW_BYTES)
        if end == start:
            if self._is_whole or len(self._data) - start >= MAX_ROW_BYTES:
                self._fail(f"JSON, and at most {MAX_ROW_BYTES} bytes", self._count)
            self._needed = MAX_ROW_BYTES  # what has arrived of it is not matched again and again
            return start
        self._slow_pieces += 1
        if self._slow_pieces > MAX_SLOW_PIECES:
            self._fail(f"rows as documented; too many of {self._count + 1} are not", self._count)
            return start
        piece = bytes(self._data[start:end])
        try:
            self._keep(piece, len(self.build(piece, self._count + self._odd.count, self._odd)))
            self._odd.check(self._count, MAX_MORE)
        except Deviation as deviation:
            self._failure = deviation
        return end

    def _fail(self, expected: str, row: int) -> None:
        self._failure = Deviation(expected, f"[{row}]")

    # The brackets around it

    def _begin(self) -> int:
        """Return where the first row begins, or what was left of the step before."""
        if self._is_open:
            return 0
        if not is_list(self._data):
            self._failure = Deviation("a list")
            return 0
        self._is_open = True
        return self._data.index(b"[") + 1

    def _end(self) -> None:
        """Replace the closing bracket by a comma, so that the last row looks like all others."""
        self._is_whole, self._needed = True, 1
        del self._data[: self._begin()]
        tail = bytes(self._data[-MAX_ROW_BYTES:]).rstrip(_BLANKS)
        del self._data[len(self._data) - min(len(self._data), MAX_ROW_BYTES) + max(0, len(tail) - 1) :]
        if self._failure is not None:
            self._data.clear()
        elif not tail.endswith(b"]"):
            self._fail("the end of a list", self._count)
        elif tail[:-1].strip(_BLANKS):
            self._data += b","
        else:
            self._data.clear()
            if self._count:
                self._fail("no comma behind the last row", self._count)

    # Building

    @property
    def _count(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _access(self, piece: bytes, first: int) -> list[Any]:
        try:
            return self.build(piece, first, OddRows())
        except Deviation as deviation:
            raise self._error(deviation) from None

    def _error(self, deviation: Deviation) -> DecodeError:
        words = f"{self.where}{quotable(deviation.place)}: expected {deviation.expected}"
        return DecodeError(words, endpoint=self.where)


def count_rows(piece: bytes) -> int:
    """Return the number of rows that a pattern has matched; 0 if they are no JSON in UTF-8."""
    brackets = piece.translate(None, _NO_BRACKETS)
    count = len(brackets) // 2
    try:
        if not piece.isascii():
            piece.decode()
        if brackets != b"[]" * count:  # some are inside texts, inner lists or objects
            loads(b"[%b]" % piece[:-1])
            count = len(ELEMENT.compiled.findall(piece))
    except (UnicodeDecodeError, Deviation):
        return 0
    return count
