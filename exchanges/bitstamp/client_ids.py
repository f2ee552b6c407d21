"""How reads show what a call of v2 did: by the client's id that an order bore, by all that is shown of a withdrawal.

An order that is found under its id was placed. Which of several orders of one id the exchange shows is not documented,
and it accepts the same id twice: one that is older than the call, or of another market or side, is never sure. How soon
a new order is found, and whether "order not found" ever proves something, no document says.

Withdrawals bear no client's id: one that fits in currency, amount, address and time may be another's.

Source:
    Bitstamp API v2, "Get order status", "Get open orders", "Get withdrawal requests".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import evolve

from exchanges.bitstamp.account import Account
from exchanges.bitstamp.arguments import symbol_of
from exchanges.bitstamp.funding import Funding
from exchanges.bitstamp.models.account import TransactionType, UserTransaction
from exchanges.bitstamp.models.funding import InstantConvertAddressInfo, WithdrawalRequest
from exchanges.bitstamp.models.market import Side, SortOrder
from exchanges.bitstamp.models.trading import OpenOrder, OrderStatus
from exchanges.bitstamp.trading import Trading
from exchanges.errors import NotFound
from exchanges.outcomes.matching import Listing, compare, compare_texts, is_before, match, rows_of, same_if
from exchanges.outcomes.search import Answers, Match, Matches, Query, Read, Search, Searches, id_of

PAGE_SIZE = 1000


def _orders(side: Side | None, query: Query, answers: Answers) -> Matches:
    """Read the state of the order of the id, then the open orders, which may be ten seconds old."""
    client_id = query.intent.tag or query.text("client_order_id")
    if client_id is None:
        return Matches(complete=False)
    status = Read.of(Trading.order_status, client_order_id=client_id)
    if status not in answers:
        return Matches(more=(status,))
    waiting = Read.of(Trading.open_orders)
    if isinstance(answers[status], NotFound) and waiting not in answers:
        return Matches(more=(waiting,))
    found = answers[status]
    if isinstance(found, OrderStatus):
        return Matches((_judge(side, query, found),))
    rows = [order for order in rows_of(answers, waiting, OpenOrder) or () if order.client_order_id == client_id]
    candidates = tuple(_judge(side, query, order) for order in rows)
    return Matches(candidates, complete=bool(candidates))


def _judge(side: Side | None, query: Query, order: OrderStatus | OpenOrder) -> Match:
    """Return what the order of an id shows; sure unless it is older than the call, or of another market or side."""
    at, market = order.datetime, query.text("market")
    is_elsewhere = None not in (order.market, market) and symbol_of(order.market or "") != market
    is_other = None not in (side, order.type) and order.type is not side
    is_ours = not is_elsewhere and not is_other and (at is None or not is_before(query, at))
    return Match(order.id, order, at, sure=is_ours, tagged=is_ours)


def _withdrawal(currency: Callable[[Query], str | None], query: Query, row: WithdrawalRequest) -> Match | None:
    address, tag = query.text("address"), query.text("destination_tag")
    # Quirk: a tag of the XRP Ledger is appended to the address.
    receiver = address if tag is None else f"{address}?dt={tag}"
    return match(
        query,
        row,
        compare(row.amount, query.amount("amount")),
        compare_texts((row.currency or "").upper(), (currency(query) or "").upper()),
        compare_texts(row.address, receiver),
        name=row.id,
        shown_at=row.datetime,
    )


def _requests(query: Query) -> Read:
    # A list in pages would move while it is read; this one holds what can be meant.
    age = int(query.age.total_seconds()) + 3600
    return Read.of(Funding.withdrawal_requests, timedelta=min(max(age, 3600), 50_000_000))


def _transfer(query: Query, row: UserTransaction) -> Match | None:
    amounts = {name.upper(): abs(amount) for name, amount in row.amounts.items()}
    amount = amounts.get((query.text("currency") or "").upper())
    is_transfer = row.type in (TransactionType.SUB_ACCOUNT_TRANSFER, TransactionType.INTER_ACCOUNT_TRANSFER)
    return match(
        query, row, same_if(is_transfer), compare(amount, query.amount("amount")), name=row.id, shown_at=row.datetime
    )


def _convert_address(query: Query, row: InstantConvertAddressInfo) -> Match | None:
    wanted = (query.text("liquidation_currency") or "").upper()
    # It has no date: it may be older than the call.
    return match(query, row, same_if(row.currency_pair.endswith(f"/{wanted}")), name=row.address)


def _text(name: str) -> Callable[[Query], str | None]:
    return lambda query: query.text(name)


def _if_found(listing: Listing[Any], query: Query, answers: Answers) -> Matches:
    """Read a list of which no document says how soon it shows what was asked for: an empty one proves nothing."""
    matches = listing(query, answers)
    return evolve(matches, complete=matches.complete and bool(matches.candidates))


def _withdrawals(currency: Callable[[Query], str | None]) -> Search:
    listing = Listing(_requests, WithdrawalRequest, partial(_withdrawal, currency))
    return Search(
        partial(_if_found, listing), lambda answer: Match(getattr(answer, "id", None) or answer.withdrawal_id, answer)
    )


_TRANSFERS = Search(
    partial(
        _if_found,
        Listing(
            lambda _: Read.of(Account.user_transactions, limit=PAGE_SIZE, sort=SortOrder.DESC),
            UserTransaction,
            _transfer,
        ),
    ),
    lambda _: None,
)
SEARCHES: Searches = {
    **{
        id_of(call): Search(partial(_orders, side), lambda order: Match(order.id, order, order.datetime))
        for side, calls in (
            (Side.BUY, (Trading.buy, Trading.buy_market, Trading.buy_instant)),
            (Side.SELL, (Trading.sell, Trading.sell_market, Trading.sell_instant)),
        )
        for call in calls
    },
    id_of(Trading.replace_order): Search(
        partial(_orders, None), lambda order: Match(order.order_id, order, order.datetime)
    ),
    id_of(Funding.crypto_withdrawal): _withdrawals(_text("currency")),
    id_of(Funding.ripple_withdrawal): _withdrawals(_text("currency")),
    id_of(Funding.open_bank_withdrawal): _withdrawals(_text("account_currency")),
    id_of(Funding.transfer_to_main): _TRANSFERS,
    id_of(Funding.transfer_from_main): _TRANSFERS,
    id_of(Funding.new_instant_convert_address): Search(
        Listing(lambda _: Read.of(Funding.instant_convert_address_info), InstantConvertAddressInfo, _convert_address),
        lambda answer: Match(answer.address, answer),
    ),
}
"""What no read shows: a deposit that was rejected or explained, and keys that were revoked."""
