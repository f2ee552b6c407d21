import math

import pytest

from exchanges.streams.dialect import Ack, Refusal
from exchanges.streams.subscriptions import (
    ACK_SECONDS,
    MAX_RETRY_SECONDS,
    Ask,
    Confirmed,
    Ended,
    Refused,
    RefusedOnce,
    Subscriptions,
    Unanswered,
)

INVALID = Refusal(None, None, "Invalid channel provided.")
UNAUTHORIZED = Refusal(None, "4009", "Connection is unauthorized.", is_unauthorized=True)


def ask(*names):
    """Subscribe to channels."""
    return [Ask(name, is_subscribed=True) for name in names]


def ack(name, *, is_subscribed=True):
    """Acknowledge a channel."""
    return Ack(name, is_subscribed)


def wanting(*names):
    """Subscriptions of which all *names* were asked for at 0."""
    subscriptions = Subscriptions()
    for name in names:
        subscriptions.want(name)
    assert ask(*names) == subscriptions.outgoing(0)
    return subscriptions


def test_each_channel_is_asked_for_once():
    """What was asked for is not asked for again."""
    subscriptions = wanting("a", "b")
    subscriptions.want("a")

    assert [] == subscriptions.outgoing(1)


def test_an_acknowledgement_confirms():
    """The channel is confirmed by its name, once."""
    subscriptions = wanting("a")

    assert [Confirmed("a")] == subscriptions.acknowledge(ack("a"), 1)
    assert [] == subscriptions.acknowledge(ack("a"), 2)
    assert (True, True, math.inf) == (
        subscriptions.is_confirmed("a"),
        subscriptions.all_confirmed,
        subscriptions.next_tick(1),
    )


def test_a_late_acknowledgement_revives_nothing():
    """A channel that was given up stays given up."""
    subscriptions = wanting("a")
    subscriptions.release("a")

    assert [Ask("a", is_subscribed=False)] == subscriptions.outgoing(1)
    assert [] == subscriptions.acknowledge(ack("a"), 2)
    assert not subscriptions.is_confirmed("a")
    assert [] == subscriptions.acknowledge(ack("a", is_subscribed=False), 3)
    assert [] == subscriptions.outgoing(4)


def test_a_channel_is_asked_for_again_after_it_was_given_up():
    """Only once the server has acknowledged that."""
    subscriptions = wanting("a")
    subscriptions.acknowledge(ack("a"), 1)
    subscriptions.release("a")
    subscriptions.outgoing(2)
    subscriptions.want("a")

    assert [] == subscriptions.outgoing(3)
    subscriptions.acknowledge(ack("a", is_subscribed=False), 3)
    assert ask("a") == subscriptions.outgoing(3)


def test_an_unanswered_unsubscription_is_forgotten():
    """After its deadline the channel can be asked for again."""
    subscriptions = wanting("a")
    subscriptions.acknowledge(ack("a"), 1)
    subscriptions.release("a")
    subscriptions.outgoing(2)
    subscriptions.tick(2 + ACK_SECONDS)
    subscriptions.want("a")

    assert ask("a") == subscriptions.outgoing(2 + ACK_SECONDS)


def test_a_channel_that_was_never_asked_for_is_released_at_once():
    """Nothing is sent for it, nor for one that is unknown."""
    subscriptions = Subscriptions()
    subscriptions.want("a")
    subscriptions.release("a")
    subscriptions.release("b")

    assert [] == subscriptions.outgoing(0)


def test_a_refusal_that_names_its_channel():
    """It concerns that channel alone."""
    subscriptions = wanting("a", "b")
    refusal = Refusal("a", None, "This book is not supported")

    assert [Refused("a", refusal)] == subscriptions.refuse(refusal, 1)
    assert [] == subscriptions.refuse(refusal, 1)
    assert [Confirmed("b")] == subscriptions.acknowledge(ack("b"), 1)


