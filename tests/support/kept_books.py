"""Keepers, and what is handed to them, in few words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from exchanges.bitstamp.models.market import PriceLevel
from exchanges.streams.keepers import (
    Fetch,
    LevelsFrame,
    LevelsSnapshot,
    OrderChange,
    OrdersFrame,
    OrdersSnapshot,
    Turned,
)

ZERO = datetime(2026, 9, 10, tzinfo=UTC)
BEGIN = int(ZERO.timestamp()) * 10**6


def wall(moment: float) -> datetime:
    """Return the moment of the wall clock."""
    return ZERO + timedelta(seconds=moment)


def micros(moment: float) -> int:
    """Return a moment as the exchange states it."""
    return BEGIN + round(moment * 1e6)


def rows(text: str) -> list[tuple[str, str]]:
    """Return rows of a frame from ``price:amount price:amount``."""
    return [(price, amount) for price, _, amount in (row.partition(":") for row in text.split())]


def frame(moment: float, bids: str = "", asks: str = "") -> LevelsFrame:
    """Return a frame of levels."""
    return LevelsFrame(micros(moment), rows(bids), rows(asks))


def read(moment: float, bids: str, asks: str) -> LevelsSnapshot:
    """Return an order book by price."""
    sides = ([PriceLevel(Decimal(price), Decimal(amount)) for price, amount in rows(side)] for side in (bids, asks))
    return LevelsSnapshot(micros(moment), *sides)


def change(order_id: str, side: str, price: str, amount: str | None) -> OrderChange:
    """Return a change of an order; without an amount it leaves the book."""
    return OrderChange(order_id, side == "bid", amount is not None, price, amount)


def orders(sequence: int, *changes: OrderChange) -> OrdersFrame:
    """Return a numbered frame."""
    return OrdersFrame(sequence, micros(sequence), changes)


def read_orders(sequence: int, bids: str, asks: str) -> OrdersSnapshot:
    """Return an order book by order, from ``id=price:amount``."""
    sides = [
        [(name, Decimal(price), Decimal(amount)) for name, price, amount in (_order(row) for row in side.split())]
        for side in (bids, asks)
    ]
    return OrdersSnapshot(sequence, micros(sequence), *sides)


def _order(row: str) -> tuple[str, str, str]:
    name, _, level = row.partition("=")
    price, _, amount = level.partition(":")
    return name, price, amount


def shown(book: Any) -> tuple[str, str]:
    """Return what can be read of a book."""
    return tuple(" ".join(f"{level.price:f}:{level.amount:f}" for level in side) for side in (book.bids, book.asks))


def fetches(actions: Iterable[object]) -> list[str]:
    """Return what order books are asked for."""
    return [action.purpose.name for action in actions if isinstance(action, Fetch)]


def turns(actions: Iterable[object]) -> list[str]:
    """Return the changes of status."""
    return [action.status.name for action in actions if isinstance(action, Turned)]
