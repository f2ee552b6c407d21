import io
import json
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout

import pytest
from attrs import define

from exchanges.__main__ import main
from exchanges.simulator import Simulator
from tests.support.command_line import NEEDS_SIGNALS, NOWHERE, Terminal, ended, failed, started
from tests.support.simulator_thread import simulated

ONCE = ("--every", "600", "--count")
"""Each source is asked once; how many there are comes next."""


@define
class Polled:
    """The lines that a poll with keys in the environment printed, by source, and the simulator that it polled."""

    lines: dict[str, dict]
    sim: Simulator


@pytest.fixture(scope="module")
def polled() -> Iterator[Polled]:
    """One round of polling everything, as JSON."""
    with simulated() as sim, pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out:
        for name in ("BITEX_API_KEY", "BITSO_API_KEY", "BITSTAMP_API_KEY"):
            patch.setenv(name, "canary")
        main(["poll", "--base-url", sim.base_url, *ONCE, "6", "--json"])
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        yield Polled({line["source"]: line for line in lines}, sim)


class TestPoll:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ([], "no server given"),
            (["--live", "--base-url", NOWHERE], "leave the URLs out"),
            (["--exchange", "bitso", "--bitex-url", NOWHERE], "no URL for bitso"),
            (["--base-url", "http://192.0.2.1"], "http for loopback only"),
            (["--base-url", NOWHERE, "--every", "0"], "every_seconds"),
            (["--base-url", NOWHERE, "--seconds", "-1"], "--seconds"),
            (["--base-url", NOWHERE, "--count", "0"], "--count must be above 0"),
            (
                ["bitstmp", "btcusd", "--live"],
                "no such exchange: bitstmp; there are bitex, bitso, bitstamp; did you",
            ),
        ],
    )
    def test_invalid_arguments(self, words, expected, capsys):
        """Invalid arguments give one line on stderr, and nothing is polled."""
        assert expected in failed(["poll", *words], capsys)

    def test_a_book_needs_an_exchange(self, capsys):
        """A book without an exchange before it is invalid."""
        with pytest.raises(SystemExit):
            main(["poll", "--book", "btcusd", "--exchange", "bitstamp"])

        assert "belongs to the --exchange before it" in capsys.readouterr().err

    def test_every_source_is_polled(self, polled):
        """By default a ticker and an order book of each exchange are polled."""
        markets = ("bitex btc_usd", "bitso btc_mxn", "bitstamp btcusd")

        assert {f"{market} {what}" for market in markets for what in ("ticker", "order_book")} == polled.lines.keys()

    def test_a_line_of_json(self, polled):
        """Each line is an object with source, times and value or error."""
        expected = {"source", "value", "error", "asked_at", "answered_at", "latency_seconds", "dropped"}

        assert [expected] * 6 == [set(line) for line in polled.lines.values()]

    def test_a_value_in_json(self, polled):
        """The value has the exchange's own shape: an order book of Bitex is two lists of rows of 2."""
        value = polled.lines["bitex btc_usd order_book"]["value"]

        assert {"bids": 2, "asks": 2} == {side: len(levels[0]) for side, levels in value.items()}

    def test_no_key_is_sent(self, polled):
        """Polling is public: keys in the environment are not sent."""
        assert ({None}, 0) == ({seen.key for seen in polled.sim.requests}, polled.sim.errors)

    def test_chosen_books(self, sim, capsys):
        """Books belong to the exchange before them; only named exchanges are polled."""
        words = ["--exchange", "bitso", "--book", "btc_mxn", "--exchange", "bitex", "--base-url", sim.base_url]
        main(["poll", *words, *ONCE, "4"])

        assert {"/api/v3/ticker", "/api/v3/order_book"} == {seen.path for seen in sim.requests if seen.venue == "bitso"}
        assert {"bitso", "bitex"} == {seen.venue for seen in sim.requests}

    def test_markets_by_position(self, sim, capsys):
        """Markets follow their exchange; a name without one has its usual book."""
        main(["poll", "bitstamp", "btcusd", "ethusd", "bitex", "--base-url", sim.base_url, *ONCE, "6"])

        assert {"/api/v2/ticker/btcusd/", "/api/v2/ticker/ethusd/", "/api-v1/rest/btc_usd/market/ticker"} == {
            seen.path for seen in sim.requests if "ticker" in seen.path
        }

    def test_one_server_is_one_exchange(self, sim, capsys):
        """With a URL for one exchange only this one is polled."""
        main(["poll", "--bitex-url", sim.base_url, *ONCE, "2"])

        assert {"bitex"} == {seen.venue for seen in sim.requests}

    def test_lines(self, sim, capsys):
        """Without a terminal each update is a line, and table and limits are printed at the end."""
        assert 0 == main(["poll", "--bitex-url", sim.base_url, *ONCE, "2"])
        lines = capsys.readouterr().out.splitlines()

        assert re.match(r"[\d:]{8} bitex btc_usd (ticker|order_book) +.*bid \S+, ask \S+ \([\d.]+ ms\)$", lines[0])
        assert ["exchange", "book", "last"] == lines[-4].split()[:3]
        assert "limit bitex: " == lines[-1][:13]

    def test_no_answer(self, sim, capsys):
        """If no source ever answers the status is 1, and the lines contain the errors."""
        assert 1 == main(["poll", "--exchange", "bitex", "--book", "no", "--base-url", sim.base_url, *ONCE, "2"])

        assert "NotFound" in capsys.readouterr().out

    def test_unknown_books_do_not_stop_the_others(self, sim, capsys):
        """The error of a source is printed as JSON, and the status is 0 because others answer."""
        words = ["--exchange", "bitso", "--book", "btc_xyz", "--book", "btc_mxn", "--base-url", sim.base_url]
        status = main(["poll", *words, *ONCE, "4", "--json"])
        lines = {line["source"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
        failure = lines["bitso btc_xyz ticker"]

        assert (0, None, "InvalidRequest") == (status, failure["value"], failure["error"]["class"])

    @NEEDS_SIGNALS
    def test_ctrl_c(self, sim):
        """Ctrl-C ends polling cleanly: status 0, the table, no traceback."""
        process = started("poll", "--base-url", sim.base_url)
        with process:
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            out, err = ended(process)

        assert (0, "", True) == (process.returncode, err, bool(first) and "p50 latency" in out)

    def test_a_terminal_is_updated_in_place(self, sim, monkeypatch):
        """With rich and a terminal the table is updated in place."""
        pytest.importorskip("rich")
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr("exchanges.session.session.BACKOFF_SECONDS", 0.0)
        main(["poll", "--bitex-url", sim.base_url, "--bitso-url", NOWHERE, *ONCE, "4"])

        assert ("btc_usd", "p50 latency") == tuple(w for w in ("btc_usd", "p50 latency") if w in terminal.getvalue())
