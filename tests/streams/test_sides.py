"""Sides of order books: exact numbers, one level for each price, best first."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges.errors import BookUnknown
from exchanges.market_data import BookStatus
from exchanges.streams.diff_side import DiffSide
from exchanges.streams.sides import (
    ZEROS,
    Level,
    Levels,
    Numbers,
    OddNumber,
    Prices,
    Side,
    check_amounts,
    is_crossed,
    key_of,
    parse,
    ranked,
)

ODD = ["NaN", "Infinity", "-1", "+1", " 1", "1 ", "1_000", "1e3", "0x1", "", ".", ".5", "5.", "1.2.3", "1\n", "\u0661"]
ODD += ["1\n2", "\u00b2", "1" * 31, "0." + "1" * 30]
LONG = ["1" * 30, "0." + "1" * 29, "1" * 20 + "." + "0" * 10, "1." + "0" * 15 + "1"]
DIGITS = st.text(alphabet="0123456789", min_size=1, max_size=15)
PLAIN = DIGITS | st.builds("{}.{}".format, DIGITS, DIGITS)
PRICES = ["1", "1.0", "1.00", "2", "2.5", "0.5", "10", "0", "0.0"]
AMOUNTS = ["0", "0.0", "0.00000000", "1", "1.5", "0.25", "3.00"]


@pytest.mark.parametrize("text", ODD)
def test_odd_numbers_are_refused(text):
    """A text that is no plain number of at most thirty digits is refused, alone, among many, as price and as amount."""
    with pytest.raises(OddNumber):
        parse(text)
    with pytest.raises(OddNumber):
        DiffSide(is_bids=True).apply([("1", "2"), (text, "3")])
    for rows in ([("1", text)], [("1", "2"), ("3", text)], [("3", text), ("1", "2")]):
        for bids, asks in ((rows, []), ([], rows), (rows * 5, rows)):
            with pytest.raises(OddNumber):
                check_amounts(bids, asks)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(PLAIN | st.text(alphabet="01.-e_ \n\u0661", max_size=4) | st.sampled_from([*ODD, *LONG]), max_size=8),
    st.integers(0, 8),
)
def test_the_fast_check_agrees_with_the_parser(texts, bids):
    """Amounts are accepted exactly if the parser accepts each of them."""
    rows = [("1", text) for text in texts]
    fits = True
    for text in texts:
        try:
            parse(text)
        except OddNumber:
            fits = False
    if fits:
        check_amounts(rows[:bids], rows[bids:])
    else:
        with pytest.raises(OddNumber):
            check_amounts(rows[:bids], rows[bids:])


def test_zeros():
    """A text is known for a zero exactly if it is a plain one of at most thirty digits."""
    digits = ["0" * count for count in range(1, 31)]
    points = [f"{text[:at]}.{text[at:]}" for text in digits for at in range(1, len(text))]

    assert {*digits, *points} == ZEROS
    assert {Decimal(0)} == set(map(parse, ZEROS))


@settings(deadline=None, max_examples=60)
@given(PLAIN)
def test_every_digit_is_kept(text):
    """A number has every digit of its text, and its key holds all of them."""
    assert (Fraction(text), Fraction(text) * 10**30) == (Fraction(parse(text)), key_of(parse(text)))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.tuples(st.sampled_from(PRICES), st.sampled_from(AMOUNTS)), max_size=9), max_size=9))
def test_a_side_is_what_a_dict_would_be(frames):
    """Frames lead to the levels that a plain dict by number leads to, and can be told from what was there before."""
    side, model, applied = DiffSide(is_bids=False), {}, []
    states = [dict(model)]
    for rows in frames:
        applied.append((rows, side.apply(rows)))
        for price, amount in rows:
            if not Decimal(price):
                continue
            if Decimal(amount):
                model[-key_of(Decimal(price))] = Decimal(amount)
            else:
                model.pop(-key_of(Decimal(price)), None)
        states.append(dict(model))

        assert sorted(model.items(), reverse=True) == [(-key_of(level.price), level.amount) for level in side.levels()]
    assert states == [side.amounts(applied[number:]) for number in range(len(frames) + 1)]
    assert sum(not Decimal(price) for rows in frames for price, _ in rows) == side.dropped


def test_one_price_is_one_level():
    """63000 and 63000.0 are one level, and zero removes it however it is spelled."""
    side = DiffSide(is_bids=True)
    side.apply([("63000", "1")])
    side.apply([("63000.0", "2")])
    assert (Level(Decimal(63000), Decimal(2)),) == side.levels()
    side.apply([("63000.00", "0.000")])

    assert ((), []) == (side.levels(), side.keys)


def _odd(side, rows):
    side.apply(rows)
    return side.has_removed_unknown, side.has_set_same


def test_what_is_odd_about_a_frame():
    """Applying shows whether a removal names nothing, and whether a change sets what is held."""
    held, _ = ranked([(key_of(Decimal(1)), Level(Decimal(1), Decimal("0.50")))], None, is_bids=True)
    side = DiffSide.of(held)

    assert [(True, False), (False, True), (False, True), (False, False), (True, True), (False, False)] == [
        _odd(side, rows)
        for rows in (
            [("2", "0")],
            [("1", "0.5")],
            [("1.0", "0.5")],
            [("1", "0.6")],
            [("1", "0.60"), ("2", "0.0")],
            [("2", "1"), ("2", "2"), ("2", "0")],
        )
    ]


def test_a_level_that_is_read_again():
    """A level shows the amount of the last change, however often it was read before."""
    side = DiffSide(is_bids=False)
    for amount in ("1.5", "1.50", "2", "2"):
        side.apply([("7", amount)])

        assert [Decimal(amount)] * 2 == [side.level(0).amount, side.levels()[0].amount]
        assert str(side.level(0).amount) == amount


def test_the_best_price():
    """The best bid is the highest, the best ask the lowest; equal ones cross."""
    bids, asks = (
        Side.of([Level(Decimal(n), Decimal(1)) for n in numbers], is_bids=b)
        for numbers, b in (((1, 3, 2), True), ((5, 4), False))
    )

    assert [3, 2, 1] == [level.price for level in bids.levels()]
    assert ([4], 1, 5) == ([level.price for level in asks.levels(1)], bids.level(-1).price, asks.level(1).price)
    assert not is_crossed(bids, asks)
    bids.add(Decimal(4), Decimal(1))
    assert is_crossed(bids, asks)
    bids.add(Decimal(4), Decimal(-1))
    assert not is_crossed(bids, asks)


def test_prices_out_of_order():
    """Levels that do not get strictly worse are refused, and rows without a price or amount are dropped."""
    rows = [(key_of(Decimal(n)), Level(Decimal(n), Decimal(a))) for n, a in ((3, 1), (2, 0), (0, 1), (1, 2))]

    side, dropped = ranked(rows, None, is_bids=True)

    assert ([3, 1], 2) == ([level.price for level in side.levels()], dropped)
    assert [3] == [level.price for level in ranked(rows, 1, is_bids=True)[0].levels()]
    with pytest.raises(ValueError, match="out of order"):
        ranked([rows[0], rows[0]], None, is_bids=True)
    with pytest.raises(ValueError, match="out of order"):
        ranked([rows[3], rows[0]], None, is_bids=True)


@pytest.mark.parametrize("price", [Decimal("1e40"), Decimal("1e-31"), Decimal("NaN"), Decimal("Infinity")])
def test_prices_that_have_no_key(price):
    """A price that thirty digits before and after the point cannot hold is refused."""
    with pytest.raises(OddNumber):
        key_of(price)


def test_tables_are_bounded():
    """The tables of known texts forget when they are full."""
    numbers, prices, side = Numbers(2), Prices(2), DiffSide(is_bids=True, most=2)
    for text in ("1", "2", "3"):
        assert Decimal(text) == numbers[text] == prices.learn(text)[1]
        side.apply([(text, "1"), (f"{text}.5", "1"), (f"{text}.5", "0")])

    assert ({"3"}, {"3"}) == (set(numbers), set(prices.known))
    assert [3, 2, 1] == [level.price for level in side.levels()]
    assert (4, 2) == (len(side._by_key), len(side._by_text))


class _Book:
    """A book that can be read, or not."""

    def __init__(self):
        self.now = Side.of([Level(Decimal(n), Decimal(1)) for n in range(1, 6)], is_bids=True)
        self.error = None

    def side(self):
        if self.error:
            raise self.error
        return self.now


def test_a_view_is_live():
    """A view shows the side as it is now, and raises once that cannot be read."""
    book = _Book()
    view = Levels(book.side)
    assert (5, 5, [5, 4], [5, 4, 3, 2, 1]) == (
        len(view),
        view[0].price,
        [v.price for v in view[:2]],
        [v.price for v in view],
    )
    assert "..." in repr(view)
    book.now = Side(is_bids=True)
    assert (0, "<Levels ()>") == (len(view), repr(view))
    book.error = BookUnknown("no", book_status=BookStatus.SUSPECT)
    for read in (len, list, lambda v: v[0]):
        with pytest.raises(BookUnknown):
            read(view)
