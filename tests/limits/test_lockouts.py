import asyncio
import math
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from exchanges.errors import RateLimited, RateLimitTimeout
from exchanges.limits.lockouts import Lockout, Refusal, default_seconds, refused, retry_after_seconds
from exchanges.limits.permits import KeyLock
from tests.support.limiters import CANCEL, MONEY, READ, limiter_of, note_permits, wide_lane
from tests.support.virtual_time import BEGIN, elapsed, in_virtual_time, settle

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        (" 30 ", 30.0),
        ("0", 0.0),
        ("120.5", 121.0),
        ("0.5", 1.0),
        ("2.0", 2.0),
        ("3601", 3601.0),
        ("9" * 400, math.inf),
        ("-5", None),
        ("1.", None),
        (".5", None),
        ("1.5.5", None),
        ("30s", None),
        ("1_0", None),
        ("1e3", None),
        ("٣", None),
        ("1.٣", None),
        ("", None),
        ("soon", None),
        ("NaN", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", None),
        ("Wed Oct 21 07:28:00 2015", None),
        ("Sun, 01 Jun 2025 12:00:00 GMT", None),
        ("Sun, 01 Jun 2025 12:00:07 GMT", 7.0),
        ("Sun, 01 Jun 2025 14:00:07 +0200", 7.0),
        ("Wed, 31 Feb 2035 07:28:00 GMT", None),
        ("Wed, 21 Oct 99999 07:28:00 GMT", None),
        ("Wed, 21 Oct 2035 99:28:00 GMT", None),
    ],
)
def test_retry_after(header, seconds):
    """`Retry-After` counts seconds, rounded up, or names a moment to come; any other value names no time."""
    assert seconds == retry_after_seconds(header, None, NOON)


def test_a_date_counts_from_the_answer():
    """A date counts from the `Date` of its answer, however wrong our clock is."""
    asked = format_datetime(NOON + timedelta(seconds=90), usegmt=True)

    assert 90.0 == retry_after_seconds(asked, format_datetime(NOON, usegmt=True), NOON + timedelta(days=1))


def test_a_date_beside_an_unreadable_one():
    """Without a readable `Date` a date counts from our clock."""
    assert 90.0 == retry_after_seconds(format_datetime(NOON + timedelta(seconds=90)), "yesterday", NOON)


