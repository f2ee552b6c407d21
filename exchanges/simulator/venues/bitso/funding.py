"""Withdrawals of v2, and deposits, which come from outside."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from attrs import define

from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.venues.bitso.base import House
from exchanges.simulator.venues.spot import BLOCK_MS, CONFIRMATIONS, Customer, amount_of, customer_of
from exchanges.simulator.venues.venue import Call, handles

__all__ = ["FundingCounter", "spei_due"]

CRYPTO_MS = 30 * 60_000
"""A bitcoin withdrawal is sent so long after it was asked for."""
RIPPLE_MS = 5_000
SPEI_MS = 60_000
OPENS, CLOSES, SATURDAY = 9, 17, 5
_MEXICO_CITY = timezone(timedelta(hours=-6))
_HOUR = timedelta(hours=1)
_CLABE = re.compile("[0-9]{18}")
_WEIGHTS = (3, 7, 1) * 6


@define(eq=False, slots=False)
class FundingCounter(House):
    """Sends money; what is going is no longer in the balance."""

    @handles("bitso.v2.funding.bitcoin_deposit_address")
    def bitcoin_deposit_address(self, call: Call) -> object:
        """Tell where to send coins."""
        return customer_of(call).deposit_address

    @handles("bitso.v2.funding.bitcoin_withdrawal")
    def bitcoin_withdrawal(self, call: Call) -> object:
        """Send coins."""
        return self._send(call, "btc", "Bitcoin", call.now_ms + CRYPTO_MS)

    @handles("bitso.v2.funding.ripple_withdrawal")
    def ripple_withdrawal(self, call: Call) -> object:
        """Send over Ripple, and from now on take deposits from the same address."""
        sent = self._send(call, call.arguments.text("currency").lower(), "Ripple", call.now_ms + RIPPLE_MS)
        customer_of(call).ripple_address = call.arguments.text("address")
        return sent

    @handles("bitso.v2.funding.spei_withdrawal")
    def spei_withdrawal(self, call: Call) -> object:
        """Send pesos, in banking hours."""
        if not _is_clabe(call.arguments.text("clabe")):
            raise Refused(Reason.WRONG_ARGUMENT, "clabe", "Invalid CLABE")
        return self._send(call, "mxn", "SPEI Transfer", spei_due(call.now_ms))

    def arrive(self, customer: Customer, currency: str, amount: Decimal, method: str, now_ms: int) -> None:
        """Let a deposit come: bitcoins after some blocks, all else at once."""
        due_ms = now_ms + (BLOCK_MS * CONFIRMATIONS if currency == "btc" else 0)
        self.pay_in(customer, currency, amount, method, due_ms)
        self.pass_time(now_ms)

    def _send(self, call: Call, currency: str, method: str, due_ms: int) -> str:
        customer, amount = customer_of(call), amount_of(call, "amount")
        vault = customer.vault
        self.pay_out(customer, currency, amount, method, call)
        vault.expect(vault.going, currency, amount)
        self.diary.at(due_ms, lambda _: vault.expect(vault.going, currency, -amount))
        return "ok"


def _is_clabe(text: str) -> bool:
    """Whether the last digit is right: the last digits of all weighted digits then add up to a multiple of ten."""
    return bool(_CLABE.fullmatch(text)) and sum(int(d) * w % 10 for d, w in zip(text, _WEIGHTS, strict=True)) % 10 == 0


def spei_due(now_ms: int) -> int:
    """Say when a bank transfer that is asked for now is done: at once from Monday to Friday, 9:00 to 17:00."""
    now = datetime.fromtimestamp(now_ms / 1000, _MEXICO_CITY)
    at = now
    while at.weekday() >= SATURDAY or not OPENS <= at.hour < CLOSES:
        at = at.replace(minute=0, second=0, microsecond=0) + _HOUR
    return now_ms + SPEI_MS + round((at - now) / timedelta(milliseconds=1))
