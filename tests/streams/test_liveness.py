import math

from exchanges.streams.liveness import Backoff, Liveness, Step, Watchdog

PINGS = Liveness()
BEATS = Liveness(heartbeat_seconds=5.0)


def test_a_connection_is_pinged():
    """Every five seconds, whatever else comes."""
    watchdog = Watchdog(PINGS, 0)

    assert ([], 5) == (watchdog.tick(4), watchdog.next_tick)
    assert ([Step.PING], 10) == (watchdog.tick(5), watchdog.next_tick)


def test_a_ping_without_an_answer_is_the_end():
    """Nothing came since it was sent."""
    watchdog = Watchdog(PINGS, 0)
    watchdog.hear(4.9)
    watchdog.tick(5)

    assert ([], "no answer to a ping within 5 s") == (watchdog.tick(10), watchdog.death)


def test_any_frame_answers_a_ping():
    """A server that is busy may be slow with its answer."""
    watchdog = Watchdog(PINGS, 0)
    watchdog.tick(5)
    watchdog.hear(6)

    assert ([Step.PING], None) == (watchdog.tick(10), watchdog.death)


def test_a_heartbeat_is_sent_into_silence():
    """Answers to pings do not break it: a balancer may give them."""
    watchdog = Watchdog(BEATS, 0)

    assert [Step.PING, Step.HEARTBEAT] == watchdog.tick(5)
    watchdog.hear(6)
    watchdog.tick(10)
    assert "no answer to a heartbeat within 5 s" == watchdog.death


def test_content_answers_a_heartbeat():
    """The next one is due five seconds after it."""
    watchdog = Watchdog(BEATS, 0)
    watchdog.tick(5)
    watchdog.listen(7)

    assert ([Step.PING], None) == (watchdog.tick(10), watchdog.death)
    assert [Step.HEARTBEAT] == watchdog.tick(12)


def test_silence_is_the_end_where_the_server_speaks_by_itself():
    """Pings that are answered do not save it."""
    watchdog = Watchdog(Liveness(silence_seconds=45), 0)
    for second in range(5, 45, 5):
        watchdog.tick(second)
        watchdog.hear(second + 1)
    watchdog.tick(45)

    assert "nothing with content for 45 s" == watchdog.death


def test_a_process_that_was_held_up_gets_another_moment():
    """What arrived meanwhile is not read yet, so a check that is late proves nothing."""
    watchdog = Watchdog(BEATS, 0)
    watchdog.tick(5)

    assert ([], None) == (watchdog.tick(60), watchdog.death)
    watchdog.listen(60.1)
    assert ([Step.PING], None) == (watchdog.tick(watchdog.next_tick), watchdog.death)


def test_a_dead_connection_is_found_after_that_moment():
    """The check is repeated once, not for ever."""
    watchdog = Watchdog(PINGS, 0)
    watchdog.tick(5)
    watchdog.tick(60)
    watchdog.tick(watchdog.next_tick)

    assert watchdog.death is not None


def test_waits_grow_to_the_cap():
    """None before the first attempt, then up to 1, 2, 4 ... seconds."""
    backoff = Backoff(30.0, draw=lambda _, most: most)

    assert [0, 1, 2, 4, 8, 16, 30, 30] == [backoff.next_wait() for _ in range(8)]


def test_waits_begin_anew_after_a_connection_that_lived():
    """One that the server closed at once does not count."""
    backoff = Backoff(30.0, draw=lambda _, most: most)
    for _ in range(4):
        backoff.next_wait()
    backoff.lived(9.9)
    long = backoff.next_wait()
    backoff.lived(10.0)

    assert (8, 0, 1) == (long, backoff.next_wait(), backoff.next_wait())


def test_waits_are_drawn():
    """Clients that lost one server do not return together."""
    backoff = Backoff(30.0)
    backoff.next_wait()
    drawn = [backoff.next_wait() for _ in range(100)]

    assert len(set(drawn)) > 90
    assert max(drawn) <= 30.0 < math.inf


def test_a_server_that_closes_at_once_is_left_alone():
    """After five such connections each wait is at least the largest bound; one that lives ends that."""
    backoff = Backoff(30.0, draw=lambda least, most: least)
    waits = []
    for _ in range(7):
        backoff.lived(0.1)
        waits.append(backoff.next_wait())
    backoff.lived(10)

    assert ([0, 0, 0, 0, 0, 30, 30], 0) == (waits, backoff.next_wait())
