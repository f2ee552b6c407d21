import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest

from exchanges.simulator import Faults
from exchanges.simulator.http.delivery import WHOLE, Ending, Sending, SendMode, script_of
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest
from tests.support.simulator_calls import simulated
from tests.support.simulator_in_process import InProcess
from tests.support.virtual_time import elapsed, in_virtual_time

PATH = "/api/ticker/"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
BODY = b"0123456789"


@asynccontextmanager
async def polite_and_hostile(point: str, seed: int = 0, **faults):
    """Play with one fault; gives the polite body, and a client of what is hostile."""
    async with (
        simulated(port=None, seed=seed) as sim,
        httpx.AsyncClient(base_url=sim.base_url, transport=InProcess(sim)) as http,
    ):
        polite = (await http.get(PATH)).content
        sim.faults = Faults({point: 1}, **faults)
        yield polite, http


# What a client without a socket sees


@pytest.mark.parametrize(
    "point", ["close inside the request", "close before executing", "close after executing", "close inside the head"]
)
@in_virtual_time
async def test_a_connection_that_is_closed_before_an_answer(point):
    """There is no answer, and at once."""
    async with polite_and_hostile(point) as (_, http):
        with pytest.raises(httpx.TransportError):
            await http.get(PATH)

        assert 0 == elapsed()


@pytest.mark.parametrize("point", ["stay silent before executing", "stay silent after executing"])
@in_virtual_time
async def test_silence(point):
    """There is no answer, ever."""
    async with polite_and_hostile(point) as (_, http):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(http.get(PATH), 3600)


@pytest.mark.parametrize("point", ["close inside the body", "length too large"])
@in_virtual_time
async def test_a_body_that_breaks_off(point):
    """The head is there, and some of the body or all of it, then the connection is closed."""
    async with polite_and_hostile(point) as (polite, http), http.stream("GET", PATH) as response:
        received = b""
        with pytest.raises(httpx.TransportError):
            received += await response.aread()

        assert 200 == response.status_code
        assert polite.startswith(received)


@in_virtual_time
async def test_a_body_that_is_announced_too_short():
    """A client sees what was announced."""
    async with polite_and_hostile("length too small") as (polite, http):
        assert polite[:-7] == (await http.get(PATH)).content


@in_virtual_time
async def test_a_body_that_drips():
    """It is whole in the end, and every byte takes its time."""
    async with polite_and_hostile("drip", drip_seconds=2.0) as (polite, http):
        assert polite == (await http.get(PATH)).content
        assert 2.0 * len(polite) == pytest.approx(elapsed())


@in_virtual_time
async def test_a_body_without_end():
    """It begins as it should, and never ends."""
    async with simulated(port=None, faults={"endless body": 1}) as sim:
        response = await InProcess(sim).handle_async_request(httpx.Request("GET", sim.base_url + PATH))
        received = b""
        async for part in response.stream:
            received += part
            if len(received) > 1_000_000:
                break

        assert received.startswith(b'{"')
        assert received.endswith(b"}" + b" " * (len(received) - received.index(b" ")))


@in_virtual_time
async def test_an_answer_that_comes_twice():
    """Without a connection once is all that is seen of it."""
    async with polite_and_hostile("answer twice") as (polite, http):
        assert polite == (await http.get(PATH)).content


@in_virtual_time
async def test_the_way_takes_time():
    """The request travels, and so does the answer."""
    async with (
        simulated(port=None) as sim,
        httpx.AsyncClient(base_url=sim.base_url, transport=InProcess(sim, way_seconds=(2, 2))) as http,
    ):
        await http.get(PATH)

        assert (4, 2) == (elapsed(), sim.requests[-1].arrived_at - 1_000_000)


@in_virtual_time
async def test_receiving_without_a_transport():
    """A request is a value, and its answer comes to a function."""
    answers: list[HttpAnswer] = []
    async with simulated(port=None, faults={"close after executing": 1}) as sim:
        sim.receive(HttpRequest("GET", PATH, {}, b"", "127.0.0.1"), answers.append)

        assert [(200, SendMode.CLOSED)] == [(answer.status, answer.sending.mode) for answer in answers]


# What a connection does


@pytest.mark.parametrize(
    ("mode", "sent", "ending"),
    [
        (SendMode.WHOLE, HEAD + BODY, Ending.CONTINUE),
        (SendMode.CLOSED, b"", Ending.CLOSE),
        (SendMode.SILENT, b"", Ending.HANG),
        (SendMode.CUT_IN_HEAD, HEAD[:20], Ending.CLOSE),
        (SendMode.CUT_IN_BODY, HEAD + BODY[:5], Ending.CLOSE),
        (SendMode.TWICE, (HEAD + BODY) * 2, Ending.CONTINUE),
        (SendMode.DRIPPED, HEAD + BODY, Ending.CONTINUE),
        (SendMode.LENGTH_TOO_LARGE, HEAD.replace(b"10", b"17") + BODY, Ending.CLOSE),
        (SendMode.LENGTH_TOO_SMALL, HEAD.replace(b"10", b"3") + BODY, Ending.CONTINUE),
    ],
)
def test_scripts(mode, sent, ending):
    """Each mode has its bytes, and its end."""
    script = script_of(Sending(mode, share=0.5), HEAD, BODY)

    assert (sent, ending) == (b"".join(script.pieces), script.ending)


def test_every_mode_but_the_endless_has_its_script():
    """A mode that is added is tested."""
    (marker,) = test_scripts.pytestmark

    assert set(SendMode) - {SendMode.ENDLESS} == {case[0] for case in marker.args[1]}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_cut_leaves_something_and_takes_something(share):
    """However little or much is sent, it is at least one byte, and not all."""
    (head,) = script_of(Sending(SendMode.CUT_IN_HEAD, share), HEAD, BODY).pieces

    assert 1 <= len(head) < len(HEAD)


def test_a_connection_that_is_closed_may_break():
    """An abrupt end is a reset, where the connection would be closed."""
    endings = {
        mode: script_of(Sending(mode, abrupt=True), HEAD, BODY).ending for mode in (SendMode.CLOSED, SendMode.TWICE)
    }

    assert {SendMode.CLOSED: Ending.RESET, SendMode.TWICE: Ending.CONTINUE} == endings


def test_answers_go_out_whole_unless_said():
    """An answer is sent complete by default."""
    assert WHOLE is HttpAnswer(200).sending
