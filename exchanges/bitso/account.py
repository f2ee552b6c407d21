"""Private calls for the account, by v3."""

from __future__ import annotations

from exchanges.bitso.api import V3
from exchanges.bitso.models.account import AccountFees, AccountStatus, Balance, LedgerEntry
from exchanges.bitso.models.market import SortOrder, SortOrderWord
from exchanges.bitso.pages import PageLimit, pages
from exchanges.endpoint import Area, private
from exchanges.endpoint.contradictions import fault_of_balances
from exchanges.endpoint.markers import Pages


class Account(Area, api=V3):
    """The account whose key it is."""

    @private("GET /balance/", fault=fault_of_balances)
    async def balance(self) -> list[Balance]:
        """Balances of every currency that the exchange supports.

        Returns:
            Wire: object with the list under ``balances``, in an envelope.

        Source:
            Bitso API v3, "Get Account Balance".
        """
        ...

    @private("GET /account_status")
    async def account_status(self) -> AccountStatus:
        """State, limits and personal data of the account.

        Returns:
            Wire: object in an envelope.

        Source:
            Bitso API v3, "Get Account Status".
        """
        ...

    @private("GET /fees")
    async def fees(self) -> AccountFees:
        """Fees of trading, deposits and withdrawals, of this account.

        Returns:
            Wire: object in an envelope.

        Source:
            Bitso API v3, "List Fees".
        """
        ...

    @private("GET /ledger")
    async def ledger(
        self,
        *,
        marker: str | None = None,
        sort: SortOrder | SortOrderWord | None = None,
        limit: PageLimit = None,
    ) -> list[LedgerEntry]:
        """Every change of a balance, newest first. `every_ledger` reads all of them.

        Args:
            marker: `LedgerEntry.eid`: only later (ascending) or earlier (descending) ones. None: not sent.
            sort: None: not sent; the exchange uses DESC, newest first.
            limit: Length of the list, 1 to 100. None: not sent; the exchange uses 25.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Ledger".
        """
        ...

    @private("GET /ledger/trades")
    async def ledger_trades(
        self,
        *,
        marker: str | None = None,
        sort: SortOrder | SortOrderWord | None = None,
        limit: PageLimit = None,
    ) -> list[LedgerEntry]:
        """Trades as they changed the balances, newest first. `every_ledger_trades` reads all of them.

        Args:
            marker: `LedgerEntry.eid`: only later (ascending) or earlier (descending) ones. None: not sent.
            sort: None: not sent; the exchange uses DESC, newest first.
            limit: Length of the list, 1 to 100. None: not sent; the exchange uses 25.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Ledger".
        """
        ...

    @private("GET /ledger/fees")
    async def ledger_fees(
        self,
        *,
        marker: str | None = None,
        sort: SortOrder | SortOrderWord | None = None,
        limit: PageLimit = None,
    ) -> list[LedgerEntry]:
        """Fees as they changed the balances, newest first. `every_ledger_fees` reads all of them.

        Args:
            marker: `LedgerEntry.eid`: only later (ascending) or earlier (descending) ones. None: not sent.
            sort: None: not sent; the exchange uses DESC, newest first.
            limit: Length of the list, 1 to 100. None: not sent; the exchange uses 25.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Ledger".
        """
        ...

    @private("GET /ledger/fundings")
    async def ledger_fundings(
        self,
        *,
        marker: str | None = None,
        sort: SortOrder | SortOrderWord | None = None,
        limit: PageLimit = None,
    ) -> list[LedgerEntry]:
        """Deposits as they changed the balances, newest first. `every_ledger_fundings` reads all of them.

        Args:
            marker: `LedgerEntry.eid`: only later (ascending) or earlier (descending) ones. None: not sent.
            sort: None: not sent; the exchange uses DESC, newest first.
            limit: Length of the list, 1 to 100. None: not sent; the exchange uses 25.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Ledger".
        """
        ...

    @private("GET /ledger/withdrawals")
    async def ledger_withdrawals(
        self,
        *,
        marker: str | None = None,
        sort: SortOrder | SortOrderWord | None = None,
        limit: PageLimit = None,
    ) -> list[LedgerEntry]:
        """Withdrawals as they changed the balances, newest first. `every_ledger_withdrawals` reads all of them.

        Args:
            marker: `LedgerEntry.eid`: only later (ascending) or earlier (descending) ones. None: not sent.
            sort: None: not sent; the exchange uses DESC, newest first.
            limit: Length of the list, 1 to 100. None: not sent; the exchange uses 25.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Ledger".
        """
        ...

    def every_ledger(
        self, *, sort: SortOrder | SortOrderWord | None = None, marker: str | None = None
    ) -> Pages[LedgerEntry]:
        """Iterate over every change of a balance, each once, however many arrive meanwhile.

        A page is read when the iteration reaches it, as one call.

        Args:
            sort: None: newest first; ASC: oldest first.
            marker: `LedgerEntry.eid`, or `Pages.marker` of an earlier iteration: begin behind it.
        """
        return pages(self.ledger, _eid, marker, sort=sort)

    def every_ledger_trades(
        self, *, sort: SortOrder | SortOrderWord | None = None, marker: str | None = None
    ) -> Pages[LedgerEntry]:
        """Iterate over all trades in the ledger, each once, however many arrive meanwhile.

        A page is read when the iteration reaches it, as one call.

        Args:
            sort: None: newest first; ASC: oldest first.
            marker: `LedgerEntry.eid`, or `Pages.marker` of an earlier iteration: begin behind it.
        """
        return pages(self.ledger_trades, _eid, marker, sort=sort)

    def every_ledger_fees(
        self, *, sort: SortOrder | SortOrderWord | None = None, marker: str | None = None
    ) -> Pages[LedgerEntry]:
        """Iterate over all fees in the ledger, each once, however many arrive meanwhile.

        A page is read when the iteration reaches it, as one call.

        Args:
            sort: None: newest first; ASC: oldest first.
            marker: `LedgerEntry.eid`, or `Pages.marker` of an earlier iteration: begin behind it.
        """
        return pages(self.ledger_fees, _eid, marker, sort=sort)

    def every_ledger_fundings(
        self, *, sort: SortOrder | SortOrderWord | None = None, marker: str | None = None
    ) -> Pages[LedgerEntry]:
        """Iterate over all deposits in the ledger, each once, however many arrive meanwhile.

        A page is read when the iteration reaches it, as one call.

        Args:
            sort: None: newest first; ASC: oldest first.
            marker: `LedgerEntry.eid`, or `Pages.marker` of an earlier iteration: begin behind it.
        """
        return pages(self.ledger_fundings, _eid, marker, sort=sort)

    def every_ledger_withdrawals(
        self, *, sort: SortOrder | SortOrderWord | None = None, marker: str | None = None
    ) -> Pages[LedgerEntry]:
        """Iterate over all withdrawals in the ledger, each once, however many arrive meanwhile.

        A page is read when the iteration reaches it, as one call.

        Args:
            sort: None: newest first; ASC: oldest first.
            marker: `LedgerEntry.eid`, or `Pages.marker` of an earlier iteration: begin behind it.
        """
        return pages(self.ledger_withdrawals, _eid, marker, sort=sort)


def _eid(entry: LedgerEntry) -> str:
    return entry.eid
