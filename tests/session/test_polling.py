import asyncio
from datetime import UTC, datetime

import pytest

from exchanges import poll
from exchanges.errors import ExchangeError, UsageError
from exchanges.polling import Update
from exchanges.state import MemoryState
from tests.support.fourth_calls import limited
from tests.support.scripted_transport import Script, html
from tests.support.virtual_time import elapsed, in_virtual_time, run, settle


class Source:
    """Counts up, and notes when it is asked."""

    def __init__(self, *, seconds=0.0, error=None):
        self.seconds = seconds
        self.error = error
        self.asked = []
        self.inside = 0

    async def __call__(self):
        self.asked.append(round(elapsed(), 3))
        self.inside += 1
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.inside -= 1
        if self.error is not None:
            raise self.error
        return len(self.asked)


async def take(updates, count):
    """Return the next *count* updates."""
    return [await anext(updates) for _ in range(count)]


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


@in_virtual_time
async def test_leaving_ends_everything():
    """When the block is left no question is under way, and no task is left."""
    source = Source(seconds=5)
    async with poll({"a": source}, every_seconds=1):
        await settle()
        inside = source.inside

    assert (1, 0, 1) == (inside, source.inside, len(asyncio.all_tasks()))


@in_virtual_time
async def test_an_exception_of_the_block():
    """An exception of the block is raised unchanged, and ends everything."""
    source = Source(seconds=5)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what is tested
        async with poll({"a": source}, every_seconds=1):
            await settle()
            raise ZeroDivisionError

    assert source.inside == 0


@in_virtual_time
async def test_a_cancelled_block():
    """A block that is cancelled while it waits for an update ends everything."""
    source = Source(seconds=500)

    async def read():
        async with poll({"a": source}, every_seconds=1) as updates:
            await anext(updates)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read(), 3)

    assert (3.0, 0) == (elapsed(), source.inside)


@in_virtual_time
async def test_leaving_asks_nothing_more_of_the_limits():
    """A poll that ended counts no longer among those that share a limit."""
    state = MemoryState()
    async with limited(5, 10.0, state=state) as client:
        async with poll({"a": client.market.thing}, every_seconds=1) as updates:
            await anext(updates)
            (limiter,) = state._limiters.values()
            during = len(limiter.demand)

        assert (1, {}) == (during, limiter.demand)


@in_virtual_time
async def test_a_reader_in_another_task():
    """The iteration of another task ends when the block is left."""

    async def read(updates):
        return [u.value async for u in updates]

    async with poll({"a": Source()}, every_seconds=2) as updates:
        reader = asyncio.create_task(read(updates))
        await asyncio.sleep(5)

    assert [1, 2, 3] == await reader


@in_virtual_time
async def test_reading_outside_of_the_block():
    """Before the block is entered there is nothing to iterate over, after it is left the iteration is over."""
    updates = poll({"a": Source()}, every_seconds=2)
    with pytest.raises(UsageError, match="enter the block first"):
        await anext(updates)
    async with updates:
        await anext(updates)
    with pytest.raises(StopAsyncIteration):
        await anext(updates)


@in_virtual_time
async def test_a_reader_that_is_busy_when_the_block_is_left():
    """The iteration of another task ends when the block is left, even if that task was not waiting then."""
    seen = []

    async def read(updates):
        async for update in updates:
            seen.append(update.value)
            await asyncio.sleep(10)

    async with poll({"a": Source()}, every_seconds=2) as updates:
        reader = asyncio.create_task(read(updates))
        await asyncio.sleep(5)
    await reader

    assert ([1], 10.0) == (seen, elapsed())


@in_virtual_time
async def test_entering_twice():
    """An open block cannot be entered again."""
    async with poll({"a": Source()}, every_seconds=2) as updates:
        with pytest.raises(UsageError, match="entered already"):
            await updates.__aenter__()


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


class Stubborn:
    """Swallows cancellations, and then returns a value."""

    def __init__(self, times):
        self.left = times
        self.asked = 0

    async def __call__(self):
        self.asked += 1
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                self.left -= 1
                if self.left < 0:
                    raise
                if self.left == 0:
                    return self.asked


@in_virtual_time
async def test_a_swallowed_cancellation(caplog):
    """A source that swallows its cancellation and returns is not asked again: the block is left at once."""
    source = Stubborn(1)
    async with poll({"a": source}, every_seconds=1):
        await settle()

    assert (1, 0.0, []) == (source.asked, elapsed(), caplog.messages)


@in_virtual_time
async def test_many_swallowed_cancellations(caplog):
    """A source that swallows two cancellations ends with the third."""
    async with poll({"a": Stubborn(3)}, every_seconds=1):
        await settle()

    assert (2.0, []) == (elapsed(), caplog.messages)


@in_virtual_time
async def test_a_source_that_never_ends(caplog):
    """A source that swallows every cancellation cannot hold the block: it is left running, and named."""
    source = Stubborn(1000)
    async with poll({"a": source, "b": Source()}, every_seconds=1):
        await settle()
    seconds, source.left = elapsed(), 1
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await settle()

    assert 3.0 == seconds
    assert ["poll a: the source does not end when it is cancelled, and is left running"] == caplog.messages


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


@in_virtual_time
async def test_tasks_that_others_cancel():
    """If somebody cancels the tasks of all sources, the iteration ends and does not wait for ever."""
    async with poll({"a": Source(seconds=5)}, every_seconds=1) as updates:
        await settle()
        for task in asyncio.all_tasks():
            if task.get_name() == "poll a":
                task.cancel()
        rest = [update async for update in updates]

    assert [] == rest
