"""False frames of a channel of books and false answers of its endpoint, each by its fault."""

from __future__ import annotations

import random
from decimal import Decimal

import msgspec

from exchanges.streams.keepers import LevelsFrame, LevelsSnapshot, OrderChange, OrdersFrame, OrdersSnapshot
from tests.support.book_venues import Market, Numbered


def false_levels(
    frame: LevelsFrame, fault: str, chance: random.Random, market: Market, *, last: LevelsFrame | None, is_whole: bool
) -> list[LevelsFrame]:
    """Return what is sent in place of a frame of levels, of which *last* is the one before."""
    odd = chance.choice(["NaN", "1_000", "-1", " 1", "1e3", "٣", "", "0x10", "1.", "9" * 31])
    high = format(max(market.asks) + Decimal(1), "f")
    jump = chance.choice([0, 1, 60_000_000, 10**12])
    return {
        "garble": [msgspec.structs.replace(frame, bids=[*frame.bids, ("1.00", odd)])],
        "price zero": [msgspec.structs.replace(frame, bids=[*frame.bids, ("0", "1.5")])],
        "future": [msgspec.structs.replace(frame, at=frame.at + chance.choice([60, 10**6, 10**9]) * 10**6)],
        "back": [msgspec.structs.replace(frame, at=last.at - jump)] if last else [frame],
        "stranger": [msgspec.structs.replace(frame, bids=[*frame.bids, ("0.01", "0.0")])],
        "crossed": [msgspec.structs.replace(frame, bids=[(high, "1.0"), *frame.bids])],
        "one side": [msgspec.structs.replace(frame, asks=[])] if is_whole else [frame],
        "empty": [msgspec.structs.replace(frame, bids=[], asks=[])] if is_whole else [frame],
    }[fault]


def false_orders(frame: OrdersFrame, fault: str, chance: random.Random, market: Numbered) -> list[OrdersFrame]:
    """Return what is sent in place of a frame of orders."""
    change = frame.changes[0] if frame.changes else None
    jump = chance.choice([2, 5, 10**9])
    if fault == "garble" and change is not None:
        return [msgspec.structs.replace(frame, changes=[msgspec.structs.replace(change, is_open=True, amount="1_0")])]
    if fault == "future":
        return [msgspec.structs.replace(frame, sequence=frame.sequence + jump)]
    if fault == "back":
        return [msgspec.structs.replace(frame, sequence=max(0, frame.sequence - jump))]
    added = _added(fault, market)
    return [msgspec.structs.replace(frame, changes=[*frame.changes, added])] if added else [frame]


def _added(fault: str, market: Numbered) -> OrderChange | None:
    """Return a change that a fault adds to a frame."""
    high = format(max(market.asks) + Decimal(1), "f")
    return {
        "price zero": OrderChange("zero", True, True, "0", "1.5"),
        "crossed": OrderChange("liar", True, True, high, "1.5"),
        "stranger": OrderChange("stranger", True, False, high),
    }.get(fault)


def false_levels_read(made: LevelsSnapshot, fault: str, chance: random.Random, market: Market) -> LevelsSnapshot:
    """Return what is answered in place of an order book of levels; without a fault, the same."""
    if fault == "read old":
        return market.read(market.at - int(chance.uniform(1.0, 5.0) * 1e6))
    changed = {
        "read future": {"at": made.at + chance.choice([60, 10**6]) * 10**6},
        "read crossed": {"bids": [*made.asks[:1], *made.bids]},
        "read one side": {"asks": []},
    }.get(fault, {})
    return LevelsSnapshot(**{"at": made.at, "bids": made.bids, "asks": made.asks, **changed})


def false_orders_read(made: OrdersSnapshot, fault: str, chance: random.Random) -> OrdersSnapshot:
    """Return what is answered in place of an order book of orders; without a fault, the same."""
    given = {"sequence": made.sequence, "at": made.at, "bids": made.bids, "asks": made.asks}
    if fault == "read future":
        given["sequence"] += chance.choice([10, 10**9])
    if fault == "read crossed":
        _, price, amount = max(made.asks, key=lambda row: row[1])
        given["bids"] = [*made.bids, ("liar", price, amount)]
    if fault == "read one side":
        given["asks"] = []
    return OrdersSnapshot(**given)
