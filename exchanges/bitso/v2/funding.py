"""Deposits and withdrawals, by v2."""

from __future__ import annotations

from typing import Annotated

from exchanges.bitso.api import V2
from exchanges.bitso.clabe import fault_of_clabe
from exchanges.bitso.v2.models import Accepted
from exchanges.endpoint import MONEY, READ, Area, Param, private
from exchanges.wire import Amount, BitcoinAddress


def _fault_of_reference(reference: str) -> str | None:
    return None if reference.isascii() and reference.isdigit() else "must be digits"


class Funding(Area, api=V2):
    """Deposit bitcoins; withdraw bitcoins, currencies over Ripple, and pesos."""

    @private("POST /bitcoin_deposit_address", kind=READ)
    async def bitcoin_deposit_address(self) -> Annotated[str, BitcoinAddress()]:
        """Address at which the account receives bitcoins.

        Returns:
            Wire: a bare string.

        Source:
            Bitso API v2, Private Endpoints, "Bitcoin Deposit".
        """
        ...

    @private("POST /bitcoin_withdrawal", kind=MONEY)
    async def bitcoin_withdrawal(self, *, amount: Amount, address: str) -> Accepted:
        """Send bitcoins to an address.

        Args:
            amount: In BTC.
            address: Bitcoin address that receives them. A key may be bound to one address when it is created.

        Returns:
            None: it was accepted. Wire: the string ``"ok"``.

        Source:
            Bitso API v2, Private Endpoints, "Bitcoin Withdrawal".
        """
        ...

    @private(
        "POST /ripple_withdrawal",
        kind=MONEY,
        notice="Bitso now takes ripple deposits of this account from the address that received this",
    )
    async def ripple_withdrawal(self, *, currency: str, amount: Amount, address: str) -> Accepted:
        """Send a currency over Ripple, and change the address that the account's ripple deposits come from.

        The exchange makes *address* the ripple address of the account: later deposits over Ripple must come from it.
        Each withdrawal that is accepted logs a warning about this.

        Args:
            currency: Such as XRP.
            amount: Of *currency*.
            address: Ripple address that receives it.

        Returns:
            None: it was accepted. Wire: the string ``"ok"``.

        Source:
            Bitso API v2, Private Endpoints, "Ripple Withdrawal".
        """
        ...

    @private("POST /spei_withdrawal", kind=MONEY)
    async def spei_withdrawal(
        self,
        *,
        amount: Amount,
        recipient_given_names: Annotated[str, Param(secret=True)],
        recipient_family_names: Annotated[str, Param(secret=True)],
        clabe: Annotated[str, Param(check=fault_of_clabe, secret=True)],
        notes_ref: str,
        numeric_ref: Annotated[str, Param(check=_fault_of_reference)],
    ) -> Accepted:
        """Send pesos to a Mexican bank account.

        At once in banking hours: Monday to Friday, 9:00 to 17:00 in Mexico City; later otherwise.

        Args:
            amount: In MXN.
            recipient_given_names: First and middle names of the recipient.
            recipient_family_names: Last names of the recipient.
            clabe: Number of the account: 18 digits, the last of which is checked before anything is sent.
            notes_ref: Reference in letters and digits.
            numeric_ref: Reference in digits.

        Returns:
            None: it was accepted. Wire: the string ``"ok"``.

        Source:
            Bitso API v2, Private Endpoints, "Bank Withdrawal (SPEI)".
        """
        ...
