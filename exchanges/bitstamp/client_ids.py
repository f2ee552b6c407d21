"""How reads show what a call of v2 did: by the client's id that an order bore, by all that is shown of a withdrawal.

An order that is found under its id was placed. Which of several orders of one id the exchange shows is not documented,
and it accepts the same id twice: one that is older than the call, or of another market or side, is never sure. How soon
a new order is found no document says, so "order not found" counts only together with the events of the market, the
open orders and the trades, and late: a signed request is accepted until 150 seconds after its timestamp.

Withdrawals bear no client's id: one that fits in currency, amount, address and time may be another's.

Source:
    Bitstamp API v2, "Get order status", "Get open orders", "Get withdrawal requests".
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from attrs import evolve

from exchanges.bitstamp.account import Account
from exchanges.bitstamp.arguments import symbol_of
from exchanges.bitstamp.funding import Funding
from exchanges.bitstamp.market import Market
from exchanges.bitstamp.models.account import SortOrder, TransactionType, UserTransaction
from exchanges.bitstamp.models.funding import InstantConvertAddressInfo, WithdrawalRequest
from exchanges.bitstamp.models.market import MarketInfo, Side
from exchanges.bitstamp.models.trading import (
    OpenOrder,
    OrderEvent,
    OrderEventData,
    OrderEventKind,
    OrderSource,
    OrderStatus,
    Subtype,
)
from exchanges.bitstamp.trading import Trading
from exchanges.endpoint.amounts import EXACT, total
from exchanges.intents import Intent
from exchanges.outcomes.exposure import limited
from exchanges.outcomes.matching import (
    DAY,
    MARGIN,
    Listing,
    MatchQuality,
    Page,
    by_client_id,
    compare,
    compare_texts,
    is_by_call,
    match,
    reaches_back,
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

PAGE_SIZE = 1000
WITHDRAWAL = "withdrawal"
NO_EVENTS = "404.008"
_PAIR = re.compile("btc[a-z]{3,5}")
_FIRST = (OrderEventKind.ORDER_CREATED, OrderEventKind.STOP_INACTIVE)
MAX_ORDERS = 10
"""How many orders that traded since a call are read."""
ABSENT = Absence(
    # A request is accepted until 150 s after its timestamp by the exchange's clock, which may itself be 150 s behind.
    after=timedelta(seconds=330),
    until=DAY - MARGIN,
    too_late="the events of orders are read for 24 hours",
)


def _orders(side: Side | None, query: Query, answers: Answers) -> Matches:
    """Read the state of the order of the id; then the events, the open orders and the trades in which it may be."""
    client_id = query.intent.tag or query.text("client_order_id")
    if client_id is None:
        return Matches(complete=False)
    states = [Read.of(Trading.order_status, client_order_id=client_id)]
    if query.made is not None:
        states.append(Read.of(Trading.order_status, order_id=query.made))
    if missing := [read for read in states if read not in answers]:
        return Matches(more=(missing[0],))
    shown = {order.id: order for read in states if isinstance(order := answers[read], OrderStatus)}
    if found := [order for order in shown.values() if order.client_order_id in (None, client_id)]:
        return Matches(by_client_id([_judge(side, query, order) for order in found]))
    events = _events(query, answers)
    waiting = Read.of(Trading.open_orders)
    if events.more or waiting not in answers:
        return Matches(more=events.more or (waiting,))
    rows = rows_of(answers, waiting, OpenOrder)
    orders = [_judge(side, query, order) for order in rows or () if order.client_order_id == client_id]
    orders += [_judge_event(side, query, row) for row in events.rows if row.data.client_order_id == client_id]
    if orders:
        return Matches(by_client_id(list({order.id: order for order in reversed(orders)}.values())))
    matches = _traded(side, query, answers, client_id, events.rows)
    is_shown = events.complete and rows is not None
    matches = evolve(matches, complete=matches.complete and is_shown, unsettled=matches.unsettled and is_shown)
    return _with_bare(side, query, matches, rows or [], events.rows)


def _with_bare(
    side: Side | None, query: Query, matches: Matches, orders: list[OpenOrder], events: tuple[OrderEvent, ...]
) -> Matches:
    """Add the orders that are shown without any client's id, unless that of the call was found."""
    if matches.more or any(match.tagged for match in matches.candidates):
        return matches
    first = {event.data.id: event for event in reversed(events)}.values()
    bare = [_doubted(side, query, order, order.datetime) for order in orders]
    # The moment of an event is that of its order only if the order began with it.
    bare += [_doubted(side, query, e.data, e.data.microtimestamp if e.event in _FIRST else None) for e in first]
    return evolve(matches, candidates=(*matches.candidates, *(match for match in bare if match is not None)))


