"""Which calls a search cannot tell apart, and which endpoints name what they create by ids of one series. No waiting.

What one call is known to have created is no proof of another, whichever endpoint or version of an API created it. And
what a read shows can prove one call only if no other call would be shown in the same way: what matters is what the
search compares, not all that the two calls say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Decimal

from exchanges.endpoint.amounts import EXACT
from exchanges.intents import Intent
from exchanges.outcomes.exposure import form_of, is_same_market
from exchanges.outcomes.history import name_of, nameless_of
from exchanges.outcomes.rounding import is_rounded
from exchanges.outcomes.search import Commitment, Searches
from exchanges.values import frozen

ORDER = "order"


@frozen(eq=False)
class Kinship:
    """What the searches of one account cannot tell apart.

    Attributes:
        searches: Returns them.
    """

    searches: Callable[[], Searches]

    def commitment(self, intent: Intent) -> Commitment | None:
        """Return what an order may cost; None for what is no order."""
        if intent.is_undeclared:
            return Commitment(None)  # perhaps an order
        search = self.searches().get(intent.endpoint)
        try:
            return None if search is None or search.commits is None else search.commits(intent)
        except (KeyError, ArithmeticError):
            return Commitment(None)  # an entry of another version of the library: some order

    def id_arguments(self) -> set[str]:
        """Return the names of the arguments that bear clients' ids."""
        return {search.client_id for search in self.searches().values() if search.client_id is not None}

    def client_id(self, intent: Intent) -> str:
        """Return the client's id that a call bears, for what it creates or what it changes; empty if it bears none."""
        names = self.id_arguments()
        return intent.tag or next((text for name, text in intent.arguments.items() if name in names), "")

    def names(self, intent: Intent, made: str) -> frozenset[str]:
        """Return the names of a thing by every endpoint that may have created it, from its id."""
        series = self._series(intent.endpoint)
        endpoints = {intent.endpoint, *(name for name in self.searches() if self._series(name) == series)}
        return frozenset(name_of(endpoint, made) for endpoint in endpoints)

    def nameless(self, intent: Intent, digest: str | None) -> str:
        """Return how the names begin of what calls like this one made whose answers contain no id."""
        order, terms = self.commitment(intent), self._terms(intent)
        if order is not None and None not in (order.market, order.base, order.quote):
            terms = (form_of(str(order.market)), order.is_buy, order.base, order.quote)
        if terms is None:
            return nameless_of(intent.endpoint, digest or "-")
        # The journal keeps it: an address is not repeated there.
        whole = repr([f"{EXACT.normalize(term):f}" if isinstance(term, Decimal) else term for term in terms])
        return nameless_of(self._thing(intent.endpoint), hashlib.sha256(whole.encode()).hexdigest()[:32])

    def are_alike(self, one: Intent, another: Intent) -> bool:
        """Whether what two calls created would be shown in the same way, by what is known of them."""
        if self._thing(one.endpoint) != self._thing(another.endpoint):
            return False
        first, second = self.commitment(one), self.commitment(another)
        if first is not None and second is not None:
            return _are_alike(first, second)
        terms, others = self._terms(one), self._terms(another)
        return None not in (terms, others) and all(map(_is_same, terms or (), others or ()))

    def _series(self, endpoint: str) -> str:
        """Return what names the series of ids: orders have one, unless a search names its own things."""
        search = self.searches().get(endpoint)
        return self._thing(endpoint) if search is None or search.thing is None else search.thing

    def _thing(self, endpoint: str) -> str:
        search = self.searches().get(endpoint)
        if search is None:
            return endpoint
        return ORDER if search.commits is not None else search.thing or endpoint

    def _terms(self, intent: Intent) -> tuple[object, ...] | None:
        search = self.searches().get(intent.endpoint)
        try:
            return None if search is None or search.terms is None else search.terms(intent)
        except (KeyError, ArithmeticError):
            return None


def _are_alike(one: Commitment, another: Commitment) -> bool:
    """Whether two orders may be shown as the same; what one of them does not say may be what the other says."""
    if one.market is None or another.market is None:
        return True
    sides, amounts = (one.is_buy, another.is_buy), ((one.base, another.base), (one.quote, another.quote))
    # A limit order says both amounts, a market order one of them at most, and is shown without a price.
    is_limit, is_other_limit = (None not in (order.base, order.quote) for order in (one, another))
    return (
        is_same_market(one.market, another.market)
        and (None in sides or one.is_buy is another.is_buy)
        and is_limit is is_other_limit
        and all(None in pair or _is_same(*pair) for pair in amounts)
    )


def _is_same(one: object, another: object) -> bool:
    """Whether two terms are the same, or amounts of which one may be shown as the other: rounded."""
    if isinstance(one, Decimal) and isinstance(another, Decimal):
        return one == another or is_rounded(one, another) or is_rounded(another, one)
    return one == another
