import asyncio
from datetime import UTC, datetime

import pytest

from exchanges import poll
from exchanges.errors import ExchangeError, UsageError
from exchanges.polling import Update
from tests.support.fourth_calls import limited
from tests.support.polled import Source, take
from tests.support.scripted_transport import Script, html
from tests.support.virtual_time import elapsed, in_virtual_time, run


@in_virtual_time
async def test_the_first_round_is_at_once():
    """All sources are asked at once when the block is entered."""
    sources = {name: Source() for name in "abc"}
    async with poll(sources, every_seconds=10) as updates:
        seen = await take(updates, 3)

    assert (["a", "b", "c"], 0.0) == ([u.source for u in seen], elapsed())


@in_virtual_time
async def test_the_interval_counts_from_question_to_question():
    """A source is asked every interval, however long its answers take within that."""
    source = Source(seconds=1.5)
    async with poll({"a": source}, every_seconds=2) as updates:
        await take(updates, 4)

    assert [0.0, 2.0, 4.0, 6.0] == source.asked


@in_virtual_time
async def test_an_answer_longer_than_the_interval():
    """A source that takes longer than the interval is asked again when it has answered, never twice at once."""
    source = Source(seconds=3)
    async with poll({"a": source}, every_seconds=2) as updates:
        await take(updates, 3)

    assert [0.0, 3.0, 6.0] == source.asked[:3]


@in_virtual_time
async def test_what_an_update_says():
    """An update carries source, value, when it was asked and answered, and how long that took."""
    before = datetime.now(UTC)
    async with poll({"a": Source(seconds=0.25)}, every_seconds=2) as updates:
        update = await anext(updates)

    assert ("a", 1, None, 0.25, 0) == (
        update.source,
        update.value,
        update.error,
        update.latency_seconds,
        update.dropped,
    )
    assert before <= update.asked_at <= update.answered_at <= datetime.now(UTC)


@in_virtual_time
async def test_iterating():
    """Updates are iterated over as they come."""
    seen = []
    async with poll({"slow": Source(seconds=3), "quick": Source(seconds=1)}, every_seconds=60) as updates:
        async for update in updates:
            seen.append((update.source, elapsed()))
            if len(seen) == 2:
                break

    assert [("quick", 1.0), ("slow", 3.0)] == seen


@in_virtual_time
async def test_a_failing_source():
    """A source that raises gives an update with the error, is asked again, and stops no other source."""
    error = ValueError("odd")
    bad, good = Source(error=error), Source()
    async with poll({"bad": bad, "good": good}, every_seconds=2) as updates:
        seen = await take(updates, 6)

    assert [("bad", None, error), ("good", 1, None)] == [(u.source, u.value, u.error) for u in seen[:2]]
    assert ([0.0, 2.0, 4.0], [0.0, 2.0, 4.0]) == (bad.asked, good.asked)


@in_virtual_time
async def test_a_hanging_source():
    """A source that never answers delays no other source."""
    hanging, good = Source(seconds=10**6), Source()
    async with poll({"hanging": hanging, "good": good}, every_seconds=2) as updates:
        await take(updates, 3)

    assert ([0.0, 2.0, 4.0], [0.0], 0) == (good.asked, hanging.asked, hanging.inside)


@in_virtual_time
async def test_a_source_that_raises_before_it_awaits():
    """A function that raises in place of making an awaitable is a source that fails."""

    def broken():
        raise LookupError("no")

    async with poll({"broken": broken}, every_seconds=2) as updates:
        update = await anext(updates)

    assert isinstance(update.error, LookupError)


@in_virtual_time
async def test_a_source_whose_own_task_is_cancelled():
    """A source that awaits a cancelled task fails with an error of the library, and is asked again."""
    asked = []

    async def awaits_a_cancelled_task():
        asked.append(elapsed())
        task = asyncio.create_task(asyncio.sleep(1))
        task.cancel()
        await task

    async with poll({"a": awaits_a_cancelled_task}, every_seconds=2) as updates:
        seen = await take(updates, 2)

    assert ([ExchangeError] * 2, [0.0, 2.0]) == ([type(u.error) for u in seen], asked)


