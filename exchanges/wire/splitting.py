"""Splitting JSON into what surrounds its long lists, and pieces of these lists, without decoding either.

Only quotes and brackets are looked at, and only in windows of bounded size, so that each step is short. Whether the
parts are JSON is found out when they are decoded: the whole is JSON if all parts are.
"""

from __future__ import annotations

from collections.abc import Generator

from attrs import field

from exchanges.values import define
from exchanges.wire.codecs import Deviation
from exchanges.wire.row_patterns import ELEMENT, ELEMENTS, NESTED, QUOTED, Expression

__all__ = ["MAX_ELEMENT_BYTES", "MAX_SKELETON_BYTES", "PIECE_BYTES", "Splitter"]

PIECE_BYTES = 4096
MAX_ELEMENT_BYTES = 16 * 1024
MAX_SKELETON_BYTES = 32 * 1024
PIECES_AT_ONCE = 16
_MAX_DEPTH = 8
_BLANK = rb"[ \t\r\n]*+"
_VALUE = rb"(?:" + NESTED + rb"|" + QUOTED + rb'|[^"\[\]{},:\s]++)'
_BLANKS = Expression(_BLANK)
_VALUES = Expression(_VALUE)
_KEY = Expression(_BLANK + QUOTED + _BLANK + rb":" + _BLANK)
_MEMBERS = Expression(rb"(?:" + _BLANK + QUOTED + _BLANK + rb":" + _BLANK + _VALUE + _BLANK + rb",)*+")
_LAST = Expression(rb"(" + _BLANK + _VALUE + rb")?+" + _BLANK + rb"\]")
_NEXT = Expression(_BLANK + rb"[,}]")

Steps = Generator[None, None, int]


@define(eq=False, repr=False)
class Splitter:
    """Splits one body.

    Attributes:
        body: The JSON.
        mark: What stands in the skeleton for a long list, followed by its number: text that the body does not contain.
        piece_bytes: Size of a piece, and of a value that is not split.
        skeleton: What is left of the body.
        lists: The pieces of each long list: elements, each with a comma behind it.
    """

    body: bytes
    mark: str
    piece_bytes: int = PIECE_BYTES
    skeleton: bytearray = field(factory=bytearray, init=False)
    lists: list[list[bytes]] = field(factory=list[list[bytes]], init=False)
    _steps: int = field(default=0, init=False)

    def steps(self) -> Generator[None, None, None]:
        """Split, in steps of bounded work.

        Raises:
            Deviation: Not JSON, or too much of it is not in long lists.
        """
        end = yield from self._value(0, 0)
        if self.body[end : end + MAX_ELEMENT_BYTES].strip(b" \t\r\n"):
            raise Deviation("JSON")

    def _value(self, start: int, depth: int) -> Steps:
        """Split the value at *start*; return its end."""
        start = self._end(_BLANKS, start, MAX_ELEMENT_BYTES)
        first = self.body[start : start + 1]
        if first in (b"[", b"{"):
            end = self._end(_VALUES, start)
            if end == start and depth < _MAX_DEPTH:
                return (yield from self._list(start + 1) if first == b"[" else self._object(start + 1, depth))
        else:
            end = self._end(_VALUES, start, MAX_ELEMENT_BYTES)
        if end == start or end == start + MAX_ELEMENT_BYTES:
            raise Deviation(f"JSON, with values of at most {MAX_ELEMENT_BYTES} bytes outside of long lists")
        self._keep(start, end)
        return end

    def _object(self, start: int, depth: int) -> Steps:
        """Split the object whose first key is at *start*; return its end."""
        self.skeleton += b"{"
        while True:
            start = self._kept(_MEMBERS, start)
            key = self._kept(_KEY, start, MAX_ELEMENT_BYTES)
            if key == start:
                raise Deviation("JSON")
            end = yield from self._value(key, depth + 1)
            start = self._kept(_NEXT, end, MAX_ELEMENT_BYTES)
            if start == end:
                raise Deviation("JSON")
            if self.body[start - 1 : start] == b"}":
                return start
            yield from self._pause()

    def _list(self, start: int) -> Steps:
        """Cut the list whose first element is at *start*; return its end."""
        pieces: list[bytes] = []
        while True:
            end = self._end(ELEMENTS, start)
            if end == start:
                end = self._end(ELEMENT, start, MAX_ELEMENT_BYTES)
            if end == start:
                break
            pieces.append(self.body[start:end])
            start = end
            yield from self._pause()
        last = _LAST.compiled.match(self.body, start, start + MAX_ELEMENT_BYTES)
        if last is None or not last[1]:
            raise Deviation(f"JSON, with elements of at most {MAX_ELEMENT_BYTES} bytes in long lists")
        self.skeleton += b'"%b%d"' % (self.mark.encode(), len(self.lists))
        self.lists.append([*pieces, last[1] + b","])
        return last.end()

    def _pause(self) -> Generator[None, None, None]:
        self._steps += 1
        if self._steps % PIECES_AT_ONCE == 0:
            yield

    def _end(self, pattern: Expression, start: int, size: int | None = None) -> int:
        """Return the end of what *pattern* matches at *start*, within *size* bytes; by default those of a piece."""
        match = pattern.compiled.match(self.body, start, start + (size or self.piece_bytes))
        return start if match is None else match.end()

    def _kept(self, pattern: Expression, start: int, size: int | None = None) -> int:
        end = self._end(pattern, start, size)
        self._keep(start, end)
        return end

    def _keep(self, start: int, end: int) -> None:
        self.skeleton += self.body[start:end]
        if len(self.skeleton) > MAX_SKELETON_BYTES:
            raise Deviation(f"JSON, with at most {MAX_SKELETON_BYTES} bytes outside of long lists")
