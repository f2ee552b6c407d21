"""Books of numbered changes: exact from the order book that the frames have reached."""

import pytest

from exchanges.errors import BookUnknown
from exchanges.market_data import BookStatus
from exchanges.streams.keepers import Change, Resubscribe, SequencedBook, Settings, sequenced
from tests.support.kept_books import change, fetches, orders, read_orders, shown, turns, wall

BIDS, ASKS = "a=10:1 b=10:2 c=9:1", "d=11:3"


@pytest.fixture
def book():
    """A book that is good since an order book of number 5."""
    book = SequencedBook("bitso btc_mxn", wall, Settings(audit_seconds=100.0))
    assert ["SEED"] == fetches(book.confirmed(0.0))
    book.frame(orders(5), 0.1)
    assert ["GOOD"] == turns(book.snapshot(read_orders(5, BIDS, ASKS), 0.0, 0.2))
    return book


def test_changes_of_orders(book):
    """Orders are added, changed and removed one by one, and summed up by price."""
    assert ("10:3 9:1", "11:3") == shown(book)
    assert (Change(),) == book.frame(orders(6, change("a", "bid", "10", "4"), change("e", "ask", "11.5", "1")), 0.3)
    assert ("10:6 9:1", "11:3 11.5:1") == shown(book)
    book.frame(orders(7, change("a", "bid", "10", None), change("b", "bid", "10.0", None)), 0.4)
    assert (("9:1", "11:3 11.5:1"), 7, wall(7), wall(0.4)) == (shown(book), book.sequence, book.as_of, book.received_at)


def test_frames_that_waited():
    """Frames of before the order book are skipped, those after it applied."""
    book = SequencedBook("bitso btc_mxn", wall)
    book.confirmed(0.0)
    for number in (4, 5, 6):
        book.frame(orders(number, change(f"n{number}", "bid", "8", "1")), 0.1)

    assert ["GOOD"] == turns(book.snapshot(read_orders(5, f"{BIDS} n4=8:1 n5=8:1", ASKS), 0.0, 0.2))
    assert ("10:3 9:1 8:3", "11:3") == shown(book)


@pytest.mark.parametrize("number", [4, 3])
def test_an_order_book_that_is_too_old(number):
    """An order book from which frames are missing is asked for again."""
    book = SequencedBook("bitso btc_mxn", wall)
    book.confirmed(0.0)
    book.frame(orders(6), 0.1)
    assert [] == turns(book.snapshot(read_orders(number, BIDS, ASKS), 0.0, 0.2))
    assert ["SEED"] == fetches(book.tick(1.2))
    assert ["GOOD"] == turns(book.snapshot(read_orders(5, BIDS, ASKS), 1.2, 1.3))


def test_an_order_book_that_the_frames_have_not_reached():
    """An order book is not shown before the frames have reached it, and given up if they do not."""
    book = SequencedBook("bitso btc_mxn", wall)
    book.confirmed(0.0)
    book.frame(orders(5), 0.1)
    book.snapshot(read_orders(7, f"{BIDS} e=9:1", ASKS), 0.0, 0.2)
    assert (BookStatus.SYNCING, 5.2) == (book.status, book.next_tick)
    book.frame(orders(6, change("e", "bid", "9", "1")), 0.3)
    assert BookStatus.SYNCING is book.status
    assert ["GOOD"] == turns(book.frame(orders(7), 0.4))


def test_frames_that_contradict_the_order_book():
    """An order book that lacks what frames of before its number say is given up."""
    book = SequencedBook("bitso btc_mxn", wall)
    book.confirmed(0.0)
    book.frame(orders(5, change("e", "bid", "9", "1")), 0.1)

    assert ["RESYNCING"] == turns(book.snapshot(read_orders(5, BIDS, ASKS), 0.0, 0.2))


@pytest.fixture
def unproven():
    """A book of number 5 that was read before any frame came."""
    book = SequencedBook("bitso btc_mxn", wall, Settings(audit_seconds=100.0))
    book.confirmed(0.0)
    book.snapshot(read_orders(5, BIDS, ASKS), 0.0, 0.2)
    return book


