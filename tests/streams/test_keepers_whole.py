"""Books whose frames are whole: each is the book, and a read where none comes."""

import pytest

from exchanges.errors import BookUnknown
from exchanges.market_data import BookStatus
from exchanges.streams.keepers import Change, Resubscribe, Settings, WholeBook
from tests.support.kept_books import fetches, frame, read, shown, turns, wall

BIDS, ASKS = "10:1 9:2", "11:3 12:4"
SETTINGS = Settings(depth=2, audit_seconds=60.0)


@pytest.fixture
def book():
    """A book that is good since its first frame, at 1 s."""
    book = WholeBook("bitstamp btcusd", wall, SETTINGS)
    book.confirmed(0.0)
    book.frame(frame(1, BIDS, ASKS), 1.0)
    return book


def test_each_frame_is_the_book(book):
    """A frame replaces the book, to its depth, and is as old as it states."""
    actions = book.frame(frame(2, "10:5 9.5:1 9:2", ASKS), 2.1)

    assert (Change(),) == actions
    assert (("10:5 9.5:1", ASKS), wall(2), wall(2.1)) == (shown(book), book.as_of, book.received_at)
    assert (2, None, 0) == (book.depth, book.verified_at, book.dropped_rows)


def test_a_quiet_market_is_read():
    """Without a frame the order book is read, once the cache cannot be older than the subscription."""
    book = WholeBook("bitstamp btcusd", wall)
    assert [] == fetches(book.confirmed(0.0))
    assert 1.5 == book.next_tick
    assert (["SEED"], None) == (fetches(book.tick(1.5)), book.next_tick)
    assert ["GOOD"] == turns(book.snapshot(read(-50, BIDS, ASKS), 1.5, 1.7))
    assert ((BIDS, ASKS), wall(-50), wall(1.5)) == (shown(book), book.as_of, book.verified_at)
    book.frame(frame(1.6, "10:9", ASKS), 1.8)
    assert ("10:9", ASKS) == shown(book)


def test_a_frame_of_the_moment_of_a_read():
    """A frame of the same moment as the order book that was read must show the same."""
    book = WholeBook("bitstamp btcusd", wall)
    book.confirmed(0.0)
    book.tick(1.5)
    book.snapshot(read(1, BIDS, ASKS), 1.5, 1.7)
    assert (Change(),) == book.frame(frame(1, BIDS, ASKS), 1.8)
    book.confirmed(2.0)
    book.tick(3.5)
    book.snapshot(read(3, BIDS, ASKS), 3.5, 3.7)
    assert ["RESYNCING"] == turns(book.frame(frame(3, "10:9", ASKS), 3.8))
    book.tick(5.3)
    book.snapshot(read(5, BIDS, ASKS), 5.3, 5.4)
    assert ["RESYNCING"] == turns(book.frame(frame(4, "10:9", ASKS), 5.5))
    assert ["GOOD"] == turns(book.frame(frame(6, "10:9", ASKS), 6.0))


def test_a_read_that_may_be_older_than_the_subscription():
    """An order book that was asked for too early is not used."""
    book = WholeBook("bitstamp btcusd", wall)
    book.confirmed(0.0)
    book.doubt("not good yet", 0.0)
    book.tick(1.5)
    actions = book.snapshot(read(1, BIDS, ASKS), 0.5, 1.6)

    assert ([], ["SEED"]) == (turns(actions), fetches(actions))


@pytest.mark.parametrize(
    ("spoilt", "cause"),
    [
        (frame(2, "11:1", "11:3"), "cross"),
        (frame(2, "9:1 10:1", ASKS), "prices out of order"),
        (frame(2, "10:1 10.0:1", ASKS), "prices out of order"),
        (frame(2, "", ASKS), "empty"),
        (frame(2, "10:1_0", ASKS), "at most 30 digits"),
        (frame(2000, BIDS, ASKS), "future"),
        (frame(0.5, BIDS, ASKS), "not newer"),
        (frame(1, "10:2", ASKS), "not newer"),
    ],
)
def test_a_frame_that_is_not_believed(book, spoilt, cause):
    """A frame that contradicts itself or the one before makes the book unreadable, until the next one."""
    bids = book.bids
    assert ["RESYNCING"] == turns(book.frame(spoilt, 2.0))
    with pytest.raises(BookUnknown, match=cause) as caught:
        _ = bids[0]
    assert (BookStatus.RESYNCING, wall(2)) == (caught.value.book_status, caught.value.since)
    assert ["GOOD"] == turns(book.frame(frame(3, BIDS, ASKS), 3.0))


def test_a_doubled_frame(book):
    """The last frame once more changes nothing."""
    assert () == book.frame(frame(1, BIDS, ASKS), 1.1)


def test_rows_of_nothing_are_dropped(book):
    """Rows whose price or amount is zero are dropped and counted."""
    book.frame(frame(2, "10:1 9:0.000 0:5", ASKS), 2.0)

    assert ((("10:1"), ASKS), 2) == (shown(book), book.dropped_rows)


