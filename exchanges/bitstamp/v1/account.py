"""The account, by v1."""

from __future__ import annotations

from exchanges.bitstamp.facts import V1
from exchanges.bitstamp.v1.models import Balance
from exchanges.endpoint import READ, Area, private

__all__ = ["Account"]


class Account(Area, api=V1):
    """The account whose key it is."""

    @private("POST /balance/", kind=READ)
    async def balance(self) -> Balance:
        """Balances of every currency, and the fee that the account pays.

        Returns:
            Wire: flat object with three keys per currency.

        Source:
            Bitstamp API v1, Private Functions, "Account balance".
        """
        ...
