"""Money and coins that come in and go out."""

from __future__ import annotations

from typing import Annotated

from exchanges.bitex.api import API
from exchanges.bitex.checks import country_code, currency_code, one_word, present_if_true
from exchanges.bitex.models.funding import Address, MoreMtBranch
from exchanges.bitex.models.instructions import (
    InstructionBody,
    InstructionSchema,
    WithdrawalInstruction,
    fault_of_body,
    text_of_body,
)
from exchanges.bitex.models.rows import SpecieDeposit, SpecieWithdrawal, UsdDeposit, UsdWithdrawal
from exchanges.endpoint import IDEMPOTENT, MONEY, WRITE, Area, Param, private
from exchanges.wire import Amount

__all__ = ["Funding"]


class Funding(Area, api=API):
    """Deposit and withdraw dollars and bitcoins.

    Money may come from, and go to, people with an accepted KYC profile in the account alone. Local currency becomes
    dollars at the rate of whoever moves it, as a rule known when it is paid; `Rates` gives an estimate. Withdrawals
    are supervised by people: within working hours, and it may take some.
    """

    @private("POST /private/usd/deposits", kind=WRITE)
    async def create_usd_deposit(
        self,
        *,
        country: Annotated[str, Param(check=country_code)],
        amount: Annotated[Amount, Param(echo="requested_amount")],
        currency: Annotated[str, Param(check=currency_code)],
        deposit_method: Annotated[str, Param(echo=None)],
        request_details: Annotated[str | None, Param(secret=True)] = None,
        kyc_profile_id: int | None = None,
    ) -> UsdDeposit:
        """Announce money that is about to be sent.

        Bank transfers that nobody announced may not be accepted. Cash needs no announcement: walk into one of
        `more_mt_branches` with a photo ID and the `Profile.more_mt_deposit_code`.

        Args:
            country: Where it comes from: AR, BR, CL, CO, PE, UY, MX or US.
            amount: In *currency*.
            currency: ARS, BRL, CLP, COP, PEN, UYU, MXN or USD; that of *country*, unless Bitex says otherwise.
            deposit_method: ``bank`` for a transfer.
            request_details: For the eyes of the staff. For a transfer: name and country of the sender and of the bank.
            kyc_profile_id: Who sends it; the account's main profile unless said.

        Returns:
            The deposit with status PENDING. People move it to DONE when the money has come, or to CANCELLED. Wire: row
            of 15, class reference 7.

        Source:
            Bitex developer guide, "Create a USD Deposit".
        """
        ...

    @private("POST /private/usd/deposits/{deposit_id}/cancel", kind=IDEMPOTENT)
    async def cancel_usd_deposit(self, deposit_id: int) -> UsdDeposit:
        """Call off a deposit that is still PENDING.

        Not for money that was paid already and is only on its way: get in touch with Bitex instead.

        Args:
            deposit_id: The `UsdDeposit.id`.

        Returns:
            Wire: row of 15, class reference 7.

        Source:
            Bitex developer guide, "Cancel a USD Deposit".
        """
        ...

    @private("GET /private/usd/deposits/{deposit_id}")
    async def usd_deposit(self, deposit_id: int) -> UsdDeposit:
        """One deposit of money.

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
        """Money that came in, or was announced, within the last 30 days.

        Returns:
            Wire: list of rows of 15, class reference 7.

        Source:
            Bitex developer guide, "List your USD Deposits".
        """
        ...

    @private("GET /private/usd/deposits/more_mt_branches")
    async def more_mt_branches(self) -> list[MoreMtBranch]:
        """All branches of MoreMT, anywhere, that take deposits for Bitex.

        Longer lists exist elsewhere; the branches that are missing here cannot take such deposits.

        Returns:
            Wire: list of objects.

        Source:
            Bitex developer guide, "More MT Deposit Branches".
        """
        ...

    @private("POST /private/usd/withdrawals", kind=MONEY)
    async def create_usd_withdrawal(
        self, *, amount: Amount, withdrawal_instruction_id: int, kyc_profile_id: int | None = None
    ) -> UsdWithdrawal:
        """Have money paid out.

        Args:
            amount: In USD.
            withdrawal_instruction_id: How: the `WithdrawalInstruction.id`.
            kyc_profile_id: Who is paid; the account's main profile unless said.

        Returns:
            The withdrawal with status RECEIVED. It is PENDING as soon as the funds are found to suffice; people move
            it to DONE or CANCELLED, in hours. Wire: row of 13, class reference 8.

        Source:
            Bitex developer guide, "Create a USD Withdrawal".
        """
        ...

    @private("GET /private/usd/withdrawals/{withdrawal_id}")
    async def usd_withdrawal(self, withdrawal_id: int) -> UsdWithdrawal:
        """One withdrawal of money.

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
        """Money that went out, or is to, within the last 30 days.

        Returns:
            Wire: list of rows of 13, class reference 8.

        Source:
            Bitex developer guide, "List your USD Withdrawals".
        """
        ...

    @private("POST /private/usd/withdrawal_instructions", kind=WRITE)
    async def create_withdrawal_instruction(
        self,
        *,
        body: Annotated[InstructionBody, Param(type="object", check=fault_of_body, render=text_of_body, secret=True)],
        label: str | None = None,
        schema: InstructionSchema | None = None,
    ) -> WithdrawalInstruction:
        """Store how money is to be paid out, for withdrawals and for the Concierge.

        Args:
            body: A `DomesticBank`, `MoreMtPickUp`, `InternationalBank` or `ThirdParty`, whose documented choices are
                checked here; or any mapping, which is left to the exchange to check. Errors do not show it.
            label: Your own name for it.
            schema: By whose rules the body is checked; BITEX unless said. BASE is less strict and knows fewer ways.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, "Create a USD Withdrawal Instruction". As on its command line the body travels as
            JSON text within a form.
        """
        ...

    @private("GET /private/btc/deposits/{deposit_id}")
    async def btc_deposit(self, deposit_id: int) -> SpecieDeposit:
        """One deposit of bitcoins.

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
        """Bitcoins that came in within the last 30 days.

        One for each output of a transaction that pays to the account, credited after 3 confirmations as a rule and 6
        at most. What was paid through a payment is among them, in one deposit or several.

        Returns:
            Wire: list of rows of 5, class reference 5.

        Source:
            Bitex developer guide, "List your BTC Deposits".
        """
        ...

    @private("POST /private/btc/addresses", kind=WRITE)
    async def create_address(self, *, auto_sell: Annotated[bool, Param(render=present_if_true)] = False) -> Address:
        """Make one more address to which bitcoins can be sent.

        Args:
            auto_sell: Start a selling bot for the full amount of each deposit to it, at the best price of the market.
                False is not sent.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, "Create Address".
        """
        ...

    @private("GET /private/btc/addresses/{public_address}")
    async def address(self, public_address: str) -> Address:
        """One address.

        Args:
            public_address: As on the bitcoin network.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, "Show Address".
        """
        ...

    @private("GET /private/btc/addresses")
    async def addresses(self) -> list[Address]:
        """All addresses of the account: the first ones, those made here, and those that Bitex made for payments.

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
        address: Annotated[str, Param(check=one_word, echo="to_address")],
        amount: Annotated[Amount, Param(echo="quantity")],
        label: Annotated[str | None, Param(tag=True)] = None,
        kyc_profile_id: int | None = None,
    ) -> SpecieWithdrawal:
        """Send bitcoins away.

        Args:
            address: Where to, on the bitcoin network.
            amount: In BTC.
            label: Your own name for the address. Where you leave it empty it bears a mark of this call, by which
                `Bitex.reconcile` knows the withdrawal again.
            kyc_profile_id: Who receives them; the account's main profile unless said.

        Returns:
            The withdrawal with status RECEIVED. It is PENDING as soon as the funds are found to suffice; people move
            it to DONE or CANCELLED, in hours. Wire: row of 11, class reference 6.

        Source:
            Bitex developer guide, "Create a BTC Withdrawal".
        """
        ...

    @private("GET /private/btc/withdrawals/{withdrawal_id}")
    async def btc_withdrawal(self, withdrawal_id: int) -> SpecieWithdrawal:
        """One withdrawal of bitcoins.

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
        """Bitcoins that went out, or are to, within the last 30 days.

        Returns:
            Wire: list of rows of 11, class reference 6.

        Source:
            Bitex developer guide, "List your BTC Withdrawals".
        """
        ...
