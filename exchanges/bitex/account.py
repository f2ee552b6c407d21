"""The account: balances, and all that changed them."""

from __future__ import annotations

from typing import Annotated

from exchanges.bitex.facts import API, LARGE_BYTES
from exchanges.bitex.models import Profile
from exchanges.bitex.movements import Movement
from exchanges.endpoint import Area, Param, private

__all__ = ["Account"]


def _present_if_true(value: object) -> bool | None:
    """Make a flag that works by being there: False is not sent."""
    if type(value) is not bool:
        raise TypeError(f"must be a bool, not {type(value).__name__}")
    return value or None


class Account(Area, api=API):
    """Balances and movements of the account."""

    @private("GET /private/profile")
    async def profile(self) -> Profile:
        """Balances, trading fee, and where to send deposits.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, Account Information, "Profile & Balances".
        """
        ...

    @private("GET /private/account_summary", max_bytes=LARGE_BYTES)
    async def account_summary(self, *, full: Annotated[bool, Param(render=_present_if_true)] = False) -> list[Movement]:
        """Deposits, withdrawals, and bids and asks that traded, of the last 30 days.

        Single trades are left to `Trading.trades`.

        Args:
            full: Everything since the account was opened, up to 64 MiB. Bitex asks not to do this often.

        Returns:
            Newest first. Wire: list of rows told apart by class reference: 1, 2 and 5 to 8 are documented, 3 and 4
            are taken too.

        Source:
            Bitex developer guide, Account Information, "Your Account Summary".
        """
        ...
