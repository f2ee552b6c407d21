"""What the handlers of Bitso and Bitstamp share: how orders, withdrawals and pages of movements are requested."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

from attrs import define

from exchanges.simulator.engine.balances import SMALLEST, Movement
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.matching import MatchingEngine
from exchanges.simulator.engine.orders import Order
from exchanges.simulator.engine.prices import DAY_MS, HOUR_MS, MINUTE_MS, Level, Trade
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.venues.calls import Account, Call, Claim, ParsedRequest
from exchanges.simulator.venues.handlers import Handler, Handlers, answers, lists, show

TOO_MUCH = Decimal("1E12")
SPANS_MS = {"minute": MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS}
BLOCK_MS = 600_000
"""Average time between two Bitcoin blocks."""
CONFIRMATIONS = 3
"""Bitcoins are credited after this number of blocks."""

SpotCall: TypeAlias = Call[Account]
T = TypeVar("T")


def claim_in_body(parsed: ParsedRequest) -> Claim:
    """Return the identity in three fields of the body."""
    rest = dict(parsed.fields)
    key, nonce, signature = (rest.pop(name, None) for name in ("key", "nonce", "signature"))
    # In JSON a nonce may be a number; true and false, which Python counts among them, are none.
    if not isinstance(key, str) or type(nonce) not in (str, int) or not isinstance(signature, str):
        raise Refused(Reason.NO_CREDENTIALS)
    return Claim(key, rest, str(nonce), signature)


@define(eq=False)
class SpotHandlers(Handlers):
    """Handlers of an area that needs nothing but the engine."""

    engine: Engine


def transactions(
    method: Callable[..., Any], book: Callable[[SpotCall], str], convert: Callable[[Trade], object]
) -> Handler:
    """Return a handler that lists the trades of the last minute, hour or day, newest first."""

    def recent(handlers: SpotHandlers, call: SpotCall) -> list[Trade]:
        since_ms = call.now_ms - SPANS_MS[call.arguments.text("time", "hour")]
        return handlers.engine.book(book(call)).tape.between(since_ms, call.now_ms)

    return lists(method, recent, convert)


def ticker_of(model: type[T], matching: MatchingEngine, now_ms: int, **fields: object) -> T:
    """Return a ticker with the prices of a book and *fields*; best prices include the orders of accounts."""
    now = matching.market.snapshot(now_ms)
    bid, ask = (matching.best(side, now_ms) for side in Side)
    return show(model, now.day, last=now.last, bid=bid, ask=ask, **fields)


def book_of(
    model: Callable[..., T], matching: MatchingEngine, now_ms: int, level: Callable[[Level], object], **fields: object
) -> T:
    """Return an order book with both sides of a book, best first, each level converted by *level*, and *fields*."""
    bids, asks = (tuple(map(level, matching.levels(side, now_ms))) for side in Side)
    return model(bids=bids, asks=asks, **fields)


def ticker(method: Callable[..., Any], book: Callable[[SpotCall], str], model: type[object]) -> Handler:
    """Return a handler that shows the prices of a book, and the time."""
    return answers(
        method,
        lambda handlers, call: ticker_of(model, handlers.engine.book(book(call)), call.now_ms, timestamp=call.now),
    )


def order_book(
    method: Callable[..., Any],
    book: Callable[[SpotCall], str],
    model: Callable[..., object],
    level: Callable[[Decimal, Decimal], object],
) -> Handler:
    """Return a handler that shows a book; levels at the same price are one anyway, so grouping changes nothing."""

    def answer(handlers: SpotHandlers, call: SpotCall) -> object:
        matching, now = handlers.engine.book(book(call)), call.now
        return book_of(model, matching, call.now_ms, lambda shown: level(shown.price, shown.amount), timestamp=now)

    return answers(method, answer)


def balance(
    method: Callable[..., Any], model: Callable[..., object], each: type[object], fee_percent: Decimal
) -> Handler:
    """Return a handler that shows the fee and all currencies, each of them as three numbers."""

    def answer(_: SpotHandlers, call: SpotCall) -> object:
        balances = [(name, held.shown(name)) for name, held in call.wallet.balances.items()]
        return model(
            fee=fee_percent, currencies={name: show(each, held, balance=held.total) for name, held in balances}
        )

    return answers(method, answer)


def places(
    method: Callable[..., Any],
    side: Side,
    *,
    book: Callable[[SpotCall], str],
    check: Callable[[Decimal, Decimal | None], None],
    convert: Callable[[Order], object],
) -> Handler:
    """Return a handler that places an order; without a price it is a market order.

    Args:
        method: The declared method.
        side: What the order wants.
        book: Returns the name of the book.
        check: Raises `Refused` if amount and price are not accepted.
        convert: Converts the placed order.
    """

    def place(handlers: SpotHandlers, call: SpotCall) -> object:
        matching, amount = handlers.engine.book(book(call)), amount_of(call, "amount")
        # A price has the decimals of its book; an amount has eight everywhere.
        price = amount_of(call, "price", matching.market.spec.tick) if "price" in call.arguments.values else None
        check(amount, price)
        return convert(matching.place(call.wallet, side, amount, price=price, now_ms=call.now_ms))

    return answers(method, place)


def cancels(method: Callable[..., Any], find: Callable[[Engine, SpotCall], Order | None], answer: object) -> Handler:
    """Return a handler that cancels the open order returned by *find*."""

    def cancel(handlers: SpotHandlers, call: SpotCall) -> object:
        order = find(handlers.engine, call)
        if order is None or not order.is_open:
            raise Refused(Reason.NOT_FOUND, text="Order not found")
        handlers.engine.cancel(order, call.now_ms)
        return answer

    return answers(method, cancel)


def withdraws(
    method: Callable[..., Any],
    network: str,
    answer: object,
    currency: str = "",
    *,
    sent: Callable[[int], int | None] = lambda _: None,
    check: Callable[[SpotCall], None] = lambda _: None,
    done: Callable[[SpotCall], None] = lambda _: None,
) -> Handler:
    """Return a handler that withdraws the argument ``amount``.

    Args:
        method: The declared method.
        network: How the withdrawal travels, as movements show it.
        answer: The answer.
        currency: What is withdrawn; empty: what the argument ``currency`` says.
        sent: Returns when a withdrawal requested at a time is sent; until then it is outgoing. None: at once.
        check: Raises `Refused` if another argument is not accepted.
        done: Called after the withdrawal.
    """

    def withdraw(handlers: SpotHandlers, call: SpotCall) -> object:
        check(call)
        withdrawn, amount = currency or call.arguments.text("currency").lower(), amount_of(call, "amount")
        handlers.engine.withdraw(call.wallet, withdrawn, amount, call.now_ms, method=network, sent_ms=sent(call.now_ms))
        done(call)
        return answer

    return answers(method, withdraw)


def amount_of(call: SpotCall, name: str, smallest: Decimal = SMALLEST) -> Decimal:
    """Return an amount or a price in steps of *smallest*.

    Raises:
        Refused: Far too large, or with too many decimals.
    """
    amount = call.arguments.decimal(name)
    if amount >= TOO_MUCH or amount != amount.quantize(smallest):
        places = -int(smallest.normalize().as_tuple().exponent)
        raise Refused(Reason.WRONG_NUMBER, name, f"Ensure that there are no more than {places} decimal places.")
    return amount


def page_of(call: SpotCall, most: int, wanted: Callable[[Movement], bool] = lambda _: True) -> list[Movement]:
    """Return the page of the account's movements that offset, limit and sort select.

    Raises:
        Refused: The limit is out of range.
    """
    offset, limit = call.arguments.integer("offset", 0), call.arguments.integer("limit", 100)
    refuse_if(not 1 <= limit <= most, Reason.WRONG_ARGUMENT, "limit")
    movements = call.wallet.movements
    ascending = call.arguments.text("sort", "desc") == "asc"
    rows = [m for m in (movements if ascending else reversed(movements)) if wanted(m)]
    return rows[offset : offset + limit]
