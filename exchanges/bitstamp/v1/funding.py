"""Deposits and withdrawals, by v1."""

from __future__ import annotations

from typing import Annotated

from exchanges.bitstamp.api import V1
from exchanges.bitstamp.arguments import Address, Code
from exchanges.bitstamp.v1.models import BitcoinWithdrawal, Done, UnconfirmedDeposit, WithdrawalRequest
from exchanges.endpoint import MONEY, READ, Area, private
from exchanges.wire import Amount, BitcoinAddress, RippleAddress


class Funding(Area, api=V1):
    """Deposit and withdraw bitcoins and currencies over Ripple; read withdrawals of every kind."""

    @private("POST /withdrawal_requests/", kind=READ)
    async def withdrawal_requests(self) -> list[WithdrawalRequest]:
        """Withdrawals that were requested, of every type and status.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v1, Private Functions, "Withdrawal requests".
        """
        ...

    @private("POST /bitcoin_withdrawal/", kind=MONEY)
    async def bitcoin_withdrawal(self, *, amount: Amount, address: Address) -> BitcoinWithdrawal:
        """Send bitcoins to an address.

        Args:
            amount: In BTC.
            address: Bitcoin address that receives them.

        Returns:
            The id of the withdrawal, which is not yet done. Wire: object.

        Source:
            Bitstamp API v1, Private Functions, "Bitcoin withdrawal".
        """
        ...

    @private("POST /bitcoin_deposit_address/", kind=READ)
    async def bitcoin_deposit_address(self) -> Annotated[str, BitcoinAddress()]:
        """Address at which the account receives bitcoins.

        Returns:
            Wire: a bare string.

        Source:
            Bitstamp API v1, Private Functions, "Bitcoin deposit address".
        """
        ...

    @private("POST /unconfirmed_btc/", kind=READ)
    async def unconfirmed_btc(self) -> list[UnconfirmedDeposit]:
        """Bitcoins on their way in that the network has not confirmed enough.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v1, Private Functions, "Unconfirmed bitcoin deposits".
        """
        ...

    # Quirk: the document calls it a bitcoin address, as for the call above it; it is one of Ripple.
    @private("POST /ripple_withdrawal/", kind=MONEY)
    async def ripple_withdrawal(self, *, amount: Amount, address: Address, currency: Code) -> Done:
        """Send a currency over Ripple.

        Args:
            amount: Of *currency*.
            address: Ripple address that receives it; the document says bitcoin address, as for the call above it.
            currency: Such as USD.

        Returns:
            None: it was accepted. Wire: ``true``.

        Source:
            Bitstamp API v1, Private Functions, "Ripple withdrawal".
        """
        ...

    @private("POST /ripple_address/", kind=READ)
    async def ripple_address(self) -> Annotated[str, RippleAddress()]:
        """Address at which the account receives over Ripple.

        Returns:
            The address, with ``?dt=`` and the destination tag behind it if it has one. Wire: a bare string, or an
            object with ``address`` and maybe ``destination_tag``.

        Source:
            Bitstamp API v1, Private Functions, "Ripple deposit address".
        """
        ...
