"""Books of changed levels: covered, confirmed, checked and audited."""

import pytest

from exchanges.errors import BookUnknown
from exchanges.market_data import BookStatus
from exchanges.streams.keepers import Change, DiffBook, Resubscribe, Settings
from tests.support.kept_books import fetches, frame, read, shown, turns, wall

BIDS, ASKS = "10:1 9:2", "11:3 12:4"
CHANGED = "10:5 9:2"


def joined():
    """A book that began with an order book of 2.5 s, and has one frame since."""
    book = DiffBook("bitstamp btcusd", wall, Settings(audit_seconds=30.0))
    book.confirmed(0.0)
    book.frame(frame(1, "10:1"), 1.0)
    assert ["SEED"] == fetches(book.tick(1.4))
    book.snapshot(read(2.5, BIDS, ASKS), 1.4, 2.6)
    book.frame(frame(3, "10:5"), 3.0)
    return book


@pytest.fixture
def book():
    """A book that is good since a second order book, at 4 s."""
    book = joined()
    assert ["CONFIRM"] == fetches(book.tick(3.5))
    assert ["GOOD"] == turns(book.snapshot(read(3, CHANGED, ASKS), 3.5, 4.0))
    return book


def test_the_beginning(book):
    """Frames newer than the first order book are applied, and a second one confirms the book."""
    assert ((CHANGED, ASKS), wall(3), wall(3), wall(3.5)) == (
        shown(book),
        book.as_of,
        book.received_at,
        book.verified_at,
    )
    assert (Change(),) == book.frame(frame(5, "9:0.0", "11:7"), 5.0)
    assert (("10:5", "11:7 12:4"), wall(5)) == (shown(book), book.as_of)


def test_an_order_book_that_is_not_covered():
    """An order book that may be older than the subscription is not begun with."""
    book = DiffBook("bitstamp btcusd", wall)
    book.confirmed(0.0)
    book.frame(frame(0.5, "10:1"), 0.5)
    assert ["SEED"] == fetches(book.tick(0.9))
    book.snapshot(read(0.4, BIDS, ASKS), 0.9, 1.0)

    assert (((), ()), 1.5) == (book.last_known, book.next_tick)


def test_a_phantom():
    """A level of the first order book that is in no frame is found by the second, which takes its place."""
    book = joined()
    book.tick(3.5)
    assert [] == turns(book.snapshot(read(3, f"{CHANGED} 8:1", ASKS), 3.5, 3.7))
    book.frame(frame(4, "9:3"), 4.0)
    assert ["CONFIRM"] == fetches(book.tick(5.0))
    assert ["GOOD"] == turns(book.snapshot(read(4, "10:5 9:3 8:1", ASKS), 5.0, 5.1))


def test_a_second_read_that_decides_nothing():
    """A second order book of before the first frame past the beginning confirms nothing."""
    book = joined()
    book.tick(3.5)
    book.snapshot(read(2.7, BIDS, ASKS), 3.5, 3.7)

    assert (BookStatus.SYNCING, ["CONFIRM"]) == (book.status, fetches(book.tick(4.8)))


def test_a_quiet_beginning():
    """Without frames an order book is confirmed by the same one, after a while."""
    book = DiffBook("bitstamp btcusd", wall)
    book.confirmed(0.0)
    book.tick(1.5)
    book.snapshot(read(-99, BIDS, ASKS), 1.5, 1.6)
    assert ["CONFIRM"] == fetches(book.tick(4.1))
    assert ["GOOD"] == turns(book.snapshot(read(-99, BIDS, ASKS), 4.1, 4.2))


