import asyncio
import logging
import random
from itertools import pairwise

import pytest

from exchanges import poll
from exchanges.limits.pacing import pace
from exchanges.state import MemoryState
from tests.support.fourth import CREDENTIALS, OPEN_LIMIT
from tests.support.fourth_calls import limited
from tests.support.scripted_transport import Script
from tests.support.virtual_time import BEGIN, elapsed, in_virtual_time


@in_virtual_time
async def test_an_interval_that_the_limit_cannot_sustain(caplog):
    """Four sources every second against two calls a second are spread evenly, half a second apart."""
    script = Script.of()
    async with limited(20, 10.0, script) as client:
        sources = {name: (lambda name=name: client.market.thing(name)) for name in "abcd"}
        async with poll(sources, every_seconds=1) as updates:
            while elapsed() < 200:
                await anext(updates)
    moments = script.moments(BEGIN)
    gaps = [later - sooner for sooner, later in pairwise(moments[4:])]

    assert [0.0] * 4 == moments[:4]
    assert (pytest.approx(0.505, abs=0.001), pytest.approx(0.505, abs=0.001)) == (min(gaps), max(gaps))
    assert [
        "poll: limit fourth open sustains 1.98 calls per second, 4 are requested; asking every 2.02 s instead of 1 s"
    ] == caplog.messages


@in_virtual_time
async def test_the_reserve_is_left_alone():
    """While a client has credentials, polling leaves the reserve: a cancel under the same limit never waits."""
    script = Script.of()
    state = MemoryState()
    async with limited(100, 60.0, script, state=state, **CREDENTIALS) as client:
        async with poll({"a": client.market.thing}, every_seconds=0.1) as updates:
            while elapsed() < 300:
                await anext(updates)
        limiter = next(limiter for limiter in state._limiters.values() if limiter.limit.name == OPEN_LIMIT.name)
        taken = limiter._counts[0].window.slots - limiter._counts[0].free(asyncio.get_running_loop().time())

    assert taken <= 90


@in_virtual_time
async def test_a_sustainable_interval_is_kept(caplog):
    """An interval that the limit sustains is kept, without a warning."""
    script = Script.of()
    client = limited(21, 10.0, script)
    async with client, poll({"a": client.market.thing, "b": client.market.slow}, every_seconds=1) as updates:
        while elapsed() < 3:
            await anext(updates)

    assert ([0.0, 0.0, 1.0, 1.0, 2.0, 2.0], []) == (script.moments(BEGIN)[:6], caplog.messages)


@in_virtual_time
async def test_a_source_that_makes_several_calls():
    """A source that makes two calls a round counts twice."""
    script = Script.of()
    async with limited(20, 10.0, script) as client:

        async def both():
            return await client.market.thing(), await client.market.slow()

        async with poll({"both": both}, every_seconds=0.5) as updates:
            while elapsed() < 100:
                await anext(updates)
    moments = script.moments(BEGIN)[::2]

    assert pytest.approx(1.01, abs=0.001) == (moments[-1] - moments[-11]) / 10


@in_virtual_time
async def test_two_polls_share_a_limit():
    """Sources of another poll that meet the same limit are counted too."""
    script = Script.of()
    async with limited(20, 10.0, script) as client:
        one = poll({"a": client.market.thing, "b": client.market.thing}, every_seconds=1)
        other = poll({"c": client.market.thing, "d": client.market.thing}, every_seconds=1)
        async with one, other:
            await asyncio.sleep(100)
        moments = script.moments(BEGIN)

    assert pytest.approx(2.0, abs=0.1) == len([m for m in moments if m > 50]) / 50


@pytest.mark.sweep
@in_virtual_time
async def test_polls_of_different_intervals():
    """Ten sources a minute and one a second, against a call a second: the frequent one is stretched a little only."""
    scripts = Script.of()
    async with limited(10, 10.0, scripts) as client:
        rare = {str(n): (lambda n=n: client.market.thing(f"rare{n}")) for n in range(10)}
        async with poll({"often": client.market.slow}, every_seconds=1), poll(rare, every_seconds=60):
            await asyncio.sleep(1200)
    often = len([p for p in scripts.paths if p.endswith("slow")])

    assert (pytest.approx(940, rel=0.1), pytest.approx(170, rel=0.1)) == (often, len(scripts.came) - often)


@pytest.mark.sweep
@in_virtual_time
async def test_answers_of_any_length_keep_the_distance():
    """With answers that take now 50 milliseconds, now 150, questions still keep their distance."""
    script = Script.of()
    generator = random.Random(1)

    async def ask():
        script.seconds = generator.uniform(0.05, 0.15)
        return await client.market.thing()

    async with limited(20, 10.0, script) as client, poll(dict.fromkeys("abcd", ask), every_seconds=1) as updates:
        while elapsed() < 1000:
            await anext(updates)
    moments = script.moments(BEGIN)
    gaps = [later - sooner for sooner, later in pairwise(moments[len(moments) // 2 :])]

    assert (pytest.approx(0.51, abs=0.01), pytest.approx(0.51, abs=0.01)) == (min(gaps), max(gaps))


@in_virtual_time
async def test_sources_are_marked():
    """While a source is asked, its calls know that they are paced; those of the block are not."""
    seen = []

    async def source():
        seen.append(pace.get() is not None)

    async with poll({"a": source}, every_seconds=1) as updates:
        await anext(updates)
        seen.append(pace.get() is not None)

    assert [True, False] == seen


@in_virtual_time
async def test_one_warning_per_poll(caplog):
    """However many rounds and sources there are, the stretching is logged once."""
    caplog.set_level(logging.WARNING)
    client = limited(5, 10.0)
    async with client, poll(dict.fromkeys("abc", client.market.thing), every_seconds=1) as updates:
        while elapsed() < 60:
            await anext(updates)

    assert [message[:5] for message in caplog.messages] == ["poll:"]
