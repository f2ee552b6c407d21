"""What becomes of a request: the one place where it is decided whether the exchange is well today."""

from __future__ import annotations

from random import Random

from attrs import frozen

__all__ = ["Fate", "Fates"]


@frozen
class Fate:
    """What becomes of one request: it is answered politely.

    Attributes:
        delay_seconds: How long it lies about before anything but its arrival is looked at.
    """

    delay_seconds: float = 0.0


class Fates:
    """Decides the fate of each request in turn, the same from the same seed.

    Args:
        seed: Where chance begins.
        delay_seconds: Least and largest delay. Requests that are under way together overtake each other by it, so
            that nonces which were not sent in turn arrive out of order.
    """

    def __init__(self, seed: int, delay_seconds: tuple[float, float]) -> None:
        least, largest = delay_seconds
        if not 0 <= least <= largest:
            raise ValueError("delay_seconds must be the least and the largest delay")
        self._random = Random(seed)
        self._delay_seconds = delay_seconds

    def next(self) -> Fate:
        """Decide the fate of the request that just arrived."""
        least, largest = self._delay_seconds
        return Fate(delay_seconds=self._random.uniform(least, largest) if largest else 0.0)
