"""Stale reads: writes become visible to reads some time after they were answered.

Before a write is executed the exchange's state is copied. As long as the write is hidden from an endpoint, that
endpoint reads from the copy, so its answer was true at one time and is consistent. The delay is drawn per write and
endpoint: one list may already lack an order while another does not yet contain its trade.

A copy shares with the exchange whatever never changes, and whatever no private read uses.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from random import Random
from typing import Generic, Self, TypeVar

from attrs import define, field

S = TypeVar("S")


class Shared:
    """Base of what an exchange and the copies of its state have in common."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Return the same object, which is not copied."""
        return self


@define
class _Snapshot(Generic[S]):
    """The state before one write.

    Attributes:
        state: The copy.
        taken_ms: When it was taken, in milliseconds since 1970.
        number: How many writes there were before.
        late_seconds: Shortest and longest time for which the write is hidden.
        delays_ms: How long it is hidden, by endpoint.
    """

    state: S
    taken_ms: int
    number: int
    late_seconds: tuple[float, float]
    delays_ms: dict[str, float] = field(factory=dict[str, float])

    def has_expired(self, now_ms: int) -> bool:
        """Return whether no endpoint can read it any more."""
        return self.taken_ms + 1000 * self.late_seconds[1] <= now_ms


class StaleReads(Shared, Generic[S]):
    """Copies of one exchange's state, kept for as long as a read may see them.

    Args:
        seed: Seed of the delays.
        late_seconds: Shortest and longest time for which a write is hidden; may be changed, for later writes.
    """

    def __init__(self, seed: str, late_seconds: tuple[float, float]) -> None:
        self.late_seconds = late_seconds
        self._seed = seed
        self._snapshots: deque[_Snapshot[S]] = deque()
        self._writes = 0

    @contextmanager
    def writing(self, state: S, now_ms: int) -> Generator[None]:
        """Copy *state*, and keep the copy unless the block raises: a rejected write has nothing to hide."""
        snapshot = _Snapshot(copy.deepcopy(state), now_ms, self._writes, self.late_seconds)
        yield
        # Not in a `finally`: after a rejected write, later delays are the same as if it had not been sent.
        self._writes += 1
        self._snapshots.append(snapshot)

    def view(self, state: S, endpoint: str, now_ms: int) -> S:
        """Return what an endpoint reads now: *state*, or the copy from before the first write still hidden from it."""
        while self._snapshots and self._snapshots[0].has_expired(now_ms):
            self._snapshots.popleft()
        for snapshot in self._snapshots:
            if snapshot.taken_ms + self._delay_ms(snapshot, endpoint) > now_ms:
                return snapshot.state
        return state

    def _delay_ms(self, snapshot: _Snapshot[S], endpoint: str) -> float:
        # Drawn once: an endpoint that has shown a write must not hide it again.
        if endpoint not in snapshot.delays_ms:
            random = Random(f"{self._seed} {snapshot.number} {endpoint}")
            snapshot.delays_ms[endpoint] = 1000 * random.uniform(*snapshot.late_seconds)
        return snapshot.delays_ms[endpoint]
