"""The account: balances and the movements that changed them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Sequence
from functools import partial
from typing import Annotated

from exchanges.bitex.api import API, LARGE_BYTES
from exchanges.bitex.checks import present_if_true
from exchanges.bitex.models.market import Profile
from exchanges.bitex.models.rows import Movement
from exchanges.endpoint import Area, Param, private
from exchanges.endpoint.paging import each_once
from exchanges.wire import UnknownRow


class Account(Area, api=API):
    """Balances and movements of the account."""

    @private("GET /private/profile")
    async def profile(self) -> Profile:
        """Return balances, trading fee, and where to send deposits.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, Account Information, "Profile & Balances".
        """
        ...

    # Quirk: the exchange's own client speaks of 15 days where the guide says 30, so nothing here relies on the window.
    @private("GET /private/account_summary", max_bytes=LARGE_BYTES)
    async def account_summary(
        self, *, full: Annotated[bool, Param(render=present_if_true)] = False
    ) -> Sequence[Movement]:
        """Return deposits, withdrawals, and bids and asks that traded, of the last 30 days.

        `Trading.trades` returns the single trades.

        Args:
            full: All movements since the account was opened, up to 64 MiB. Bitex asks not to do this often.

        Returns:
            Newest first; a large answer is checked while it arrives, and its rows are built when they are accessed.
            Wire: list of rows, their class given by class reference: 1, 2 and 5 to 8 are documented, 3 and 4 are
            accepted too.

        Source:
            Bitex developer guide, Account Information, "Your Account Summary".
        """
        ...

    def every_movement(self) -> AsyncIterator[Movement]:
        """Iterate over all movements since the account was opened, newest first.

        The last 30 days are read first, and the rest, in one answer, when the iteration gets there. No movement is
        yielded twice; one that is newer than the start of the iteration may be missed.
        """
        # The full summary begins with the last 30 days again.
        return each_once((self.account_summary, partial(self.account_summary, full=True)), _identity)


def _identity(movement: Movement) -> Hashable:
    """Return what identifies a movement; for one of unknown class, all its cells."""
    return repr(movement.cells) if isinstance(movement, UnknownRow) else (movement.class_reference, movement.id)
