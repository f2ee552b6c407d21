"""How reads show what a call of v3 or v4 did: by the client's id that it bore.

An order that is found under the id was placed. One that finished may be shown no more, but its trades are, as far back
as is known. One that was cancelled before it traded leaves no trace at all once it is no longer shown, so that absence
means: nothing rests and nothing traded. Beyond the hour for which finished orders are shown it means nothing.

Two orders under one id, or one that is older than the call, show that the id was used before: neither is sure.

Source:
    Bitso API v3, "Look Up Orders", "List Trades Of An Order", "List Withdrawals", "Consumer Contacts".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal

from attrs import evolve

from exchanges.bitso.funding import Funding
from exchanges.bitso.models.funding import Contact, Withdrawal
from exchanges.bitso.models.market import Side
from exchanges.bitso.models.trading import Order, UserTrade
from exchanges.bitso.trading import MAX_OPEN, Trading
from exchanges.intents import Intent
from exchanges.outcomes.exposure import limited
from exchanges.outcomes.matching import Listing, by_client_id, compare_texts, is_by_call, match, rows_of
from exchanges.outcomes.search import (
    Absence,
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

ABSENT = Absence(
    after=timedelta(seconds=120),
    needs_fence=True,
    unfenced=(
        "no later call shows that the request cannot arrive any more, as its nonce was not recorded, or nonces of "
        "version 2 may arrive in any order; look at the exchange, and dismiss the call when you know its outcome"
    ),
)
"""No document says how soon a list shows what was accepted."""
ORDERS_ABSENT = evolve(
    ABSENT,
    until=timedelta(minutes=60),
    too_late=(
        "a finished order is shown for 60 minutes at most; compare open orders and trades, and dismiss the call when "
        "you know its outcome"
    ),
)


def client_id_of(query: Query) -> str | None:
    """Return the client's id that the call bore."""
    return query.intent.tag or query.text("origin_id")


# Orders


def _orders(query: Query, answers: Answers) -> Matches:
    """Read the orders of the id, then their trades, so that an order which finishes meanwhile is in one of both."""
    client_id = client_id_of(query)
    if client_id is None:
        return Matches(complete=False)
    by_name = Read.of(Trading.orders, origin_ids=(client_id,))
    traded = Read.of(Trading.order_trades_by_origin_id, origin_id=client_id)
    of_book = Read.of(Trading.open_orders, book=query.text("book"))
    if missing := [read for read in (by_name, traded) if read not in answers]:
        return Matches(more=(missing[0],))
    named, waiting = rows_of(answers, by_name, Order), None
    orders = {order.oid: order for order in named or () if order.origin_id == client_id}
    trades = [t for t in rows_of(answers, traded, UserTrade) or () if t.origin_id in (None, client_id)]
    if not orders and not trades:
        if of_book not in answers:
            return Matches(more=(of_book,))
        waiting = rows_of(answers, of_book, Order)
        orders = {order.oid: order for order in waiting or () if order.origin_id == client_id}
    names = {*orders, *(trade.oid for trade in trades)}
    found = [_judge(query, name, orders.get(name), [t for t in trades if t.oid == name]) for name in names]
    is_whole = named is not None and waiting is not None and len(waiting) < MAX_OPEN
    return Matches(by_client_id(found), complete=bool(found) or is_whole)


def _judge(query: Query, oid: str, order: Order | None, trades: list[UserTrade]) -> Match:
    """Return what the order of an id shows; sure unless it is older than the call, or of another book or side."""
    moments = [order.created_at] if order is not None else [trade.created_at for trade in trades]
    kinds = {(order.book, order.side)} if order is not None else {(trade.book, trade.side) for trade in trades}
    asked = (query.text("book"), query.text("side"))
    is_ours = is_by_call(query, min(moments)) and all(
        (book.lower(), side.value) == ((asked[0] or "").lower(), asked[1]) for book, side in kinds
    )
    found = order if order is not None else tuple(trades)
    return Match(oid, found, min(moments), sure=is_ours, tagged=is_ours)


