"""How Bitex's reads show what a call created.

Theory. Nothing at Bitex has a name that the caller chose but two texts, which bear a tag where the caller leaves them
empty. Everything else is recognised by what was asked for and by when it was created, in whole seconds. So a search is
as good as its lists:

* What was sent and no read shows, or what is kept secret, is in doubt.
* Lists end: after some days, or after so many rows. A search whose list may have been cut short is not complete.
* What has no date may be of any time: profiles, files, users and addresses are never sure, but if none matches, none
  was created.
"""

from __future__ import annotations

from exchanges.bitex.bots import Bots
from exchanges.bitex.concierge import Concierge
from exchanges.bitex.funding import Funding
from exchanges.bitex.kyc import Kyc
from exchanges.bitex.payments import Payments
from exchanges.bitex.reconcile.customers import FILES, PROFILES, USERS, created_user
from exchanges.bitex.reconcile.orders import ASKS, BIDS, BUYING_BOTS, SELLING_BOTS
from exchanges.bitex.reconcile.payments import PAYMENTS, WORK_ORDERS, created_payment, created_work_order
from exchanges.bitex.reconcile.transfers import (
    BTC_WITHDRAWALS,
    USD_DEPOSITS,
    USD_WITHDRAWALS,
    addresses,
    created_address,
)
from exchanges.bitex.resellers import Resellers
from exchanges.bitex.trading import Trading
from exchanges.outcomes.search import Search, Searches, id_of

__all__ = ["SEARCHES"]

SEARCHES: Searches = {
    id_of(Trading.create_bid): Search(BIDS),
    id_of(Trading.create_ask): Search(ASKS),
    id_of(Bots.create_buying_bot): Search(BUYING_BOTS),
    id_of(Bots.create_selling_bot): Search(SELLING_BOTS),
    id_of(Funding.create_usd_deposit): Search(USD_DEPOSITS),
    id_of(Funding.create_usd_withdrawal): Search(USD_WITHDRAWALS),
    id_of(Funding.create_address): Search(addresses, created_address),
    id_of(Funding.create_btc_withdrawal): Search(BTC_WITHDRAWALS),
    id_of(Payments.create_payment): Search(PAYMENTS, created_payment),
    id_of(Kyc.create_profile): Search(PROFILES),
    id_of(Kyc.create_file): Search(FILES),
    id_of(Resellers.create_user): Search(USERS, created_user),
    id_of(Concierge.create_work_order_request): Search(WORK_ORDERS, created_work_order),
}
