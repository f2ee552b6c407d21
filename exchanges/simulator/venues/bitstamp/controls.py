"""What happens at Bitstamp without its API: deposits come."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from exchanges.simulator.venues.bitstamp.venue import BitstampPlay

__all__ = ["BitstampBackstage"]


class BitstampBackstage:
    """The hand of a test in the simulated Bitstamp; `Simulator.bitstamp`.

    Args:
        play: What is played.
        now: Milliseconds since 1970, by the simulated clock.
    """

    def __init__(self, play: BitstampPlay, now: Callable[[], int]) -> None:
        self._play = play
        self._now = now

    def deposit(self, currency: str, amount: Decimal, number: int = 0) -> None:
        """Send money to an account: BTC is credited when three blocks confirm it, USD at once.

        A block takes ten minutes, by the simulated clock.

        Args:
            currency: Such as btc.
            amount: How much.
            number: Which account, as for `Simulator.account`.

        Raises:
            KeyError: There is no such currency.
        """
        self._play.arrive(self._play.customers[number], currency, amount, self._now())

    def holdings(self, currency: str) -> dict[str, Decimal]:
        """Say who holds how much of ``usd`` or ``btc``: the accounts together, fees, strangers, the world outside.

        The world outside is owed what came in, so the sum is zero, to the last digit.
        """
        return self._play.holdings(currency)
