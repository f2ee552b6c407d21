"""What becomes of a request or a connection: the one place where it is decided whether the exchange is well today."""

from __future__ import annotations

from random import Random

from attrs import frozen

from exchanges.endpoint import Kind
from exchanges.simulator.faults.points import CONNECTION, FaultPoint, Faults

__all__ = ["POLITE", "Fate", "Fates"]


@frozen
class Fate:
    """What becomes of one request, or of one connection.

    Attributes:
        fault: What goes wrong; None: nothing does.
        seed: Where chance begins for all that is left to it.
    """

    fault: FaultPoint | None = None
    seed: int = 0

    @property
    def chance(self) -> Random:
        """Chance, from its beginning."""
        return Random(self.seed)


POLITE = Fate()


class Fates:
    """Decides the fate of each request and connection in turn, the same from the same seed.

    Args:
        seed: Where chance begins.
        delay_seconds: Least and largest delay. Requests that are under way together overtake each other by it, so
            that nonces which were not sent in turn arrive out of order.
        faults: What goes wrong, and how often; None: nothing does.
    """

    def __init__(self, seed: int, delay_seconds: tuple[float, float], faults: Faults | None = None) -> None:
        least, largest = delay_seconds
        if not 0 <= least <= largest:
            raise ValueError("delay_seconds must be the least and the largest delay")
        self._delays = Random(seed)
        self._requests = Random(f"{seed} requests")
        self._connections = Random(f"{seed} connections")
        self._delay_seconds = delay_seconds
        self.faults = faults or Faults()

    @property
    def faults(self) -> Faults:
        """What goes wrong, and how often, from now on."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self._of_connections = [(p, share) for p, share in faults.at.items() if p in CONNECTION]
        self._of_requests = [(p, share) for p, share in faults.at.items() if p not in CONNECTION]

    def delay_seconds(self) -> float:
        """Decide for how long the request that just arrived lies about."""
        least, largest = self._delay_seconds
        return self._delays.uniform(least, largest) if largest else 0.0

    def of_connection(self) -> Fate:
        """Decide the fate of the next connection."""
        return _drawn(self._connections, self._of_connections) if self._of_connections else POLITE

    def of_request(self, kind: Kind | None) -> Fate:
        """Decide the fate of the next request.

        Args:
            kind: Of its endpoint; None where it has none, and is spared.
        """
        spared = kind is None or (self._faults.kinds is not None and kind not in self._faults.kinds)
        return POLITE if spared or not self._of_requests else _drawn(self._requests, self._of_requests)


def _drawn(chance: Random, points: list[tuple[FaultPoint, float]]) -> Fate:
    """Draw one of *points*, or none."""
    draw = chance.random()
    for point, share in points:
        if draw < share:
            return Fate(point, chance.getrandbits(32))
        draw -= share
    return POLITE
