"""How order books of Bitstamp are kept from its channels. Pure.

Source:
    Bitstamp WebSocket API v2, "Live order book" and "Live full order book".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from exchanges.bitstamp.market import Market
from exchanges.bitstamp.models.market import OrderBook, PriceLevel
from exchanges.errors import BookUnknown
from exchanges.streams.channel import BookRule, endpoint_of
from exchanges.streams.dialect import Data
from exchanges.streams.keepers import DiffBook, Keeper, LevelsFrame, LevelsSnapshot, Settings, WholeBook
from exchanges.wire import Deviation, Json, loads
from exchanges.wire.envelopes import Envelope, envelope_reader

TOP: Final = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_DIGITS = 17
ROW_BYTES = 256
"""A row has about 30."""


class _BookData(Envelope):
    microtimestamp: str
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    timestamp: str | int | None = None


_read = envelope_reader(_BookData)
_KEYS = 3
_MICROS = 6
_SEPARATORS: Final = str.maketrans("", "", "/_- ")


def frame(data: Data) -> LevelsFrame:
    """Decode a frame of levels.

    Raises:
        Deviation: It is none.
    """
    body, book = data.body, _read(data.body)
    if data.event != "data":
        raise Deviation("an event of an order book")
    if body.count(b":") != _KEYS + (book.timestamp is not None):
        # More keys than are documented, or one of them twice. Parsed one after the other: a frame may be large.
        del book
        _require_market(data.name, loads(body))
        book = _read(body)
    bids, asks, moment, stated = book.bids, book.asks, book.microtimestamp, book.timestamp
    # Frames are kept by the number of their rows until an order book is read.
    if len(body) > ROW_BYTES * (len(bids) + len(asks) + 4):
        raise Deviation(f"rows of at most {ROW_BYTES} bytes each")
    if not (moment.isascii() and moment.isdigit() and len(moment) <= _MAX_DIGITS):
        raise Deviation("a moment in microseconds")
    at = int(moment)
    second = moment[:-_MICROS]
    if stated not in (second, None) and str(stated) not in (second, str((at + 500_000) // 1_000_000)):
        raise Deviation("two moments that are the same")
    return LevelsFrame(at, bids, asks)


def _require_market(channel: str, said: Json) -> None:
    market = _plain(channel.rpartition("order_book_")[2])
    names = [_plain(str(said.get(key) or "")) for key in ("pair", "market")] if isinstance(said, dict) else []
    # An empty name is none.
    if any(name not in ("", market) for name in names):
        raise Deviation("a book of its market")


def _plain(name: str) -> str:
    return name.translate(_SEPARATORS).lower()


def snapshot(book: OrderBook, _: Mapping[str, str]) -> LevelsSnapshot:
    """Convert an order book that was read.

    Raises:
        ValueError: A number in it is below zero.
    """
    if any(level.price < 0 or level.amount < 0 for side in (book.bids, book.asks) for level in side):
        raise ValueError("a number below zero")
    return LevelsSnapshot((book.microtimestamp - _EPOCH) // _MICROSECOND, book.bids, book.asks)


def model(_: Mapping[str, str], keeper: Keeper[Any, Any]) -> OrderBook:
    """Build the order book of REST from one that is kept.

    Raises:
        BookUnknown: It is not good.
    """
    bids, asks = (tuple(PriceLevel(level.price, level.amount) for level in side) for side in (keeper.bids, keeper.asks))
    moment = keeper.as_of
    if moment is None:
        raise BookUnknown("the order book has no moment", book_status=keeper.status)
    return OrderBook(bids=bids, asks=asks, timestamp=moment.replace(microsecond=0), microtimestamp=moment)


def _seed_arguments(arguments: Mapping[str, str]) -> Mapping[str, Any]:
    return {"market": arguments["market"], "group": 1}


def _rule(keeper: type[WholeBook | DiffBook], settings: Settings) -> BookRule:
    return BookRule(
        keeper=keeper,
        settings=settings,
        frame=frame,
        seed=endpoint_of(Market.order_book),
        seed_arguments=_seed_arguments,
        snapshot=snapshot,
        model=model,
    )


# The audit of the top is for a channel that has died alone: a frame that was lost is healed by the next.
TOP_OF_BOOK = _rule(WholeBook, Settings(depth=TOP, audit_seconds=60.0))
WHOLE_BOOK = _rule(DiffBook, Settings(audit_seconds=30.0))
