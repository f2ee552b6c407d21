"""The recipes for files and frames keep every digit."""

import csv
import io
import re
from decimal import Decimal

import httpx
import pytest

from examples import poll_to_csv
from exchanges import Bitso, Bitstamp
from tests.support.documented_programs import ROOT, blocks_of, run

FILES, FRAMES = (code for code in blocks_of(ROOT / "docs" / "frameworks.md") if "market.trades" in code)
TRADES = [
    {"book": "btc_mxn", "price": price, "amount": amount, "tid": 1, "maker_side": "buy", "created_at": moment}
    for price, amount, moment in (
        ("1054870.10", "0.10000000", "2026-11-28T10:00:00+00:00"),
        ("99999999999999.0000000001", "1.00", "2026-11-28T10:00:01+00:00"),
    )
]


@pytest.fixture
def _recorded(monkeypatch):
    """Answer every client with the same trades."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"success": True, "payload": TRADES}))
    made = Bitso.__init__
    monkeypatch.setattr(Bitso, "__init__", lambda self: made(self, transport=transport))


@pytest.mark.usefixtures("_recorded")
def test_a_file(capsys):
    """The rows of the file are the trades, with every digit."""
    run(FILES)
    rows = [*csv.DictReader(io.StringIO(capsys.readouterr().out))]

    assert [(t["price"], t["amount"]) for t in TRADES] == [(row["price"], row["amount"]) for row in rows]


@pytest.mark.interop
@pytest.mark.usefixtures("_recorded")
def test_a_frame(capsys):
    """The frame has moments, exact prices, and amounts as text."""
    pytest.importorskip("pandas", reason="needs pandas: nox -s interop")
    run(FRAMES)
    _, *lines = capsys.readouterr().out.splitlines()

    assert [["2026-11-28", t["price"], t["amount"]] for t in TRADES] == [
        [line.split()[0], *line.split()[2:]] for line in lines
    ]


def bitstamp_that_fails():
    """Create a client whose answers are no prices."""
    return Bitstamp(transport=httpx.MockTransport(lambda _: httpx.Response(502)), timeout_seconds=0.1)


def bitso_with_a_ticker():
    """Create a client whose ticker has a price with many digits."""
    ticker = dict.fromkeys(("high", "low", "vwap", "volume", "bid", "ask", "change_24"), "1.50")
    ticker |= {"book": "btc_mxn", "last": TRADES[1]["price"], "created_at": TRADES[1]["created_at"]}
    answer = httpx.Response(200, json={"success": True, "payload": ticker})
    return Bitso(transport=httpx.MockTransport(lambda _: answer))


@pytest.mark.interop
@pytest.mark.parametrize("page", ["docs/frameworks.md", "examples/poll_to_csv.py"])
async def test_a_file_that_is_read_back(page, tmp_path):
    """The documented way of reading a file keeps every digit, and the empty cells of an answer that failed."""
    pandas = pytest.importorskip("pandas", reason="needs pandas: nox -s interop")
    text = (ROOT / page).read_text("utf-8")
    (reading,) = re.findall(r"`(pandas\.read_csv\(.*?\))`", text)
    (mapping,) = re.findall(r"`(frame\[\"\w+\"\]\.map\(Decimal, .*?\))`", text)
    with poll_to_csv.opened(tmp_path / "prices.csv") as file:
        async with bitso_with_a_ticker() as bitso, bitstamp_that_fails() as bitstamp:
            await poll_to_csv.write(file, bitso, bitstamp, every_seconds=60.0, rows=2)
    names = {"pandas": pandas, "path": tmp_path / "prices.csv", "Decimal": Decimal}
    code = reading.replace('"prices.csv"', "path").replace("created_at", "asked_at")
    frame = eval(code, names)  # noqa: S307 - the code is our own
    amounts = eval(mapping.replace("price", "last"), names | {"frame": frame})  # noqa: S307 - as above
    shown = dict(zip(frame["source"], amounts, strict=True))

    assert Decimal(TRADES[1]["price"]) == shown["bitso btc_mxn"]
    assert pandas.isna(shown["bitstamp btcusd"])
    assert "datetime" in str(frame["asked_at"].dtype)