@pytest.mark.parametrize(
    ("odd", "cause"),
    [
        (frame(5, "8:0.000"), "removes a price that is not held"),
        (frame(5, "10:5.0"), "sets the amount that is held"),
        (frame(5, "11:1"), "cross"),
        (frame(5, "10:0 9:0"), "a side is empty"),
    ],
)
def test_free_checks(book, odd, cause):
    """A frame that contradicts the book makes it unreadable, and has a read decide."""
    actions = book.frame(odd, 5.0)
    assert (["SUSPECT"], ["DECIDE"]) == (turns(actions), fetches(actions))
    with pytest.raises(BookUnknown, match=cause):
        _ = book.bids


def test_a_doubt_that_was_right(book):
    """An order book that differs at or after the doubtful frame has the book begin anew, with that one."""
    book.frame(frame(5, "8:0"), 5.0)
    assert ["RESYNCING"] == turns(book.snapshot(read(5, "10:5", ASKS), 5.1, 5.2))
    book.frame(frame(6, "10:6"), 6.0)
    book.tick(7.0)
    assert (["GOOD"], ("10:6", ASKS)) == (turns(book.snapshot(read(6, "10:6", ASKS), 7.0, 7.1)), shown(book))


def test_false_alarms(book):
    """An order book that is equal ends the doubt; a check that is wrong again and again is given up."""
    for number in range(3):
        assert ["SUSPECT"] == turns(book.frame(frame(20 * number + 5, "8:0"), 20.0 * number + 5))
        book.tick(20.0 * number + 6)
        assert [] == turns(book.snapshot(read(20 * number + 3, CHANGED, ASKS), 20.0 * number + 5.5, 20.0 * number + 6))
        book.tick(20.0 * number + 8)
        read_now = read(20 * number + 5, CHANGED, ASKS)
        assert ["GOOD"] == turns(book.snapshot(read_now, 20.0 * number + 8, 20.0 * number + 9))

    assert [] == turns(book.frame(frame(70, "8:0"), 70.0))
    assert ["SUSPECT"] == turns(book.frame(frame(71, "11:1"), 71.0))


@pytest.mark.parametrize("odd", [frame(2.9, "10:9"), frame(3, "10:9"), frame(3000, "10:9"), frame(5, "10:NaN")])
def test_frames_that_cannot_be_applied(book, odd):
    """A frame out of order, from the future, or of odd numbers has the book begin anew: a change is lost."""
    assert ["RESYNCING"] == turns(book.frame(odd, 5.0))
    assert () == book.frame(frame(6, "10:1"), 6.0)


def test_a_doubled_frame(book):
    """The last frame once more changes nothing."""
    assert () == book.frame(frame(3, "10:5"), 5.0)


def test_price_zero(book):
    """A row of price zero is dropped and counted."""
    book.frame(frame(5, "0:5 0.0:0"), 5.0)

    assert ((CHANGED, ASKS), 2) == (shown(book), book.dropped_rows)


def test_an_audit_at_its_moment(book):
    """An order book is compared at its own moment: newer frames are taken back, and the next one's levels excused."""
    assert ["AUDIT"] == fetches(book.tick(34.0))
    book.frame(frame(34.5, "9:8"), 34.5)
    book.frame(frame(35, "9:0", "13:1"), 35.0)
    assert [] == turns(book.snapshot(read(34, "10:5 9:7", ASKS), 34.0, 35.1))
    assert wall(34) == book.verified_at


def test_an_audit_that_waits_for_a_frame(book):
    """An order book that is ahead of the channel is compared when the next frame has come."""
    book.tick(34.0)
    assert [] == turns(book.snapshot(read(33.9, "10:5 9:7", ASKS), 34.0, 34.1))
    assert [] == turns(book.frame(frame(34.2, "9:8"), 34.3))
    assert wall(34) == book.verified_at


def test_an_audit_that_differs_twice(book):
    """One order book that differs makes the book unreadable; the same answer decides nothing, another one does."""
    book.tick(34.0)
    assert ["SUSPECT"] == turns(book.snapshot(read(3, "10:5", ASKS), 34.0, 34.1))
    assert ["DECIDE"] == fetches(book.tick(35.1))
    assert [] == turns(book.snapshot(read(3, "10:5", ASKS), 35.1, 35.2))
    assert ["DECIDE"] == fetches(book.tick(36.3))
    assert ["RESYNCING"] == turns(book.snapshot(read(3, "10:5", ASKS), 36.3, 36.4))


