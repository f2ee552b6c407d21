"""How Bitex's reads show again what a call made.

Theory. Nothing at Bitex bears a name of the caller's but two texts, which bear a tag where he leaves them empty. All
else is told by what was asked for and by when it was made, in whole seconds. So a search is as good as its lists:

* A comparison is `True`, `False`, or None where it cannot be told. What may be ours is named as long as nothing is
  `False`; it is sure only if everything is `True`. What was sent and no read shows, or what is kept secret, is None.
* Lists end: after some days, or after so many rows. A search that could have been cut short is not whole.
* What bears no date may be of any time: profiles, files, users and addresses are never sure, but if none fits, there
  is none.
"""

from __future__ import annotations

from exchanges.bitex.bots import Bots
from exchanges.bitex.concierge import Concierge
from exchanges.bitex.funding import Funding
from exchanges.bitex.kyc import Kyc
from exchanges.bitex.payments import Payments
from exchanges.bitex.reconcile.customers import FILES, PROFILES, USERS, made_user
from exchanges.bitex.reconcile.orders import ASKS, BIDS, BUYING_BOTS, SELLING_BOTS
from exchanges.bitex.reconcile.payments import PAYMENTS, WORK_ORDERS, made_payment, made_work_order
from exchanges.bitex.reconcile.transfers import (
    BTC_WITHDRAWALS,
    USD_DEPOSITS,
    USD_WITHDRAWALS,
    addresses,
    made_address,
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
    id_of(Funding.create_address): Search(addresses, made_address),
    id_of(Funding.create_btc_withdrawal): Search(BTC_WITHDRAWALS),
    id_of(Payments.create_payment): Search(PAYMENTS, made_payment),
    id_of(Kyc.create_profile): Search(PROFILES),
    id_of(Kyc.create_file): Search(FILES),
    id_of(Resellers.create_user): Search(USERS, made_user),
    id_of(Concierge.create_work_order_request): Search(WORK_ORDERS, made_work_order),
}