def _events(query: Query, answers: Answers) -> Page:
    """Return the events of the orders of the market within a day, those of created and of deleted ones too."""
    markets = Read.of(Market.markets)
    if markets not in answers:
        return Page(more=(markets,))
    infos = rows_of(answers, markets, MarketInfo) or ()
    name = next((info.name for info in infos if info.market_symbol == query.text("market")), None)
    # A replacement does not say its market, and may have cancelled the old order even if there is no new one.
    if name is None:
        return Page()
    sources = [OrderSource.ORDER_BOOK, *[OrderSource.STOP_ORDER] * (query.text("stop_price") is not None)]
    rows: list[OrderEvent] = []
    for source in sources:
        since: dict[str, str] = {}
        while True:
            read = Read.of(Trading.account_order_data, market=name, order_source=source, **since)
            if read not in answers:
                return Page(tuple(rows), (read,))
            page = rows_of(answers, read, OrderEvent)
            # That there are none is an error of its own. Another one may mean another market.
            if page is None and answers[read].code != NO_EVENTS:
                return Page(tuple(rows))
            page = page or []
            rows += page
            if len(page) < PAGE_SIZE:
                break
            since = {"since_id": page[-1].event_id}
    return Page(tuple(rows), complete=True)


def _traded(
    side: Side | None, query: Query, answers: Answers, client_id: str, events: tuple[OrderEvent, ...]
) -> Matches:
    """Read the trades since the call, and the state of the orders that traded then, unless *events* show their id."""
    trades = Read.of(Account.user_transactions, limit=PAGE_SIZE, sort=SortOrder.DESC)
    if trades not in answers:
        return Matches(more=(trades,))
    rows = rows_of(answers, trades, UserTransaction)
    ids = {event.data.id: event.data.client_order_id for event in events}
    names = {row.order_id: None for row in rows or () if row.order_id and query.fits(row.datetime)}
    orders = [name for name in names if ids.get(name) in (None, client_id)]
    states = [Read.of(Trading.order_status, order_id=name) for name in orders][:MAX_ORDERS]
    if missing := tuple(read for read in states if read not in answers):
        return Matches(more=missing)
    shown = [order for read in states if isinstance(order := answers[read], OrderStatus)]
    own = by_client_id([_judge(side, query, order) for order in shown if order.client_order_id == client_id])
    bare = [_doubted(side, query, order, order.datetime) for order in shown if not own]
    # An order whose state is not shown, or was not read, may be the one.
    is_whole = rows is not None and reaches_back(query, [row.datetime for row in rows], PAGE_SIZE)
    # What traded has a state, and an event with its id: where one of them is missing, the read was late.
    is_late = len(shown) < len(states) or not ids.keys() >= set(orders)
    return Matches(
        (*own, *(order for order in bare if order is not None)),
        complete=is_whole and len(shown) == len(orders),
        unsettled=is_whole and is_late and not query.is_settled,
    )


def _judge(side: Side | None, query: Query, order: OrderStatus | OpenOrder) -> Match:
    """Return what the order of an id shows; sure unless it is older than the call, or of another market or side."""
    at, market = order.datetime, query.text("market")
    is_elsewhere = None not in (order.market, market) and symbol_of(order.market or "") != market
    is_other = None not in (side, order.type) and order.type is not side
    is_ours = not is_elsewhere and not is_other and is_by_call(query, at) and _is_as_asked(query, order)
    return Match(order.id, order, at, sure=is_ours, tagged=is_ours)


def _doubted(
    side: Side | None, query: Query, order: OrderStatus | OpenOrder | OrderEventData, at: datetime | None
) -> Match | None:
    """Return an order that is shown without any client's id, but otherwise as the call may have placed it."""
    market = getattr(order, "market", None) or getattr(order, "currency_pair", None)
    kind = order.order_type if isinstance(order, OrderEventData) else order.type
    if order.client_order_id is not None or query.text("market") is None:
        return None
    return match(
        query,
        order,
        same_if(kind in (None, side)),
        same_if(market is None or symbol_of(market) == query.text("market")),
        same_if(not _contradicts(query, order)),
        MatchQuality.DOUBTFUL,
        name=order.id,
        shown_at=at,
    )


