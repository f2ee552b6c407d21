"""Rows that stay bytes until somebody looks at them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast, overload

__all__ = ["Rows"]

T_co = TypeVar("T_co", covariant=True)


class Rows(Sequence[T_co]):
    """An immutable sequence of rows. Those of a large answer are built when they are accessed, and not kept.

    The shape of every row was checked when the answer arrived. A sequence equals any other of equal rows; a slice is a
    list. Going through all rows in order costs least. The bytes of a large answer stay in memory as long as the
    sequence; ``list(rows)`` builds all objects, which take about ten times as much.

    Args:
        blocks: The rows as JSON, some in each block; or rows that are built already.
        ends: How many rows there are up to the end of each block.
        build: Returns the objects of a block, given the number of its first row.
    """

    __slots__ = ("_blocks", "_build", "_ends", "_last")

    def __init__(self, blocks: Sequence[Any], ends: Sequence[int], build: Callable[[Any, int], Sequence[T_co]]) -> None:
        self._blocks, self._ends, self._build = blocks, ends, build
        # The objects of one block: whoever reads row after row would otherwise build each block for each of its rows.
        self._last: tuple[int, Sequence[T_co]] = (-1, ())

    @classmethod
    def of(cls, objects: Sequence[T_co]) -> Rows[T_co]:
        """Return a sequence of rows that are built already."""
        return cls((objects,), (len(objects),), lambda block, _: cast("Sequence[T_co]", block))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> list[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | list[T_co]:
        """Return a row, or a list of some.

        Raises:
            DecodeError: A row turned out not to be as documented; names it.
        """
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        block = bisect_right(self._ends, number)
        return self._objects(block)[number - self._start(block)]

    def __iter__(self) -> Iterator[T_co]:
        for block in range(len(self._blocks)):
            yield from self._objects(block)

    def __reversed__(self) -> Iterator[T_co]:
        for block in reversed(range(len(self._blocks))):
            yield from reversed(self._objects(block))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list | tuple | Rows):
            return NotImplemented
        others = cast("Sequence[Any]", other)
        return len(self) == len(others) and all(a == b for a, b in zip(self, others, strict=True))

    def __hash__(self) -> int:
        raise TypeError("rows cannot be hashed: some contain lists")

    def __repr__(self) -> str:
        """Show the rows if they are few, as a list does."""
        if len(self) > 10:
            return f"<{len(self):,} rows, the first {self[0]!r}>"
        return repr(list(self))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[list[T_co]]]:
        """Copy and pickle as a list."""
        return list, (list(self),)

    def _start(self, block: int) -> int:
        return self._ends[block - 1] if block else 0

    def _objects(self, block: int) -> Sequence[T_co]:
        last, objects = self._last
        if last != block:
            objects = self._build(self._blocks[block], self._start(block))
            self._last = (block, objects)
        return objects
