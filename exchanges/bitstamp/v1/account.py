"""Private calls for the account, by v1."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from exchanges.bitstamp.api import V1
from exchanges.bitstamp.v1.models import Balance, SortOrder, UserTransaction
from exchanges.endpoint import READ, Area, private
from exchanges.endpoint.paging import every_row

PAGE_SIZE = 100


class Account(Area, api=V1):
    """The account whose key it is."""

    # Private calls are all POST, as the signature is in the body; the kind tells those that only read.
    @private("POST /balance/", kind=READ)
    async def balance(self) -> Balance:
        """Balances of every currency, and the fee that the account pays.

        Returns:
            Wire: flat object with three keys per currency.

        Source:
            Bitstamp API v1, Private Functions, "Account balance".
        """
        ...

    @private("POST /user_transactions/", kind=READ)
    async def user_transactions(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        sort: SortOrder | Literal["asc", "desc"] | None = None,
    ) -> list[UserTransaction]:
        """Deposits, withdrawals and trades of the account.

        Args:
            offset: Number of rows to skip at the beginning of the list. None: not sent; the exchange uses 0.
            limit: Length of the list. None: not sent; the exchange uses 100.
            sort: By date and time. None: not sent; the exchange uses DESC, newest first.

        Returns:
            Wire: list of objects with a key per currency.

        Source:
            Bitstamp API v1, Private Functions, "User transactions".
        """
        ...

    def every_user_transaction(self, *, page_size: int = PAGE_SIZE) -> AsyncIterator[UserTransaction]:
        """Iterate over all transactions of the account, newest first, each once.

        A page is read when the iteration reaches it. Rows that arrive meanwhile move the others, but none of these is
        lost or repeated; a new row may itself be missed.

        Args:
            page_size: Rows per request, at least 2.
        """
        return every_row(
            lambda offset, limit: self.user_transactions(offset=offset, limit=limit, sort=SortOrder.DESC),
            identity=lambda transaction: transaction.id,
            page_size=page_size,
        )