def _is_as_asked(query: Query, order: OrderStatus | OpenOrder | OrderEventData) -> bool:
    """Return whether what is shown of an order under an id is as the call asked for; others may use a caller's id."""
    return query.intent.tag is not None or not _contradicts(query, order)


def _is_limit(order: OrderStatus | OpenOrder | OrderEventData) -> bool | None:
    """Return whether an order is a limit order; None if that is not shown, or as a kind that is for derivatives."""
    if isinstance(order, OrderEventData):
        return {0: True, 2: False}.get(-1 if order.order_subtype is None else order.order_subtype)
    kinds = {Subtype.LIMIT: True, Subtype.MARKET: False, Subtype.INSTANT: False, Subtype.CASH: False}
    return None if order.subtype is None else kinds.get(order.subtype)


def _contradicts(query: Query, order: OrderStatus | OpenOrder | OrderEventData) -> bool:
    """Return whether the kind, the price or the amount shown of an order is not that of the call."""
    is_plain = query.text("subtype") is None and query.text("stop_price") is None
    if is_plain and _is_limit(order) not in (None, query.text("price") is not None):
        return True
    price, amount = query.amount("price"), query.amount("amount")
    shown = None if isinstance(order, OrderStatus) else order.price
    if price is not None and not compare(shown, price):
        return True
    # An instant order to buy names an amount of the counter currency, as others may.
    in_counter = query.text("amount_in_counter") is not None or id_of(Trading.buy_instant) == query.intent.endpoint
    if amount is None or in_counter:
        return False
    rest = order.amount_remaining if isinstance(order, OrderStatus) else order.amount
    is_too_much = rest is not None and rest > amount and not compare(rest, amount)
    return is_too_much or not compare(_whole(order), amount)


def _whole(order: OrderStatus | OpenOrder | OrderEventData) -> Decimal | None:
    """Return the whole amount of an order, what traded and what did not; None if it is not shown."""
    if not isinstance(order, OrderStatus):
        return order.amount_at_create
    if order.amount_remaining is None or order.market is None:
        return None
    base = order.market.partition("/")[0].lower()
    return EXACT.add(order.amount_remaining, total(fill.amounts.get(base, Decimal(0)) for fill in order.transactions))


def _judge_event(side: Side | None, query: Query, event: OrderEvent) -> Match:
    """Return what an event of the market of the call shows, of an order of its id."""
    order, at = event.data, event.data.microtimestamp
    is_ours = (side is None or order.order_type is side) and is_by_call(query, at) and _is_as_asked(query, order)
    return Match(order.id, order, at, sure=is_ours, tagged=is_ours)


def _commitment(side: Side, unit: str, intent: Intent) -> Commitment:
    """Return what an order may cost; a market order and an instant one name one of their amounts."""
    said = intent.arguments
    in_quote = unit == "counter" or said.get("amount_in_counter") is not None
    is_buy = side is Side.BUY
    return limited(said["market"], said["amount"], said.get("price"), is_buy=is_buy, in_quote=in_quote)


def _withdrawal(currency: str, query: Query, row: WithdrawalRequest) -> Match | None:
    address, tag, network = (query.text(name) for name in ("address", "destination_tag", "network"))
    # Quirk: a tag of the XRP Ledger is appended to the address.
    receiver = address if tag is None else f"{address}?dt={tag}"
    return match(
        query,
        row,
        compare(row.amount, query.amount("amount")),
        compare_texts((row.currency or "").upper(), (query.text(currency) or "").upper()),
        compare_texts(row.address, receiver),
        # One network has several names, so another one only leaves doubt. A row without one tells no calls apart.
        same_if(None in (network, row.network) or network == row.network, MatchQuality.DOUBTFUL),
        name=row.id,
        shown_at=row.datetime,
    )


def _requests(query: Query) -> Read:
    # A list in pages would move while it is read; this one holds what can be meant.
    age = int(query.age.total_seconds()) + 3600
    return Read.of(Funding.withdrawal_requests, timedelta=min(max(age, 3600), 50_000_000))