def test_a_refusal_without_a_name_is_that_of_the_only_one():
    """One channel was asked for, so it was refused; a second refusal is final."""
    subscriptions = wanting("a")

    assert [RefusedOnce("a")] == subscriptions.refuse(INVALID, 1)
    assert ([], 2) == (subscriptions.outgoing(1), subscriptions.next_tick(1))
    assert ask("a") == subscriptions.outgoing(2)
    assert [Refused("a", INVALID)] == subscriptions.refuse(INVALID, 3)


def test_an_error_that_is_over_ends_no_channel():
    """A server that failed once, each time the channel was asked for, has not refused it."""
    subscriptions = wanting("a")

    for now in (100, 200, 300):
        assert [RefusedOnce("a")] == subscriptions.refuse(INVALID, now)
        assert ask("a") == subscriptions.outgoing(now + 1)
        assert [Confirmed("a")] == subscriptions.acknowledge(ack("a"), now + 2)
        subscriptions.acknowledge(ack("a", is_subscribed=False), now + 90)
        assert ask("a") == subscriptions.outgoing(now + 91)


def test_a_refusal_without_a_name_is_attributed_by_elimination():
    """When all others are acknowledged, it is that of the last one."""
    subscriptions = wanting("a", "b", "c")

    assert [] == subscriptions.refuse(INVALID, 1)
    assert [Confirmed("a")] == subscriptions.acknowledge(ack("a"), 1)
    assert [Confirmed("c"), RefusedOnce("b")] == subscriptions.acknowledge(ack("c"), 1)


@pytest.mark.parametrize("refusal", [INVALID, UNAUTHORIZED])
def test_a_refusal_without_a_name_while_another_channel_is_confirmed(refusal):
    """It may be about that one: what was asked is refused only if it stays without an answer."""
    subscriptions = wanting("a")
    subscriptions.acknowledge(ack("a"), 1)
    subscriptions.want("b")
    subscriptions.outgoing(2)

    assert [] == subscriptions.refuse(refusal, 2)
    assert [Confirmed("b")] == subscriptions.acknowledge(ack("b"), 3)
    assert ([refusal], []) == (subscriptions.unclaimed(), subscriptions.unclaimed())


def test_a_refusal_of_what_stays_without_an_answer():
    """At the deadline it is that of the channel that was asked for."""
    subscriptions = wanting("a")
    subscriptions.acknowledge(ack("a"), 1)
    subscriptions.want("b")
    subscriptions.outgoing(2)

    assert [] == subscriptions.refuse(INVALID, 3)
    assert 2 + ACK_SECONDS == subscriptions.next_tick(3)
    assert [RefusedOnce("b")] == subscriptions.tick(2 + ACK_SECONDS)
    assert [] == subscriptions.unclaimed()


def test_as_many_refusals_as_channels():
    """All of them were refused; each is asked for again alone."""
    subscriptions = wanting("a", "b")
    subscriptions.refuse(INVALID, 1)

    assert [RefusedOnce("a"), RefusedOnce("b")] == subscriptions.refuse(INVALID, 1)
    assert ask("a") == subscriptions.outgoing(2)
    assert [Refused("a", INVALID)] == subscriptions.refuse(INVALID, 3)
    assert ask("b") == subscriptions.outgoing(3)


def test_what_stays_open_is_asked_for_one_at_a_time():
    """So that the next refusal has one owner."""
    subscriptions = wanting("a", "b")
    subscriptions.refuse(INVALID, 1)
    subscriptions.tick(ACK_SECONDS)

    assert ask("a") == subscriptions.outgoing(ACK_SECONDS)
    assert [] == subscriptions.outgoing(ACK_SECONDS)
    assert [RefusedOnce("a")] == subscriptions.refuse(INVALID, ACK_SECONDS)
    assert ask("b") == subscriptions.outgoing(ACK_SECONDS)
    assert [Confirmed("b")] == subscriptions.acknowledge(ack("b"), ACK_SECONDS)