def test_an_audit_that_nothing_explains(book):
    """A channel without frames for what the order book shows is subscribed to again, after a second look."""
    book.tick(34.0)
    book.snapshot(read(33, "10:7", ASKS), 34.0, 34.1)
    assert ["SUSPECT"] == turns(book.tick(37.2))
    book.tick(38.0)
    book.snapshot(read(33, "10:7", ASKS), 38.0, 38.1)
    actions = book.tick(41.2)
    assert (["RESYNCING"], True) == (turns(actions), isinstance(actions[-1], Resubscribe))


def test_changes_that_cancel_out(book):
    """An order book with a newer moment and the same levels needs no frame to be equal."""
    book.tick(34.0)
    book.snapshot(read(33, CHANGED, ASKS), 34.0, 34.1)
    assert [] == turns(book.tick(37.2))
    assert wall(34) == book.verified_at


def test_frames_with_moments_that_run_ahead(book):
    """A late order book of an older moment decides by its levels, and its moment counts from then on."""
    book.frame(frame(12, "10:6"), 5.0)
    book.tick(34.0)
    assert [] == turns(book.snapshot(read(8, "10:6 9:2", ASKS), 34.0, 34.1))
    assert (wall(8), (Change(),)) == (book.as_of, book.frame(frame(9, "10:7"), 34.5))


def test_frames_older_than_the_beginning():
    """An order book from ahead of the channel is given up when older frames go on."""
    book = DiffBook("bitstamp btcusd", wall)
    book.confirmed(0.0)
    book.tick(1.5)
    book.snapshot(read(9, BIDS, ASKS), 1.5, 1.6)
    assert [] == turns(book.frame(frame(2, "10:1"), 2.0))
    assert ["RESYNCING"] == turns(book.frame(frame(7, "10:1"), 7.0))


def test_every_failure_waits_longer(book):
    """A book that has to begin anew again and again is read less and less often."""
    waits, now = [], 5.0
    for _ in range(5):
        book.unreadable("a frame could not be decoded", now)
        waits.append(book.next_tick - now)
        now = book.next_tick
        assert ["SEED"] == fetches(book.tick(now))
        book.snapshot(read(now, BIDS, ASKS), now, now)

    assert [1.5, 1.5, 2.0, 4.0, 8.0] == waits


def test_an_order_book_that_contradicts_itself():
    """An order book that crosses, or that is from the future, is not begun with."""
    book = DiffBook("bitstamp btcusd", wall)
    book.confirmed(0.0)
    book.tick(1.5)
    book.snapshot(read(1, "11:1", "11:2"), 1.5, 1.6)
    assert "cross" in book.cause
    book.tick(2.6)
    book.snapshot(read(5000, BIDS, ASKS), 2.6, 2.7)
    assert ("future", 0) == (book.cause.split()[-1], len(book.last_known[0]))


def test_what_waits_is_bounded(monkeypatch):
    """Frames that wait for an order book are dropped when there are too many; then an older one does not cover them."""
    monkeypatch.setattr("exchanges.streams.keepers.diff.MOST_ROWS", 3)
    book = DiffBook("bitstamp btcusd", wall)
    book.confirmed(0.0)
    for number in range(1, 8):
        book.frame(frame(number / 10, "10:1"), number / 10)
    book.tick(1.5)
    book.snapshot(read(0.3, BIDS, ASKS), 1.5, 1.6)
    assert ((), ()) == book.last_known
    book.tick(2.5)
    book.snapshot(read(0.6, BIDS, ASKS), 2.5, 2.6)
    assert 2 == len(book.last_known[0])
