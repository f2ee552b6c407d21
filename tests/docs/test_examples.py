"""The examples that are programs, run against the simulator."""

import ast
import csv
import io
from decimal import Decimal

import httpx
import pytest

from examples import place_order, poll_to_csv, reconcile_after_crash, two_processes_one_key
from exchanges import Bitso, Bitstamp, Reconciled
from exchanges.endpoint import waiting
from exchanges.simulator import FaultPoint, Faults, Venue, simulate
from exchanges.spot import Market
from tests.support.documented_programs import ROOT

pytestmark = pytest.mark.sweep

EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))
MARKETS = {Venue.BITSO: Market("BTC", "MXN"), Venue.BITSTAMP: Market("BTC", "USD")}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)


class LosesAnswersToOrders(httpx.AsyncHTTPTransport):
    """Executes requests and loses the answers to orders."""

    async def handle_async_request(self, request):
        response = await super().handle_async_request(request)
        if "/buy/" in request.url.path:
            await response.aclose()
            raise httpx.ReadError("connection reset")
        return response


def said_by(capsys):
    """Return what each printed line begins with."""
    return [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("venue", MARKETS)
async def test_an_order_is_placed_and_cancelled(venue, capsys):
    """The order is placed, cancelled and final."""
    await place_order.simulated(venue, MARKETS[venue], Decimal("0.001"))

    assert ["placed", "cancelled", "final"] == said_by(capsys)


async def test_an_unknown_order_is_proven(capsys):
    """An order whose answer is lost is found, and cancelled by the id that was found."""
    async with simulate(Venue.BITSTAMP, delay_seconds=(0, 0)) as sim:
        # Without connections that are kept: the transport is the caller's to close.
        transport = LosesAnswersToOrders(limits=httpx.Limits(max_keepalive_connections=0))
        account = sim.account(Venue.BITSTAMP)
        async with Bitstamp(base_url=sim.base_url, transport=transport, **account) as client:
            await place_order.trade(client, MARKETS[Venue.BITSTAMP], Decimal("0.001"))

    assert ["perhaps placed", "it was placed", "cancelled", "final"] == said_by(capsys)


async def test_a_refused_order_is_told_as_refused(capsys):
    """An order that the exchange refuses is not placed, and nothing else is called."""
    async with (
        simulate(Venue.BITSTAMP, delay_seconds=(0, 0)) as sim,
        Bitstamp(base_url=sim.base_url, **sim.account(Venue.BITSTAMP)) as client,
    ):
        await place_order.trade(client, MARKETS[Venue.BITSTAMP], Decimal(1000))

    assert ["not placed, the exchange refused it"] == said_by(capsys)
    assert 1 == sum("trading" in (seen.endpoint or "") for seen in sim.requests)


async def test_prices_are_written():
    """A row for each update, failed ones too, with every digit of the prices."""
    file = io.StringIO()
    faults = Faults({FaultPoint.HTML_502: 1.0})
    async with (
        simulate(delay_seconds=(0, 0)) as sim,
        simulate(delay_seconds=(0, 0), faults=faults) as failing,
        Bitso(base_url=sim.base_url) as bitso,
        Bitstamp(base_url=failing.base_url) as bitstamp,
    ):
        await poll_to_csv.write(file, bitso, bitstamp, every_seconds=60.0, rows=2)
    rows = {source: cells for _, source, *cells in csv.reader(io.StringIO(file.getvalue()))}
    last, *_, error = rows["bitso btc_mxn"]

    assert (True, "") == (Decimal(last) > 0, error)
    assert ["", "", ""] == rows["bitstamp btcusd"][:3]
    assert "502" in rows["bitstamp btcusd"][-1]


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"my notes", b"asked_at,source,last,bid,ask,latency_seconds,error"])
def test_prices_are_not_written_into_another_file(content, tmp_path):
    """A file of other columns, or one that ends within a line, is left alone."""
    (path := tmp_path / "prices.csv").write_bytes(content)
    with pytest.raises(ValueError, match="choose another file"):
        poll_to_csv.opened(path)

    assert content == path.read_bytes()


def test_prices_are_appended(tmp_path):
    """A file of ours is continued, and has one head."""
    for _ in range(2):
        with poll_to_csv.opened(tmp_path / "prices.csv") as file:
            csv.writer(file).writerow(poll_to_csv.COLUMNS[::-1])

    assert [[*poll_to_csv.COLUMNS], *[[*poll_to_csv.COLUMNS[::-1]]] * 2] == [
        *csv.reader(io.StringIO((tmp_path / "prices.csv").read_text()))
    ]


async def test_a_killed_order_is_found(capsys):
    """After the kill the order is listed, and found."""
    (verdict,) = await reconcile_after_crash.simulated()

    assert isinstance(verdict, Reconciled)
    assert "0 calls are still open" in capsys.readouterr().out


async def test_two_processes_share_a_key(capsys):
    """No call of either process is refused."""
    assert 0 == await two_processes_one_key.simulated(5)
    assert "10 calls of 2 processes, 0 refused; exit statuses [0, 0]" in capsys.readouterr().out


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_described(name):
    """Each example says at its top what it does, and is on the page of the examples."""
    described = ast.get_docstring(ast.parse((ROOT / "examples" / f"{name}.py").read_text("utf-8")))

    assert described.partition("\n")[0].endswith(".")
    assert f"\n## {name}.py\n" in (ROOT / "docs" / "examples.md").read_text("utf-8")
