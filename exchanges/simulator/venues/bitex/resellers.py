"""Accounts that resellers create, and where resellers are notified."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

from attrs import define

from exchanges.bitex.models.resellers import ResellerUser, ResellerUserCreated
from exchanges.bitex.resellers import Resellers
from exchanges.bitex.webhooks import Webhook, WebhookEcho, Webhooks
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.venues.bitex.customers import BitexAccount, BitexCall, BitexHandlers, url_of
from exchanges.simulator.venues.bitex.kyc import KycHandlers
from exchanges.simulator.venues.handlers import answers, handles, lists

BELOW_FIRST_USER = 5000


def _users(handlers: BitexHandlers, call: BitexCall) -> list[BitexAccount]:
    return [account for account in handlers.customers.by_id.values() if account.created_by is call.account]


def _user(user: BitexAccount) -> ResellerUser:
    return ResellerUser(user.user_id, user.email, *user.amounts, user.deposit_address)


@define(eq=False)
class ResellerHandlers(BitexHandlers):
    """Accounts with balances of their own, and one webhook for each reseller."""

    kyc: KycHandlers

    users = lists(Resellers.users, _users, _user)
    # Plain JSON, in which a URL that is not set is null.
    webhook = answers(Webhooks.webhook, lambda _, call: {"webhook_url": call.account.webhook_url})

    @handles(Resellers.create_user)
    def create_user(self, call: BitexCall) -> object:
        """Create an account, for which the reseller acts."""
        email, customers = call.arguments.text("email"), self.customers
        if "@" not in email or email in {account.email for account in customers.by_id.values()}:
            raise Refused(Reason.WRONG_ARGUMENT, "email")
        # Above 5000, so that the ids of created users and of the first accounts never meet.
        number = max(BELOW_FIRST_USER, *customers.by_id) + 1
        wallet = self.engine.open_wallet(number, {"usd": Decimal(0), "btc": Decimal(0)})
        user = BitexAccount(wallet, call.account.api_key, email=email, created_by=call.account)
        self.kyc.add_default(customers.add(user))
        return ResellerUserCreated(user_id=number, kyc_profile_id=user.kyc_profile_id)

    @handles(Resellers.users_csv)
    def users_csv(self, call: BitexCall) -> object:
        """List the accounts of a reseller as a table."""
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        for user in _users(self, call):
            amounts = [f"{amount:.8f}" for amount in user.amounts]
            writer.writerow([user.user_id, user.email, *amounts, user.deposit_address])
        return table.getvalue()

    @handles(Webhooks.update_webhook)
    def update_webhook(self, call: BitexCall) -> object:
        """Set where to post."""
        call.account.webhook_url = url_of(call, "webhook_url")
        return Webhook(webhook_url=call.account.webhook_url)

    @handles(Webhooks.test_webhook)
    def test_webhook(self, call: BitexCall) -> object:
        """Post an echo."""
        echo = call.arguments.text("echo")
        self.customers.post_to_webhook(call.account, {"echo": echo}, call.now_ms)
        return WebhookEcho(echo=echo)
