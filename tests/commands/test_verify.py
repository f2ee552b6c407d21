import asyncio
import io
import json
import signal
import sys
from datetime import UTC, datetime

import pytest

from exchanges import Bitstamp, Intent, Reconciled
from exchanges.__main__ import main
from exchanges.bitstamp.spot import BitstampSpot
from exchanges.endpoint import waiting
from exchanges.errors import OutcomeUnknown, ReadFailed
from exchanges.simulator import Venue
from tests.support.command_line import NOWHERE, Terminal

ORDER = ["--order", "0.001"]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.0)


@pytest.fixture
def keys(sim, monkeypatch):
    """The simulator's credentials in the environment."""
    for venue in Venue:
        for name, value in sim.account(venue).items():
            monkeypatch.setenv(f"{venue.value}_{name}".upper(), value)
    return [value for venue in Venue for value in sim.account(venue).values()]


def verify(sim, tmp_path, *words):
    """Run the command; return its status and the report."""
    path = tmp_path / "report.json"
    status = main(["verify", *words, "--base-url", getattr(sim, "base_url", NOWHERE), "--report", str(path)])
    return status, json.loads(path.read_text("utf-8"))


def placed(sim, exchange):
    """Return the calls of an exchange that place or cancel orders."""
    words = ("/buy/", "/orders/", "cancel_order")
    calls = [seen for seen in sim.requests if seen.venue == exchange and any(w in seen.path + "/" for w in words)]
    return [seen for seen in calls if seen.verb in ("POST", "DELETE")]


@pytest.mark.parametrize("exchange", ["bitex", "bitso", "bitstamp"])
def test_reads(exchange, sim, keys, tmp_path, capsys):
    """Public and private reads are checked, and nothing is placed."""
    status, report = verify(sim, tmp_path, exchange)

    assert (0, 0, [], "not asked for") == (status, report["failures"], report["drift"], report["order"])
    assert {"read"} == {call["kind"] for call in report["calls"]}
    assert (5, True) == (len(report["calls"]), bool(report["limits"]))
    assert [] == placed(sim, exchange)


@pytest.mark.parametrize("exchange", ["bitso", "bitstamp"])
def test_an_order(exchange, sim, keys, tmp_path, capsys):
    """With consent one order far from the market is placed and cancelled; the report shows neither keys nor amounts."""
    status, report = verify(sim, tmp_path, exchange, *ORDER, "--yes")
    text = json.dumps(report)

    assert (0, "placed and cancelled; nothing traded") == (status, report["order"])
    assert ["money", "cancel"] == [call["kind"] for call in report["calls"] if call["kind"] != "read"]
    assert [] == [key for key in keys if key in text]
    assert "0.001" not in text
    assert "0.001 BTC at" in capsys.readouterr().out


@pytest.mark.usefixtures("keys", "capsys")
@pytest.mark.parametrize("stdin", [io.StringIO("yes\n"), Terminal("no\n"), Terminal("y\n")])
def test_no_consent(stdin, sim, tmp_path, monkeypatch):
    """Without consent nothing is placed, and without a terminal nobody can give it."""
    monkeypatch.setattr(sys, "stdin", stdin)
    _, report = verify(sim, tmp_path, "bitstamp", *ORDER)

    assert ("not agreed to", []) == (report["order"], placed(sim, "bitstamp"))


def test_consent(sim, keys, tmp_path, monkeypatch, capsys):
    """Whoever types yes agrees."""
    monkeypatch.setattr(sys, "stdin", Terminal("yes\n"))

    assert "placed and cancelled; nothing traded" == verify(sim, tmp_path, "bitstamp", *ORDER)[1]["order"]


def test_a_cancel_that_fails(sim, keys, tmp_path, monkeypatch, capsys):
    """If the cancel fails the screen names the order that may be open, and the status is 1."""

    async def fail(*_):
        raise ReadFailed("no answer")

    monkeypatch.setattr(BitstampSpot, "cancel", fail)
    status, report = verify(sim, tmp_path, "bitstamp", *ORDER, "--yes")
    err = capsys.readouterr().err

    assert (1, "placed", 1) == (status, report["order"], report["failures"])
    assert "the order may be open" in err