def _transfer(query: Query, row: UserTransaction) -> Match | None:
    amounts = {name.upper(): amount.copy_abs() for name, amount in row.amounts.items()}
    amount = amounts.get((query.text("currency") or "").upper())
    is_transfer = row.type in (TransactionType.SUB_ACCOUNT_TRANSFER, TransactionType.INTER_ACCOUNT_TRANSFER)
    # Whose balance the list shows, that of the main or of a sub account, depends on the key: no direction is certain.
    is_out = id_of(Funding.transfer_from_main) == query.intent.endpoint
    is_against = any(amount > 0 if is_out else amount < 0 for amount in row.amounts.values())
    return match(
        query,
        row,
        same_if(is_transfer),
        compare(amount, query.amount("amount")),
        same_if(not is_against, MatchQuality.DOUBTFUL),
        name=row.id,
        shown_at=row.datetime,
    )


def _convert_address(query: Query, row: InstantConvertAddressInfo) -> Match | None:
    wanted, pair = (symbol_of(text) for text in (query.text("liquidation_currency") or "", row.currency_pair))
    # It has no date: it may be older than the call.
    return match(query, row, same_if(pair.endswith(wanted) or not _is_pair(row)), name=row.address)


def _is_pair(row: InstantConvertAddressInfo) -> bool:
    return _PAIR.fullmatch(symbol_of(row.currency_pair)) is not None


def _if_found(listing: Listing[Any], query: Query, answers: Answers) -> Matches:
    """Read a list of which no document says how soon it shows what was asked for: an empty one proves nothing."""
    return evolve(listing(query, answers), only_found=True)


def terms(intent: Intent, currency: str) -> tuple[object, ...]:
    """Return what is compared of a call that moves an amount of a *currency*; the receiver by any case."""
    return currency.lower(), intent.arguments.get("address", "").lower(), Decimal(intent.arguments["amount"])


def _withdrawals(currency: str) -> Search:
    listing = Listing(_requests, WithdrawalRequest, partial(_withdrawal, currency))
    return Search(
        partial(_if_found, listing),
        lambda answer: Match(getattr(answer, "id", None) or answer.withdrawal_id, answer),
        thing=WITHDRAWAL,
        # Neither memos nor internal ids are shown.
        terms=lambda intent: terms(intent, intent.arguments[currency]),
    )


_TRANSFERS = Search(
    partial(
        _if_found,
        Listing(
            lambda _: Read.of(Account.user_transactions, limit=PAGE_SIZE, sort=SortOrder.DESC),
            UserTransaction,
            _transfer,
            lambda query, rows: reaches_back(query, [row.datetime for row in rows], PAGE_SIZE),
        ),
    ),
    lambda _: None,
    thing="transfer",
    # Which sub account it was is not shown.
    terms=lambda intent: terms(intent, intent.arguments["currency"]),
)
SEARCHES: Searches = {
    **{
        id_of(call): Search(
            partial(_orders, side),
            lambda order: Match(order.id, order, order.datetime),
            client_id="client_order_id",
            absence=ABSENT,
            commits=partial(_commitment, side, "counter" if call is Trading.buy_instant else "base"),
        )
        for side, calls in (
            (Side.BUY, (Trading.buy, Trading.buy_market, Trading.buy_instant)),
            (Side.SELL, (Trading.sell, Trading.sell_market, Trading.sell_instant)),
        )
        for call in calls
    },
    id_of(Trading.replace_order): Search(
        partial(_orders, None),
        lambda order: Match(order.order_id, order, order.datetime),
        client_id="client_order_id",
        commits=lambda _: Commitment(None),
    ),
    id_of(Funding.crypto_withdrawal): _withdrawals("currency"),
    id_of(Funding.ripple_withdrawal): _withdrawals("currency"),
    id_of(Funding.open_bank_withdrawal): _withdrawals("account_currency"),
    id_of(Funding.transfer_to_main): _TRANSFERS,
    id_of(Funding.transfer_from_main): _TRANSFERS,
    id_of(Funding.new_instant_convert_address): Search(
        Listing(lambda _: Read.of(Funding.instant_convert_address_info), InstantConvertAddressInfo, _convert_address),
        lambda answer: Match(answer.address, answer),
    ),
}
"""What no read shows: a deposit that was rejected or explained, and keys that were revoked."""