def test_an_order_book_that_no_frame_continues(unproven):
    """It may be of any age: it cannot be read, and what is wanted is named, however often it is read again."""
    for asked_at in (5.2, 10.3):
        with pytest.raises(BookUnknown, match="no change has come yet"):
            _ = unproven.bids
        assert ["AUDIT"] == fetches(unproven.tick(asked_at))
        assert [] == turns(unproven.snapshot(read_orders(5, BIDS, ASKS), asked_at, asked_at + 0.1))

    assert ["GOOD"] == turns(unproven.frame(orders(6, change("a", "bid", "10", None)), 12.0))
    assert ("10:2 9:1", "11:3") == shown(unproven)


@pytest.mark.parametrize("number", [5, 6])
def test_the_first_frame_proves_an_order_book(unproven, number):
    """A frame of its number, or the next, shows that it is the newest."""
    assert ["GOOD"] == turns(unproven.frame(orders(number), 0.3))


def test_an_order_book_out_of_an_old_cache(unproven):
    """The first frame shows that others came before it: the order book is read again."""
    actions = unproven.frame(orders(900), 0.3)
    assert (["RESYNCING"], ["SEED"]) == (turns(actions), fetches(actions))


def test_a_channel_that_is_dead_from_its_beginning(unproven):
    """The exchange's order book moves on without a frame: the channel is subscribed to again."""
    unproven.tick(5.2)
    unproven.snapshot(read_orders(9, BIDS, ASKS), 5.2, 5.3)
    actions = unproven.tick(10.3)
    assert (["RESYNCING"], [Resubscribe]) == (turns(actions), [type(a) for a in actions if isinstance(a, Resubscribe)])


def test_an_order_book_that_no_frame_reaches():
    """A number that frames are behind is believed no longer than until they should have come as far."""
    book = SequencedBook("bitso btc_mxn", wall)
    book.confirmed(0.0)
    book.snapshot(read_orders(10, BIDS, ASKS), 0.0, 0.2)
    assert ["SYNCING"] == turns(book.frame(orders(6), 0.3))
    actions = book.tick(5.3)
    assert (["RESYNCING"], ["SEED"]) == (turns(actions), fetches(actions))


@pytest.mark.parametrize(
    ("odd", "cause"),
    [
        (orders(7), "frame 7 came after 5"),
        (orders(4), "frame 4 came after 5"),
        (orders(5, change("z", "bid", "1", "1")), "frame 5 came after 5"),
        (orders(6, change("z", "bid", "1", None)), "not held"),
        (orders(6, change("a", "ask", "12", "1")), "changes sides"),
        (orders(6, change("z", "bid", "1", "0.0")), "an order of nothing"),
        (orders(6, change("z", "bid", "1e1", "1")), "30 digits"),
    ],
)
def test_frames_that_do_not_follow(book, odd, cause):
    """A gap, a step back, a number with other changes, or a change that does not fit makes the book unreadable."""
    actions = book.frame(odd, 0.3)
    assert (["RESYNCING"], ["SEED"]) == (turns(actions), fetches(actions))
    with pytest.raises(BookUnknown, match=cause):
        _ = book.bids


def test_after_a_gap(book):
    """The book is read again, and the frames since the gap are applied to it."""
    book.frame(orders(8, change("e", "bid", "9", "2")), 0.3)
    book.frame(orders(9, change("f", "bid", "9", "4")), 0.4)

    assert ["GOOD"] == turns(book.snapshot(read_orders(8, f"{BIDS} e=9:2", ASKS), 0.3, 0.5))
    assert ("10:3 9:7", "11:3") == shown(book)


def test_a_doubled_frame(book):
    """The last frame once more changes nothing."""
    assert () == book.frame(orders(5), 0.3)


def test_crossed_prices(book):
    """While prices cross the book cannot be read; if they still do after a while it is built anew."""
    assert ["SUSPECT"] == turns(book.frame(orders(6, change("e", "bid", "11", "1")), 0.3))
    assert ["GOOD"] == turns(book.frame(orders(7, change("e", "bid", "11", None)), 0.4))
    book.frame(orders(8, change("e", "bid", "11", "1")), 0.5)
    assert 2.5 == book.next_tick
    assert ["RESYNCING"] == turns(book.tick(2.5))


def test_price_zero(book):
    """An order of price zero is in no level, is counted, and may leave again."""
    book.frame(orders(6, change("e", "bid", "0", "1")), 0.3)
    assert (("10:3 9:1", "11:3"), 1) == (shown(book), book.dropped_rows)
    assert (Change(),) == book.frame(orders(7, change("e", "bid", "0", None)), 0.4)