@pytest.mark.parametrize("written", ["%a, %d %b %Y %H:%M:%S", "%a, %d %b %Y %H:%M:%S -0000", "%a %b %d %H:%M:%S %Y"])
def test_a_date_without_a_zone(monkeypatch, written):
    """A date without a zone is in UTC, whatever the time zone of the machine."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "JST-9")
        time.tzset()
        seconds = retry_after_seconds(f"{NOON + timedelta(seconds=1800):{written}}", None, NOON)
    time.tzset()

    assert 1800 == seconds


def test_each_refusal_doubles_the_guess():
    """Without a time each refusal in a row doubles how long the limit is closed, up to the maximum."""
    assert [1.0, 2.0, 4.0, 32.0, 60.0, 60.0] == [default_seconds(n, 1.0, 60.0) for n in (0, 1, 2, 5, 6, 10_000)]


def lockout_of(**facts):
    """Return a lockout of 600 s from moment 0."""
    return Lockout(**{"scope": "", "reason": "", "is_explicit": False, "began": 0.0, "until": 600.0, **facts})


def lockout_after(**facts):
    """Return the first lockout without a named end, tried last at *tried_at*."""
    return lockout_of(refusals=1, **{"tried_at": 0.0, **facts})


@pytest.mark.parametrize(
    ("tried_at", "moment"),
    [(0.0, 5.0), (5.0, 10.0), (9.9, 10.0), (10.0, 20.0), (20.0, 40.0), (40.0, 100.0), (100.0, 160.0), (130.0, 160.0)],
)
def test_when_a_cancel_probes(tried_at, moment):
    """A cancel probes 5, 10, 20 and 40 seconds after the limit was closed, then every minute."""
    assert moment == lockout_after(tried_at=tried_at).opens_at(tried_at, is_cancel=True)


@pytest.mark.parametrize(
    ("moments", "refusals"), [([(0.0, -1.0), (0.5, -1.0)], 1), ([(0.0, -1.0), (700.0, 650.0)], 2), ([(0.0, 0.0)], 1)]
)
def test_refusals_in_a_row(moments, refusals):
    """Refusals of calls that were in flight together count as one; that of a later call is one more."""
    lockout = None
    for now, sent_at in moments:
        lockout = refused(lockout, Refusal(600.0), now, sent_at)

    assert refusals == lockout.refusals


@pytest.mark.parametrize(
    ("first", "second", "until"),
    [
        (Refusal(600.0), Refusal(5.0), 600.0),
        (Refusal(5.0), Refusal(600.0), 601.0),
        (Refusal(600.0), Refusal(5.0, is_explicit=True), 6.0),
        (Refusal(60.0, is_explicit=True), Refusal(600.0), 60.0),
        (Refusal(60.0, is_explicit=True), Refusal(5.0, is_explicit=True), 60.0),
    ],
)
def test_which_of_two_ends_holds(first, second, until):
    """Of two guesses, or two named times, the later end holds; a named time replaces a guess."""
    lockout = refused(refused(None, first, 0.0, -1.0), second, 1.0, -1.0)

    assert until == lockout.until


async def closed(limiter, seconds, **facts):
    """Close a limiter by the refusal of a read."""
    permit = await limiter.acquire(wide_lane(), READ)
    limiter.refuse(permit, Refusal(seconds, **facts))
    permit.end(sent=True, complete=True)


def call(limiter, priority, *, into, name=None, judged=True, refusal=None, hold=0.5, **options):
    """Start a call that is judged or refused by the exchange after a while."""

    async def run():
        permit = await limiter.acquire(wide_lane(), priority, **options)
        into.append((priority.name if name is None else name, elapsed()))
        await asyncio.sleep(hold)
        permit.is_judged = judged and refusal is None
        if refusal is not None:
            limiter.refuse(permit, refusal)
        permit.end(sent=True, complete=judged)

    return asyncio.create_task(run())


@in_virtual_time
async def test_one_cancel_probes_and_opens_the_limit_to_cancels():
    """One cancel probes after 5 s; when it is judged the others go, and reads wait for the end, one ahead."""
    limiter, sent = limiter_of((100, 1.0)), []
    await closed(limiter, 600.0)
    calls = [call(limiter, p, into=sent) for p in (READ, READ, MONEY, CANCEL, CANCEL, CANCEL)]
    await asyncio.gather(*calls)

    assert [("CANCEL", 5.0), ("CANCEL", 5.5), ("CANCEL", 5.5), ("READ", 600.0)] == sent[:4]
    assert [("MONEY", 600.5), ("READ", 600.5)] == sorted(sent[4:])


@in_virtual_time
async def test_a_try_without_an_end():
    """A call that goes first and never ends holds the others up until 5 s after its deadline; the error names it."""
    limiter, sent = limiter_of((100, 1.0)), []
    await closed(limiter, 60.0)
    begin = asyncio.get_running_loop().time()
    first = call(limiter, READ, into=sent, name="first", hold=1000.0, deadline=begin + 70)
    others = [call(limiter, p, into=sent) for p in (READ, MONEY)]
    await asyncio.sleep(61.0)
    with pytest.raises(RateLimitTimeout, match=r"the result of another call that tries it is awaited for 11\.0 s more"):
        await limiter.acquire(wide_lane(), READ, deadline=begin + 64)
    await asyncio.gather(*others)
    first.cancel()

    assert [("first", 60.0), ("READ", 75.0), ("MONEY", 75.5)] == sent


@in_virtual_time
async def test_probes_without_a_verdict():
    """A probe that is not judged opens nothing: the next goes at the next moment."""
    limiter, sent = limiter_of((100, 1.0)), []
    await closed(limiter, 600.0)
    calls = [call(limiter, CANCEL, into=sent, judged=False) for _ in range(6)]
    await asyncio.gather(*calls)

    assert [5.0, 10.0, 20.0, 40.0, 100.0, 160.0] == [moment for _, moment in sent]


@in_virtual_time
async def test_a_probe_that_is_refused():
    """A probe that is refused makes the lockout longer, and the moments of the probes go on."""
    limiter, sent = limiter_of((100, 1.0)), []
    await closed(limiter, 30.0)
    probe = call(limiter, CANCEL, into=sent, refusal=Refusal(60.0))
    others = [call(limiter, p, into=sent) for p in (CANCEL, READ)]
    await asyncio.gather(probe, *others)

    assert [("CANCEL", 5.0), ("CANCEL", 10.0), ("READ", 65.5)] == sent
    assert 2 == limiter.refusals("", elapsed() + BEGIN) or not limiter.lockouts


@in_virtual_time
async def test_a_probe_that_was_never_sent():
    """A probe whose caller was cancelled before it was sent leaves its moment to the next cancel."""
    limiter, sent = limiter_of((100, 1.0)), []
    await closed(limiter, 600.0)
    permit = await limiter.acquire(wide_lane(), CANCEL)
    other = call(limiter, CANCEL, into=sent)
    await settle()
    permit.end(sent=False)
    await other

    assert [("CANCEL", 5.0)] == sent


@in_virtual_time
async def test_a_cancel_waits_for_the_probe_of_another():
    """A cancel with a short deadline waits for the result of a probe that is under way, rather than fail at once."""
    limiter, sent = limiter_of((100, 1.0)), []
    await closed(limiter, 600.0)
    probe = call(limiter, CANCEL, into=sent, hold=2.0)
    await asyncio.sleep(6)
    await asyncio.gather(probe, call(limiter, CANCEL, into=sent, deadline=BEGIN + 9))

    assert [("CANCEL", 5.0), ("CANCEL", 7.0)] == sent


@in_virtual_time
async def test_a_trial_that_is_refused():
    """If the read that goes first after a lockout is refused, all others wait for the next end."""
    limiter, sent = limiter_of((100, 1.0)), []
    await closed(limiter, 10.0)
    first = call(limiter, READ, into=sent, refusal=Refusal(20.0))
    others = [call(limiter, p, into=sent) for p in (READ, MONEY)]
    await asyncio.gather(first, *others)

    assert [("READ", 10.0), ("READ", 30.5), ("MONEY", 31.0)] == sent


@in_virtual_time
async def test_money_goes_first_where_no_read_waits():
    """After a lockout a money call goes first if no read waits."""
    limiter, sent = limiter_of((100, 1.0)), []
    await closed(limiter, 10.0)
    await asyncio.gather(*(call(limiter, MONEY, into=sent) for _ in range(3)))

    assert [10.0, 10.5, 10.5] == [moment for _, moment in sent]


@in_virtual_time
@pytest.mark.parametrize("priority", [CANCEL, MONEY, READ])
async def test_a_named_end(priority, noon):
    """If the exchange has named the end, every call fails at once with that moment, those that wait among them."""
    limiter, lane = limiter_of((1, 10.0)), wide_lane()
    permit = await limiter.acquire(lane, READ)
    waiting = asyncio.create_task(limiter.acquire(lane, priority))
    await settle()
    limiter.refuse(permit, Refusal(7.0, is_explicit=True, reason="status 429"))
    failures = await asyncio.gather(waiting, limiter.acquire(lane, priority), return_exceptions=True)

    assert [(RateLimited, noon + timedelta(seconds=7), 0.0)] * 2 == [
        (type(error), error.retry_at, elapsed()) for error in failures
    ]


@in_virtual_time
async def test_a_lockout_of_one_market():
    """A refusal that is about one market holds up the calls of that market alone, and none that wait behind them."""
    limiter, sent = limiter_of((100, 1.0)), []
    await closed(limiter, 600.0, scope="btcusd")
    scopes = ("btcusd", "ethusd", "", "btcusd")
    calls = [call(limiter, READ, into=sent, name=scope, scope=scope, hold=0.0) for scope in scopes]
    calls.append(call(limiter, CANCEL, into=sent, name="cancel", scope="btcusd", hold=0.0))
    await asyncio.gather(*calls)

    assert [("ethusd", 0.0), ("", 0.0), ("cancel", 5.0), ("btcusd", 600.0), ("btcusd", 600.0)] == sent


@in_virtual_time
async def test_reopening():
    """A limit that is reopened admits all calls at once."""
    limiter, sent = limiter_of((100, 1.0)), []
    await closed(limiter, 600.0)
    calls = [call(limiter, p, into=sent, hold=0.0) for p in (READ, CANCEL)]
    await asyncio.sleep(1)
    limiter.reopen()
    await asyncio.gather(*calls)

    assert [("CANCEL", 1.0), ("READ", 1.0)] == sent


@in_virtual_time
async def test_an_answer_that_was_under_way():
    """The answer to a call that was sent before the limit was closed opens nothing, to no call."""
    limiter, sent = limiter_of((100, 1.0)), []
    before = call(limiter, READ, into=sent, hold=1.0)
    await settle()
    await closed(limiter, 600.0)
    await before
    with pytest.raises(RateLimitTimeout, match=r"the exchange closed it for 599\.0 s more"):
        await limiter.acquire(wide_lane(), READ, deadline=BEGIN + 31)
    await call(limiter, CANCEL, into=sent)

    assert [("READ", 0.0), ("CANCEL", 5.0)] == sent


@in_virtual_time
async def test_a_limit_that_holds_again():
    """After a lockout and a good answer the next refusal counts as the first."""
    limiter, sent = limiter_of((100, 1.0)), []
    await closed(limiter, 10.0)
    await call(limiter, READ, into=sent)

    assert (0, False) == (limiter.refusals("", BEGIN + 100), bool(limiter.lockouts))


@in_virtual_time
async def test_a_cancel_passes_a_key_lock():
    """A cancel waits three seconds for a key lock, then passes it, the next soon after; other calls go on waiting."""
    limiter, noted, key_lock = limiter_of((10, 1.0)), [], KeyLock()
    held = await limiter.acquire(wide_lane(key_lock=key_lock), READ)
    tasks = [
        note_permits(limiter, wide_lane(key_lock=key_lock), p, name=p.name, into=noted, hold=1.0)
        for p in (MONEY, CANCEL, CANCEL)
    ]
    await asyncio.sleep(10)
    held.end(sent=True, complete=True)
    await asyncio.gather(*tasks)

    assert [("CANCEL", 3.0), ("CANCEL", 3.01), ("MONEY", 4.01)] == noted
    assert (True, False) == (held.was_overtaken, key_lock.taken)