def _commitment(intent: Intent) -> Commitment:
    """Return what an order may cost; a market order names one of its amounts."""
    said = intent.arguments
    in_quote = "major" not in said
    amount = said["minor" if in_quote else "major"]
    return limited(said["book"], amount, said.get("price"), is_buy=said["side"] == Side.BUY, in_quote=in_quote)


# Modifications


def _modifications(query: Query, answers: Answers) -> Matches:
    """Read the order: where it is as the call wanted it, the call did its work."""
    name, client_id = query.text("oid"), query.text("origin_id")
    read = Read.of(Trading.orders, oids=(name,)) if name else Read.of(Trading.orders, origin_ids=(client_id,))
    if read not in answers:
        return Matches(more=(read,))
    orders = [order for order in rows_of(answers, read, Order) or () if _is_as_asked(query, order)]
    candidates = tuple(
        Match(f"{order.oid} {_changes(query)}", order, order.updated_at, tagged=True) for order in orders
    )
    # Another value may be that of the order before, while the call is still on its way.
    return Matches(candidates, complete=bool(candidates))


def _changes(query: Query) -> Mapping[str, Decimal]:
    wanted = {name: query.amount(name) for name in ("major", "minor", "price", "stop")}
    return {name: amount for name, amount in wanted.items() if amount is not None}


def _is_as_asked(query: Query, order: Order) -> bool:
    shown = {
        "major": order.original_amount,
        "minor": order.original_value,
        "price": order.price,
        "stop": order.stop,
    }
    return all(shown[name] == amount for name, amount in _changes(query).items())


# Withdrawals and receivers


def _withdrawals(query: Query, answers: Answers) -> Matches:
    client_id = client_id_of(query)
    if client_id is None:
        return Matches(complete=False)
    read = Read.of(Funding.withdrawals, origin_ids=(client_id,))
    if read not in answers:
        return Matches(more=(read,))
    rows = rows_of(answers, read, Withdrawal)
    found = by_client_id(list(_withdrawal(query, client_id, rows or ())))
    return Matches(found, complete=bool(found) or rows is not None)


def _withdrawal(query: Query, client_id: str, rows: Iterable[Withdrawal]) -> Iterable[Match]:
    """Yield the withdrawals of the id; sure unless older than the call, or of another amount."""
    for row in rows:
        # Quirk: transfers by SPEI show the id among their details.
        if client_id not in (row.origin_id, row.details.get("origin_id")):
            continue
        is_ours = is_by_call(query, row.created_at) and row.amount == query.amount("amount")
        yield Match(row.wid, row, row.created_at, sure=is_ours, tagged=is_ours)


def _contact(query: Query, row: Contact) -> Match | None:
    return match(
        query,
        row,
        compare_texts(row.alias, query.text("alias")),
        compare_texts(row.currency, query.text("currency")),
        name=row.contact_id,
        shown_at=row.created,
    )


def _answered(oid: str) -> Match:
    """Return the match that the answer to a new order shows."""
    return Match(oid, oid)


SEARCHES: Searches = {
    id_of(Trading.place_order): Search(
        _orders, _answered, client_id="origin_id", absence=ORDERS_ABSENT, commits=_commitment
    ),
    **dict.fromkeys(
        (id_of(Trading.modify_order), id_of(Trading.modify_order_by_origin_id)),
        Search(_modifications, lambda _: None, commits=lambda _: Commitment(None)),
    ),
    id_of(Funding.create_withdrawal): Search(
        _withdrawals,
        lambda withdrawal: Match(withdrawal.wid, withdrawal, withdrawal.created_at),
        client_id="origin_id",
        absence=ABSENT,
    ),
    id_of(Funding.create_contact): Search(
        Listing(lambda query: Read.of(Funding.contacts, alias=query.text("alias")), Contact, _contact),
        lambda contact: Match(contact.contact_id, contact, contact.created),
    ),
}
