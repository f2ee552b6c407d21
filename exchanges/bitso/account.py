"""Private calls for the account, by v3."""

from __future__ import annotations

from exchanges.bitso.api import V3
from exchanges.bitso.models.account import Balance
from exchanges.endpoint import Area, private


class Account(Area, api=V3):
    """The account whose key it is."""

    @private("GET /balance/")
    async def balance(self) -> list[Balance]:
        """Balances of every currency that the exchange supports.

        Returns:
            Wire: object with the list under ``balances``, in an envelope.

        Source:
            Bitso API v3, "Get Account Balance".
        """
        ...
