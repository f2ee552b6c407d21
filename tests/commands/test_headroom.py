import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from exchanges import Bitso, Bitstamp, Kind, OutcomeUnknown, Scope, Window
from exchanges.__main__ import main
from exchanges.commands.headroom import headroom
from exchanges.limits.status import ClosedStatus, LimitStatus, WindowStatus
from exchanges.simulator import Venue
from exchanges.state import FileState
from tests.support.command_line import failed
from tests.support.scripted_transport import Script, answer

AT = datetime(2026, 11, 29, 12, 0, 5, tzinfo=UTC)
WINDOWS = (WindowStatus(Window(8000, per_seconds=600.0), 7990, 800, None),)


def line_of(windows=WINDOWS, waiting=0, closed=()):
    """Return the line of one limit."""
    status = LimitStatus("x", Scope.ADDRESS, windows, waiting, closed)
    return [*headroom(SimpleNamespace(limits={"x": status}))]


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ({}, "limit x: 7990 of 8000 in 600 s free"),
        ({"windows": ()}, "limit x: no limit is kept"),
        ({"waiting": 3}, "limit x: 7990 of 8000 in 600 s free; 3 calls wait"),
        (
            {"closed": (ClosedStatus("", AT, "429: slow\x1b[2J", True, False),)},
            "limit x: 7990 of 8000 in 600 s free; closed until 12:00:05 UTC: 429: slow\\x1b[2J",
        ),
        (
            {"closed": (ClosedStatus("btcusd", AT, "too many", False, False),)},
            "limit x: 7990 of 8000 in 600 s free; closed for btcusd probably until 12:00:05 UTC: too many",
        ),
    ],
)
def test_a_line(status, line):
    """A line names what is free, who waits, and until when the exchange has closed the limit."""
    assert [line] == line_of(**status)


def test_after_a_poll(sim, capsys):
    """A poll ends with what is left of the limits that it used."""
    main(["poll", "bitso", "--base-url", sim.base_url, "--every", "600", "--count", "2"])

    assert "\n\nlimit bitso public: 58 of 60 in 60 s free\n" in capsys.readouterr().out


async def lose(path, base_url, account):
    """Leave one unresolved call in a state file, and one slot in use."""
    with FileState(path) as state:
        async with Bitso(state=state, base_url=base_url) as bitso:
            await bitso.market.ticker("btc_mxn")
        async with Bitstamp(state=state, base_url=base_url, transport=Script.of(answer({})), **account) as bitstamp:
            with pytest.raises(OutcomeUnknown):
                await bitstamp.request("POST", "/new/", kind=Kind.MONEY)


def test_a_state_file(sim, tmp_path, monkeypatch, capsys):
    """The doctor shows what is left of the limits in a state file, and unresolved calls of the keys that are set."""
    account = sim.account(Venue.BITSTAMP)
    asyncio.run(lose(tmp_path / "db", sim.base_url, account))
    for name, value in account.items():
        monkeypatch.setenv(f"BITSTAMP_{name}".upper(), value)
    monkeypatch.setenv("BITSO_API_KEY", "")
    main(["doctor", "--state", str(tmp_path / "db"), "--base-url", sim.base_url])
    shown = capsys.readouterr().out

    assert "\nlimit bitso public: 59 of 60 in 60 s free\n" in shown
    assert "\nunresolved: bitstamp.request POST /new/ at " in shown


def test_no_state_file(tmp_path, capsys):
    """The doctor creates no state file."""
    assert "--state: there is no file" in failed(["doctor", "--state", str(tmp_path / "db")], capsys)
    assert [] == [*tmp_path.iterdir()]