def test_a_refusal_while_a_channel_is_given_up_is_nobodys_yet():
    """It may answer that, so the channel that was asked for is not taken for refused."""
    subscriptions = wanting("a")
    subscriptions.acknowledge(ack("a"), 1)
    subscriptions.release("a")
    subscriptions.want("b")
    subscriptions.outgoing(1)

    assert [] == subscriptions.refuse(INVALID, 1)
    assert [Confirmed("b")] == subscriptions.acknowledge(ack("b"), 1)


def test_silence_is_no_refusal():
    """After two tries it is reported as unanswered, and asked for ever more rarely."""
    subscriptions, now, outcomes, waits = wanting("a"), 0.0, [], []
    for _ in range(8):
        now = subscriptions.next_tick(now)
        outcomes += subscriptions.tick(now)
        began, now = now, now if subscriptions.is_asking(now) else subscriptions.next_tick(now)
        waits.append(now - began)
        assert ask("a") == subscriptions.outgoing(now)

    assert [Unanswered("a")] == outcomes
    assert ([0.0, 5.0, 10.0, 20.0, 40.0], MAX_RETRY_SECONDS) == (waits[:5], waits[-1])


def test_what_was_never_answered_is_given_up_at_the_server():
    """Its answer may be lost: the server would send the channel for ever."""
    subscriptions = wanting("a")
    for now in (ACK_SECONDS, 2 * ACK_SECONDS):
        outcomes = subscriptions.tick(now)
        subscriptions.outgoing(now)
    subscriptions.release("a")

    assert [Unanswered("a")] == outcomes
    assert [Ask("a", is_subscribed=False)] == subscriptions.outgoing(11)


def test_a_refused_token_is_asked_for_once_more():
    """With a fresh one; a second refusal is final."""
    subscriptions = wanting("a")

    assert [RefusedOnce("a")] == subscriptions.refuse(UNAUTHORIZED, 1)
    assert [] == subscriptions.outgoing(1, may_subscribe=False)
    assert subscriptions.is_asking(1)
    assert ask("a") == subscriptions.outgoing(2)
    assert [Refused("a", UNAUTHORIZED)] == subscriptions.refuse(UNAUTHORIZED, 3)


def test_refusals_of_two_kinds_are_not_mixed_up():
    """Each channel is asked for alone, so that it gets its own."""
    subscriptions = wanting("a", "b")
    subscriptions.refuse(INVALID, 1)

    assert [] == subscriptions.refuse(UNAUTHORIZED, 1)


@pytest.mark.parametrize("answer", [ack("z"), ack("a", is_subscribed=False)])
def test_acknowledgements_of_nothing_are_passed_over(answer):
    """Of an unknown channel, or that something was given up which was not."""
    subscriptions = wanting("a")

    assert [] == subscriptions.acknowledge(answer, 1)
    assert [Confirmed("a")] == subscriptions.acknowledge(ack("a"), 1)
    assert "1 confirmed" in repr(subscriptions)


def test_what_waits_for_a_token_needs_no_clock():
    """Nothing is to be done until there is one."""
    subscriptions = Subscriptions()
    subscriptions.want("a")

    assert ([], math.inf) == (subscriptions.outgoing(1, may_subscribe=False), subscriptions.next_tick(1))


@pytest.mark.parametrize(
    "says", [lambda s: s.acknowledge(ack("a", is_subscribed=False), 2), lambda s: s.refuse(Refusal("a", None, "no"), 2)]
)
def test_what_the_server_ends_is_asked_for_again(says):
    """At once for the first time, then after a rest, until it has held for a while."""
    subscriptions = wanting("a")
    asked = []
    for _ in range(3):
        subscriptions.acknowledge(ack("a"), 2)
        assert [Ended] == [type(outcome) for outcome in says(subscriptions)]
        asked.append(next(moment for moment in (2, 7, 12) if subscriptions.outgoing(moment)))
    subscriptions.acknowledge(ack("a"), -60)
    says(subscriptions)

    assert ([2, 7, 12], ask("a")) == (asked, subscriptions.outgoing(2))