def test_no_frame_decides(book):
    """If no frame comes after a doubtful one, a read decides."""
    book.frame(frame(2, "11:1", "11:3"), 2.0)
    assert ["DECIDE"] == fetches(book.tick(3.5))
    assert ["SEED"] == fetches(book.snapshot(read(1, BIDS, ASKS), 3.4, 3.6))
    assert ["GOOD"] == turns(book.snapshot(read(2, "10:7", ASKS), 3.6, 3.7))
    assert ("10:7", ASKS) == shown(book)


def test_a_moment_that_only_a_frame_has_seen(book):
    """A frame from the future is no reason to doubt all that follow, once a read has shown that it lied."""
    book.frame(frame(9, "10:9", ASKS), 2.0)
    assert ["RESYNCING"] == turns(book.frame(frame(3, "10:3", ASKS), 3.0))
    book.tick(4.5)
    assert ["GOOD"] == turns(book.snapshot(read(4, "10:4", ASKS), 4.5, 4.6))
    assert [Change()] == list(book.frame(frame(5, "10:5", ASKS), 5.0))


def test_an_empty_side_is_believed_when_a_frame_and_a_read_show_it(book):
    """A side that is empty is believed once both the channel and the order book show it."""
    book.frame(frame(2, "", ASKS), 2.0)
    book.tick(3.5)
    assert ["GOOD"] == turns(book.snapshot(read(2, "", ASKS), 3.5, 3.6))
    assert (("", ASKS), [Change()]) == (shown(book), list(book.frame(frame(4, "", ASKS), 4.0)))


def test_audits(book):
    """An order book that is equal verifies the book; one that is not, of the same moment, makes it unreadable."""
    assert ["AUDIT"] == fetches(book.tick(61.0))
    assert [] == turns(book.snapshot(read(60, BIDS, ASKS), 61.0, 61.1))
    assert wall(61) == book.verified_at
    book.tick(121.1)
    assert ["RESYNCING"] == turns(book.snapshot(read(1, "10:2", ASKS), 121.1, 121.2))


def test_an_old_answer_decides_nothing(book):
    """An audit that is older than the last frame, out of a cache, is asked for again."""
    book.tick(61.0)
    book.frame(frame(61, "10:8", ASKS), 61.0)
    assert [] == turns(book.snapshot(read(60, BIDS, ASKS), 61.1, 61.2))
    assert BookStatus.GOOD is book.status


def test_a_dead_channel(book):
    """A channel that does not show what the order book shows is subscribed to again, after a second look."""
    book.tick(61.0)
    assert [] == turns(book.snapshot(read(60, "10:2", ASKS), 61.0, 61.1))
    actions = book.tick(64.2)
    assert (["SUSPECT"], ["DECIDE"]) == (turns(actions), fetches(actions))
    actions = book.snapshot(read(63, "10:2", ASKS), 64.2, 64.3)
    assert (["RESYNCING"], True) == (turns(actions), isinstance(actions[-1], Resubscribe))


def test_a_frame_that_was_under_way(book):
    """An order book that is ahead of the channel raises no doubt if the frame comes."""
    book.tick(61.0)
    book.snapshot(read(60, "10:2", ASKS), 61.0, 61.1)
    book.frame(frame(60, "10:2", ASKS), 61.2)

    assert [] == turns(book.tick(64.2))


def test_a_silent_book():
    """A book without a frame for longer than allowed cannot be read, until it is compared."""
    book = WholeBook("bitstamp btcusd", wall, Settings(max_age_seconds=30.0))
    book.confirmed(0.0)
    book.frame(frame(1, BIDS, ASKS), 1.0)
    assert (31.0, ["SUSPECT"]) == (book.next_tick, turns(book.tick(31.0)))
    assert ["GOOD"] == turns(book.snapshot(read(1, BIDS, ASKS), 31.0, 31.1))
    assert 61.0 == book.next_tick


def test_reads_that_fail(book):
    """A read that fails or contradicts itself is asked for again, later each time."""
    book.frame(frame(2, "11:1", "11:3"), 2.0)
    now, waits = 3.5, []
    for answer in (None, read(2, "11:1", "10:1"), None, read(9000, BIDS, ASKS)):
        assert ["DECIDE"] == fetches(book.tick(now))
        _ = book.failed(now, now) if answer is None else book.snapshot(answer, now, now)
        waits.append(book.next_tick - now)
        now = book.next_tick

    assert [1.0, 1.0, 2.0, 4.0] == waits
    assert "future" in book.cause


def test_the_line_breaks(book):
    """A broken line makes the book unreadable, and what it still brings or was asked for is ignored."""
    book.tick(61.0)
    assert ["DISCONNECTED"] == turns(book.lost("it was reset", 62.0))
    assert ((), (), ()) == (
        book.snapshot(read(60, BIDS, ASKS), 61.0, 62.1),
        book.frame(frame(63, BIDS, ASKS), 63.0),
        book.failed(61.0, 62.2),
    )
    with pytest.raises(BookUnknown, match=r"since 00:01:02 UTC \(disconnected\): it was reset"):
        _ = book.asks
    assert [["10", "9"], ["11", "12"]] == [[str(level.price) for level in side] for side in book.last_known]
    assert (["SYNCING"], ["CLOSED"]) == (turns(book.confirmed(64.0)), turns(book.closed(65.0)))
