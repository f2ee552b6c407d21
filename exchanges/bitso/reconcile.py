"""How Bitso's reads find again what a call did.

An order of v2 that waits is among the open orders, one that traded is named by its trades. Looked up by its id it tells
its limit and its whole amount, whatever became of it, so all that was asked for is compared; an open order that has not
traded tells as much itself. One that was cancelled before it traded is in no list. A market order has no limit, or
zero. In which unit the amount of one to buy was meant is the caller's word and travels nowhere, so one of another
amount may be it.

A withdrawal is among the transactions of its currency, with amount and moment but with neither id nor receiver: it is
never sure. And no document says that one which waits, as one to a bank does outside of banking hours, is there already:
where there is none, that proves nothing.

A conversion is found by its id, which `Conversions.convert` puts into its intent once it knows it. Where only the
quote is known its id is tried: the documents keep the two apart, but show a quote whose own id is also that of its
order. That there is no conversion of this name proves nothing.

Moments of v2 name no zone. They are compared with each other here, and by whoever asks with the exchange's clock as
other answers of v2 have shown it, so it does not matter which zone it is.

Source:
    Bitso API v2, "User Transactions", "Open Orders", "Lookup Order"; Bitso API v4, "Get a Conversion Status".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial

from attrs import define, field

from exchanges.bitso.conversions import Conversions
from exchanges.bitso.models.conversions import Conversion, ConversionStatus
from exchanges.bitso.v2.account import Account
from exchanges.bitso.v2.funding import Funding
from exchanges.bitso.v2.models import Order, OrderStatus, OrderType, SortOrder, TransactionType, UserTransaction
from exchanges.bitso.v2.trading import Trading
from exchanges.outcomes.matching import MatchQuality, Page, compare, is_before, listed, placed_at, read_back
from exchanges.outcomes.search import MAX_SKEW, Answers, Match, Matches, Query, Read, Search, Searches, id_of

__all__ = ["SEARCHES"]

BOOK = "btc_mxn"
"""What the exchange takes where none is sent."""
CENT, SMALLEST = Decimal("0.01"), Decimal("0.00000001")
"""Steps of prices, of some books smaller ones, and of amounts."""
PAGE_SIZE = 100
LOOKUP_SIZE = 50
ZONES = timedelta(hours=14)
"""Moments of v2 name no zone: as long as no answer told, they may be off by as much as zones are."""


# Orders


@define
class _Clue:
    """What points to one order.

    Attributes:
        order: As it was read; None as long as only its trades are known.
        trades: Its trades since the call.
    """

    order: Order | None = None
    trades: list[UserTransaction] = field(factory=list[UserTransaction])

    @property
    def is_settled(self) -> bool:
        """Whether it tells all: what has not traded is open with its whole amount."""
        return self.order is not None and self.order.status is OrderStatus.ACTIVE


def _orders(side: OrderType, sought: Query, seen: Answers) -> Matches:
    """Read what waits, then what traded, so that an order which trades meanwhile is in one of both; then look it up."""
    book = sought.text("book") or BOOK
    waiting = Read.of(Trading.open_orders, book=book)
    if waiting not in seen:
        return Matches(more=(waiting,))
    back = _look_back(sought, seen, book)
    if back.more:
        return Matches(more=back.more)
    orders = listed(seen, waiting)
    clues = _clues(side, sought, orders or [], back.rows)
    lookups = _lookups(sorted(name for name, clue in clues.items() if not clue.is_settled))
    if any(lookup not in seen for lookup in lookups):
        return Matches(more=lookups)
    found = {order.id: order for lookup in lookups for order in listed(seen, lookup) or []}
    candidates = [_judge(side, sought, name, clue, found.get(name)) for name, clue in clues.items()]
    return Matches(tuple(c for c in candidates if c is not None), whole=back.whole and orders is not None)


def _look_back(sought: Query, seen: Answers, book: str) -> Page:
    """Read the transactions of a book, back to the call."""

    def page(offset: int) -> Read:
        beyond = {"offset": offset} if offset else {}
        return Read.of(Account.user_transactions, **beyond, limit=PAGE_SIZE, sort=SortOrder.DESC, book=book)

    return read_back(seen, page, lambda row: is_before(sought, row.datetime))


def _lookups(names: list[str]) -> tuple[Read, ...]:
    parts = [tuple(names[start : start + LOOKUP_SIZE]) for start in range(0, len(names), LOOKUP_SIZE)]
    return tuple(Read.of(Trading.lookup_order, order_id=part) for part in parts)


def _clues(side: OrderType, sought: Query, orders: list[Order], rows: tuple[UserTransaction, ...]) -> dict[str, _Clue]:
    """Gather by id the orders that may be it."""
    clues = {order.id: _Clue(order) for order in orders if _likeness_of_terms(side, sought, order)}
    for row in rows:
        if row.order_id is not None and not is_before(sought, row.datetime) and _is_on(side, sought, row):
            clues.setdefault(row.order_id, _Clue()).trades.append(row)
    return clues


def _is_on(side: OrderType, sought: Query, row: UserTransaction) -> bool:
    """Whether a trade may be of an order on *side*: who buys receives major currency."""
    moved = row.amounts.get((sought.text("book") or BOOK).partition("_")[0].lower(), Decimal(0))
    return moved >= 0 if side is OrderType.BUY else moved <= 0


def _judge(side: OrderType, sought: Query, name: str, clue: _Clue, found: Order | None) -> Match | None:
    order = found or clue.order
    if order is None or not (found or clue.is_settled):
        # It was not to be looked up, so what it is, is not known.
        shown = (*([] if order is None else [order]), *clue.trades)
        return Match(name, shown, sure=False)
    likeness = min(_likeness_of_terms(side, sought, order), _likeness_of_amount(side, sought, order))
    told = order.created or order.datetime
    at = None if told is None else placed_at(sought, told)
    return Match(name, order, at, sure=likeness is MatchQuality.SAME and at is not None) if likeness else None


def _likeness_of_terms(side: OrderType, sought: Query, order: Order) -> MatchQuality:
    """Compare all but the amount."""
    told = order.created or order.datetime
    is_elsewhere = order.book is not None and order.book.lower() != (sought.text("book") or BOOK).lower()
    if order.type is not side or is_elsewhere or (told is not None and placed_at(sought, told) is None):
        return MatchQuality.OTHER
    price = sought.amount("price")
    if price is None:
        return MatchQuality.OTHER if order.price else MatchQuality.SAME
    return compare(order.price, price, CENT)


def _likeness_of_amount(side: OrderType, sought: Query, order: Order) -> MatchQuality:
    wanted = Decimal(sought.intent.arguments["amount"])
    likeness = compare(order.amount, wanted, SMALLEST)
    if likeness or order.amount is None:
        return likeness
    is_in_another_unit = side is OrderType.BUY and sought.text("price") is None
    # The documents call it the amount of the order; it might still be what is left of one that traded.
    is_rest = order.status in (OrderStatus.PARTIALLY_FILLED, OrderStatus.CANCELLED) and order.amount < wanted
    return MatchQuality.DOUBTFUL if is_in_another_unit or is_rest else MatchQuality.OTHER


def _placed(order: Order) -> Match:
    """Read the answer to a new order."""
    return Match(order.id, order, order.datetime)


# Withdrawals


def _withdrawals(currency: str | None, sought: Query, seen: Answers) -> Matches:
    """Read the transactions of a book of the currency; None: of that which the call names."""
    currency = currency or sought.intent.arguments["currency"].lower()
    back = _look_back(sought, seen, BOOK if currency in BOOK.split("_") else f"{currency}_mxn")
    if back.more:
        return Matches(more=back.more)
    wanted = Decimal(sought.intent.arguments["amount"])
    candidates = tuple(
        Match(name, row, placed_at(sought, row.datetime), sure=False)
        for name, row in _named(currency, back.rows)
        if not is_before(sought, row.datetime) and compare(-row.amounts[currency], wanted, SMALLEST)
    )
    return Matches(candidates, whole=back.whole and bool(candidates))


def _named(currency: str, rows: tuple[UserTransaction, ...]) -> Iterator[tuple[str, UserTransaction]]:
    """Name withdrawals of a currency, which have no ids, by all that is told of them, and twins by number."""
    twins = Counter[str]()
    for row in rows:
        if row.type is TransactionType.WITHDRAWAL and currency in row.amounts:
            name = f"{row.datetime:%Y-%m-%d %H:%M:%S} {row.method} {row.amounts[currency]} {currency}"
            twins[name] += 1
            yield f"{name} #{twins[name]}", row


# Conversions


def _conversions(sought: Query, seen: Answers) -> Matches:
    quote, known = sought.intent.arguments["quote_id"], sought.text("conversion_id")
    reading = Read.of(Conversions.conversion, conversion_id=known or quote)
    if reading not in seen:
        return Matches(more=(reading,))
    found = seen[reading]
    if not isinstance(found, Conversion):
        return Matches(whole=False)
    # A quote that nobody accepted is open, and may fail when it expires.
    executed = known is not None or found.status in (ConversionStatus.QUEUED, ConversionStatus.COMPLETED)
    # What accepted a quote is known to have made its conversion: it is what became of that which is asked for here.
    name = found.id if known is None else f"{quote} as {found.id}"
    return Matches((Match(name, found, sure=executed, tagged=executed),))


def _accepted(conversion_id: str) -> Match:
    """Read the answer to a quote that was accepted."""
    return Match(conversion_id, conversion_id)


SEARCHES: Searches = {
    id_of(Trading.buy): Search(partial(_orders, OrderType.BUY), _placed, MAX_SKEW + ZONES),
    id_of(Trading.sell): Search(partial(_orders, OrderType.SELL), _placed, MAX_SKEW + ZONES),
    id_of(Funding.bitcoin_withdrawal): Search(partial(_withdrawals, "btc")),
    id_of(Funding.ripple_withdrawal): Search(partial(_withdrawals, None)),
    id_of(Funding.spei_withdrawal): Search(partial(_withdrawals, "mxn")),
    id_of(Conversions.execute): Search(_conversions, _accepted),
}
