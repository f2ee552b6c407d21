"""What happens at Bitso without its API: deposits come, conversions fail."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from exchanges.simulator.venues.bitso.venue import BitsoPlay

__all__ = ["BitsoBackstage"]

_METHODS = {"btc": "Bitcoin", "mxn": "SPEI Transfer"}


class BitsoBackstage:
    """The hand of a test in the simulated Bitso; `Simulator.bitso`.

    Args:
        play: What is played.
        now: Milliseconds since 1970, by the simulated clock.
    """

    def __init__(self, play: BitsoPlay, now: Callable[[], int]) -> None:
        self._play = play
        self._now = now

    def deposit(self, currency: str, amount: Decimal, number: int = 0) -> None:
        """Send money to an account: BTC is credited half an hour later, by the simulated clock, all else at once.

        Args:
            currency: Such as btc.
            amount: How much.
            number: Which account, as for `Simulator.account`.

        Raises:
            KeyError: There is no such currency.
        """
        self._play.arrive(self._play.customers[number], currency, amount, _METHODS.get(currency, "Ripple"), self._now())

    def fail_conversion(self, conversion_id: str) -> None:
        """Let a conversion that is under way end in FAILED; what it held is given back then.

        Raises:
            KeyError: There is none with this id that is under way.
        """
        self._play.fail(conversion_id)

    @property
    def ripple_address(self) -> str:
        """From where the first account takes deposits over Ripple; empty before its first withdrawal to Ripple."""
        return self._play.customers[0].ripple_address

    def holdings(self, currency: str) -> dict[str, Decimal]:
        """Say who holds how much of a currency, such as btc: the accounts together, fees, strangers, the world outside.

        The world outside is owed what came in, so the sum is zero, to the last digit.
        """
        return self._play.holdings(currency)
