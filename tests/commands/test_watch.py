import asyncio
import json
import os
import pty
import re
import subprocess
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

import pytest

import exchanges
from exchanges import BookStatus, BookUnknown
from exchanges.__main__ import main
from exchanges.commands.markets import BOOKS
from exchanges.commands.watch import DRAW_SECONDS, Lines, View, _json, paced
from exchanges.simulator import Venue
from exchanges.streams import Gap
from exchanges.streams.delivery import GapReason
from tests.support.command_line import NEEDS_SIGNALS, NOWHERE, PATIENCE_SECONDS, Terminal
from tests.support.virtual_time import elapsed, in_virtual_time

pytest.importorskip("websockets")


@pytest.mark.parametrize("exchange", ["bitso", "bitstamp"])
def test_lines(exchange, sim, capsys):
    """Without a terminal best prices are lines when they change, and trades are lines."""
    sim.controls(Venue(exchange)).set_trade_pace(BOOKS[exchange], 0.05)
    status = main(["watch", exchange, "--base-url", sim.base_url, "--count", "5"])
    first, *lines = capsys.readouterr().out.splitlines()

    assert (0, True) == (status, first.startswith(f"connecting to {exchange} "))
    assert all(re.match(r"[\d:]{8} (bid \S+, ask \S+|trade \S+ at \S+)$", line) for line in lines)


def test_json(sim, capsys):
    """As JSON each step of the book is a line with its best levels, as text with every digit."""
    main(["watch", "bitstamp", "--base-url", sim.base_url, "--count", "3", "--json", "--levels", "2"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    books = [line for line in lines if line["kind"] == "book"]

    assert {("bitstamp", "btcusd", "good")} == {(b["exchange"], b["market"], b["status"]) for b in books}
    assert all(
        2 == len(book[side]) and isinstance(book[side][0][0], str) for book in books for side in ("bids", "asks")
    )


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal(columns, sim, monkeypatch):
    """A terminal shows depth, spread and trades in place, no wider than it is."""
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(Terminal()) as shown:
        main(["watch", "bitstamp", "--base-url", sim.base_url, "--count", "2", "--levels", "2"])
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue()).splitlines()

    assert {"ask", "bid", "spread"} <= {line.split()[0] for line in lines if line}
    assert max(map(len, lines)) <= columns


@in_virtual_time
async def test_the_last_of_a_burst_is_drawn():
    """What comes sooner than the next drawing may be is drawn then, once; nothing is left undrawn."""
    drawn = []
    draw = paced(lambda: drawn.append(elapsed()))
    for _ in range(3):
        draw()
    await asyncio.sleep(2 * DRAW_SECONDS)
    draw()

    assert [0.0, DRAW_SECONDS, 2 * DRAW_SECONDS] == pytest.approx(drawn)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["bitex"], "bitex has no streams"),
        (["bitso", "--seconds", "0"], "must be above 0"),
        (["bitso", "--levels", "0"], "must be above 0"),
    ],
)
def test_wrong_arguments(words, expected, capsys):
    """What cannot be watched is named."""
    assert 2 == main(["watch", *words])
    assert expected in capsys.readouterr().err


def test_no_connection(capsys):
    """If there was no connection the status is 1, and that is what is said."""
    assert 1 == main(["watch", "bitso", "--base-url", NOWHERE, "--seconds", "0.01"])
    assert "there was no connection to bitso" in capsys.readouterr().err


class Unknown:
    """A book that cannot be read."""

    status = BookStatus.CLOSED

    @property
    def bids(self):
        raise BookUnknown("the connection is lost", book_status=BookStatus.CLOSED)

    asks = bids


def test_a_book_that_is_unknown(capsys):
    """While the book is unknown no old price is shown, anywhere."""
    view = View("bitstamp", "btcusd", 5)
    before = view.text(80)
    view.book = Unknown()
    Lines(view).show("book", view.book)

    assert ("connecting", "the order book is unknown") == (before.splitlines()[1], view.text(80).splitlines()[1][:25])
    assert "the order book is unknown: the connection is lost" in capsys.readouterr().out
    assert {"status": "closed"}.items() <= json.loads(_json(view, "book", view.book)).items()


def test_a_gap():
    """A gap in the trades is a line of its own."""
    gap = Gap(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 1, tzinfo=UTC), GapReason.RECONNECTED)
    line = json.loads(_json(View("bitso", "btc_mxn", 5), "gap", gap))

    assert ("gap", "2026-01-01T00:00:00+00:00", "2026-01-01T00:01:00+00:00") == (
        line["kind"],
        line["since"],
        line["until"],
    )


@NEEDS_SIGNALS
def test_ctrl_c_in_a_terminal(sim):
    """Ctrl-C on a real terminal ends the live board: no traceback, no echo in it, status 0."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(Path(exchanges.__file__).parent.parent), "TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-m", "exchanges", "watch", "bitstamp", "--base-url", sim.base_url]
    # A session of its own, whose terminal sends the signal.
    setup = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", setup, *command],
        env=env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while b"spread" not in shown:
        shown += os.read(ours, 65536)
    os.write(ours, b"\x03")
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not data:
            break
        shown += data
    status = process.wait(PATIENCE_SECONDS)
    os.close(ours)

    assert (0, False, False) == (status, b"Traceback" in shown, b"^C" in shown)
