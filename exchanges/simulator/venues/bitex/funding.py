"""Money and coins that come in and go out, through all their states."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from attrs import define, evolve, field

from exchanges.bitex import (
    Address,
    Coordinates,
    Country,
    DepositMethod,
    DepositReason,
    DepositStatus,
    InstructionSchema,
    MoreMtBranch,
    SpecieDeposit,
    SpecieWithdrawal,
    SpecieWithdrawalReason,
    UsdDeposit,
    UsdWithdrawal,
    UsdWithdrawalReason,
    WithdrawalInstruction,
    WithdrawalStatus,
)
from exchanges.simulator.engine.balances import Party, product
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.store import Shelf
from exchanges.simulator.venues.bitex.base import MINUTE_MS, BitexAccount, account_of, amount_of, made_since
from exchanges.simulator.venues.bitex.bots import BotCounter
from exchanges.simulator.venues.bitex.kyc import KycCounter
from exchanges.simulator.venues.bitex.rates import USD_PER_UNIT
from exchanges.simulator.venues.venue import Call, handles, second

__all__ = ["CONFIRMED_MS", "CREDITED_MS", "PROCESSED_MS", "FundingCounter"]

CREDITED_MS = 60 * MINUTE_MS
"""Announced money arrives after so long."""
PROCESSED_MS = 120 * MINUTE_MS
"""Somebody has looked at a withdrawal after so long."""
CONFIRMED_MS = 30 * MINUTE_MS
"""Coins are confirmed often enough after so long."""
USD = 3
_METHODS = {"bank": DepositMethod.OTHER, "other": DepositMethod.OTHER, "more_mt": DepositMethod.MORE_MT}
_BRANCHES = [
    MoreMtBranch(
        name=name,
        coords=Coordinates(Decimal(longitude), Decimal(latitude)),
        address=address,
        city=city,
        short_city=city.rpartition(" - ")[2],
        country=country,
    )
    for name, longitude, latitude, address, city, country in (
        ("Sucursal Centro", "-58.3816", "-34.6037", "Calle 1 100", "Buenos Aires - Capital Federal", Country.AR),
        ("Sucursal Lima", "-77.0428", "-12.0464", "Jiron 2 200", "Lima", Country.PE),
    )
]


@define(eq=False, slots=False)
class FundingCounter(KycCounter, BotCounter):
    """Takes in and pays out.

    Withdrawals are debited at once, and looked at later: RECEIVED, with the next request PENDING, hours later DONE;
    without the funds CANCELLED with the next request.
    """

    usd_deposits: Shelf[UsdDeposit] = field(init=False, factory=Shelf[UsdDeposit])
    usd_withdrawals: Shelf[UsdWithdrawal] = field(init=False, factory=Shelf[UsdWithdrawal])
    instructions: Shelf[WithdrawalInstruction] = field(init=False, factory=Shelf[WithdrawalInstruction])
    btc_deposits: Shelf[SpecieDeposit] = field(init=False, factory=Shelf[SpecieDeposit])
    btc_withdrawals: Shelf[SpecieWithdrawal] = field(init=False, factory=Shelf[SpecieWithdrawal])
    own_addresses: Shelf[Address] = field(init=False, factory=Shelf[Address])

    # Money that comes in

    @handles("bitex.funding.create_usd_deposit")
    def create_usd_deposit(self, call: Call) -> object:
        """Expect money."""
        arguments, account = call.arguments, account_of(call)
        method = _METHODS.get(arguments.text("deposit_method"))
        if arguments.text("currency") not in USD_PER_UNIT or method is None:
            raise Refused(Reason.WRONG_ARGUMENT, "currency" if method else "deposit_method")
        deposit = UsdDeposit(
            id=self.usd_deposits.next_id(),
            created_at=second(call.now_ms),
            requested_amount=amount_of(call, "amount"),
            amount=None,
            deposit_method=method,
            status=DepositStatus.PENDING,
            reason=DepositReason.NOT_CANCELLED,
            country=arguments.text("country"),
            currency=arguments.text("currency"),
            kyc_profile_id=self.profile_id(call),
            request_details=arguments.words("request_details"),
            currency_id=USD,
        )
        self.diary.at(call.now_ms + CREDITED_MS, lambda _: self._credit_usd(account, deposit.id))
        return self.usd_deposits.put(account.user_id, deposit.id, deposit)

    def _credit_usd(self, account: BitexAccount, deposit_id: int) -> None:
        deposit = self.usd_deposits.find(account.user_id, deposit_id)
        if deposit.status is DepositStatus.PENDING:
            amount = product(deposit.requested_amount or Decimal(0), USD_PER_UNIT[deposit.currency])
            self.tally.move("usd", amount, Party.OUTSIDE, account.desk.usd)
            self.usd_deposits.put(
                account.user_id, deposit_id, evolve(deposit, amount=amount, status=DepositStatus.DONE)
            )

    @handles("bitex.funding.cancel_usd_deposit")
    def cancel_usd_deposit(self, call: Call) -> object:
        """Expect it no more; what has come is not given back."""
        account = account_of(call)
        deposit = self.usd_deposits.find(account.user_id, call.arguments.integer("deposit_id"))
        if deposit.status is DepositStatus.DONE:
            raise Refused(Reason.WRONG_ARGUMENT, "status", "ya fue acreditado")
        cancelled = evolve(deposit, status=DepositStatus.CANCELLED, reason=DepositReason.USER_CANCELLED)
        return self.usd_deposits.put(account.user_id, deposit.id, cancelled)

    @handles("bitex.funding.usd_deposit")
    def usd_deposit(self, call: Call) -> object:
        """Find a deposit of money."""
        return self.usd_deposits.find(account_of(call).user_id, call.arguments.integer("deposit_id"))

    @handles("bitex.funding.usd_deposits")
    def list_usd_deposits(self, call: Call) -> object:
        """List deposits of money."""
        return made_since(self.usd_deposits.of(account_of(call).user_id), call.now_ms)

    @handles("bitex.funding.more_mt_branches")
    def more_mt_branches(self, call: Call) -> object:  # noqa: ARG002 - always the same
        """List where cash is taken."""
        return _BRANCHES

    # Money that goes out

    @handles("bitex.funding.create_withdrawal_instruction")
    def create_withdrawal_instruction(self, call: Call) -> object:
        """Store how to pay."""
        body = call.arguments.fields("body")
        if not all(isinstance(body.get(name), str) for name in ("payment_method", "country")):
            raise Refused(Reason.WRONG_ARGUMENT, "body")
        instruction = WithdrawalInstruction(
            id=self.instructions.next_id(),
            body=body,
            label=call.arguments.words("label"),
            schema=InstructionSchema(call.arguments.text("schema", "bitex")),
            created_at=second(call.now_ms),
        )
        return self.instructions.put(account_of(call).user_id, instruction.id, instruction)

    @handles("bitex.funding.create_usd_withdrawal")
    def create_usd_withdrawal(self, call: Call) -> object:
        """Pay out, if there is as much."""
        account, amount = account_of(call), amount_of(call, "amount")
        number = call.arguments.integer("withdrawal_instruction_id")
        if not self.instructions.has(account.user_id, number):
            raise Refused(Reason.WRONG_ARGUMENT, "withdrawal_instruction_id", "no existe")
        instruction = self.instructions.find(account.user_id, number)
        body = dict(instruction.body) if isinstance(instruction.body, dict) else {}
        withdrawal = UsdWithdrawal(
            id=self.usd_withdrawals.next_id(),
            created_at=second(call.now_ms),
            amount=amount,
            status=WithdrawalStatus.RECEIVED,
            reason=UsdWithdrawalReason.NOT_CANCELLED,
            country=str(body.get("country")),
            currency=str(body.get("currency", "USD")),
            payment_method="international_bank" if body.get("payment_method") == "international_bank" else "bb",
            label=instruction.label,
            kyc_profile_id=self.profile_id(call),
            instructions=body,
            currency_id=USD,
        )
        paid = account.desk.usd.available >= amount
        if paid:
            self.tally.move("usd", amount, account.desk.usd, Party.OUTSIDE)
        self.diary.at(call.now_ms, lambda at_ms: self._look_at_usd(account, withdrawal.id, paid, at_ms))
        return self.usd_withdrawals.put(account.user_id, withdrawal.id, withdrawal)

    def _look_at_usd(self, account: BitexAccount, number: int, paid: bool, now_ms: int) -> None:  # noqa: FBT001
        status, reason = WithdrawalStatus.PENDING, UsdWithdrawalReason.NOT_CANCELLED
        if not paid:
            status, reason = WithdrawalStatus.CANCELLED, UsdWithdrawalReason.NOT_ENOUGH_FUNDS
        looked_at = evolve(self.usd_withdrawals.find(account.user_id, number), status=status, reason=reason)
        self.usd_withdrawals.put(account.user_id, number, looked_at)
        if paid:
            done = evolve(looked_at, status=WithdrawalStatus.DONE)
            self.diary.at(now_ms + PROCESSED_MS, lambda _: self.usd_withdrawals.put(account.user_id, number, done))

    @handles("bitex.funding.usd_withdrawal")
    def usd_withdrawal(self, call: Call) -> object:
        """Find a withdrawal of money."""
        return self.usd_withdrawals.find(account_of(call).user_id, call.arguments.integer("withdrawal_id"))

    @handles("bitex.funding.usd_withdrawals")
    def list_usd_withdrawals(self, call: Call) -> object:
        """List withdrawals of money."""
        return made_since(self.usd_withdrawals.of(account_of(call).user_id), call.now_ms)

    # Coins that come in

    @handles("bitex.funding.create_address")
    def create_address(self, call: Call) -> object:
        """Make one more address."""
        return self.make_address(account_of(call), auto_sell=call.arguments.flag("auto_sell", default=False))

    def make_address(self, account: BitexAccount, *, auto_sell: bool = False, payment_id: int | None = None) -> Address:
        """Make an address that belongs to an account."""
        number = self.own_addresses.next_id()
        address = Address(self.new_address(f"address {number}"), auto_sell, payment_id)
        return self.own_addresses.put(account.user_id, number, address)

    def addresses_of(self, account: BitexAccount) -> list[Address]:
        """List the addresses of an account, newest first."""
        first = Address(account.deposit_address, auto_sell=False)
        return [*self.own_addresses.of(account.user_id), first]

    @handles("bitex.funding.address")
    def address(self, call: Call) -> object:
        """Find an address."""
        wanted = call.arguments.text("public_address")
        found = [a for a in self.addresses_of(account_of(call)) if a.public_address == wanted]
        if not found:
            raise Refused(Reason.NOT_FOUND)
        return found[0]

    @handles("bitex.funding.addresses")
    def addresses(self, call: Call) -> object:
        """List all addresses."""
        return self.addresses_of(account_of(call))

    def arrive(self, public_address: str, quantity: Decimal, now_ms: int) -> None:
        """See coins on their way to an address; they are credited once confirmed.

        Raises:
            LookupError: Nobody has this address.
        """
        for account in self.customers.values():
            for address in self.addresses_of(account):
                if address.public_address == public_address:
                    self.see_coins(account, address, quantity, now_ms)
                    return
        raise LookupError(f"nobody has the address {public_address}")

    def see_coins(self, account: BitexAccount, address: Address, quantity: Decimal, now_ms: int) -> None:
        """Wait for the confirmations of coins."""
        self.diary.at(
            now_ms + CONFIRMED_MS,
            lambda at_ms: self.credit_btc(account, quantity, at_ms, auto_sell=address.auto_sell),
        )

    def credit_btc(self, account: BitexAccount, quantity: Decimal, now_ms: int, *, auto_sell: bool = False) -> None:
        """Credit confirmed coins."""
        deposit = SpecieDeposit(self.btc_deposits.next_id(), second(now_ms), 1, quantity)
        self.tally.move("btc", quantity, Party.OUTSIDE, account.desk.btc)
        self.btc_deposits.put(account.user_id, deposit.id, deposit)
        if auto_sell:
            self.start_selling(account.user_id, quantity, deposit.id, now_ms)

    @handles("bitex.funding.btc_deposit")
    def btc_deposit(self, call: Call) -> object:
        """Find a deposit of coins."""
        return self.btc_deposits.find(account_of(call).user_id, call.arguments.integer("deposit_id"))

    @handles("bitex.funding.btc_deposits")
    def list_btc_deposits(self, call: Call) -> object:
        """List deposits of coins."""
        return made_since(self.btc_deposits.of(account_of(call).user_id), call.now_ms)

    # Coins that go out

    @handles("bitex.funding.create_btc_withdrawal")
    def create_btc_withdrawal(self, call: Call) -> object:
        """Send coins, if there are as many."""
        account, quantity = account_of(call), amount_of(call, "amount")
        withdrawal = SpecieWithdrawal(
            id=self.btc_withdrawals.next_id(),
            created_at=second(call.now_ms),
            specie=1,
            quantity=quantity,
            status=WithdrawalStatus.RECEIVED,
            reason=SpecieWithdrawalReason.NOT_CANCELLED,
            to_address=call.arguments.text("address"),
            label=call.arguments.words("label"),
            kyc_profile_id=self.profile_id(call),
        )
        paid = account.desk.btc.available >= quantity
        if paid:
            self.tally.move("btc", quantity, account.desk.btc, Party.OUTSIDE)
        self.diary.at(call.now_ms, lambda at_ms: self._look_at_btc(account, withdrawal.id, paid, at_ms))
        return self.btc_withdrawals.put(account.user_id, withdrawal.id, withdrawal)

    def _look_at_btc(self, account: BitexAccount, number: int, paid: bool, now_ms: int) -> None:  # noqa: FBT001
        status, reason = WithdrawalStatus.PENDING, SpecieWithdrawalReason.NOT_CANCELLED
        if not paid:
            status, reason = WithdrawalStatus.CANCELLED, SpecieWithdrawalReason.NOT_ENOUGH_FUNDS
        looked_at = evolve(self.btc_withdrawals.find(account.user_id, number), status=status, reason=reason)
        self.btc_withdrawals.put(account.user_id, number, looked_at)
        if paid:
            transaction = hashlib.sha256(f"{self.seed} withdrawal {number}".encode()).hexdigest()
            done = evolve(looked_at, status=WithdrawalStatus.DONE, transaction_id=transaction)
            self.diary.at(now_ms + PROCESSED_MS, lambda _: self.btc_withdrawals.put(account.user_id, number, done))

    @handles("bitex.funding.btc_withdrawal")
    def btc_withdrawal(self, call: Call) -> object:
        """Find a withdrawal of coins."""
        return self.btc_withdrawals.find(account_of(call).user_id, call.arguments.integer("withdrawal_id"))

    @handles("bitex.funding.btc_withdrawals")
    def list_btc_withdrawals(self, call: Call) -> object:
        """List withdrawals of coins."""
        return made_since(self.btc_withdrawals.of(account_of(call).user_id), call.now_ms)
