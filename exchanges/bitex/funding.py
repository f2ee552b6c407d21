"""Deposits and withdrawals of dollars and bitcoins."""

from __future__ import annotations

from typing import Annotated, Literal

from exchanges.bitex.api import API
from exchanges.bitex.checks import ECHOED_ID, fault_of_address, fault_of_country, fault_of_currency, present_if_true
from exchanges.bitex.models.funding import Address, MoreMtBranch
from exchanges.bitex.models.instructions import (
    InstructionBody,
    InstructionSchema,
    WithdrawalInstruction,
    fault_of_body,
    is_same_body,
    text_of_body,
)
from exchanges.bitex.models.rows import SpecieDeposit, SpecieWithdrawal, UsdDeposit, UsdWithdrawal
from exchanges.endpoint import CANCEL, MONEY, WRITE, Area, Param, private
from exchanges.wire import Amount


class Funding(Area, api=API):
    """Deposit and withdraw dollars and bitcoins.

    Only people with an accepted KYC profile in the account can deposit and receive money. The payment provider
    converts local currency into dollars, usually at a rate that is known at payment; `Rates` estimates it. The staff
    process withdrawals by hand, within working hours, and it may take hours.
    """

    # Paths name the currency here; those of the later API of the exchange (cash, coin) do not exist.
    @private("POST /private/usd/deposits", kind=WRITE)
    async def create_usd_deposit(
        self,
        *,
        country: Annotated[str, Param(check=fault_of_country)],
        amount: Annotated[Amount, Param(echo="requested_amount")],
        currency: Annotated[str, Param(check=fault_of_currency)],
        # No echo: the answer has the number of a `DepositMethod`, not this word.
        deposit_method: Annotated[str, Param(echo=None)],
        request_details: Annotated[str | None, Param(secret=True)] = None,
        kyc_profile_id: int | None = None,
    ) -> UsdDeposit:
        """Announce a deposit of money.

        Bank transfers that were not announced may be rejected. Cash needs no announcement: it is paid in at one of
        `more_mt_branches` with a photo ID and the `Profile.more_mt_deposit_code`.

        Args:
            country: The country that it is sent from: AR, BR, CL, CO, PE, UY, MX or US.
            amount: In *currency*.
            currency: ARS, BRL, CLP, COP, PEN, UYU, MXN or USD; that of *country*, unless Bitex says otherwise.
            deposit_method: ``bank`` for a transfer.
            request_details: Remarks for the staff. For a transfer: name and country of the sender and of the bank.
            kyc_profile_id: The profile of the sender; default: the account's main profile.

        Returns:
            The deposit with status PENDING. The staff set it to DONE when the money has arrived, or to CANCELLED.
            Wire: row of 15, class reference 7.

        Source:
            Bitex developer guide, "Create a USD Deposit".
        """
        ...

    @private("POST /private/usd/deposits/{deposit_id}/cancel", kind=CANCEL)
    async def cancel_usd_deposit(self, deposit_id: Annotated[int, ECHOED_ID]) -> UsdDeposit:
        """Cancel a deposit that is still PENDING.

        If the money has been sent already, contact Bitex instead.

        Args:
            deposit_id: The `UsdDeposit.id`.

        Returns:
            Wire: row of 15, class reference 7.

        Source:
            Bitex developer guide, "Cancel a USD Deposit".
        """
        ...

    @private("GET /private/usd/deposits/{deposit_id}")
    async def usd_deposit(self, deposit_id: Annotated[int, ECHOED_ID]) -> UsdDeposit:
        """Return one deposit of money.

        Args:
            deposit_id: The `UsdDeposit.id`.

        Returns:
            Wire: row of 15, class reference 7.

        Source:
            Bitex developer guide, "Find a USD Deposit".
        """
        ...

    @private("GET /private/usd/deposits")
    async def usd_deposits(self) -> list[UsdDeposit]:
        """Return deposits of money that were announced or received within the last 30 days.

        Returns:
            Wire: list of rows of 15, class reference 7.

        Source:
            Bitex developer guide, "List your USD Deposits".
        """
        ...

    @private("GET /private/usd/deposits/more_mt_branches")
    async def more_mt_branches(self) -> list[MoreMtBranch]:
        """Return all branches of MoreMT, in any country, that accept deposits for Bitex.

        Longer lists exist elsewhere; branches that are not in this one do not accept such deposits.

        Returns:
            Wire: list of objects.

        Source:
            Bitex developer guide, "More MT Deposit Branches".
        """
        ...

    # No argument is a text that comes back with the withdrawal, so it bears no tag: one that is searched is never sure.
    @private("POST /private/usd/withdrawals", kind=MONEY)
    async def create_usd_withdrawal(
        self, *, amount: Amount, withdrawal_instruction_id: int, kyc_profile_id: int | None = None
    ) -> UsdWithdrawal:
        """Withdraw money.

        Args:
            amount: In USD.
            withdrawal_instruction_id: How it is paid out: the `WithdrawalInstruction.id`.
            kyc_profile_id: The profile of the payee; default: the account's main profile.

        Returns:
            The withdrawal with status RECEIVED. It becomes PENDING when the funds have been checked; within hours the
            staff set it to DONE or CANCELLED. Wire: row of 13, class reference 8.

        Source:
            Bitex developer guide, "Create a USD Withdrawal".
        """
        ...

    @private("GET /private/usd/withdrawals/{withdrawal_id}")
    async def usd_withdrawal(self, withdrawal_id: Annotated[int, ECHOED_ID]) -> UsdWithdrawal:
        """Return one withdrawal of money.

        Args:
            withdrawal_id: The `UsdWithdrawal.id`.

        Returns:
            Wire: row of 13, class reference 8.

        Source:
            Bitex developer guide, "Show a USD Withdrawal".
        """
        ...

    @private("GET /private/usd/withdrawals")
    async def usd_withdrawals(self) -> list[UsdWithdrawal]:
        """Return withdrawals of money of the last 30 days.

        Returns:
            Wire: list of rows of 13, class reference 8.

        Source:
            Bitex developer guide, "List your USD Withdrawals".
        """
        ...

    # Quirk: an object within a form, for which no encoding is documented: sent as JSON text, as in the curl example.
    @private("POST /private/usd/withdrawal_instructions", kind=WRITE)
    async def create_withdrawal_instruction(
        self,
        *,
        # A secret as a whole: free-form, so any of its fields may identify a person or an account.
        body: Annotated[
            InstructionBody,
            Param(
                type="object", check=fault_of_body, render=text_of_body, secret=True, echo="stored", same=is_same_body
            ),
        ],
        label: str | None = None,
        schema: InstructionSchema | Literal["bitex", "base"] | None = None,
    ) -> WithdrawalInstruction:
        """Store an instruction how money is to be paid out, for withdrawals and for the Concierge.

        Args:
            body: A `DomesticBank`, `MoreMtPickUp`, `InternationalBank` or `ThirdParty`, whose documented choices are
                checked here; or any mapping, which only the exchange checks. Errors do not show it.
            label: Your own name for it.
            schema: The rules by which the exchange validates the body; default: BITEX. BASE is less strict and knows
                fewer payment methods.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, "Create a USD Withdrawal Instruction". As in its curl example the body is sent
            as JSON text within a form.
        """
        ...

    @private("GET /private/btc/deposits/{deposit_id}")
    async def btc_deposit(self, deposit_id: Annotated[int, ECHOED_ID]) -> SpecieDeposit:
        """Return one deposit of bitcoins.

        Args:
            deposit_id: The `SpecieDeposit.id`.

        Returns:
            Wire: row of 5, class reference 5.

        Source:
            Bitex developer guide, "Show a BTC Deposit".
        """
        ...

    @private("GET /private/btc/deposits")
    async def btc_deposits(self) -> list[SpecieDeposit]:
        """Return deposits of bitcoins of the last 30 days.

        There is one for each transaction output to the account, credited after usually 3 and at most 6 confirmations.
        Coins received by a payment are among them, in one or several deposits.

        Returns:
            Wire: list of rows of 5, class reference 5.

        Source:
            Bitex developer guide, "List your BTC Deposits".
        """
        ...

    @private("POST /private/btc/addresses", kind=WRITE)
    async def create_address(self, *, auto_sell: Annotated[bool, Param(render=present_if_true)] = False) -> Address:
        """Create a deposit address for bitcoins.

        Args:
            auto_sell: Start a selling bot for the full amount of each deposit to it, at the best market price. False
                is not sent.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, "Create Address".
        """
        ...

    @private("GET /private/btc/addresses/{public_address}")
    async def address(self, public_address: Annotated[str, Param(echo="public_address")]) -> Address:
        """Return one address.

        Args:
            public_address: The address on the Bitcoin network.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, "Show Address".
        """
        ...

    @private("GET /private/btc/addresses")
    async def addresses(self) -> list[Address]:
        """Return all addresses of the account: initial ones, those created here, and those of payments.

        Returns:
            Wire: list of objects.

        Source:
            Bitex developer guide, "List Addresses".
        """
        ...

    @private("POST /private/btc/withdrawals", kind=MONEY)
    async def create_btc_withdrawal(
        self,
        *,
        address: Annotated[str, Param(check=fault_of_address, echo="to_address")],
        amount: Annotated[Amount, Param(echo="quantity")],
        label: Annotated[str | None, Param(tag=True)] = None,
        kyc_profile_id: int | None = None,
    ) -> SpecieWithdrawal:
        """Withdraw bitcoins.

        Args:
            address: The destination on the Bitcoin network.
            amount: In BTC.
            label: Your own name for the address. If you omit it, it carries a tag of this call, by which
                `Bitex.reconcile` finds the withdrawal.
            kyc_profile_id: The profile of the recipient; default: the account's main profile.

        Returns:
            The withdrawal with status RECEIVED. It becomes PENDING when the funds have been checked; within hours the
            staff set it to DONE or CANCELLED. Wire: row of 11, class reference 6.

        Source:
            Bitex developer guide, "Create a BTC Withdrawal".
        """
        ...

    @private("GET /private/btc/withdrawals/{withdrawal_id}")
    async def btc_withdrawal(self, withdrawal_id: Annotated[int, ECHOED_ID]) -> SpecieWithdrawal:
        """Return one withdrawal of bitcoins.

        Args:
            withdrawal_id: The `SpecieWithdrawal.id`.

        Returns:
            Wire: row of 11, class reference 6.

        Source:
            Bitex developer guide, "Show a BTC Withdrawal".
        """
        ...

    @private("GET /private/btc/withdrawals")
    async def btc_withdrawals(self) -> list[SpecieWithdrawal]:
        """Return withdrawals of bitcoins of the last 30 days.

        Returns:
            Wire: list of rows of 11, class reference 6.

        Source:
            Bitex developer guide, "List your BTC Withdrawals".
        """
        ...
