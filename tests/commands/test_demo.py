import asyncio
import io
import re
import sys
import time
from importlib.util import find_spec

import pytest

from exchanges.__main__ import main
from exchanges.commands import demo, screen
from exchanges.simulator import Simulator, simulate
from tests.support.command_line import Terminal, failed
from tests.support.hasty_loop import run_hasty

SUMMARY = re.compile(
    r"(\d+) calls, (\d+) errors; "
    r"busiest window: bitex (\d+) of 5 in 1 s, bitso public (\d+) of 60 in 60 s, bitstamp (\d+) of 100 in 1 s"
)
SECONDS = "0.001"
"""At least: the demo polls until every source has answered or failed, so that no test depends on the machine."""


@pytest.fixture(autouse=True)
def _hasty_time(monkeypatch):
    """Run the demo by a clock that jumps, which the simulator reads too: its calls wait a second for a window."""

    def hasty(**options):
        loop = asyncio.get_running_loop()
        began = time.time() - loop.time()
        return simulate(clock=lambda: began + loop.time(), **options)

    monkeypatch.setattr(demo, "simulate", hasty)
    monkeypatch.setattr(asyncio, "run", run_hasty)


class TestDemo:
    def test_success(self, capsys):
        """The demo ends with status 0, the cancelled bid and the counts of the simulator, within every limit."""
        status = main(["demo", "--seconds", SECONDS])
        out, err = capsys.readouterr()
        *_, bid, summary = out.splitlines()
        calls, errors, *windows = map(int, SUMMARY.fullmatch(summary).groups())

        assert (0, "", True, 0) == (status, err, bid.endswith(", cancelled"), errors)
        assert calls >= 9
        assert all(0 < most <= allowed for most, allowed in zip(windows, (5, 60, 100), strict=True))

    def test_it_needs_no_rich(self, monkeypatch, capsys):
        """Without rich the table is printed as plain text, in a terminal too."""
        monkeypatch.setattr(screen, "find_spec", lambda name: None if name == "rich" else find_spec(name))
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())

        assert (0, "exchange book") == (main(["demo", "--seconds", SECONDS]), terminal.getvalue().splitlines()[2][:13])

    def test_the_first_line_comes_first(self, monkeypatch):
        """What the demo does is printed, and flushed, before it does anything."""
        written = []

        class Stream(io.StringIO):
            def flush(self):
                written.append(self.getvalue())

        def stop(**_):
            raise ZeroDivisionError

        monkeypatch.setattr(sys, "stdout", Stream())
        monkeypatch.setattr(demo, "simulate", stop)
        with pytest.raises(ZeroDivisionError):
            main(["demo", "--seconds", "2.5"])

        assert "polling three simulated exchanges for 2.5 s\n\n" == written[0]

    def test_rich_updates_in_place(self, monkeypatch):
        """With rich the table is updated in place."""
        pytest.importorskip("rich")
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())
        monkeypatch.setenv("TERM", "xterm")
        status = main(["demo", "--seconds", SECONDS])

        assert (0, True) == (status, SUMMARY.search(terminal.getvalue()) is not None)

    def test_failures_are_printed(self, monkeypatch, capsys):
        """With an unknown book the status is 1, and stderr contains the reason."""
        monkeypatch.setitem(demo.BOOKS, "bitso", "btc_xyz")
        status = main(["demo", "--seconds", SECONDS])
        err = capsys.readouterr().err

        assert (1, True, True) == (
            status,
            "failed: bitso btc_xyz ticker never answered" in err,
            "the simulator rejected" in err,
        )

    @pytest.mark.parametrize("attribute", ["AMOUNT", "SETTLE_SECONDS"])
    def test_a_bid_that_is_not_cancelled(self, attribute, monkeypatch, capsys):
        """If the bid is not placed, or not read as cancelled, the status is 1."""
        monkeypatch.setattr(demo, attribute, 0)

        assert (1, True) == (main(["demo", "--seconds", SECONDS]), "failed: bitex bid" in capsys.readouterr().err)

    def test_a_limit_that_is_exceeded(self, monkeypatch, capsys):
        """If a window has too many calls the status is 1."""
        most = {"bitex": 5, "bitso public": 60, "bitstamp": 100}
        monkeypatch.setattr(Simulator, "busiest", lambda *given: (most[given[1]] + 1, most[given[1]]))

        assert (1, True) == (main(["demo", "--seconds", SECONDS]), "was exceeded" in capsys.readouterr().err)

    @pytest.mark.parametrize("seconds", ["0", "nan", "inf"])
    def test_seconds_are_a_positive_number(self, seconds, capsys):
        """The time must be positive and finite."""
        assert "--seconds" in failed(["demo", "--seconds", seconds], capsys)