@pytest.mark.usefixtures("keys")
def test_ctrl_c_while_an_order_may_be_open(sim, tmp_path, monkeypatch, capsys):
    """The screen says so, and that it is to be cancelled at the exchange."""

    async def interrupted(*_):
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()

    monkeypatch.setattr(BitstampSpot, "cancel", interrupted)
    words = ["bitstamp", *ORDER, "--yes", "--base-url", sim.base_url, "--report", str(tmp_path / "report.json")]

    assert 130 == main(["verify", *words])
    assert "interrupted: the order may be open" in capsys.readouterr().out


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("is_found", "order"), [(True, "placed and cancelled; nothing traded"), (False, "outcome unknown")]
)
def test_an_unknown_outcome(is_found, order, sim, tmp_path, monkeypatch):
    """An order whose answer is lost is looked up, and cancelled if it is found."""
    intent, place, made = Intent("bitstamp.trading.buy", {}, datetime.now(UTC)), BitstampSpot.place_limit, []

    async def lose(spot, *given, **named):
        made.append(await place(spot, *given, **named))
        raise OutcomeUnknown("no answer", intent=intent)

    async def look_up(_, asked):
        if not is_found:
            raise ReadFailed("no answer")
        return Reconciled(asked, made[0].own, made[0].order_id)

    monkeypatch.setattr(BitstampSpot, "place_limit", lose)
    monkeypatch.setattr(Bitstamp, "reconcile", look_up)
    status, report = verify(sim, tmp_path, "bitstamp", *ORDER, "--yes")

    assert (1, order) == (status, report["order"])


def test_a_refused_order(sim, keys, tmp_path, capsys):
    """An order that the exchange would refuse is a failure, and nothing is open."""
    status, report = verify(sim, tmp_path, "bitso", "--order", "0.00000001", "--yes")

    assert (1, True) == (status, report["order"].startswith("refused: "))


def test_without_keys(sim, tmp_path, monkeypatch, capsys):
    """Without keys the public reads are checked alone."""
    for name in ("API_KEY", "API_SECRET", "CLIENT_ID"):
        monkeypatch.delenv(f"BITSTAMP_{name}", raising=False)
    status, report = verify(sim, tmp_path, "bitstamp")

    assert (0, 3) == (status, len(report["calls"]))
    assert "no keys in the environment" in capsys.readouterr().out


def test_an_unknown_market(sim, tmp_path, capsys):
    """A refusal is a failure; no order follows it."""
    status, report = verify(sim, tmp_path, "bitso", "no_such", *ORDER, "--yes")

    assert (1, "not asked for") == (status, report["order"])
    assert "400 InvalidRequest" in {call["outcome"] for call in report["calls"]}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["bitex", *ORDER], "--order is for bitso"),
        (["bitso", "--order", "-1"], "such as 0.001"),
        (["bitso", "--yes"], "--yes is for --order"),
    ],
)
def test_wrong_arguments(words, expected, tmp_path, monkeypatch, capsys):
    """What makes no sense is refused, and no report is written."""
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["verify", *words])
    except SystemExit as end:
        status = end.code

    assert (2, True, []) == (status, expected in capsys.readouterr().err, [*tmp_path.iterdir()])


@pytest.mark.parametrize("content", [b"my notes", b"", b"[]", b'{"calls": []}', b"[" * 100_000])
def test_a_file_of_something_else(content, sim, tmp_path, capsys):
    """A file that is no report stays as it is, and nothing is sent."""
    path = tmp_path / "notes.json"
    path.write_bytes(content)
    words = ["bitstamp", *ORDER, "--yes", "--base-url", sim.base_url, "--report", str(path)]

    assert (2, content, 0) == (main(["verify", *words]), path.read_bytes(), sim.calls)
    assert "there is such a file of something else; nothing was sent" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["no/such/folder.json", "."])
def test_a_place_that_is_none(place, sim, tmp_path, capsys):
    """A report that cannot be written is noticed before anything is sent."""
    words = ["bitstamp", *ORDER, "--yes", "--base-url", sim.base_url, "--report", str(tmp_path / place)]

    assert (2, 0) == (main(["verify", *words]), sim.calls)
    assert "nothing was sent" in capsys.readouterr().err


def test_a_report_is_replaced(sim, tmp_path):
    """A report of ours is replaced by the next one."""
    verify(sim, tmp_path, "bitstamp")

    assert 0 == verify(sim, tmp_path, "bitstamp")[0]