@pytest.mark.parametrize("bids", ["d=9:1", "a=9:0", "a=-1:1", "a=11:1", f"a={'9' * 40}:1"])
def test_an_order_book_that_contradicts_itself(bids):
    """An order book with an order twice, nothing on offer, odd prices or prices that cross is asked for again."""
    book = SequencedBook("bitso btc_mxn", wall)
    book.confirmed(0.0)
    assert [] == turns(book.snapshot(read_orders(5, bids, ASKS), 0.0, 0.2))[1:]
    assert (BookStatus.SYNCING, 1.2) == (book.status, book.next_tick)


def test_an_empty_side():
    """An order book with an empty side is believed when it is read twice."""
    book = SequencedBook("bitso btc_mxn", wall)
    book.confirmed(0.0)
    assert [] == turns(book.snapshot(read_orders(5, BIDS, ""), 0.0, 0.2))
    book.tick(1.2)
    book.snapshot(read_orders(6, BIDS, ""), 1.2, 1.3)
    assert ["GOOD"] == turns(book.frame(orders(6), 1.4))


def test_audits(book):
    """An order book is compared at its number, whichever side of the last frame that lies on."""
    assert ["AUDIT"] == fetches(book.tick(100.2))
    book.frame(orders(6, change("e", "bid", "9", "2")), 100.3)
    assert [] == turns(book.snapshot(read_orders(5, BIDS, ASKS), 100.2, 100.4))
    assert wall(100.2) == book.verified_at
    assert ["AUDIT"] == fetches(book.tick(200.4))
    assert [] == turns(book.snapshot(read_orders(7, f"{BIDS} e=9:2", ASKS), 200.4, 200.5))
    assert [] == turns(book.frame(orders(7), 200.6))
    assert wall(200.4) == book.verified_at
    book.tick(300.6)
    assert ["RESYNCING"] == turns(book.snapshot(read_orders(7, BIDS, ASKS), 300.6, 300.7))


def test_a_dead_channel(book):
    """A channel that does not come as far as the order book is subscribed to again."""
    book.tick(100.2)
    assert [] == turns(book.snapshot(read_orders(7, BIDS, ASKS), 100.2, 100.4))
    actions = book.tick(105.4)
    assert (["RESYNCING"], True) == (turns(actions), isinstance(actions[-1], Resubscribe))


def test_a_doubt(book):
    """A doubt from elsewhere is decided by an order book of a number that the frames reach."""
    assert ["SUSPECT"] == turns(book.doubt("trades come without frames", 1.0))
    assert [] == turns(book.frame(orders(6), 1.1))
    assert ["GOOD"] == turns(book.snapshot(read_orders(6, BIDS, ASKS), 1.0, 1.2))
    book.doubt("trades come without frames", 20.0)
    assert [] == turns(book.snapshot(read_orders(3, BIDS, ASKS), 20.0, 20.2))
    assert ["DECIDE"] == fetches(book.tick(21.2))


def test_a_frame_that_cannot_be_decoded(book):
    """A frame that could not be decoded is a change that is lost: what was read before it is no base."""
    assert ["SEED"] == fetches(book.unreadable("it was odd", 0.3))
    assert [] == turns(book.snapshot(read_orders(5, BIDS, ASKS), 0.2, 0.4))


def test_what_waits_is_bounded(monkeypatch):
    """Frames that wait for an order book are dropped when there are too many; then an older one does not cover them."""
    monkeypatch.setattr("exchanges.streams.keepers.sequenced.MOST_CHANGES", 2)
    book = SequencedBook("bitso btc_mxn", wall)
    book.confirmed(0.0)
    for number in range(6, 10):
        book.frame(orders(number, change(f"n{number}", "bid", "9", "1")), 0.1)

    assert [] == turns(book.snapshot(read_orders(5, BIDS, ASKS), 0.0, 0.2))


def test_frames_without_a_change_are_bounded(monkeypatch):
    """They count as one with a change; the order book that is read then is of after the oldest that is kept."""
    monkeypatch.setattr(sequenced, "MOST_CHANGES", 10)
    book = SequencedBook("bitso btc_mxn", wall)
    book.confirmed(0.0)
    for number in range(1, 30):
        book.frame(orders(number), 0.1)

    assert 10 == len(book._frames)
    assert [] == turns(book.snapshot(read_orders(5, BIDS, ASKS), 0.0, 0.2))
