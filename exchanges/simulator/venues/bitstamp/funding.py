"""Money in and out, by v1."""

from __future__ import annotations

from decimal import Decimal

from attrs import define, evolve, field

from exchanges.bitstamp.v1 import (
    BitcoinWithdrawal,
    UnconfirmedDeposit,
    WithdrawalRequest,
    WithdrawalStatus,
    WithdrawalType,
)
from exchanges.simulator.engine.store import Shelf
from exchanges.simulator.venues.bitstamp.base import House
from exchanges.simulator.venues.spot import BLOCK_MS, CONFIRMATIONS, Customer, amount_of, customer_of
from exchanges.simulator.venues.venue import Call, handles, second

__all__ = ["FundingCounter"]

IN_PROCESS_MS, FINISHED_MS = 10 * 60_000, 60 * 60_000
"""A withdrawal has got so far, so long after it was asked for."""


@define(eq=False, slots=False)
class FundingCounter(House):
    """Takes and sends coins and what Ripple carries. What is sent leaves the balance at once."""

    withdrawals: Shelf[WithdrawalRequest] = field(init=False, factory=Shelf[WithdrawalRequest])
    _coming: list[tuple[Customer, Decimal, int]] = field(init=False, factory=list[tuple[Customer, Decimal, int]])

    @handles("bitstamp.v1.funding.withdrawal_requests")
    def withdrawal_requests(self, call: Call) -> object:
        """List withdrawals, newest first; those over Ripple have no type and are not among them."""
        return self.withdrawals.of(int(customer_of(call).client_id))

    @handles("bitstamp.v1.funding.bitcoin_withdrawal")
    def bitcoin_withdrawal(self, call: Call) -> object:
        """Begin to send coins."""
        customer, amount, address = customer_of(call), amount_of(call, "amount"), call.arguments.text("address")
        self.pay_out(customer, "btc", amount, "bitcoin", call)
        number, owner = self.withdrawals.next_id(), int(customer.client_id)
        request = WithdrawalRequest(
            id=number,
            datetime=second(call.now_ms),
            type=WithdrawalType.BITCOIN,
            amount=amount,
            status=WithdrawalStatus.OPEN,
            data=address,
        )
        self.withdrawals.put(owner, number, request)
        for after_ms, status in (
            (IN_PROCESS_MS, WithdrawalStatus.IN_PROCESS),
            (FINISHED_MS, WithdrawalStatus.FINISHED),
        ):
            self._later(call.now_ms + after_ms, owner, evolve(request, status=status))
        return BitcoinWithdrawal(id=number)

    @handles("bitstamp.v1.funding.bitcoin_deposit_address")
    def bitcoin_deposit_address(self, call: Call) -> object:
        """Tell where to send coins."""
        return customer_of(call).deposit_address

    @handles("bitstamp.v1.funding.unconfirmed_btc")
    def unconfirmed_btc(self, call: Call) -> object:
        """List coins that too few blocks confirm."""
        customer = customer_of(call)
        self._coming = [coming for coming in self._coming if call.now_ms - coming[2] < BLOCK_MS * CONFIRMATIONS]
        return [
            UnconfirmedDeposit(
                amount=amount,
                address=customer.deposit_address,
                confirmations=(call.now_ms - sent_ms) // BLOCK_MS,
            )
            for whose, amount, sent_ms in self._coming
            if whose is customer
        ]

    @handles("bitstamp.v1.funding.ripple_withdrawal")
    def ripple_withdrawal(self, call: Call) -> object:
        """Send over Ripple."""
        currency = call.arguments.text("currency").lower()
        self.pay_out(customer_of(call), currency, amount_of(call, "amount"), "ripple", call)
        return True

    @handles("bitstamp.v1.funding.ripple_address")
    def ripple_address(self, call: Call) -> object:
        """Tell where to send over Ripple."""
        return {"address": customer_of(call).ripple_address}

    def arrive(self, customer: Customer, currency: str, amount: Decimal, now_ms: int) -> None:
        """Let a deposit come: bitcoins after some blocks, all else at once."""
        if currency == "btc":
            self._coming.append((customer, amount, now_ms))
        due_ms = now_ms + (BLOCK_MS * CONFIRMATIONS if currency == "btc" else 0)
        self.pay_in(customer, currency, amount, "", due_ms)
        self.pass_time(now_ms)

    def _later(self, due_ms: int, owner: int, request: WithdrawalRequest) -> None:
        self.diary.at(due_ms, lambda _: self.withdrawals.put(owner, request.id, request))
