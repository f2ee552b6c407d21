"""How reads show what a call of v3 or v4 did: by the client's id that it bore.

An order that is found under the id was placed. One that finished may be shown no more, but its trades are, as far back
as is known. One that was cancelled before it traded leaves no trace at all once it is no longer shown, so that absence
means: nothing rests and nothing traded. Beyond the hour for which finished orders are shown it means nothing.

Two orders under one id, one that is older than the call, and one of other terms show that the id was used before: none
of them is sure. What a read for the id shows without an id may be of the call; what it shows under another id proves
that the exchange did not look for ours, so that absence means nothing.

Source:
    Bitso API v3, "Look Up Orders", "List Trades Of An Order", "List Withdrawals", "Consumer Contacts".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from attrs import evolve

from exchanges.bitso.funding import Funding
from exchanges.bitso.models.funding import Contact, Withdrawal
from exchanges.bitso.models.market import Side
from exchanges.bitso.models.trading import Order, OrderType, TimeInForce, UserTrade
from exchanges.bitso.trading import MAX_OPEN, Trading
from exchanges.endpoint.amounts import total
from exchanges.intents import Intent
from exchanges.outcomes.exposure import limited
from exchanges.outcomes.matching import (
    Listing,
    MatchQuality,
    by_client_id,
    compare_texts,
    is_by_call,
    match,
    rows_of,
    same_if,
)
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


_RECEIVER = ("address", "destination_tag", "clabe", "email", "phone_number", "refcode", "contact_id")
"""The arguments of a withdrawal that name who receives it."""


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
    named, rows = rows_of(answers, by_name, Order), rows_of(answers, traded, UserTrade)
    orders = {order.oid: order for order in named or () if order.origin_id in (None, "", client_id)}
    trades = [trade for trade in rows or () if trade.origin_id in (None, "", client_id)]
    names = {*orders, *(trade.oid for trade in trades)}
    if names:
        of_each = {name: [trade for trade in trades if trade.oid == name] for name in names}
        found = [_judge(query, name, orders.get(name), of_each[name]) for name in names]
        return Matches(by_client_id(found))
    if of_book not in answers:
        return Matches(more=(of_book,))
    waiting = rows_of(answers, of_book, Order)
    found = [shown for order in waiting or () if (shown := _judge_open(query, client_id, order)) is not None]
    is_whole = not named and named is not None and not rows and waiting is not None and len(waiting) < MAX_OPEN
    return Matches(by_client_id(found), complete=bool(found) or is_whole)


def _judge_open(query: Query, client_id: str, order: Order) -> Match | None:
    """Return what an open order shows; one without an id that has the terms of the call is in doubt."""
    if order.origin_id:
        return _judge(query, order.oid, order, []) if order.origin_id == client_id else None
    qualities = MatchQuality.DOUBTFUL, same_if(_is_on(query, order) and _has_terms(query, order))
    return match(query, order, *qualities, name=order.oid, shown_at=order.created_at)


def _judge(query: Query, oid: str, order: Order | None, trades: list[UserTrade]) -> Match:
    """Return what the order of an id shows; sure if it bears the id, is not older than the call, and has its terms."""
    shown = [order] if order is not None else trades
    is_ours = (
        all(row.origin_id and _is_on(query, row) and is_by_call(query, row.created_at) for row in shown)
        and (order is None or _has_terms(query, order))
        and _are_within(query, trades, is_all=order is None)
    )
    found = order if order is not None else tuple(trades)
    return Match(oid, found, min(row.created_at for row in shown), sure=is_ours, tagged=is_ours)


def _is_on(query: Query, row: Order | UserTrade) -> bool:
    """Return whether an order or a trade is of the book and the side of the call."""
    return (row.book.lower(), row.side.value) == ((query.text("book") or "").lower(), query.text("side"))


def _has_terms(query: Query, order: Order) -> bool:
    """Return whether what an order shows of its terms is what the call asked for."""
    is_limit = query.text("order_type") == OrderType.LIMIT.value
    wanted = {
        "original_amount": query.amount("major"),
        "original_value": query.amount("minor"),
        "price": query.amount("price"),
        "stop": query.amount("stop"),
    }
    if any(
        None not in (number, getattr(order, name)) and getattr(order, name) != number for name, number in wanted.items()
    ):
        return False
    # A stop order that was triggered may show another type; open market orders may show any time in force.
    if query.text("stop") is None and (order.type.value != query.text("order_type") or order.stop is not None):
        return False
    lasting = query.text("time_in_force") or TimeInForce.GOOD_TILL_CANCELLED.value
    return not is_limit or order.time_in_force is None or order.time_in_force.value == lasting


def _are_within(query: Query, trades: list[UserTrade], *, is_all: bool) -> bool:
    """Return whether trades fit the call: none beyond its limit, and no more than its amount in sum.

    Args:
        is_all: Whether nothing but the trades is known of the order: under an id of the caller's own, which may have
            been used before, they must add up to the whole amount.
    """
    limit, is_buy = query.amount("price"), query.text("side") == Side.BUY.value
    if limit is not None and any(trade.price > limit if is_buy else trade.price < limit for trade in trades):
        return False
    for name in ("major", "minor"):
        if (wanted := query.amount(name)) is not None:
            moved = total({trade.tid: getattr(trade, name) for trade in trades}.values())
            is_whole = moved == wanted or not is_all or query.intent.tag is not None
            if not is_whole or (name == "major" and moved > wanted):
                return False
    return True


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
    rows = rows_of(answers, read, Order) or ()
    # What is shown of another order, as if it were of this one, says nothing about it.
    ours = [order for order in rows if (order.oid == name if name else order.origin_id == client_id)]
    candidates = tuple(
        Match(f"{order.oid} {_changes(query)}", order, order.updated_at, tagged=True, made=order.oid)
        for order in ours
        if _is_as_asked(query, order)
    )
    # Another value may be that of the order before, while the call is still on its way.
    return Matches(candidates, only_found=True)


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
    found = [_withdrawal(query, row) for row in rows or () if row.client_id in (None, client_id)]
    return Matches(by_client_id(found), complete=bool(found) or rows == [])


def _withdrawal(query: Query, row: Withdrawal) -> Match:
    """Return what a withdrawal shows; sure if it bears the id, is not older than the call, and has its terms."""
    terms = [same_if(row.amount == query.amount("amount")), compare_texts(row.currency, query.text("currency"))]
    said = [name for name in ("asset", "network", "protocol") if query.text(name) is not None]
    terms += [compare_texts(getattr(row, name), query.text(name)) for name in said]
    receivers = ((getattr(row, name), query.text(name)) for name in _RECEIVER)
    terms += [compare_texts(shown, wanted) for shown, wanted in receivers if None not in (shown, wanted)]
    is_ours = bool(row.client_id) and all(terms) and is_by_call(query, row.created_at)
    return Match(row.wid, row, row.created_at, sure=is_ours, tagged=is_ours)


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
