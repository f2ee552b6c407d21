import asyncio
import errno
import io
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

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
    """The cancel is waited for; with another Ctrl-C the screen says that it is to be cancelled at the exchange."""

    async def interrupted(*_):
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
        await asyncio.Event().wait()

    monkeypatch.setattr(BitstampSpot, "cancel", interrupted)
    words = ["bitstamp", *ORDER, "--yes", "--base-url", sim.base_url, "--report", str(tmp_path / "report.json")]

    assert 130 == main(["verify", *words])
    assert "interrupted: the order may be open" in capsys.readouterr().out


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_while_an_order_is_placed(number, sim, tmp_path, monkeypatch, capsys):
    """The answer is waited for, and the order that it names is cancelled: nothing stays open."""
    place = BitstampSpot.place_limit

    async def interrupted(spot, *given, **named):
        order = await place(spot, *given, **named)
        signal.raise_signal(number)
        await asyncio.sleep(0)
        return order

    monkeypatch.setattr(BitstampSpot, "place_limit", interrupted)
    words = ["bitstamp", *ORDER, "--yes", "--base-url", sim.base_url, "--report", str(tmp_path / "report.json")]
    status, printed = main(["verify", *words]), capsys.readouterr().out
    deeds = [deed.endpoint for deed in sim.deeds]

    assert (128 + number, ["bitstamp.trading.buy", "bitstamp.trading.cancel_order"]) == (status, deeds)
    assert "the order is cancelled first" in printed
    assert "order: placed and cancelled; nothing traded" in printed
    assert "may be open" not in printed


NO_FILES = [os.mkfifo, lambda path: path.symlink_to("/dev/full"), lambda path: path.symlink_to("nowhere")]
DOWNLOAD = "download trades bitstamp --output"


@pytest.mark.parametrize("make", NO_FILES)
@pytest.mark.parametrize(
    ("command", "name"),
    [("verify bitstamp --report", "rows.csv"), (DOWNLOAD, "rows.csv"), (DOWNLOAD, "rows.csv.source")],
)
def test_what_is_no_file(command, name, make, tmp_path, capsys):
    """A pipe, a device and a link that leads nowhere are refused before anything is sent, and nothing is left."""
    make(tmp_path / name)

    assert 2 == main([*command.split(), str(tmp_path / "rows.csv"), "--base-url", NOWHERE])
    assert [name] == [each.name for each in tmp_path.iterdir()]
    assert "rows.csv" in capsys.readouterr().err


@pytest.mark.parametrize("is_there", [True, False])
def test_a_full_disk(is_there, sim, tmp_path, monkeypatch, capsys):
    """A report that cannot be written leaves what was there, and the message names the file."""
    if is_there:
        verify(sim, tmp_path, "bitstamp")
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}

    def full(path, *_, **__):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        words = ["verify", "bitstamp", "--base-url", sim.base_url, "--report"]

        assert 1 == main([*words, str(tmp_path / "report.json")])
    assert before == {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert "report.json: the report cannot be written: No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1_0", "\u0663", "1e400", "nan", "0", "0.0", "", "-1", "+1", "9" * 31])
def test_odd_amounts(text, capsys):
    """What people do not write as an amount is refused, not taken for another."""
    with pytest.raises(SystemExit):
        main(["verify", "bitstamp", f"--order={text}", "--yes"])
    assert "must be an amount of base currency" in capsys.readouterr().err


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
