"""The service of the examples, called as its users do."""

import asyncio
import json
import re
import signal
import sys
from contextlib import asynccontextmanager
from decimal import Decimal

import httpx
import pytest

from exchanges import Bitstamp, Kind
from exchanges.simulator import FaultPoint, Faults, Venue, simulate

pytest.importorskip("fastapi", reason="needs FastAPI: nox -s interop")
pytest.importorskip("uvicorn", reason="needs uvicorn: nox -s interop")

from examples import fastapi_service
from examples.fastapi_service import create_app, simulated_app

pytestmark = pytest.mark.interop
ORDER = {"market": "btcusd", "side": "buy", "amount": "0.01", "price": "30000"}


@asynccontextmanager
async def serving(app):
    """Start the service; yield a client of it."""
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://app") as http:
        yield http


@asynccontextmanager
async def exchange(**options):
    """Simulate Bitstamp; yield it and a service that trades there."""
    async with simulate(Venue.BITSTAMP, delay_seconds=(0, 0), **options) as sim:

        @asynccontextmanager
        async def opened():
            async with Bitstamp(base_url=sim.base_url, **sim.account(Venue.BITSTAMP)) as client:
                yield client

        async with serving(create_app(opened)) as http:
            yield sim, http


async def test_every_digit():
    """A price is text in JSON, with every digit that the exchange sent."""
    async with exchange() as (sim, http):
        sim.bitstamp.set_price("btcusd", Decimal("50123.4500"))
        body = (await http.get("/prices/btcusd")).content
    last = json.loads(body)["last"]

    assert isinstance(last, str)
    assert Decimal("50123.45") == Decimal(last)


async def test_the_schema():
    """The documents of the service show prices as decimal text."""
    async with exchange() as (_, http):
        shown = (await http.get("/openapi.json")).json()
    answer = shown["paths"]["/prices/{market}"]["get"]["responses"]["200"]

    assert "decimal" in json.dumps([answer, shown["components"]])


async def test_an_order():
    """An order is placed; one that is wrong is not, and is told as such."""
    async with exchange() as (sim, http):
        placed = await http.post("/orders", json=ORDER)
        wrong = await http.post("/orders", json=ORDER | {"amount": "much"})
        refused = await http.post("/orders", json=ORDER | {"amount": "1000"})

    assert [201, 422, 409] == [answer.status_code for answer in (placed, wrong, refused)]
    assert [deed.id for deed in sim.deeds] == [placed.json()["id"]]
    assert not refused.json()["may_have_executed"]


async def test_a_market_that_does_not_exist():
    """A price of no market is an error of the one who asks, and conflicts with nothing."""
    async with exchange() as (_, http):
        assert 422 == (await http.get("/prices/nonsense")).status_code


async def test_an_unknown_outcome():
    """An order whose answer is lost is no error to repeat: it may be executed, and is listed."""
    async with exchange(faults=Faults({FaultPoint.CLOSE_AFTER_EXECUTING: 1.0}, kinds={Kind.MONEY})) as (_, http):
        answer = await http.post("/orders", json=ORDER)
        again = await http.post("/orders", json=ORDER)
        (listed,) = (await http.get("/unresolved")).json()

    assert (202, True, listed["intent"]) == (
        answer.status_code,
        answer.json()["may_have_executed"],
        answer.json()["intent"],
    )
    assert (409, "UnresolvedOutcome") == (again.status_code, again.json()["error"])
    assert ("bitstamp.trading.buy", "unknown") == (listed["endpoint"], listed["standing"])


async def test_it_reconciles_what_is_unknown(monkeypatch):
    """An order whose answer was lost is looked for beside the service, and no longer listed once it is found."""
    monkeypatch.setattr(fastapi_service, "RECONCILE_EVERY_SECONDS", 0.0)
    async with exchange(faults=Faults({FaultPoint.CLOSE_AFTER_EXECUTING: 1.0}, kinds={Kind.MONEY})) as (_, http):
        assert 202 == (await http.post("/orders", json=ORDER)).status_code
        async with asyncio.timeout(30):
            while (await http.get("/unresolved")).json():  # noqa: ASYNC110 - what the service shows is no event
                await asyncio.sleep(0)


async def test_ctrl_c():
    """Served by uvicorn, the service answers what it was asked before Ctrl-C ends it, with status 0."""
    uvicorn = [sys.executable, "-m", "uvicorn", "--port", "0", "--factory", "examples.fastapi_service:simulated_app"]
    process = await asyncio.create_subprocess_exec(*uvicorn, stderr=asyncio.subprocess.PIPE)
    try:
        log = b""
        while not (found := re.search(rb"running on (http://\S+)", log)):
            line = await process.stderr.readline()
            assert line, log
            log += line
        async with httpx.AsyncClient(base_url=found[1].decode()) as http:
            placing = asyncio.ensure_future(http.post("/orders", json=ORDER))
            refused = await http.post("/orders", content=b'{"market":')
            process.send_signal(signal.SIGINT)
            placed = await placing
        _, log = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()

    assert (201, 422, 0) == (placed.status_code, refused.status_code, process.returncode)
    assert b"shutdown complete" in log
    assert b"Traceback" not in log


async def test_the_simulated_service():
    """The service for the simulator starts, answers and stops."""
    async with serving(simulated_app()) as http:
        assert 200 == (await http.get("/prices/btcusd")).status_code
