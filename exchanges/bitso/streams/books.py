"""How an order book of Bitso is kept from its channel. Pure.

Source:
    Bitso WebSocket API, "Diff-Orders"; Bitso API v3, "List Order Book".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from exchanges.bitso.market import Market
from exchanges.bitso.models.market import OrderBook, PriceLevel
from exchanges.errors import BookUnknown
from exchanges.streams.channel import BookRule, endpoint_of
from exchanges.streams.dialect import Data
from exchanges.streams.keepers import (
    Keeper,
    OrderChange,
    OrdersFrame,
    OrdersSnapshot,
    SequencedBook,
    Settings,
)
from exchanges.wire import Deviation, loads
from exchanges.wire.envelopes import RAW, Envelope, Raw, envelope_reader

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_DIGITS = 19
CHANGE_BYTES = 1024
"""A change has less than 200."""
_STATES = {"open": True, "cancelled": False, "completed": False}
_SIDES = {0: True, 1: False}


class _Entry(Envelope):
    o: str
    t: int
    r: str
    s: str
    a: str | None = None
    d: Raw = RAW
    v: Raw = RAW

    @property
    def keys(self) -> int:
        return 4 + (self.a is not None) + (self.d is not RAW) + (self.v is not RAW)


class _Changes(Envelope):
    sequence: int
    sent: int
    payload: list[_Entry]
    type: Raw = RAW
    book: Raw = RAW

    @property
    def keys(self) -> int:
        own = 3 + (self.type is not RAW) + (self.book is not RAW)
        return own + sum([entry.keys for entry in self.payload])


_read = envelope_reader(_Changes)


def frame(data: Data) -> OrdersFrame:
    """Decode a frame of changes.

    Raises:
        Deviation: It is none, or holds a side or a state that nobody knows: a change would be lost.
    """
    changes = _read(data.whole)
    if data.whole.count(b":") != changes.keys:
        # More keys than are documented, or one of them twice. Parsed one after the other: a frame may be large.
        del changes
        loads(data.whole)
        changes = _read(data.whole)
    # Frames are kept by the number of their changes until an order book is read.
    if len(data.whole) > CHANGE_BYTES * (len(changes.payload) + 1):
        raise Deviation(f"changes of at most {CHANGE_BYTES} bytes each")
    return OrdersFrame(changes.sequence, changes.sent * 1000, [_change(entry) for entry in changes.payload])


def _change(entry: _Entry) -> OrderChange:
    is_bid, is_open = _SIDES.get(entry.t), _STATES.get(entry.s)
    if is_bid is None or is_open is None or not entry.o:
        raise Deviation("an order with a documented side and state")
    return OrderChange(entry.o, is_bid, is_open, entry.r, entry.a)


def snapshot(book: OrderBook, arguments: Mapping[str, str]) -> OrdersSnapshot:
    """Convert an order book that was read order by order.

    Raises:
        ValueError: It holds an order without an id or of another book, or its sequence is no number above 0.
    """
    at = (book.updated_at - _EPOCH) // _MICROSECOND
    name = arguments["book"]
    return OrdersSnapshot(_number(book.sequence), at, _rows(book.bids, name), _rows(book.asks, name))


def _number(sequence: str) -> int:
    # Other than int(), which also reads signs, blanks and underscores; 0 is what an answer during maintenance has.
    if not (sequence.isascii() and sequence.isdigit() and len(sequence) <= _MAX_DIGITS and int(sequence)):
        raise ValueError("a sequence that is no number above 0")
    return int(sequence)


def _rows(levels: tuple[PriceLevel, ...], book: str) -> list[tuple[str, Any, Any]]:
    if not all(level.oid for level in levels):
        raise ValueError("an order without an id")
    if any(level.book != book for level in levels):
        raise ValueError(f"an order that is not of {book}")
    return [(level.oid or "", level.price, level.amount) for level in levels]


def model(arguments: Mapping[str, str], keeper: Keeper[Any, Any]) -> OrderBook:
    """Build the order book of REST, summed up by price, from one that is kept.

    Raises:
        BookUnknown: It is not good.
    """
    book = arguments["book"]
    bids, asks = (
        tuple(PriceLevel(book=book, price=level.price, amount=level.amount) for level in side)
        for side in (keeper.bids, keeper.asks)
    )
    moment, sequence = keeper.as_of, getattr(keeper, "sequence", None)
    if moment is None or sequence is None:
        raise BookUnknown("the order book has no moment", book_status=keeper.status)
    return OrderBook(bids=bids, asks=asks, updated_at=moment, sequence=str(sequence))


def _seed_arguments(arguments: Mapping[str, str]) -> Mapping[str, Any]:
    return {"book": arguments["book"], "aggregate": False}


# Exact by its sequence: the audit is for a channel that has died alone.
BOOK = BookRule(
    keeper=SequencedBook,
    settings=Settings(audit_seconds=300.0, cache_seconds=0.0),
    frame=frame,
    seed=endpoint_of(Market.order_book),
    seed_arguments=_seed_arguments,
    snapshot=snapshot,
    model=model,
)
