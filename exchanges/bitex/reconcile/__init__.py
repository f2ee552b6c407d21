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

from exchanges.bitex.reconcile import customers, orders, payments, transfers
from exchanges.outcomes.search import Searches

CANCELS = orders.CANCELS
SEARCHES: Searches = {**orders.SEARCHES, **transfers.SEARCHES, **payments.SEARCHES, **customers.SEARCHES}
