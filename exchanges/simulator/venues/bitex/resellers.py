"""Customers of resellers, and where resellers hear of them."""

from __future__ import annotations

import csv
import io

from attrs import define

from exchanges.bitex.models.resellers import ResellerUser, ResellerUserCreated
from exchanges.bitex.webhooks import Webhook, WebhookEcho
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.venues.bitex.base import BitexAccount, account_of
from exchanges.simulator.venues.bitex.kyc import KycCounter
from exchanges.simulator.venues.bitex.payments import url_of
from exchanges.simulator.venues.venue import Call, handles
from exchanges.wire import Json

__all__ = ["ResellerCounter"]

BELOW_FIRST_USER = 5000


@define(eq=False, slots=False)
class ResellerCounter(KycCounter):
    """Opens accounts for resellers, with balances of their own, and keeps one webhook for each."""

    @handles("bitex.resellers.create_user")
    def create_user(self, call: Call) -> object:
        """Open an account; whoever creates it acts for it."""
        reseller, email = account_of(call), call.arguments.text("email")
        if "@" not in email or email in {account.email for account in self.customers.values()}:
            raise Refused(Reason.WRONG_ARGUMENT, "email")
        number = max(BELOW_FIRST_USER, *self.customers) + 1
        user = self.welcome(BitexAccount(reseller.api_key, user_id=number, email=email, owner=reseller))
        return ResellerUserCreated(user_id=number, kyc_profile_id=user.kyc_profile_id)

    @handles("bitex.resellers.users")
    def users(self, call: Call) -> object:
        """List the accounts of a reseller."""
        return [_row(user) for user in self._users_of(account_of(call))]

    @handles("bitex.resellers.users_csv")
    def users_csv(self, call: Call) -> object:
        """List the accounts of a reseller as a table."""
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        for user in self._users_of(account_of(call)):
            usd, btc = user.desk.usd, user.desk.btc
            amounts = [f"{amount:.8f}" for amount in (usd.balance, usd.available, btc.balance, btc.available)]
            writer.writerow([user.user_id, user.email, *amounts, user.deposit_address])
        return table.getvalue()

    @handles("bitex.webhooks.webhook")
    def webhook(self, call: Call) -> object:
        """Show where to post."""
        return Webhook(webhook_url=account_of(call).webhook_url)

    @handles("bitex.webhooks.update_webhook")
    def update_webhook(self, call: Call) -> object:
        """Set where to post."""
        account_of(call).webhook_url = url_of(call, "webhook_url")
        return self.webhook(call)

    @handles("bitex.webhooks.test_webhook")
    def test_webhook(self, call: Call) -> object:
        """Post an echo."""
        echo = WebhookEcho(echo=call.arguments.text("echo"))
        document: Json = {"echo": echo.echo}
        self.post_to_webhook(account_of(call), document, call.now_ms)
        return echo

    def _users_of(self, reseller: BitexAccount) -> list[BitexAccount]:
        return [account for account in self.customers.values() if account.owner is reseller]


def _row(user: BitexAccount) -> ResellerUser:
    usd, btc = user.desk.usd, user.desk.btc
    return ResellerUser(
        user.user_id, user.email, usd.balance, usd.available, btc.balance, btc.available, user.deposit_address
    )
