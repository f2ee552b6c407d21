"""Reads that show what no longer is: writes become visible a while after they were answered.

Before a write is carried out a still picture is taken of the exchange. As long as the write is not visible to an
endpoint, that endpoint reads from the picture, so what it shows was true at one moment, and whole. For how long that
is, is drawn for each write and each endpoint: of two lists one may show an order gone before the other shows its trade.

A picture shares with the exchange whatever never changes, and whatever no private read looks at.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from random import Random
from typing import Generic, Self, TypeVar

from attrs import define, field

__all__ = ["Lateness", "Shared"]

P = TypeVar("P")


class Shared:
    """What an exchange and its pictures have in common."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Stay the same in a picture."""
        return self


@define
class _Picture(Generic[P]):
    """How it was before one write.

    Attributes:
        play: The exchange.
        taken_ms: When, in milliseconds since 1970.
        number: How many writes there were before.
        late_seconds: Least and largest time for which it is shown.
        delays_ms: For how long it is shown, by endpoint.
    """

    play: P
    taken_ms: int
    number: int
    late_seconds: tuple[float, float]
    delays_ms: dict[str, float] = field(factory=dict[str, float])

    def over(self, now_ms: int) -> bool:
        """Whether it is shown to nobody any more."""
        return self.taken_ms + 1000 * self.late_seconds[1] <= now_ms


class Lateness(Shared, Generic[P]):
    """Keeps pictures of one exchange for as long as they may be shown.

    Args:
        seed: Where chance begins.
        late_seconds: Least and largest time for which a write is not visible; may be set, for later writes.
    """

    def __init__(self, seed: str, late_seconds: tuple[float, float]) -> None:
        self.late_seconds = late_seconds
        self._seed = seed
        self._pictures: deque[_Picture[P]] = deque()
        self._writes = 0

    @contextmanager
    def writing(self, play: P, now_ms: int) -> Generator[None]:
        """Take a picture, and keep it if the block is not left by an exception: then there is nothing to hide."""
        picture = _Picture(copy.deepcopy(play), now_ms, self._writes, self.late_seconds)
        yield
        self._writes += 1
        self._pictures.append(picture)

    def view(self, play: P, endpoint: str, now_ms: int) -> P:
        """Give what an endpoint shows now: *play* itself, or how it was before the first write that is still hidden."""
        while self._pictures and self._pictures[0].over(now_ms):
            self._pictures.popleft()
        for picture in self._pictures:
            if picture.taken_ms + self._delay_ms(picture, endpoint) > now_ms:
                return picture.play
        return play

    def _delay_ms(self, picture: _Picture[P], endpoint: str) -> float:
        if endpoint not in picture.delays_ms:
            chance = Random(f"{self._seed} {picture.number} {endpoint}")
            picture.delays_ms[endpoint] = 1000 * chance.uniform(*picture.late_seconds)
        return picture.delays_ms[endpoint]
