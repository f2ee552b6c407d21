"""How Bitso's reads show what a call did.

An order of v2 that waits is among the open orders; the trades of one that traded name it. The lookup by id shows its
limit and its whole amount, whatever its status, so all that was asked for is compared; an open order that has not
traded shows as much itself. An order that was cancelled before it traded is in no list. A market order has no limit,
or zero. The unit of the amount of a market order to buy is not sent: the caller alone knows it, so an order of another
amount may be the one.

A withdrawal is among the transactions of its currency, with amount and moment but with neither id nor receiver: it is
never sure. No document says that a withdrawal that waits, as one to a bank does outside of banking hours, is in the
list already: if none is there, that proves nothing.

A conversion is found by its id, which `Conversions.convert` puts into its intent once it knows it. If only the quote
is known, its id is tried: the documents keep the two apart, but show a quote whose own id is also that of its order.
Otherwise the ledger shows it, some seconds later: its entry names the quote and the conversion. That there is no
conversion with this id, and no entry, proves nothing: one that failed leaves none.

Moments of v2 name no zone. They are compared with each other here, and by the reconciler with the exchange's clock as
other answers of v2 have shown it, so it does not matter which zone it is.

Source:
    Bitso API v2, "User Transactions", "Open Orders", "Lookup Order"; Bitso API v4, "Get a Conversion Status"; Bitso
    API v3, "List Ledger", and a client that knows the entries of conversions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from functools import partial

from attrs import define, evolve, field

from exchanges.bitso import client_ids
from exchanges.bitso.account import Account as LedgerArea
from exchanges.bitso.conversions import Conversions
from exchanges.bitso.models.account import LedgerEntry
from exchanges.bitso.models.conversions import Conversion, ConversionStatus
from exchanges.bitso.models.market import SortOrder
from exchanges.bitso.v2.account import Account
from exchanges.bitso.v2.funding import Funding
from exchanges.bitso.v2.models import Order, OrderStatus, OrderType, TransactionType, UserTransaction
from exchanges.bitso.v2.trading import Trading
from exchanges.intents import Intent
from exchanges.outcomes.exposure import limited
from exchanges.outcomes.matching import (
    MAX_PAGES,
    OVERLAP,
    Cancelling,
    Listing,
    MatchQuality,
    compare,
    is_before,
    is_elsewhen,
    is_misdated,
    is_old,
    match,
    placed_at,
    read_back,
    rows_of,
)
from exchanges.outcomes.search import (
    MAX_SKEW,
    Answers,
    Commitment,
    Match,
    Matches,
    Query,
    Read,
    Search,
    Searches,
    id_of,
)

BOOK = "btc_mxn"
"""The book of a call that names none."""
PAGE_SIZE = 100
# A bound of this library: 50 ids of 64 characters keep the request within a few kilobytes.
LOOKUP_SIZE = 50
ZONES = timedelta(hours=14)
"""Moments of v2 name no zone: until an answer has shown it, they may be off by as much as zones are."""


# Orders


@define
class _Evidence:
    """What the lists show of one order.

    Attributes:
        order: As it was read; None if only its trades are known.
        trades: Its trades since the call.
    """

    order: Order | None = None
    trades: list[UserTransaction] = field(factory=list[UserTransaction])

    @property
    def is_settled(self) -> bool:
        """Whether it shows everything: an order that has not traded is open with its whole amount."""
        return self.order is not None and self.order.status is OrderStatus.ACTIVE


def _orders(side: OrderType, query: Query, answers: Answers) -> Matches:
    """Read what waits, then what traded, so that an order which trades meanwhile is in one of both; then look it up."""
    waiting = Read.of(Trading.open_orders, book=_book_of(query))
    if waiting not in answers:
        return Matches(more=(waiting,))
    page = read_back(answers, _transactions(_book_of(query)), lambda row: is_old(query, row.datetime))
    if page.more:
        return Matches(more=page.more)
    orders = rows_of(answers, waiting, Order)
    evidence = _gather(side, query, orders or [], page.rows)
    lookups = _lookups(sorted(name for name, one in evidence.items() if not one.is_settled))
    if any(lookup not in answers for lookup in lookups):
        return Matches(more=lookups)
    found = {order.id: order for lookup in lookups for order in rows_of(answers, lookup, Order) or []}
    candidates = [_judge(side, query, name, one, found.get(name)) for name, one in evidence.items()]
    shown = tuple(c for c in candidates if c is not None)
    return Matches(shown, complete=page.complete and orders is not None, unsettled=page.has_moved)


def _book_of(query: Query) -> str:
    return query.text("book") or BOOK


def _transactions(book: str) -> Read:
    return Read.of(Account.user_transactions, limit=PAGE_SIZE, sort=SortOrder.DESC, book=book)


def _lookups(names: list[str]) -> tuple[Read, ...]:
    parts = [tuple(names[start : start + LOOKUP_SIZE]) for start in range(0, len(names), LOOKUP_SIZE)]
    return tuple(Read.of(Trading.lookup_order, order_id=part) for part in parts)


def _gather(
    side: OrderType, query: Query, orders: list[Order], rows: Iterable[UserTransaction]
) -> dict[str, _Evidence]:
    """Return by id the orders that may match."""
    evidence = {order.id: _Evidence(order) for order in orders if _compare_terms(side, query, order)}
    for row in rows:
        if row.order_id is not None and not is_before(query, row.datetime) and _is_on(side, query, row):
            evidence.setdefault(row.order_id, _Evidence()).trades.append(row)
    return evidence


def _is_on(side: OrderType, query: Query, row: UserTransaction) -> bool:
    """Return whether a trade may be of an order on *side*: a buyer receives major currency."""
    moved = row.amounts.get(_book_of(query).partition("_")[0].lower(), Decimal(0))
    return moved >= 0 if side is OrderType.BUY else moved <= 0


def _judge(side: OrderType, query: Query, name: str, evidence: _Evidence, found: Order | None) -> Match | None:
    order = found or evidence.order
    if order is None or not (found or evidence.is_settled):
        # The lookup does not show it, so its whole amount is not known.
        shown = (*([] if order is None else [order]), *evidence.trades)
        misdated = any(is_misdated(query, trade.datetime) for trade in evidence.trades)
        return Match(name, shown, sure=False, misdated=misdated)
    qualities = _compare_terms(side, query, order), _compare_amount(side, query, order)
    return match(query, order, *qualities, name=name, shown_at=order.created or order.datetime)


def _compare_terms(side: OrderType, query: Query, order: Order) -> MatchQuality:
    """Compare everything but the amount."""
    shown_at = order.created or order.datetime
    is_elsewhere = order.book is not None and order.book.lower() != _book_of(query).lower()
    if order.type is not side or is_elsewhere or (shown_at is not None and is_elsewhen(query, shown_at)):
        return MatchQuality.OTHER
    price = query.amount("price")
    if price is None:
        return MatchQuality.OTHER if order.price else MatchQuality.SAME
    return compare(order.price, price)


def _compare_amount(side: OrderType, query: Query, order: Order) -> MatchQuality:
    wanted = Decimal(query.intent.arguments["amount"])
    quality = compare(order.amount, wanted)
    if quality or order.amount is None:
        return quality
    is_in_another_unit = side is OrderType.BUY and query.text("price") is None
    # The documents call it the amount of the order; it might still be what is left of one that traded.
    is_rest = order.status in (OrderStatus.PARTIALLY_FILLED, OrderStatus.CANCELLED) and order.amount < wanted
    return MatchQuality.DOUBTFUL if is_in_another_unit or is_rest else MatchQuality.OTHER


def _placed(order: Order) -> Match:
    """Return the match that the answer to a new order shows."""
    return Match(order.id, order, order.datetime)


def _cancelled(query: Query, orders: Iterable[Order]) -> Order | None:
    return next((order for order in orders if order.id == query.text("order_id")), None)


# Withdrawals


def _withdrawals(currency: str | None, query: Query, answers: Answers) -> Matches:
    """Read the transactions of a book of *currency*; None stands for the currency that the call names."""
    currency = currency or query.intent.arguments["currency"].lower()
    book = BOOK if currency in BOOK.split("_") else f"{currency}_mxn"
    matches = Listing(
        lambda _: _transactions(book), UserTransaction, partial(_withdrawal, currency), moment=lambda row: row.datetime
    )(query, answers)
    candidates = tuple(_numbered(matches.candidates))
    return evolve(matches, candidates=candidates, only_found=True)


def _withdrawal(currency: str, query: Query, row: UserTransaction) -> Match | None:
    if row.type is not TransactionType.WITHDRAWAL or currency not in row.amounts or is_before(query, row.datetime):
        return None
    if not compare(row.amounts[currency].copy_negate(), Decimal(query.intent.arguments["amount"])):
        return None
    # Withdrawals have no ids: all that is shown of them names them.
    name = f"{row.datetime:%Y-%m-%d %H:%M:%S} {row.method} {row.amounts[currency]} {currency}"
    misdated = is_misdated(query, row.datetime)
    return Match(name, row, placed_at(query, row.datetime), sure=False, misdated=misdated)


def _numbered(candidates: Iterable[Match]) -> Iterable[Match]:
    """Append a number to each id: withdrawals of the same id are twins in all that is shown."""
    count = Counter[str]()
    for candidate in candidates:
        count[candidate.id] += 1
        yield evolve(candidate, id=f"{candidate.id} #{count[candidate.id]}")


# Conversions


def _conversions(query: Query, answers: Answers) -> Matches:
    quote, known = query.intent.arguments["quote_id"], query.text("conversion_id")
    read = Read.of(Conversions.conversion, conversion_id=known or quote)
    if read not in answers:
        return Matches(more=(read,))
    found = answers[read]
    if not isinstance(found, Conversion):
        return _in_ledger(query, answers, quote, known)
    # A quote that was not accepted is open, and may fail when it expires.
    executed = known is not None or found.status in (ConversionStatus.QUEUED, ConversionStatus.COMPLETED)
    # The call that accepted a quote is recorded as the one that created its conversion; this one needs its own name.
    name = found.id if known is None else f"{quote} as {found.id}"
    return Matches((Match(name, found, sure=executed, tagged=executed, made=found.id),))


def _in_ledger(query: Query, answers: Answers, quote: str, known: str | None) -> Matches:
    """Read the ledger back to the call: its entry of a conversion names the quote. None proves nothing."""
    marker: dict[str, str] = {}
    for _ in range(MAX_PAGES):
        read = Read.of(LedgerArea.ledger, limit=PAGE_SIZE, **marker)
        if read not in answers:
            return Matches(more=(read,))
        rows = rows_of(answers, read, LedgerEntry) or []
        for row in rows:
            if quote == row.details.qid or (known is not None and known == row.details.oid):
                return Matches((Match(f"{quote} as {row.eid}", row, tagged=True, made=row.details.oid),))
        if len(rows) < PAGE_SIZE or all(is_old(query, row.created_at) for row in rows[-OVERLAP:]):
            break
        marker = {"marker": rows[-1].eid}
    # A conversion is carried out some seconds after its quote was accepted.
    return Matches(complete=False, unsettled=not query.is_settled)


def _commitment(intent: Intent, *, is_buy: bool) -> Commitment:
    """Return what an order may cost; in which unit the amount of a market order to buy is, is not known."""
    said = intent.arguments
    book, price = said.get("book", "btc_mxn"), said.get("price")
    if is_buy and price is None:
        return Commitment(book, is_buy)
    return limited(book, said["amount"], price, is_buy=is_buy)


CANCELS: Searches = {
    id_of(Trading.cancel_order): Search(
        Cancelling(
            lambda query: Read.of(Trading.lookup_order, order_id=query.intent.arguments["order_id"]),
            _cancelled,
            lambda order: order.status is OrderStatus.CANCELLED,
        ),
        by_id=True,
    )
}
SEARCHES: Searches = {
    **client_ids.SEARCHES,
    id_of(Trading.buy): Search(
        partial(_orders, OrderType.BUY), _placed, MAX_SKEW + ZONES, commits=partial(_commitment, is_buy=True)
    ),
    id_of(Trading.sell): Search(
        partial(_orders, OrderType.SELL), _placed, MAX_SKEW + ZONES, commits=partial(_commitment, is_buy=False)
    ),
    id_of(Funding.bitcoin_withdrawal): Search(partial(_withdrawals, "btc")),
    id_of(Funding.ripple_withdrawal): Search(partial(_withdrawals, None)),
    id_of(Funding.spei_withdrawal): Search(partial(_withdrawals, "mxn")),
    id_of(Conversions.execute): Search(_conversions, lambda conversion_id: Match(conversion_id, conversion_id)),
}
