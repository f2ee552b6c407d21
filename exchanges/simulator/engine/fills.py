"""What a matching engine is told, and what it makes of it: the options of an exchange, offers and fills."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from exchanges.simulator.engine.orders import Order


@frozen
class MatchingOptions:
    """How one exchange matches.

    Attributes:
        fee: Fraction of each trade.
        fee_in_quote: Whether the fee is always paid in quote currency; otherwise in what the order receives.
        spend_in_quote: Whether the amount of an order to buy is quote currency to spend.
        accept_later: Whether orders are accepted, and cancelled, with the next request.
    """

    fee: Decimal
    fee_in_quote: bool = False
    spend_in_quote: bool = False
    accept_later: bool = False


@frozen
class Offer:
    """What an order can trade with: another account's order, or a level of the background."""

    price: Decimal
    amount: Decimal
    order: Order | None = None


@frozen
class Fill:
    """What is exchanged: *quantity* of base for *cost* in quote."""

    quantity: Decimal
    cost: Decimal
    price: Decimal
    at_ms: int
