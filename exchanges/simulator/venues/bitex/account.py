"""Balances, and all that changed them."""

from __future__ import annotations

from attrs import define

from exchanges.bitex import (
    Ask,
    Bid,
    Buy,
    Profile,
    Sell,
    SpecieDeposit,
    SpecieWithdrawal,
    UsdDeposit,
    UsdWithdrawal,
)
from exchanges.simulator.venues.bitex.base import account_of, made_since
from exchanges.simulator.venues.bitex.funding import FundingCounter
from exchanges.simulator.venues.bitex.matching import FEE_PERCENT
from exchanges.simulator.venues.venue import Call, handles

__all__ = ["AccountCounter"]

Row = Bid | Ask | Buy | Sell | SpecieDeposit | SpecieWithdrawal | UsdDeposit | UsdWithdrawal


@define(eq=False, slots=False)
class AccountCounter(FundingCounter):
    """Tells a customer what he has."""

    @handles("bitex.account.profile")
    def balances(self, call: Call) -> object:
        """Look at the balances."""
        account = account_of(call)
        desk = account.desk
        return Profile(
            usd_balance=desk.usd.balance,
            usd_reserved=desk.usd.reserved,
            usd_available=desk.usd.available,
            btc_balance=desk.btc.balance,
            btc_reserved=desk.btc.reserved,
            btc_available=desk.btc.available,
            fee=FEE_PERCENT,
            btc_deposit_address=account.deposit_address,
            more_mt_deposit_code=f"SIM{account.user_id:04}",
        )

    @handles("bitex.account.account_summary")
    def account_summary(self, call: Call) -> object:
        """List what changed the balances, and orders that traded, newest first."""
        account = account_of(call)
        mine = account.user_id
        rows: list[Row] = [*account.desk.matched(), *account.desk.trades]
        rows += [*self.usd_deposits.of(mine), *self.btc_deposits.of(mine)]
        rows += [*self.usd_withdrawals.of(mine), *self.btc_withdrawals.of(mine), *account.past.movements]
        rows.sort(key=lambda row: row.created_at, reverse=True)
        return rows if call.arguments.flag("full", default=False) else made_since(rows, call.now_ms)
