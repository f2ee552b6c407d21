"""Balances, and what changed them."""

from __future__ import annotations

from decimal import Decimal

from attrs import define

from exchanges.bitex import Profile
from exchanges.bitex.account import Account
from exchanges.simulator.engine.balances import Balance
from exchanges.simulator.venues.bitex.customers import BitexCall, BitexHandlers, created_since
from exchanges.simulator.venues.bitex.funding import FundingHandlers
from exchanges.simulator.venues.bitex.history import Dated
from exchanges.simulator.venues.bitex.trading import FEE_PERCENT, convert_order, trades_of
from exchanges.simulator.venues.handlers import handles

# As a number, zero with eight decimals would be written as 0E-8.
_ZERO = Decimal("0.0")


@define(eq=False)
class AccountHandlers(BitexHandlers):
    """What an account holds, and why."""

    funding: FundingHandlers

    @handles(Account.profile)
    def profile(self, call: BitexCall) -> object:
        """Return the balances."""
        usd, btc = (_shown(call.wallet.balances[currency], currency) for currency in ("usd", "btc"))
        return Profile(*usd, *btc, FEE_PERCENT, call.account.deposit_address, f"SIM{call.owner:04}")

    @handles(Account.account_summary)
    def account_summary(self, call: BitexCall) -> object:
        """List what changed the balances, and orders that traded, newest first."""
        orders = reversed(self.engine.orders_of(call.wallet))
        rows: list[Dated] = [*(convert_order(order) for order in orders if order.received), *trades_of(call.wallet)]
        rows += [*self.funding.movements_of(call.owner), *call.account.history.movements]
        # Sorting is stable, so what happened within one second keeps the order of the lists above.
        rows.sort(key=lambda row: row.created_at, reverse=True)
        return rows if call.arguments.flag("full", default=False) else created_since(rows, call.now_ms)


def _shown(held: Balance, currency: str) -> tuple[Decimal, Decimal, Decimal]:
    """Return total, reserved and available, with the decimals of the currency."""
    shown = held.shown(currency)
    return shown.total or _ZERO, shown.reserved or _ZERO, shown.available or _ZERO
