"""The account, by v2."""

from __future__ import annotations

from exchanges.bitso.facts import V2
from exchanges.bitso.v2.models import Balance
from exchanges.endpoint import READ, Area, private

__all__ = ["Account"]


class Account(Area, api=V2):
    """The account whose key it is."""

    @private("POST /balance", kind=READ)
    async def balance(self) -> Balance:
        """Balances of every currency, and the fee that the account pays.

        Returns:
            Wire: flat object with three keys per currency.

        Source:
            Bitso API v2, Private Endpoints, "Account balance".
        """
        ...
