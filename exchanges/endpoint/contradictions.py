"""What an answer to a read contradicts in itself; declared as `Endpoint.fault`. Pure.

No document says what such an answer means, so it is none: whoever reads only its first row may be told something false.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from exchanges.endpoint.amounts import EXACT
from exchanges.market_data import MarketLevel, MarketOrderBook

__all__ = ["fault_of_balance", "fault_of_balances", "fault_of_orders", "order_book_fault"]

Fault = Callable[[Any, Mapping[str, Any]], str | None]
"""Takes the answer and the arguments of the call; returns what was expected, None if nothing is wrong."""


def order_book_fault(argument: str | None = None, summed: Sequence[object] = (None,)) -> Fault:
    """Return what checks an order book: best price first, prices that do not cross, amounts above zero.

    Args:
        argument: The argument that decides whether orders are summed up by price; None if they always are.
        summed: Its values with which they are, so that no price comes twice.
    """

    def fault(book: MarketOrderBook, arguments: Mapping[str, Any]) -> str | None:
        is_summed = argument is None or arguments.get(argument) in summed
        in_order = (operator.gt, operator.lt) if is_summed else (operator.ge, operator.le)
        bids, asks = ([level.price for level in side] for side in (book.bids, book.asks))
        if not all(map(in_order[0], bids, bids[1:])) or not all(map(in_order[1], asks, asks[1:])):
            return f"an order book with the best prices first{', each once' if is_summed else ''}"
        if bids and asks and bids[0] >= asks[0]:
            return "an order book whose best prices do not cross"
        # In order, these are the lowest. Quirk: a bid at 0 has been seen; it says nothing false about any price.
        if any(price < 0 for price in bids[-1:]) or any(price <= 0 for price in asks[:1]):
            return "prices above zero"
        # A level without an amount is a price at which nobody trades; first of its side, it would be the best.
        return None if _has_amounts(book.bids) and _has_amounts(book.asks) else "amounts above zero"

    return fault


def _has_amounts(side: Sequence[MarketLevel]) -> bool:
    amounts = [level.amount for level in side]
    return all(amounts) and not any(map(Decimal.is_signed, amounts))


def fault_of_orders(orders: Sequence[Any], _: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a list of orders, each of which has one state: an order that is shown twice."""
    # Numbers of bids and asks are counted by themselves.
    ids = [_id_of(order) for order in orders]
    return None if len(set(ids)) == len(ids) else "each order once"


def _id_of(order: object) -> tuple[str, object]:
    # A row of a class that nobody knows has none.
    return type(order).__name__, getattr(order, "oid", None) or getattr(order, "id", id(order))


def fault_of_balance(balance: Any, arguments: Mapping[str, Any]) -> str | None:
    """Return what is wrong with one balance; see `fault_of_balances`."""
    return fault_of_balances([balance], arguments)


def fault_of_balances(balances: Sequence[Any], _: Mapping[str, Any]) -> str | None:
    """Return what is wrong with balances: a currency that is shown twice, or parts that exceed their total.

    A debt of which nothing is available is right, and so are parts that exceed the total by as much as rounding can.
    """
    if len({balance.currency.upper() for balance in balances}) < len(balances):
        return "each currency once"
    for balance in balances:
        locked = balance.locked if hasattr(balance, "locked") else balance.reserved
        if not _adds_up(balance.total, balance.available, locked):
            return "balances of which no part exceeds the total"
    return None


def _adds_up(total: Decimal, available: Decimal, locked: Decimal) -> bool:
    if locked < 0:
        return False
    excess = EXACT.subtract(EXACT.add(available, locked), total)
    if excess <= 0 or (total < 0 and available == 0):
        return True
    # Parts that are rounded up one by one exceed their total by at most one unit of their last decimal. Where they show
    # no decimal nothing says that they are rounded.
    last = min(int(part.as_tuple().exponent) for part in (available, locked))
    return last < 0 and excess <= Decimal((0, (1,), last))
