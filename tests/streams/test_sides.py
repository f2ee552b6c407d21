"""Sides of order books: exact numbers, one level for each price, best first."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges.errors import BookUnknown
from exchanges.market_data import BookStatus
from exchanges.streams.sides import (
    Level,
    Levels,
    Numbers,
    OddNumber,
    Prices,
    Side,
    are_plain,
    is_crossed,
    is_plain,
    key_of,
    parse,
    ranked,
)

ODD = ["NaN", "Infinity", "-1", "+1", " 1", "1 ", "1_000", "1e3", "0x1", "", ".", ".5", "5.", "1.2.3", "1\n", "\u0661"]
ODD += ["\u00b2", "1" * 31, "0." + "1" * 30]
DIGITS = st.text(alphabet="0123456789", min_size=1, max_size=15)
PLAIN = DIGITS | st.builds("{}.{}".format, DIGITS, DIGITS)
PRICES = ["1", "1.0", "1.00", "2", "2.5", "0.5", "10", "0", "0.0"]
AMOUNTS = ["0", "0.0", "0.00000000", "1", "1.5", "0.25", "3.00"]


@pytest.mark.parametrize("text", ODD)
def test_odd_numbers_are_refused(text):
    """A text that is no plain number of at most thirty digits is refused, alone, among many, as price and as amount."""
    rows = [("1", "2"), ("3", text)]
    with pytest.raises(OddNumber):
        parse(text)
    for made in (rows, rows * 5, [(amount, price) for price, amount in rows]):
        with pytest.raises(OddNumber):
            Side(is_bids=True).apply(made, Prices())


@settings(deadline=None, max_examples=60)
@given(st.lists(PLAIN | st.text(alphabet="01.-e_ \n\u0661", max_size=4) | st.sampled_from(ODD), min_size=1, max_size=8))
def test_the_fast_checks_agree_with_the_parser(texts):
    """What the checks of one and of many texts accept, the parser reads."""
    accepted = [text for text in texts if is_plain(text)] + (texts if are_plain(texts) else [])

    assert all(Decimal(text) == parse(text) for text in accepted)
    assert are_plain(texts) == all(map(is_plain, texts))


@settings(deadline=None, max_examples=60)
@given(PLAIN)
def test_every_digit_is_kept(text):
    """A number has every digit of its text, and its key holds all of them."""
    assert (Fraction(text), Fraction(text) * 10**30) == (Fraction(parse(text)), key_of(parse(text)))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.tuples(st.sampled_from(PRICES), st.sampled_from(AMOUNTS)), max_size=9), max_size=9))
def test_a_side_is_what_a_dict_would_be(frames):
    """Frames lead to the levels that a plain dict by number leads to, and can be told from what was there before."""
    side, prices, model = Side(is_bids=False), Prices(), {}
    for rows in frames:
        before = dict(model)
        applied = side.apply(rows, prices)
        for price, amount in rows:
            if not Decimal(price):
                continue
            if Decimal(amount):
                model[Decimal(price)] = Decimal(amount)
            else:
                model.pop(Decimal(price), None)
        held = {
            key: None if h is None else (Decimal(h[1]) if isinstance(h, tuple) else h.amount)
            for key, h in applied.before.items()
        }

        assert sorted(model.items()) == [(level.price, level.amount) for level in side.levels()]
        assert {key_of(Decimal(p)): before.get(Decimal(p)) for p, _ in rows if Decimal(p)} == held
        assert sum(not Decimal(price) for price, _ in rows) == applied.dropped


def test_one_price_is_one_level():
    """63000 and 63000.0 are one level, and zero removes it however it is spelled."""
    side, prices = Side(is_bids=True), Prices()
    side.apply([("63000", "1")], prices)
    side.apply([("63000.0", "2")], prices)
    assert (Level(Decimal(63000), Decimal(2)),) == side.levels()
    side.apply([("63000.00", "0.000")], prices)

    assert ((), []) == (side.levels(), side.keys)


def test_what_is_odd_about_a_frame():
    """Applying says whether a removal names nothing, and whether a change sets what is held."""
    side, prices = Side.of([Level(Decimal(1), Decimal("0.50"))], is_bids=True), Prices()

    assert side.apply([("2", "0")], prices).removed_unknown
    assert side.apply([("1", "0.5")], prices).set_same
    assert side.apply([("1", "0.5")], prices).set_same
    assert not side.apply([("1", "0.6")], prices).set_same


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
    numbers, prices = Numbers(2), Prices(2)
    for text in ("1", "2", "3"):
        assert Decimal(text) == numbers[text] == prices.learn(text)[1]

    assert ({"3"}, {"3"}) == (set(numbers), set(prices.known))


class _Book:
    """A book that can be read, or not."""

    def __init__(self):
        self.now = Side.of([Level(Decimal(n), Decimal(1)) for n in range(1, 6)], is_bids=True)
        self.error = None

    def side(self, *, is_bids):
        if self.error:
            raise self.error
        return self.now


def test_a_view_is_live():
    """A view shows the side as it is now, and raises once that cannot be read."""
    book = _Book()
    view = Levels(book, is_bids=True)
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
