"""The fault plan: which requests and connections are hit by which fault, and how long requests are delayed."""

from __future__ import annotations

from random import Random
from typing import TypeVar

from attrs import frozen

from exchanges.endpoint import Kind
from exchanges.simulator.faults.points import CONNECTION, FaultPoint, Faults
from exchanges.simulator.faults.stream_points import DRAWN_AT, Place, StreamFault

P = TypeVar("P", FaultPoint, StreamFault)


@frozen
class DrawnFault:
    """The fault that was drawn for one request or one connection.

    Attributes:
        point: Where it fails; None: nowhere.
        seed: Seed of everything else about the fault that is random.
    """

    point: FaultPoint | None = None
    seed: int = 0

    @property
    def random(self) -> Random:
        """A new generator, which draws the same numbers each time."""
        return Random(self.seed)


NO_FAULT = DrawnFault()


class FaultPlan:
    """Draws the fault of each request and connection in turn; the same seed gives the same faults.

    Args:
        seed: Seed of the random numbers.
        delay_seconds: Least and largest delay of a request. Concurrent requests overtake each other within it, so
            that nonces arrive in another order than they were sent.
        faults: Which faults there are, and how often; None: none.
    """

    def __init__(self, seed: int, delay_seconds: tuple[float, float], faults: Faults | None = None) -> None:
        least, largest = delay_seconds
        if not 0 <= least <= largest:
            raise ValueError("delay_seconds must be the least and the largest delay")
        # A generator for each: how many connections are opened must not change which requests fail, nor their delays.
        self._delays = Random(seed)
        self._requests = Random(f"{seed} requests")
        self._connections = Random(f"{seed} connections")
        self._streams = {place: Random(f"{seed} {place}") for place in Place}
        self._delay_seconds = delay_seconds
        self.faults = faults or Faults()

    @property
    def faults(self) -> Faults:
        """Which faults are drawn from now on, and how often."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._for_connections = [(p, share) for p, share in faults.at.items() if p in CONNECTION]
        self._for_requests = [(p, share) for p, share in faults.at.items() if p not in CONNECTION]
        self._for_streams = {
            place: [(point, faults.streams[point]) for point in points if faults.streams.get(point)]
            for place, points in DRAWN_AT.items()
        }

    def delay_seconds(self) -> float:
        """Draw the delay of the request that has just arrived."""
        least, largest = self._delay_seconds
        return self._delays.uniform(least, largest) if largest else 0.0

    def for_connection(self) -> DrawnFault:
        """Draw the fault of the next connection."""
        drawn = _draw(self._connections, self._for_connections)
        return NO_FAULT if drawn is None else DrawnFault(*drawn)

    def for_request(self, kind: Kind | None) -> DrawnFault:
        """Draw the fault of the next request.

        Args:
            kind: Kind of its endpoint; None if no endpoint is declared for it, then it is never hit.
        """
        exempt = kind is None or (self._faults.kinds is not None and kind not in self._faults.kinds)
        # An exempt request draws no number, so that reads do not change which of the orders fail.
        drawn = None if exempt else _draw(self._requests, self._for_requests)
        return NO_FAULT if drawn is None else DrawnFault(*drawn)

    def for_stream(self, place: Place) -> tuple[StreamFault, Random] | None:
        """Draw the fault of the next thing that happens at a place, and a generator for its details; None: none."""
        drawn = _draw(self._streams[place], self._for_streams[place])
        return None if drawn is None else (drawn[0], Random(drawn[1]))


def _draw(random: Random, points: list[tuple[P, float]]) -> tuple[P, int] | None:
    """Draw one of *points* by its share, and a seed for its details; None: none of them."""
    draw = random.random() if points else 1.0  # so that none draws nothing
    for point, share in points:
        if draw < share:
            return point, random.getrandbits(32)
        draw -= share
    return None
