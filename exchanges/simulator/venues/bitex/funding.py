"""Deposits and withdrawals of money and coins, through all their states."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TypeAlias, TypeVar

from attrs import define, field

from exchanges import bitex
from exchanges.bitex.funding import Funding
from exchanges.simulator.engine.balances import product
from exchanges.simulator.engine.prices import MINUTE_MS
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.engine.store import Store
from exchanges.simulator.venues.bitex.bots import BotHandlers
from exchanges.simulator.venues.bitex.customers import (
    BitexAccount,
    BitexCall,
    BitexHandlers,
    amount_of,
    finds,
    lists_since,
)
from exchanges.simulator.venues.bitex.kyc import KycHandlers
from exchanges.simulator.venues.bitex.rates import USD_PER_UNIT
from exchanges.simulator.venues.calls import second
from exchanges.simulator.venues.handlers import handles, lists

CREDITED_MS = 60 * MINUTE_MS
"""Announced money is credited after this time."""
PROCESSED_MS = 120 * MINUTE_MS
"""A withdrawal is processed after this time."""
CONFIRMED_MS = 30 * MINUTE_MS
"""Coins have enough confirmations after this time."""
USD = 3
_METHODS = {
    "bank": bitex.DepositMethod.OTHER,
    "other": bitex.DepositMethod.OTHER,
    "more_mt": bitex.DepositMethod.MORE_MT,
}
_BRANCHES = [
    bitex.MoreMtBranch(
        name=name,
        coords=bitex.Coordinates(Decimal(longitude), Decimal(latitude)),
        address=address,
        city=city,
        short_city=city.rpartition(" - ")[2],
        country=country,
    )
    for name, longitude, latitude, address, city, country in (
        ("Sucursal Centro", "-58.3816", "-34.6037", "Calle 1 100", "Buenos Aires - Capital Federal", bitex.Country.AR),
        ("Sucursal Lima", "-77.0428", "-12.0464", "Jiron 2 200", "Lima", bitex.Country.PE),
    )
]

W = TypeVar("W", bitex.UsdWithdrawal, bitex.SpecieWithdrawal)
Movement: TypeAlias = bitex.UsdDeposit | bitex.SpecieDeposit | bitex.UsdWithdrawal | bitex.SpecieWithdrawal


@define(eq=False)
class FundingHandlers(BitexHandlers):
    """Deposits, withdrawals and addresses.

    Withdrawals are debited at once and reviewed later: RECEIVED, with the next request PENDING, hours later DONE;
    without the funds CANCELLED with the next request.
    """

    kyc: KycHandlers
    bots: BotHandlers
    all_usd_deposits: Store[bitex.UsdDeposit] = field(init=False, factory=Store[bitex.UsdDeposit])
    all_usd_withdrawals: Store[bitex.UsdWithdrawal] = field(init=False, factory=Store[bitex.UsdWithdrawal])
    instructions: Store[bitex.WithdrawalInstruction] = field(init=False, factory=Store[bitex.WithdrawalInstruction])
    all_btc_deposits: Store[bitex.SpecieDeposit] = field(init=False, factory=Store[bitex.SpecieDeposit])
    all_btc_withdrawals: Store[bitex.SpecieWithdrawal] = field(init=False, factory=Store[bitex.SpecieWithdrawal])
    created_addresses: Store[bitex.Address] = field(init=False, factory=Store[bitex.Address])

    usd_deposit = finds(Funding.usd_deposit, lambda self: self.all_usd_deposits, "deposit_id")
    usd_deposits = lists_since(Funding.usd_deposits, lambda self: self.all_usd_deposits)
    usd_withdrawal = finds(Funding.usd_withdrawal, lambda self: self.all_usd_withdrawals, "withdrawal_id")
    usd_withdrawals = lists_since(Funding.usd_withdrawals, lambda self: self.all_usd_withdrawals)
    btc_deposit = finds(Funding.btc_deposit, lambda self: self.all_btc_deposits, "deposit_id")
    btc_deposits = lists_since(Funding.btc_deposits, lambda self: self.all_btc_deposits)
    btc_withdrawal = finds(Funding.btc_withdrawal, lambda self: self.all_btc_withdrawals, "withdrawal_id")
    btc_withdrawals = lists_since(Funding.btc_withdrawals, lambda self: self.all_btc_withdrawals)
    addresses = lists(Funding.addresses, lambda self, call: self.addresses_of(call.account))
    more_mt_branches = lists(Funding.more_mt_branches, lambda _, __: _BRANCHES)

    def movements_of(self, user_id: int) -> list[Movement]:
        """List all deposits and withdrawals of an account."""
        deposits: list[Movement] = [*self.all_usd_deposits.of(user_id), *self.all_btc_deposits.of(user_id)]
        return [*deposits, *self.all_usd_withdrawals.of(user_id), *self.all_btc_withdrawals.of(user_id)]

    # Deposits of money

    @handles(Funding.create_usd_deposit)
    def create_usd_deposit(self, call: BitexCall) -> object:
        """Announce money, which is credited later."""
        arguments, wallet = call.arguments, call.wallet
        method = _METHODS.get(arguments.text("deposit_method"))
        if arguments.text("currency") not in USD_PER_UNIT or method is None:
            raise Refused(Reason.WRONG_ARGUMENT, "currency" if method else "deposit_method")
        deposit = bitex.UsdDeposit(
            id=self.all_usd_deposits.next_id(),
            created_at=call.now,
            requested_amount=amount_of(call, "amount"),
            amount=None,
            deposit_method=method,
            status=bitex.DepositStatus.PENDING,
            reason=bitex.DepositReason.NOT_CANCELLED,
            country=arguments.text("country"),
            currency=arguments.text("currency"),
            kyc_profile_id=self.kyc.profile_id(call),
            request_details=arguments.words("request_details"),
            currency_id=USD,
        )

        def credit(now_ms: int) -> None:
            # It may have been cancelled in the meantime.
            if self.all_usd_deposits.find(deposit.id).status is not bitex.DepositStatus.PENDING:
                return
            amount = product(deposit.requested_amount or Decimal(0), USD_PER_UNIT[deposit.currency])
            self.engine.credit(wallet, "usd", amount, now_ms)
            self.all_usd_deposits.change(deposit.id, amount=amount, status=bitex.DepositStatus.DONE)

        self.engine.scheduler.at(call.now_ms + CREDITED_MS, credit)
        return self.all_usd_deposits.put(call.owner, deposit.id, deposit)

    @handles(Funding.cancel_usd_deposit)
    def cancel_usd_deposit(self, call: BitexCall) -> object:
        """Cancel an announced deposit that is not credited yet."""
        deposit = self.all_usd_deposits.get(call.owner, call.arguments.integer("deposit_id"))
        refuse_if(deposit.status is bitex.DepositStatus.DONE, Reason.WRONG_ARGUMENT, "status", "ya fue acreditado")
        status, reason = bitex.DepositStatus.CANCELLED, bitex.DepositReason.USER_CANCELLED
        return self.all_usd_deposits.change(deposit.id, status=status, reason=reason)

    # Withdrawals

    @handles(Funding.create_withdrawal_instruction)
    def create_withdrawal_instruction(self, call: BitexCall) -> object:
        """Store how to pay."""
        body = call.arguments.fields("body")
        if not all(isinstance(body.get(name), str) for name in ("payment_method", "country")):
            raise Refused(Reason.WRONG_ARGUMENT, "body")
        instruction = bitex.WithdrawalInstruction(
            id=self.instructions.next_id(),
            body=body,
            label=call.arguments.words("label"),
            schema=bitex.InstructionSchema(call.arguments.text("schema", "bitex")),
            created_at=call.now,
        )
        return self.instructions.put(call.owner, instruction.id, instruction)

    @handles(Funding.create_usd_withdrawal)
    def create_usd_withdrawal(self, call: BitexCall) -> object:
        """Request a withdrawal of money."""
        amount, number = amount_of(call, "amount"), call.arguments.integer("withdrawal_instruction_id")
        if not self.instructions.has(call.owner, number):
            raise Refused(Reason.WRONG_ARGUMENT, "withdrawal_instruction_id", "no existe")
        instruction = self.instructions.find(number)
        body = dict(instruction.body) if isinstance(instruction.body, dict) else {}
        withdrawal = bitex.UsdWithdrawal(
            id=self.all_usd_withdrawals.next_id(),
            created_at=call.now,
            amount=amount,
            status=bitex.WithdrawalStatus.RECEIVED,
            reason=bitex.UsdWithdrawalReason.NOT_CANCELLED,
            country=str(body.get("country")),
            currency=str(body.get("currency", "USD")),
            payment_method="international_bank" if body.get("payment_method") == "international_bank" else "bb",
            label=instruction.label,
            kyc_profile_id=self.kyc.profile_id(call),
            instructions=body,
            currency_id=USD,
        )
        return self._withdraw(call, self.all_usd_withdrawals, withdrawal, ("usd", amount))

    @handles(Funding.create_btc_withdrawal)
    def create_btc_withdrawal(self, call: BitexCall) -> object:
        """Request a withdrawal of coins."""
        quantity, number = amount_of(call, "amount"), self.all_btc_withdrawals.next_id()
        withdrawal = bitex.SpecieWithdrawal(
            id=number,
            created_at=call.now,
            specie=1,
            quantity=quantity,
            status=bitex.WithdrawalStatus.RECEIVED,
            reason=bitex.SpecieWithdrawalReason.NOT_CANCELLED,
            to_address=call.arguments.text("address"),
            label=call.arguments.words("label"),
            kyc_profile_id=self.kyc.profile_id(call),
        )
        transaction_id = self.customers.digest(f"withdrawal {number}").hex()
        store, amount = self.all_btc_withdrawals, ("btc", quantity)
        return self._withdraw(call, store, withdrawal, amount, transaction_id=transaction_id)

    def _withdraw(
        self, call: BitexCall, store: Store[W], withdrawal: W, amount: tuple[str, Decimal], **when_done: str
    ) -> W:
        """Debit a withdrawal if its funds suffice, and schedule its later states.

        Args:
            call: The request.
            store: Where it is stored.
            withdrawal: As it was received.
            amount: Currency and amount.
            when_done: What changes beside the status when it is done.
        """
        status, at, change = bitex.WithdrawalStatus, self.engine.scheduler.at, partial(store.change, withdrawal.id)
        # Reviewed now, and so before the next request: the answer to this one still says RECEIVED.
        if call.wallet.balances[amount[0]].available >= amount[1]:
            self.engine.withdraw(call.wallet, *amount, call.now_ms)
            at(call.now_ms, lambda _: change(status=status.PENDING))
            at(call.now_ms + PROCESSED_MS, lambda _: change(status=status.DONE, **when_done))
        else:
            reason = type(withdrawal.reason).NOT_ENOUGH_FUNDS
            at(call.now_ms, lambda _: change(status=status.CANCELLED, reason=reason))
        return store.put(call.owner, withdrawal.id, withdrawal)

    # Coins

    @handles(Funding.create_address)
    def create_address(self, call: BitexCall) -> object:
        """Create one more address."""
        return self.new_address(call.account, auto_sell=call.arguments.flag("auto_sell", default=False))

    def new_address(
        self, account: BitexAccount, *, auto_sell: bool = False, payment_id: int | None = None
    ) -> bitex.Address:
        """Create an address of an account."""
        number = self.created_addresses.next_id()
        address = bitex.Address(self.customers.new_address(f"address {number}"), auto_sell, payment_id)
        return self.created_addresses.put(account.user_id, number, address)

    def addresses_of(self, account: BitexAccount) -> list[bitex.Address]:
        """List the addresses of an account, newest first."""
        first = bitex.Address(account.deposit_address, auto_sell=False)
        return [*self.created_addresses.of(account.user_id), first]

    @handles(Funding.address)
    def address(self, call: BitexCall) -> object:
        """Return an address."""
        public_address = call.arguments.text("public_address")
        for address in self.addresses_of(call.account):
            if address.public_address == public_address:
                return address
        raise Refused(Reason.NOT_FOUND)

    def find_address(self, public_address: str) -> tuple[BitexAccount, bitex.Address]:
        """Return an address, and whose it is.

        Raises:
            LookupError: No account has this address.
        """
        for account in self.customers.by_id.values():
            for address in self.addresses_of(account):
                if address.public_address == public_address:
                    return account, address
        raise LookupError(f"no account has the address {public_address}")

    def receive_btc(self, account: BitexAccount, address: bitex.Address, quantity: Decimal, now_ms: int) -> None:
        """Credit coins once they are confirmed."""

        def confirm(at_ms: int) -> None:
            self.credit_btc(account, quantity, at_ms, auto_sell=address.auto_sell)

        self.engine.scheduler.at(now_ms + CONFIRMED_MS, confirm)

    def credit_btc(self, account: BitexAccount, quantity: Decimal, now_ms: int, *, auto_sell: bool = False) -> None:
        """Credit confirmed coins."""
        deposit = bitex.SpecieDeposit(self.all_btc_deposits.next_id(), second(now_ms), 1, quantity)
        self.engine.credit(account.wallet, "btc", quantity, now_ms)
        self.all_btc_deposits.put(account.user_id, deposit.id, deposit)
        if auto_sell:
            self.bots.start_selling(account.user_id, quantity, deposit.id, now_ms)
