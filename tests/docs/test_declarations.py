"""What the site shows of the declarations is complete."""

import importlib.util
import json
import re

import pytest

from exchanges.commands.clients import CLIENTS, endpoints
from tests.support.documented_programs import ROOT

DOCS = ROOT / "docs"
RETIRED = ("bitex.", "bitso.v2.", "bitstamp.v1.")


def module_of(name):
    """Return a module of the folder of the documentation."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def declarations():
    """The module that generates tables and pages."""
    return module_of("declarations")


def test_every_endpoint_is_in_one_table(declarations):
    """Each declared endpoint has one row, with its verb and path."""
    text = "".join(map(declarations.endpoint_tables, CLIENTS))
    rows = re.findall(r"^\| \{py:meth\}.*$", text, re.MULTILINE)

    assert len(list(endpoints())) == len(rows)
    assert all(any(f"`{declarations.address(e)}`" in row for row in rows) for e in endpoints())


def test_every_living_endpoint_has_a_confidence(declarations):
    """The record names each endpoint of a living API, and no other."""
    living = {e.id for e in endpoints() if not e.id.startswith(RETIRED)}

    assert living == declarations.CONFIDENCE.keys()
    assert {"high", "medium", "low"} >= set(declarations.CONFIDENCE.values())
    assert declarations.CONFIRMED.keys() <= {e.id for e in endpoints()}


def test_what_is_said_of_confirmed_calls(declarations):
    """The page states that no call was confirmed live as long as the record names none."""
    says_none = "none has been so far" in (DOCS / "endpoints.md").read_text("utf-8")

    assert says_none is not bool(declarations.CONFIRMED)


def test_the_record_is_in_order():
    """The record is written as it is committed: no line changes without a reason."""
    text = (DOCS / "confidence.json").read_text("utf-8")

    assert text == json.dumps(json.loads(text), indent=2) + "\n"


def test_every_call_is_in_the_reference(declarations):
    """The reference has a class for each area, and a page for each exchange."""
    pages = dict(declarations.reference_pages())
    areas = [
        f"{area.__module__}.{area.__qualname__}"
        for name, c in CLIENTS.items()
        for _, area in declarations.areas(c, name)
    ]

    assert pages.keys() >= CLIENTS.keys()
    assert [] == [area for area in areas if not any(f".. autoclass:: {area}\n" in page for page in pages.values())]


def test_every_channel_is_in_a_table(declarations):
    """Each declared channel has one row, with its name on the wire."""
    for exchange in ("bitso", "bitstamp"):
        declared = declarations.channels(exchange).channels
        rows = re.findall(r"^\| \{py:meth\}.*$", declarations.channel_table(exchange), re.MULTILINE)

        assert len(declared) == len(rows)
        assert all(f"`{channel.template}`" in row for channel, row in zip(declared, rows, strict=True))
    assert declarations.channels("bitex") is None


def test_signatures(declarations):
    """A signature shows which argument may be passed by position, types and defaults."""
    shown = {e.id: declarations.signature(e) for e in endpoints()}

    assert "(market: str)" == shown["bitstamp.market.ticker"]
    assert shown["bitex.trading.create_bid"].startswith("(*, amount: decimal, price: decimal, orderbook: ")


def test_facts(declarations):
    """The facts of an endpoint name its request, and whether it is repeated."""
    facts = {e.id: declarations.facts(e)[0] for e in endpoints()}

    assert "``POST /api/v3/orders``" in facts["bitso.trading.place_order"]
    assert "never repeated" in facts["bitso.trading.place_order"]
    assert "counted against no limit" in facts["bitso.trading.cancel_order"]


def test_what_a_report_confirms():
    """Only what the exchange itself answered without an error is confirmed, on the day of the report."""
    outcomes = [("ticker", "www.bitstamp.net", "200"), ("order_book", "127.0.0.1:8080", "200"), ("markets", "", "-")]
    calls = [{"endpoint": f"bitstamp.market.{n}", "host": host, "outcome": o} for n, host, o in outcomes]
    refused = {
        "endpoint": "bitstamp.trading.open_orders",
        "host": "www.bitstamp.net",
        "outcome": "403 PermissionDenied",
    }
    report = {"at": "2026-11-28T23:45:53+00:00", "calls": [*calls, refused]}

    assert {"bitstamp.market.ticker": "2026-11-28"} == module_of("record_report").confirmed(report)
