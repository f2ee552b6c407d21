"""Deposits, by v2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from exchanges.bitstamp.api import V2
from exchanges.bitstamp.arguments import CurrencyCode, Flag, Moment, Offset, PageSize
from exchanges.bitstamp.models.funding import (
    CryptoDeposit,
    CryptoTransactions,
    DepositAddress,
    DepositStatus,
    DepositStatusWord,
    InstantConvertAddress,
    InstantConvertAddressInfo,
    RippleAddress,
    Silent,
    UnconfirmedDeposits,
)
from exchanges.endpoint import JSON, MONEY, READ, WRITE, Area, Param, private
from exchanges.endpoint.arguments import json_object

Body = Annotated[Mapping[str, object] | None, Param(type="object", render=json_object, echo=None, secret=True)]


class Deposits(Area, api=V2, area="funding"):
    """Where the account receives, and what it received."""

    @private("POST /btc_unconfirmed/", kind=READ)
    async def btc_unconfirmed(self) -> UnconfirmedDeposits:
        """Bitcoins on their way in; up to a minute old.

        Returns:
            Wire: list of objects, or one object.

        Source:
            Bitstamp API v2, Deposits, "Get unconfirmed bitcoin deposits".
        """
        ...

    @private("POST /ripple_address/", kind=READ)
    async def ripple_address(self) -> RippleAddress:
        """Where the account receives over the XRP Ledger; up to a minute old.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, Deposits, "Ripple IOU deposit address".
        """
        ...

    @private("POST /{currency}_address/", kind=READ)
    async def crypto_deposit_address(self, currency: CurrencyCode, *, network: str | None = None) -> DepositAddress:
        """Where the account receives a currency.

        Args:
            currency: In lower case, such as btc.
            network: Such as bitcoin. None: not sent; the exchange uses the main network.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, Deposits, "Get crypto deposit address".
        """
        ...

    @private("POST /crypto-transactions/", kind=READ)
    async def crypto_transactions(
        self,
        *,
        limit: PageSize = None,
        offset: Offset = None,
        include_ious: Flag = None,
        since_timestamp: Moment = None,
        until_timestamp: Moment = None,
    ) -> CryptoTransactions:
        """Deposits and withdrawals of coins, of the main account alone.

        Args:
            limit: Length of the lists, 1 to 1,000. None: not sent; the exchange uses 100.
            offset: Rows to leave out. None: not sent; the exchange uses 0.
            include_ious: Whether to list claims over the XRP Ledger too.
            since_timestamp: Not before, at most 30 days ago: a moment with a zone, or seconds since 1970.
            until_timestamp: Not after, as *since_timestamp*.

        Returns:
            Wire: object of lists.

        Source:
            Bitstamp API v2, User transactions, "Get crypto transactions".
        """
        ...

    @private("GET /crypto-transactions/deposits/")
    async def crypto_deposits(
        self,
        *,
        offset: Offset = None,
        limit: PageSize = None,
        since_timestamp: Moment = None,
        until_timestamp: Moment = None,
        status: DepositStatus | DepositStatusWord | None = None,
    ) -> list[CryptoDeposit]:
        """Deposits of coins.

        Args:
            offset: Rows to leave out. None: not sent; the exchange uses 0.
            limit: Length of the list, 1 to 1,000. None: not sent; the exchange uses 100.
            since_timestamp: As in `crypto_transactions`.
            until_timestamp: As in `crypto_transactions`.
            status: None: not sent; all.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Deposits, "Get crypto deposits".
        """
        ...

    @private("POST /crypto-transactions/deposits/{deposit_id}/", kind=WRITE, body=JSON)
    async def update_deposit_originator(
        self,
        *,
        deposit_id: str,
        originator_thirdparty: bool | None = None,
        originator_id: str | None = None,
        originator_info: Body = None,
        beneficiary_info: Body = None,
        vasp_uuid: str | None = None,
    ) -> Silent:
        """Submit who sent a deposit that waits for it.

        Args:
            deposit_id: `CryptoDeposit.id`.
            originator_thirdparty: Whether somebody else sent it. None: not sent.
            originator_id: Id of a stored person. None: not sent.
            originator_info: Who sent it, with ``retail_info`` or ``corporate_info``. None: not sent.
            beneficiary_info: Who receives it, as *originator_info*. None: not sent.
            vasp_uuid: Id of the provider from which it came. None: not sent.

        Returns:
            None: it was noted. Wire: status 204 without a body.

        Source:
            Bitstamp API v2, Deposits, "Update deposit originator".
        """
        ...

    @private("POST /crypto-transactions/deposits/{deposit_id}/reject/", kind=MONEY)
    async def reject_crypto_deposit(self, deposit_id: str) -> Silent:
        """Send a deposit that waits back to where it came from.

        Args:
            deposit_id: `CryptoDeposit.id`.

        Returns:
            None: it is rejected. Wire: no body; its status is not documented.

        Source:
            Bitstamp API v2, Deposits, "Reject crypto deposit".
        """
        ...

    @private("POST /instant_convert_address/new/", kind=WRITE)
    async def new_instant_convert_address(
        self, *, liquidation_currency: str, address_format: str | None = None
    ) -> InstantConvertAddress:
        """Create an address where bitcoins are sold as they arrive.

        Args:
            liquidation_currency: What they are sold for, such as USD.
            address_format: P2SHP2WSH or BECH32. None: not sent.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, Instant convert address, "New instant convert address".
        """
        ...

    @private("POST /instant_convert_address/info/", kind=READ)
    async def instant_convert_address_info(self, *, address: str | None = None) -> list[InstantConvertAddressInfo]:
        """Addresses where bitcoins are sold as they arrive, and what arrived.

        Args:
            address: None: not sent; all.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Instant convert address, "Instant convert address info".
        """
        ...
