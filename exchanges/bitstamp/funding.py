"""Deposits, withdrawals and transfers, by v2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from exchanges.bitstamp.api import V2
from exchanges.bitstamp.arguments import (
    Address,
    Code,
    CurrencyCode,
    Flag,
    Offset,
    OptionalCode,
    PageSize,
    Person,
    Tag,
    TagNumber,
    between,
    whole_id,
)
from exchanges.bitstamp.deposits import Deposits
from exchanges.bitstamp.models.funding import (
    BankWithdrawal,
    CancelledWithdrawal,
    FiatWithdrawalStatus,
    Transferred,
    Withdrawal,
    WithdrawalRequest,
)
from exchanges.endpoint import CANCEL, MONEY, READ, Param, private
from exchanges.endpoint.arguments import json_object
from exchanges.wire import Amount

MAX_SECONDS = 50_000_000
_TAGGED = {"destination_tag": "xrp", "transfer_id": "cspr"}
_TAGLESS = frozenset({"btc", "bch", "eth", "ltc"})
WithdrawalId = Annotated[str | int, Param(wire="id", type="int", render=whole_id, echo=None)]
Body = Annotated[Mapping[str, object] | None, Param(type="object", render=json_object, echo=None)]


def _fault_of_page(arguments: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the page of a list of withdrawals; None if nothing is."""
    given = [arguments.get(name) is not None for name in ("limit", "offset")]
    return None if all(given) or not any(given) else "limit and offset belong together"


