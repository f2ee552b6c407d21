"""Keepers between a market whose true book is known, its channel and its endpoint, in virtual time."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from exchanges.bitstamp.models.market import PriceLevel
from exchanges.errors import BookUnknown
from exchanges.market_data import BookStatus
from exchanges.streams.keepers import (
    DiffBook,
    LevelsFrame,
    LevelsSnapshot,
    OrderChange,
    OrdersFrame,
    OrdersSnapshot,
    SequencedBook,
    Settings,
    WholeBook,
)
from tests.support.book_cases import FAULTS, Case
from tests.support.book_rules import EqualMoments, ReadFirst, WholeSeconds
from tests.support.book_runs import play
from tests.support.book_venues import BEGIN

KINDS = ("whole", "diff", "numbered")
ODD_NUMBERS = ("0", "0.0", "1_0", "NaN", "-1", "1e3", "", "7", "7.0")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [10.0, 0.5])
def test_a_kept_book_is_the_true_one(kind, rate):
    """Without a fault a book is soon good, and equals the true one at its moment."""
    seen = play(Case(kind, rate=rate, seconds=60.0), "polite")

    assert (0, True) == (seen.wrong, seen.checks > 10)
    assert seen.good_seconds / seen.seconds > 0.9


# A frame of changes that overtakes another is lost until that comes: nothing shows it at once.
@pytest.mark.parametrize(("kind", "fault"), [(k, f) for k in KINDS for f in FAULTS if (k, f) != ("diff", "reorder")])
def test_a_book_that_can_be_read_is_right(kind, fault):
    """Whatever happens, a book is right or it cannot be read, and it becomes good again."""
    seen = play(Case(kind, rate=3.0, seconds=80.0, faults=4, kinds=(fault,)), fault)

    assert 0 == seen.wrong
    assert seen.good_seconds / seen.seconds > 0.3


def test_a_lost_frame_is_noticed():
    """What the exchange itself loses is believed no longer than until the next audit."""
    case = Case("diff", rate=3.0, seconds=120.0, losses=3, settings=Settings(audit_seconds=10.0))
    seen = [play(case, seed) for seed in range(4)]

    assert sum(one.wrong for one in seen) > 0
    assert all(one.longest_wrong < 13.0 for one in seen)


@pytest.mark.parametrize("rule", [ReadFirst, EqualMoments, WholeSeconds])
def test_the_rules_of_others(rule):
    """The rules of others show wrong books without any fault, so the markets are hard enough."""
    assert any(play(Case("diff", interval=0.2, seconds=40.0), seed, rule).wrong for seed in range(6))


# Whatever comes


def wall(moment):
    """The wall clock at a moment."""
    return datetime.fromtimestamp(BEGIN / 1e6, UTC) + timedelta(seconds=moment)


def levels_frame(chance, now):
    """Any frame of levels."""
    at = BEGIN + int(now * 1e6) + chance.choice([0, 0, 0, -1, 1, -(10**6), 10**7, 10**15])
    rows = [[(number(chance), number(chance)) for _ in range(chance.choice([0, 1, 3]))] for _ in range(2)]
    return LevelsFrame(at, *rows)


def number(chance):
    """Mostly a number."""
    return chance.choice(ODD_NUMBERS) if chance.random() < 0.02 else str(chance.randint(0, 9))


def levels_snapshot(chance, now):
    """Any order book by price."""
    at = BEGIN + int(now * 1e6) + chance.choice([0, 0, -(10**6), 10**6, 10**15])
    bids = sorted(chance.sample(range(7), chance.randint(0, 3)), reverse=chance.random() < 0.9)
    asks = sorted(chance.sample(range(4, 10), chance.randint(0, 3)))
    rows = ([PriceLevel(Decimal(p), Decimal(chance.randint(0, 5))) for p in side] for side in (bids, asks))
    return LevelsSnapshot(at, *rows)


def orders_frame(chance, now):
    """Any frame of orders."""
    changes = [
        OrderChange(
            f"o{chance.randint(0, 9)}", chance.random() < 0.5, chance.random() < 0.7, number(chance), number(chance)
        )
        for _ in range(chance.choice([0, 1, 1, 2]))
    ]
    return OrdersFrame(int(now * 3) + chance.choice([0, 0, 0, 1, -1, 7]), BEGIN, changes)


def orders_snapshot(chance, now):
    """Any order book by order."""
    rows = [
        [
            (f"o{chance.randint(0, 9)}", Decimal(chance.randint(low, high)), Decimal(chance.randint(0, 9)))
            for _ in range(2)
        ]
        for low, high in ((0, 5), (4, 9))
    ]
    return OrdersSnapshot(int(now * 3) + chance.choice([0, 0, 1, -1, 9]), BEGIN, *rows)


ATTACKS = {
    "whole": (WholeBook, levels_frame, levels_snapshot),
    "diff": (DiffBook, levels_frame, levels_snapshot),
    "numbered": (SequencedBook, orders_frame, orders_snapshot),
}


def begun(kind, book, now):
    """Confirm a subscription, and give a keeper what makes it good; return the moment."""
    book.confirmed(now)
    at, rows = BEGIN + int(now * 1e6), ([PriceLevel(Decimal(1), Decimal(1))], [PriceLevel(Decimal(8), Decimal(1))])
    for _ in range(6 if kind == "diff" else 1):
        now += 2.0
        book.tick(now)
        seed = OrdersSnapshot(int(now * 3), at, [("a", Decimal(1), Decimal(1))], [("b", Decimal(8), Decimal(1))])
        book.snapshot(seed if kind == "numbered" else LevelsSnapshot(at, *rows), now, now)
    return now


def attacked(kind, seed, steps):
    """Hand a keeper anything at any time; yield it after each step."""
    make, frame, snapshot = ATTACKS[kind]
    chance, now = random.Random(f"{kind} {seed}"), 0.0
    book = make(
        "attacked", wall, Settings(depth=None if kind != "whole" else 2, audit_seconds=3.0, max_age_seconds=9.0)
    )
    for _ in range(steps):
        now += chance.choice([0.0, 0.1, 0.34, 1.0, 4.0])
        what = chance.random()
        if what < 0.03:
            now = begun(kind, book, now)
        elif what < 0.04:
            book.lost("it broke", now)
        elif what < 0.05:
            book.unreadable("it was odd", now)
        elif what < 0.06:
            book.doubt("something is odd", now)
        elif what < 0.08:
            book.failed(now - 1.0, now)
        elif what < 0.3:
            book.snapshot(snapshot(chance, now), now - chance.choice([0.0, 0.3, 2.0, 30.0]), now)
        elif what < 0.8:
            book.frame(frame(chance, now), now)
        else:
            book.tick(now)
        yield book


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_comes(kind):
    """Frames and order books by chance raise nothing, and what can be read is a book: in order, not crossed."""
    good = 0
    for seed in range(6):
        for book in attacked(kind, seed, 400):
            assert book.next_tick is None or book.next_tick >= 0.0
            if book.status is not BookStatus.GOOD:
                with pytest.raises(BookUnknown):
                    _ = book.bids
                continue
            good += 1
            bids, asks = [level.price for level in book.bids], [level.price for level in book.asks]
            assert bids == sorted(set(bids), reverse=True)
            assert asks == sorted(set(asks))
            assert not bids or not asks or bids[0] < asks[0]
            assert all(level.price > 0 < level.amount for side in (book.bids, book.asks) for level in side)
            assert None not in (book.as_of, book.received_at)

    assert good > 20
