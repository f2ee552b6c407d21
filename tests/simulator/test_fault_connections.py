import asyncio

import pytest

from exchanges.simulator import FaultPoint
from exchanges.simulator.server import Listener
from tests.support.simulator_calls import Wired, simulated, until
from tests.support.simulator_faults import FORM, PATIENCE_SECONDS, TICKER, answered, rest, sell, wired

# Connections


@pytest.mark.parametrize("point", [FaultPoint.REFUSE_TO_ACCEPT, FaultPoint.CLOSE_AFTER_ACCEPT])
async def test_a_connection_that_is_not_accepted_carries_nothing(point):
    """It ends before anything is read, and no request arrives."""
    async with wired({point: 1}) as (sim, wire):
        sell(wire)

        assert (b"", 0, {point: 1}) == (await rest(wire), sim.calls, sim.hits)


async def test_a_connection_that_is_refused_is_reset():
    """The peer sees it break."""
    async with wired({"refuse to accept": 1}) as (_, wire):
        with pytest.raises(ConnectionResetError):
            await wire.reader.read()


async def test_a_connection_that_is_closed_after_accepting_ends():
    """The peer sees its end."""
    async with wired({"close after accept": 1}) as (_, wire):
        assert b"" == await wire.reader.read()


# Closed or silent


async def test_closing_inside_the_head_of_a_request_without_body():
    """What needs no body is closed when its head was read."""
    async with wired({"close inside the request": 1}) as (sim, wire):
        wire.send(TICKER)

        assert b"" == await rest(wire)
        assert (0, FaultPoint.CLOSE_INSIDE_REQUEST) == (sim.requests[-1].status, sim.requests[-1].fault)


async def test_closing_inside_the_body():
    """The connection is closed before the body is there, be it at its beginning or not."""
    waited = []
    for seed in range(10):
        async with simulated(seed=seed, faults={"close inside the request": 1}) as sim, await Wired.to(sim) as wire:
            wire.send("POST /api/sell/ HTTP/1.1", FORM, "Content-Length: 100")
            for _ in range(50):
                await asyncio.sleep(0)
            waited.append(not sim.requests)
            wire.writer.write(b"amount=1")

            assert b"" == await rest(wire)
            assert [(0, False)] == [(seen.status, seen.executed) for seen in sim.requests]

    assert {False, True} == set(waited)


@pytest.mark.parametrize("point", [FaultPoint.CLOSE_BEFORE_EXECUTING, FaultPoint.CLOSE_AFTER_EXECUTING])
async def test_closing_in_place_of_an_answer(point):
    """Not a byte is sent; at times the connection ends, at times it breaks."""
    ends = set()
    for seed in range(10):
        async with simulated(seed=seed, faults={point: 1}) as sim, await Wired.to(sim) as wire:
            sell(wire)
            try:
                ends.add(await wire.reader.read())
            except ConnectionResetError:
                ends.add(None)

    assert {b"", None} == ends


@pytest.mark.parametrize("point", [FaultPoint.SILENT_BEFORE_EXECUTING, FaultPoint.SILENT_AFTER_EXECUTING])
async def test_silence(point):
    """Nothing is sent, the connection stays open, and what is sent on it is not looked at."""
    async with wired({point: 1}) as (sim, wire):
        sell(wire)
        await until(lambda: sim.requests)
        sell(wire, 2)
        for _ in range(20):
            await asyncio.sleep(0)

        assert (1, False, b"") == (sim.calls, wire.reader.at_eof(), bytes(wire.reader._buffer))


async def test_silent_connections_end_with_the_simulator(monkeypatch):
    """They neither delay its end nor outlive it."""
    monkeypatch.setattr("exchanges.simulator.server.GRACE_SECONDS", 3600.0)  # an answer would be awaited for an hour
    async with asyncio.timeout(PATIENCE_SECONDS), wired({"stay silent after executing": 1}) as (sim, wire):
        sell(wire)
        await until(lambda: sim.requests)
        await sim.stop()

        assert b"" == await rest(wire)


async def test_silent_connections_end_with_their_peer():
    """A peer that hangs up is let go."""
    async with wired({"stay silent after executing": 1}) as (sim, wire):
        sell(wire)
        await until(lambda: sim.requests)
        wire.writer.write_eof()

        assert b"" == await rest(wire)
        await until(lambda: not sim._listener.connections)


# Idle connections


async def test_an_idle_connection_is_closed():
    """It ends a while after the answer."""
    async with wired({}, idle_seconds=0.001) as (_, wire):
        wire.send(TICKER)
        await answered(wire)

        assert b"" == await rest(wire)


async def test_a_connection_is_idle_between_requests():
    """Not before the first one, and not while an answer is awaited."""
    idle = []
    async with wired({}, idle_seconds=60) as (sim, wire):
        await until(lambda: sim._listener.connections)
        (connection,) = sim._listener.connections
        idle.append(connection._idle_timer)
        wire.send(TICKER)
        await answered(wire)
        idle.append(connection._idle_timer)
        sim._dispatcher.plan._delay_seconds = (0.001, 0.001)
        wire.send(TICKER)
        await until(lambda: connection._busy)
        idle.append(connection._idle_timer)
        await answered(wire)

    assert [True, False, True] == [timer is None for timer in idle]
    assert 59 < idle[1].when() - asyncio.get_running_loop().time() <= 60


async def test_idle_connections_stay_open_unless_said():
    """Setting other faults ends no connection."""
    async with wired({}, idle_seconds=60) as (sim, wire):
        wire.send(TICKER)
        await answered(wire)
        sim.faults = None
        wire.send(TICKER)

        assert 200 == (await answered(wire))[0]


async def test_a_request_that_meets_the_end_of_its_connection_is_not_seen():
    """Closed just as the next request is written: it never arrives."""
    async with wired({}, idle_seconds=60) as (sim, wire):
        wire.send(TICKER)
        await answered(wire)
        (connection,) = sim._listener.connections
        connection._close()  # what the timer does
        sell(wire)

        assert (b"", 1, []) == (await rest(wire), sim.calls, sim.deeds)


# The server itself


async def test_a_server_without_a_gate_is_well():
    """Whoever uses the server alone has no faults."""
    listener = Listener(lambda request, reply, fault: None, lambda status: None)
    await listener.stop()

    assert listener.gate is None