def _fault_of_bank(arguments: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the arguments of a withdrawal to a bank together; None if nothing is."""
    names = ("bank_name", "bank_address", "bank_postal_code", "bank_city", "bank_country", "currency")
    given = [name for name in names if arguments.get(name) is not None]
    if arguments.get("type") == "sepa" and given:
        return f"{given[0]} is for international withdrawals"
    missing = [name for name in names if name not in given]
    if arguments.get("type") == "international" and missing:
        return f"an international withdrawal needs {', '.join(missing)}"
    return None


def _fault_of_tag(arguments: Mapping[str, Any]) -> str | None:
    """Return what is wrong with what is sent beside an address; None if nothing is.

    Other currencies travel on the same networks, so a network that is named is not compared.
    """
    given = [name for name in ("memo_id", "destination_tag", "transfer_id") if arguments.get(name) is not None]
    if len(given) > 1:
        return f"give one of {' and '.join(given)}"
    currency = str(arguments["currency"])
    if not given or arguments.get("network") is not None:
        return None
    owner = _TAGGED.get(given[0])
    if currency in _TAGLESS or owner not in (None, currency):
        return f"{currency} has no {given[0]}; name the network if it travels on one that has"
    return None


def _fault_of_code(code: str) -> str | None:
    return None if code in ("sepa", "international") else "must be sepa or international"


class Funding(Deposits, api=V2):
    """Deposits and withdrawals of coins and money, and transfers between sub accounts.

    A withdrawal bears no client's id: two equal ones cannot be told apart.
    """

    @private("POST /{currency}_withdrawal/", kind=MONEY, check=_fault_of_tag)
    async def crypto_withdrawal(
        self,
        *,
        currency: CurrencyCode,
        amount: Amount,
        address: Address,
        network: str | None = None,
        memo_id: Tag = None,
        destination_tag: TagNumber = None,
        transfer_id: TagNumber = None,
        originator_info: Person = None,
        beneficiary_info: Person = None,
        beneficiary_thirdparty: Flag = None,
        beneficiary_id: str | None = None,
        vasp_uuid: str | None = None,
    ) -> Withdrawal:
        """Send coins to an address.

        Args:
            currency: In lower case, such as btc.
            amount: Of *currency*; decimals and minimum by `Network`.
            address: Of the receiver.
            network: Such as bitcoin. None: not sent; the exchange uses the main network.
            memo_id: Memo that the receiver demands, such as of XLM: text or a number. None: not sent.
            destination_tag: Tag that the receiver demands, of XRP: a number or its digits. None: not sent.
            transfer_id: Number that the receiver demands, of CSPR. None: not sent.
            originator_info: Who sends, with ``retail_info`` or ``corporate_info``. None: not sent.
            beneficiary_info: Who receives, as *originator_info*. None: not sent.
            beneficiary_thirdparty: Whether the address is not your own.
            beneficiary_id: Id of a stored receiver. None: not sent.
            vasp_uuid: Id of the provider at which the address is. None: not sent.

        Returns:
            The withdrawal, accepted. Wire: object.

        Source:
            Bitstamp API v2, Withdrawals, "Crypto withdrawal".
        """
        ...

    @private("POST /ripple_withdrawal/", kind=MONEY)
    async def ripple_withdrawal(
        self,
        *,
        currency: Code,
        amount: Amount,
        address: Address,
        originator_info: Person = None,
        beneficiary_info: Person = None,
        beneficiary_thirdparty: Flag = None,
        beneficiary_id: str | None = None,
        vasp_uuid: str | None = None,
    ) -> Withdrawal:
        """Send a claim on a currency over the XRP Ledger.

        Args:
            currency: USD, BTC, EUR or ETH.
            amount: Of *currency*.
            address: Of the receiver.
            originator_info: As in `crypto_withdrawal`.
            beneficiary_info: As in `crypto_withdrawal`.
            beneficiary_thirdparty: As in `crypto_withdrawal`.
            beneficiary_id: As in `crypto_withdrawal`.
            vasp_uuid: As in `crypto_withdrawal`.

        Returns:
            The withdrawal, accepted. Wire: object.

        Source:
            Bitstamp API v2, Withdrawals, "Ripple IOU withdrawal".
        """
        ...

    @private("POST /withdrawal-requests/", kind=READ, check=_fault_of_page)
    async def withdrawal_requests(
        self,
        *,
        withdrawal_id: Annotated[str | int | None, Param(wire="id", type="int", render=whole_id, echo="id")] = None,
        timedelta: Annotated[int | None, Param(check=between(0, MAX_SECONDS))] = None,
        limit: PageSize = None,
        offset: Offset = None,
    ) -> list[WithdrawalRequest]:
        """Withdrawals of coins and money, newest first.

        Args:
            withdrawal_id: `WithdrawalRequest.id`. None: not sent; all.
            timedelta: Seconds back from now, up to 50,000,000. None: not sent.
            limit: Length of the list, 1 to 1,000; together with *offset* alone. None: not sent; the exchange uses
                1,000.
            offset: Rows to leave out; together with *limit* alone. None: not sent.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Withdrawals, "Get withdrawal requests".
        """
        ...

    @private("POST /withdrawal/open/", kind=MONEY, check=_fault_of_bank)
    async def open_bank_withdrawal(
        self,
        *,
        amount: Amount,
        account_currency: Code,
        name: Annotated[str, Param(secret=True)],
        iban: Annotated[str, Param(secret=True)],
        bic: str,
        address: Annotated[str, Param(secret=True)],
        postal_code: str,
        city: str,
        country: Code,
        type: Annotated[str, Param(check=_fault_of_code)],  # noqa: A002 - the name of the documents
        bank_name: str | None = None,
        bank_address: str | None = None,
        bank_postal_code: str | None = None,
        bank_city: str | None = None,
        bank_country: OptionalCode = None,
        currency: OptionalCode = None,
        comment: str | None = None,
        intermed_routing_num_or_bic: str | None = None,
    ) -> BankWithdrawal:
        """Send money to a bank account, of the main account alone.

        Args:
            amount: Of *account_currency*.
            account_currency: USD, EUR or GBP: the balance that it is taken from.
            name: Of the receiver.
            iban: Of the receiver's account.
            bic: Of the receiver's bank.
            address: Street of the receiver.
            postal_code: Of the receiver.
            city: Of the receiver.
            country: Of the receiver: ISO 3166, two letters.
            type: sepa or international.
            bank_name: International alone, as the rest.
            bank_address: Street of the bank.
            bank_postal_code: Of the bank.
            bank_city: Of the bank.
            bank_country: Of the bank: ISO 3166, two letters.
            currency: What arrives: ISO 4217; the exchange converts.
            comment: For the receiver. None: not sent.
            intermed_routing_num_or_bic: Of a bank between. None: not sent.

        Returns:
            The withdrawal, accepted. Wire: object.

        Source:
            Bitstamp API v2, Withdrawals, "Open bank withdrawal".
        """
        ...

    @private("POST /withdrawal/status/", kind=READ)
    async def fiat_withdrawal_status(self, withdrawal_id: WithdrawalId) -> FiatWithdrawalStatus:
        """Read the status of a withdrawal to a bank.

        Args:
            withdrawal_id: `BankWithdrawal.withdrawal_id`.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, Withdrawals, "Fiat withdrawal status".
        """
        ...

    # A second cancel finds nothing to cancel, so it may be repeated.
    @private("POST /withdrawal/cancel/", kind=CANCEL)
    async def cancel_withdrawal(
        self, withdrawal_id: Annotated[str | int, Param(wire="id", type="int", render=whole_id, echo="id")]
    ) -> CancelledWithdrawal:
        """Cancel a withdrawal to a bank that is not in process yet.

        Args:
            withdrawal_id: `BankWithdrawal.withdrawal_id`.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, Withdrawals, "Cancel bank withdrawal".
        """
        ...

    @private("POST /transfer-to-main/", kind=MONEY)
    async def transfer_to_main(
        self,
        *,
        amount: Amount,
        currency: Code,
        sub_account: Annotated[int | None, Param(wire="subAccount")] = None,
    ) -> Transferred:
        """Transfer from a sub account to the main account.

        Args:
            amount: Of *currency*.
            currency: In upper case, such as BTC.
            sub_account: Id of the sub account; with a key of the main account alone. None: that of the key.

        Returns:
            None: it was transferred. Wire: object with the status ok.

        Source:
            Bitstamp API v2, Sub account, "Transfer balance from Sub to Main".
        """
        ...

    @private("POST /transfer-from-main/", kind=MONEY)
    async def transfer_from_main(
        self, *, amount: Amount, currency: Code, sub_account: Annotated[int, Param(wire="subAccount")]
    ) -> Transferred:
        """Transfer from the main account to a sub account; with a key of the main account alone.

        Args:
            amount: Of *currency*.
            currency: In upper case, such as BTC.
            sub_account: Id of the sub account.

        Returns:
            None: it was transferred. Wire: object with the status ok.

        Source:
            Bitstamp API v2, Sub account, "Transfer balance from Main to Sub".
        """
        ...
