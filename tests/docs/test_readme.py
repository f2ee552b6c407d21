"""README: each block is run, and each table and figure compared with what is so."""

import re
from decimal import Decimal

import httpx
import pytest

import exchanges
from exchanges import errors
from exchanges.__main__ import COMMANDS, main
from tests.support.documented_programs import README, ROOT, blocks_of, direct_clients_to, run, section
from tests.support.simulator_thread import simulated

TEXT = README.read_text(encoding="utf-8")
(PRICES, ORDER) = (code for code in blocks_of(README) if "asyncio.run(main())" in code)


class LosesAnswersToOrders(httpx.AsyncHTTPTransport):
    """Executes requests and loses the answers."""

    async def handle_async_request(self, request):
        response = await super().handle_async_request(request)
        if "/buy/" in request.url.path:
            await response.aclose()
            raise httpx.ReadError("connection reset")
        return response


def shape(text):
    """Return the words of a text, whatever its numbers and how wide its columns are."""
    return re.sub(r"[\d.]+", "N", text).split()


def test_the_demo_prints_what_is_shown(capsys):
    """The demo prints what the block shows, but for the numbers."""
    (shown,) = re.findall(r"^```text\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert 0 == main(["demo", "--seconds", "0.01"])

    assert shape(shown) == shape(capsys.readouterr().out)


def test_prices(monkeypatch, capsys):
    """The first program prints three prices of one ticker, one that was polled, and one of a kept order book."""
    with simulated() as sim:
        direct_clients_to(sim, monkeypatch)
        run(PRICES)
    ticker, polled, live = (line.split() for line in capsys.readouterr().out.splitlines())

    assert (3, "polled:", "live:") == (len(ticker), polled[0], live[0])
    assert {polled[1], live[1]} <= {"bitso", "bitstamp"}
    assert all(Decimal(number) > 0 for number in [*ticker, polled[2], live[2]])


def test_the_order_is_placed_and_cancelled(monkeypatch):
    """The program about an order places it and cancels it."""
    with simulated() as sim:
        direct_clients_to(sim, monkeypatch)
        run(ORDER)

    assert ["bitstamp.trading.buy", "bitstamp.trading.cancel_order"] == [seen.endpoint for seen in sim.requests]


def test_an_order_is_reconciled_before_it_is_repeated(monkeypatch, capsys):
    """When the answer to the order is lost, the program finds the order by its client id."""
    with simulated() as sim:
        transport = LosesAnswersToOrders(limits=httpx.Limits(max_keepalive_connections=0))
        direct_clients_to(sim, monkeypatch, transport=transport)
        run(ORDER)
    said = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]

    assert ["perhaps placed", "it was placed"] == said


def test_the_table_of_errors():
    """Each error of the table exists, and proves of its execution what its row states."""
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|$", section(README, "Errors"), re.MULTILINE)
    known = {name: fact for names, fact in rows for name in re.findall(r"`(\w+)`", names)}
    unsure = {name for name, fact in known.items() if "may have been executed" in fact}

    assert set() == {name for name in known if not hasattr(exchanges, name)}
    assert unsure == {name for name in known if getattr(errors, name).may_have_executed}


def test_the_commands_exist():
    """Every command that README and guide name exists, and only the demo and, if asked, `verify` can place an order."""
    guide = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    named = set(re.findall(r"(?:python -m exchanges|aioexchanges) (\w+)(?=[ `\n])", TEXT + guide))
    named |= set(re.findall(r"`(\w+)`", re.search(r"commands\]\(.*?\), such as (.*?)\.", TEXT)[1]))
    trading = [name for name, summary in COMMANDS.items() if re.search(r"\b(an|one) order\b", summary)]

    assert named - {"and"} <= COMMANDS.keys()
    assert ["demo", "verify"] == trading


def test_the_apis():
    """Each API of the table is an attribute of the package or of a client."""
    cells = re.findall(r"^\| B[^|]*\| ([^|]+) \|", TEXT, re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`([\w.]+)`", cell)]
    packages = [name if name in vars(exchanges) or name.istitle() else f"exchanges.{name}" for name in named]

    assert ["Bitso", "Bitstamp", "Bitex", "exchanges.bitso.v2", "exchanges.bitstamp.v1"] == packages
    assert all(hasattr(exchanges, name) for name in named[:3])


@pytest.mark.parametrize("page", [README, *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"], ids=str)
def test_links(page):
    """Each link to a file of the repository leads to one, and each link to a heading to that heading."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    missing = [t for t in targets if not (page.parent / t.partition("#")[0]).exists()]

    assert [] == missing
