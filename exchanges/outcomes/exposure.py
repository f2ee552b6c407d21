"""What unresolved orders may have committed in one market. No waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TypeAlias

from exchanges.endpoint.amounts import EXACT, total
from exchanges.intents import Intent
from exchanges.outcomes.search import Commitment
from exchanges.values import frozen

Commits: TypeAlias = Callable[[Intent], Commitment | None]


@frozen
class OpenAmounts:
    """What the unresolved orders of one side may have traded, or have resting in the book.

    Attributes:
        base: Base currency that they buy or sell: the sum of what is known.
        quote: Quote currency that they spend or receive, at their limit prices: the sum of what is known.
        unknown_base: The calls that do not say how much base currency; not in `base`.
        unknown_quote: The calls that do not say how much quote currency, such as market orders; not in `quote`.
    """

    base: Decimal
    quote: Decimal
    unknown_base: tuple[Intent, ...] = ()
    unknown_quote: tuple[Intent, ...] = ()


@frozen
class Exposure:
    """What the unresolved money calls of one market may have committed, at most one execution of each.

    Attributes:
        market: As it was asked for.
        buys: Orders to buy the base currency.
        sells: Orders to sell it.
        calls: The intents that are counted, the oldest first.
        unplaced: Unresolved orders and changes of orders that name no market, and calls that are not declared: any of
            them may be in this one.
    """

    market: str
    buys: OpenAmounts
    sells: OpenAmounts
    calls: tuple[Intent, ...]
    unplaced: tuple[Intent, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all amounts are known, so that no more than the sums can be live."""
        sides = (self.buys, self.sells)
        return not (self.unplaced or any(side.unknown_base or side.unknown_quote for side in sides))


def exposure_of(market: str, intents: Iterable[Intent], commits: Commits) -> Exposure:
    """Sum what calls may have committed in a market, whichever way an exchange writes its name."""
    known = {intent: order for intent in intents if (order := commits(intent)) is not None}
    placed = {i: order for i, order in known.items() if order.market and is_same_market(order.market, market)}
    unplaced = tuple(i for i, order in known.items() if order.market is None)
    buys, sells = ({i: o for i, o in placed.items() if o.is_buy is is_buy} for is_buy in (True, False))
    return Exposure(market, _summed(buys), _summed(sells), tuple(placed), unplaced)


def is_same_market(one: str, another: str) -> bool:
    """Whether two names are those of one market."""
    return form_of(one) == form_of(another)


def form_of(market: str) -> str:
    """Return the form in which BTC/USD, btc_usd and btcusd are the same."""
    return "".join(sign for sign in market.lower() if sign.isalnum())


def _summed(orders: Mapping[Intent, Commitment]) -> OpenAmounts:
    return OpenAmounts(
        total(order.base for order in orders.values() if order.base is not None),
        total(order.quote for order in orders.values() if order.quote is not None),
        tuple(i for i, order in orders.items() if order.base is None),
        tuple(i for i, order in orders.items() if order.quote is None),
    )


def limited(market: str | None, amount: str, price: str | None, *, is_buy: bool, in_quote: bool = False) -> Commitment:
    """Return what a limit order may cost, or a market order without *price*.

    Args:
        market: Its name.
        amount: As it was sent.
        price: Quote per base, as it was sent.
        is_buy: Whether it buys the base currency.
        in_quote: Whether *amount* is of the quote currency.
    """
    known, limit = Decimal(amount), None if price is None else Decimal(price)
    if in_quote:
        return Commitment(market, is_buy, None if not limit else EXACT.divide(known, limit), known)
    return Commitment(market, is_buy, known, None if limit is None else EXACT.multiply(known, limit))
