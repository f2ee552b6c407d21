"""Private calls for the account, by v2."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from exchanges.bitso.api import V2
from exchanges.bitso.models.market import SortOrder
from exchanges.bitso.v2.models import Balance, UserTransaction
from exchanges.endpoint import READ, Area, private
from exchanges.endpoint.paging import every_row

PAGE_SIZE = 100


class Account(Area, api=V2):
    """The account whose key it is."""

    # Private calls are all POST, as the signature is in the body; the kind tells those that only read.
    @private("POST /balance", kind=READ)
    async def balance(self) -> Balance:
        """Balances of every currency, and the fee that the account pays.

        Returns:
            Wire: flat object with three keys per currency.

        Source:
            Bitso API v2, Private Endpoints, "Account balance".
        """
        ...

    @private("POST /user_transactions", kind=READ)
    async def user_transactions(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        sort: SortOrder | Literal["asc", "desc"] | None = None,
        book: str | None = None,
    ) -> list[UserTransaction]:
        """Deposits, withdrawals and trades of the account.

        Args:
            offset: Number of rows to skip at the beginning of the list. None: not sent; the exchange uses 0.
            limit: Length of the list. None: not sent; the exchange uses 100.
            sort: By date and time. None: not sent; the exchange uses DESC, newest first.
            book: Major and minor, such as btc_mxn. None: not sent; the exchange uses btc_mxn.

        Returns:
            Wire: list of objects with a key per currency.

        Source:
            Bitso API v2, Private Endpoints, "User Transactions".
        """
        ...

    def every_user_transaction(
        self, *, book: str | None = None, page_size: int = PAGE_SIZE
    ) -> AsyncIterator[UserTransaction]:
        """Iterate over all transactions of the account, newest first, each once.

        A page is read when the iteration reaches it. Rows that arrive meanwhile move the others, but none of these is
        lost or repeated; a new row may itself be missed. Deposits and withdrawals have no id: if more than ten equal
        ones follow each other while rows arrive, they cannot be distinguished.

        Args:
            book: Major and minor, such as btc_mxn. None: not sent; the exchange uses btc_mxn.
            page_size: Rows per request, at least 2.
        """
        return every_row(
            lambda offset, limit: self.user_transactions(offset=offset, limit=limit, sort=SortOrder.DESC, book=book),
            identity=lambda transaction: transaction.id,
            page_size=page_size,
        )
