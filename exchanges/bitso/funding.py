"""Deposits, withdrawals and stored receivers, by v3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Unpack

from exchanges.bitso.api import V3
from exchanges.bitso.ids import Ids, OriginIds, Word, an_id
from exchanges.bitso.models.funding import (
    Bank,
    Contact,
    Country,
    Deleted,
    Deposit,
    DepositStatus,
    DepositStatusWord,
    FundingDestination,
    Taxonomy,
    Vasp,
    Withdrawal,
    WithdrawalMethod,
    WithdrawalStatus,
    WithdrawalStatusWord,
)
from exchanges.bitso.pages import PageLimit, pages
from exchanges.bitso.withdrawing import (
    Compliance,
    Details,
    Receiver,
    WithdrawalId,
    contact_number,
    create_by_method,
    fault_of_withdrawal,
)
from exchanges.endpoint import IDEMPOTENT, MONEY, WRITE, Area, Param, private
from exchanges.endpoint.arguments import json_object
from exchanges.endpoint.markers import Pages
from exchanges.wire import Amount


class Funding(Area, api=V3):
    """Deposits, withdrawals, and the stored receivers of withdrawals."""

    @private("GET /fundings")
    async def fundings(
        self,
        *,
        marker: str | None = None,
        limit: PageLimit = None,
        status: DepositStatus | DepositStatusWord | None = None,
        method: str | None = None,
        fids: Ids = None,
        txids: Ids = None,
    ) -> list[Deposit]:
        """Deposits, newest first.

        Args:
            marker: `Deposit.fid`: only earlier ones. None: not sent.
            limit: Length of the list, 1 to 100. None: not sent; the exchange uses 25.
            status: None: not sent; all.
            method: Code of the method. None: not sent; all.
            fids: Up to 50 `Deposit.fid`. None: not sent.
            txids: Up to 50 hashes of transactions; the other arguments are ignored then. None: not sent.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Fundings".
        """
        ...

    @private("GET /fundings/{fid}", single=True)
    async def funding(self, fid: Annotated[str, an_id("fid")]) -> Deposit:
        """Look up one deposit.

        Args:
            fid: Its id.

        Returns:
            Wire: list of one object in an envelope.

        Raises:
            NotFound: There is no such deposit.

        Source:
            Bitso API v3, "List Fundings".
        """
        ...

    # Quirk: current pages send the reader to the app; the call still answered in 2026.
    @private("GET /funding_destination")
    async def funding_destination(self, fund_currency: str, *, network: str | None = None) -> FundingDestination:
        """Where the account receives a currency.

        Args:
            fund_currency: Such as btc.
            network: Such as polygon. None: not sent.

        Returns:
            Wire: object in an envelope.

        Source:
            Bitso API v3, "Get Funding Destination".
        """
        ...

    @private("GET /withdrawals")
    async def withdrawals(
        self,
        *,
        marker: str | None = None,
        limit: PageLimit = None,
        status: WithdrawalStatus | WithdrawalStatusWord | None = None,
        method: str | None = None,
        currency: str | None = None,
        wids: Ids = None,
        origin_ids: OriginIds = None,
    ) -> list[Withdrawal]:
        """Withdrawals, newest first.

        Args:
            marker: `Withdrawal.wid`: only earlier ones. None: not sent.
            limit: Length of the list, 1 to 100. None: not sent; the exchange uses 25.
            status: None: not sent; all.
            method: Code of the method. None: not sent; all.
            currency: Such as btc. None: not sent; all.
            wids: Up to 50 `Withdrawal.wid`; the other arguments are ignored then. None: not sent.
            origin_ids: Up to 50 of the client's ids; all others but *wids* are ignored then. None: not sent.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Withdrawals".
        """
        ...

    @private("GET /withdrawals/{wid}", single=True)
    async def withdrawal(self, wid: Annotated[str, an_id("wid")]) -> Withdrawal:
        """Look up one withdrawal.

        Args:
            wid: Its id.

        Returns:
            Wire: list of one object in an envelope.

        Raises:
            NotFound: There is no such withdrawal.

        Source:
            Bitso API v3, "List Withdrawals".
        """
        ...

    @private("GET /withdrawal_methods/{currency}")
    async def withdrawal_methods(self, currency: str) -> list[WithdrawalMethod]:
        """Every way to withdraw a currency, with fees, bounds and the arguments that each needs.

        Args:
            currency: Such as btc.

        Returns:
            Some networks that work are not in the list. Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Withdrawal Methods".
        """
        ...

    @private("POST /withdrawals", kind=MONEY, check=fault_of_withdrawal, via=create_by_method)
    async def create_withdrawal(
        self,
        *,
        currency: Word,
        amount: Amount,
        method: Annotated[WithdrawalMethod | str | None, Param(type="str")] = None,
        max_fee: Amount | None = None,
        details: Details = None,
        compliance: Compliance = None,
        origin_id: WithdrawalId = None,
        **receiver: Unpack[Receiver],
    ) -> Withdrawal:
        """Withdraw a currency.

        Pass one of `withdrawal_methods` as *method*: it fills in asset, network, protocol and integration, and an
        argument that it requires and that is missing is an error before anything is sent.

        Args:
            currency: Such as btc.
            amount: Of *currency*; MXN with two decimals.
            method: A `WithdrawalMethod`, or its code. None: not sent.
            max_fee: Of *currency*: the withdrawal is refused if its fee is higher. None: not sent; any fee.
            details: Further fields that the method requires; unknown ones are dropped. None: not sent.
            compliance: What the Travel Rule demands. None: not sent.
            origin_id: Your own id: 1 to 40 of A-Z, a-z, 0-9, _ and -, never used before: a second withdrawal with it is
                refused. None: one is made, by which `client.reconcile` finds the withdrawal.
            receiver: See `Receiver`.

        Returns:
            Still pending. Wire: object in an envelope.

        Raises:
            UsageError: *method* requires an argument that is missing; nothing was sent.

        Source:
            Bitso API v3, "Create A Withdrawal".
        """
        ...

    @private("GET /mx_bank_codes")
    async def mx_bank_codes(self) -> list[Bank]:
        """Banks of Mexico; `banks` is newer.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Bank Codes".
        """
        ...

    @private("GET /banks/{country}")
    async def banks(self, country: Country | Literal["mx", "br", "co"]) -> list[Bank]:
        """Banks of a country.

        Args:
            country: MX, BR or CO.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List Banks".
        """
        ...

    @private("GET /vasps")
    async def vasps(self) -> list[Vasp]:
        """Service providers for the Travel Rule.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "List VASPs".
        """
        ...

    @private("GET /consumer-contacts")
    async def contacts(
        self,
        *,
        contact_id: Annotated[int | str | None, Param(type="int", render=contact_number)] = None,
        alias: str | None = None,
        currency: str | None = None,
        asset: str | None = None,
        network: str | None = None,
        protocol: str | None = None,
        integration: str | None = None,
    ) -> list[Contact]:
        """All stored receivers, or those that match.

        Args:
            contact_id: `Contact.contact_id`. None: not sent; all.
            alias: `Contact.alias`. None: not sent; all.
            currency: Such as btc. None: not sent; all.
            asset: None: not sent; all.
            network: None: not sent; all.
            protocol: None: not sent; all.
            integration: None: not sent; all.

        Returns:
            Wire: list of objects in an envelope.

        Source:
            Bitso API v3, "Consumer Contacts".
        """
        ...

    @private("POST /consumer-contacts", kind=WRITE)
    async def create_contact(
        self,
        *,
        alias: str,
        currency: Word,
        taxonomy: Annotated[Taxonomy, Param(type="object", render=json_object)],
        details: Annotated[
            Mapping[str, object],
            Param(type="object", render=json_object, is_spread=True, echo="facts", secret=True),
        ],
        compliance: Compliance = None,
    ) -> Contact:
        """Store a receiver of withdrawals.

        Args:
            alias: Name for it.
            currency: Such as btc.
            taxonomy: The withdrawal method; see `Taxonomy`.
            details: Fields that the method requires, such as address or clabe; they stand beside the others on the
                wire.
            compliance: What the Travel Rule demands. None: not sent.

        Returns:
            The new receiver. Wire: object in an envelope.

        Source:
            Bitso API v3, "Consumer Contacts".
        """
        ...

    # A second deletion finds nothing to delete, so it may be repeated.
    @private("DELETE /consumer-contacts/{contact_id}", kind=IDEMPOTENT)
    async def delete_contact(
        self, contact_id: Annotated[int | str, Param(type="int", render=contact_number)]
    ) -> Deleted:
        """Delete a stored receiver.

        Args:
            contact_id: `Contact.contact_id`.

        Returns:
            None: it was deleted. Wire: an empty object in an envelope.

        Source:
            Bitso API v3, "Consumer Contacts".
        """
        ...

    def every_fundings(
        self,
        *,
        status: DepositStatus | DepositStatusWord | None = None,
        method: str | None = None,
        marker: str | None = None,
    ) -> Pages[Deposit]:
        """Iterate over all deposits, newest first, each once; those that arrive meanwhile are left out.

        A page is read when the iteration reaches it, as one call.

        Args:
            status: None: all.
            method: Code of the method. None: all.
            marker: `Deposit.fid`, or `Pages.marker` of an earlier iteration: begin behind it.
        """
        return pages(self.fundings, lambda deposit: deposit.fid, marker, status=status, method=method)

    def every_withdrawals(
        self,
        *,
        status: WithdrawalStatus | WithdrawalStatusWord | None = None,
        method: str | None = None,
        currency: str | None = None,
        marker: str | None = None,
    ) -> Pages[Withdrawal]:
        """Iterate over all withdrawals, newest first, each once; those that arrive meanwhile are left out.

        A page is read when the iteration reaches it, as one call.

        Args:
            status: None: all.
            method: Code of the method. None: all.
            currency: Such as btc. None: all.
            marker: `Withdrawal.wid`, or `Pages.marker` of an earlier iteration: begin behind it.
        """
        wanted = {"status": status, "method": method, "currency": currency}
        return pages(self.withdrawals, lambda withdrawal: withdrawal.wid, marker, **wanted)