@in_virtual_time
async def test_a_limited_source():
    """A source whose limit is closed for a minute waits alone."""
    script = Script.of(html(429))
    async with limited(100, 1.0, script, timeout_seconds=300) as client:
        good = Source()
        async with poll({"limited": client.market.thing, "good": good}, every_seconds=2) as updates:
            await take(updates, 4)

    assert [0.0, 2.0, 4.0, 6.0] == good.asked


@in_virtual_time
async def test_the_newest_update_wins():
    """A reader that was away gets the newest update of each source, with the number of those it missed."""
    async with poll({"a": Source(), "b": Source()}, every_seconds=2) as updates:
        await asyncio.sleep(9)
        seen = await take(updates, 2)

    assert [("a", 5, 4), ("b", 5, 4)] == [(u.source, u.value, u.dropped) for u in seen]


@in_virtual_time
async def test_what_was_dropped_is_counted_anew():
    """Once an update was seen, counting begins again."""
    async with poll({"a": Source()}, every_seconds=2) as updates:
        await asyncio.sleep(9)
        seen = await take(updates, 2)

    assert [(5, 4), (6, 0)] == [(u.value, u.dropped) for u in seen]


@in_virtual_time
async def test_no_source_is_starved():
    """The update that waits longest is seen first, so a busy source does not hide the others."""
    names = []
    async with poll({"busy": Source(), "rare": Source(seconds=5)}, every_seconds=0.5) as updates:
        for _ in range(3):
            await asyncio.sleep(7)
            names.append({u.source for u in await take(updates, 2)})

    assert [{"busy", "rare"}] * 3 == names


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "2", None])
def test_a_bad_interval(seconds):
    """An interval is a positive number."""
    with pytest.raises(UsageError, match="every_seconds must be a positive number"):
        poll({"a": Source()}, every_seconds=seconds)


def test_no_sources():
    """Without sources there is nothing to poll."""
    with pytest.raises(UsageError, match="no sources"):
        poll({}, every_seconds=1)


def test_an_awaitable_in_place_of_a_function():
    """An awaitable can be awaited only once: sources are functions that make one."""

    async def main():
        ready = asyncio.get_running_loop().create_future()
        with pytest.raises(UsageError, match="functions that return an awaitable, not awaitables: a"):
            poll({"a": ready}, every_seconds=1)

    run(main())


def test_repr():
    """A poll shows its sources and its interval."""
    assert repr(poll({"a": Source(), "b": Source()}, every_seconds=2)) == "poll(['a', 'b'], every_seconds=2)"


def test_updates_are_values():
    """Two updates that say the same are equal."""
    now = datetime.now(UTC)

    assert Update("a", 1, None, now, now, 0.5) == Update("a", 1, None, now, now, 0.5)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([Source()], "pass a mapping"),
        (Source(), "pass a mapping"),
        ("abc", "pass a mapping"),
        (None, "pass a mapping"),
        ({1: Source()}, "names of sources must be texts"),
        ({"a": None}, "pass functions"),
    ],
    ids=range(6),
)
def test_odd_sources(sources, message):
    """What is no mapping of names to functions is refused when the poll is created."""
    with pytest.raises(UsageError, match=message):
        poll(sources, every_seconds=1)


@pytest.mark.parametrize("every", [0, -1, float("nan"), float("inf"), 10**400, "1", True, None])
def test_odd_intervals(every):
    """An interval that is no positive number is refused, however large it is."""
    with pytest.raises(UsageError, match="every_seconds must be a positive number"):
        poll({"a": Source()}, every_seconds=every)


class Foreign(BaseException):
    """No `Exception`: what test runners and other frameworks raise to end things."""


@in_virtual_time
async def test_any_exception_reaches_the_reader():
    """A source that raises what is no `Exception` fails like any other, and is asked again."""
    async with poll({"a": Source(error=Foreign())}, every_seconds=1) as updates:
        seen = await take(updates, 2)

    assert ["poll: a raised Foreign"] * 2 == [str(update.error) for update in seen]
    assert isinstance(seen[0].error.__cause__, Foreign)


@pytest.mark.parametrize("result", [5, None, "x", iter(())], ids=["number", "none", "text", "iterator"])
@in_virtual_time
async def test_what_cannot_be_awaited(result):
    """A function that returns something else than an awaitable is a failing source."""
    async with poll({"a": lambda: result}, every_seconds=1) as updates:
        update = await anext(updates)

    assert isinstance(update.error, TypeError)
