"""The fault plan: which requests and connections are hit by which fault, and how long requests are delayed."""

from __future__ import annotations

from random import Random

from attrs import frozen

from exchanges.endpoint import Kind
from exchanges.simulator.faults.points import CONNECTION, FaultPoint, Faults
from exchanges.simulator.faults.stream_points import DRAWN_AT, Place, StreamFault


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
        # Three generators: how many connections are opened must not change which requests fail, nor their delays.
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
        return _draw(self._connections, self._for_connections) if self._for_connections else NO_FAULT

    def for_request(self, kind: Kind | None) -> DrawnFault:
        """Draw the fault of the next request.

        Args:
            kind: Kind of its endpoint; None if no endpoint is declared for it, then it is never hit.
        """
        exempt = kind is None or (self._faults.kinds is not None and kind not in self._faults.kinds)
        # An exempt request draws no number, so that reads do not change which of the orders fail.
        return NO_FAULT if exempt or not self._for_requests else _draw(self._requests, self._for_requests)

    def for_stream(self, place: Place) -> tuple[StreamFault, Random] | None:
        """Draw the fault of the next thing that happens at a place, and a generator for its details; None: none."""
        points = self._for_streams[place]
        if not points:
            return None
        random, draw = self._streams[place], self._streams[place].random()
        for point, share in points:
            if draw < share:
                return point, Random(random.getrandbits(32))
            draw -= share
        return None


def _draw(random: Random, points: list[tuple[FaultPoint, float]]) -> DrawnFault:
    """Draw one of *points* by its share, or none."""
    draw = random.random()
    for point, share in points:
        if draw < share:
            return DrawnFault(point, random.getrandbits(32))
        draw -= share
    return NO_FAULT
