import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
from attrs import define

import exchanges
from exchanges.__main__ import COMMANDS, main
from exchanges.commands import demo, screen
from exchanges.commands.clients import clients, endpoints
from exchanges.simulator import Simulator
from tests.support.simulator_thread import simulated

NEEDS_SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="signals end a process there")
NOWHERE = "http://127.0.0.1:1"
SUMMARY = re.compile(
    r"(\d+) calls, (\d+) errors; "
    r"busiest window: bitex (\d+) of 5 in 1 s, bitso public (\d+) of 60 in 60 s, bitstamp (\d+) of 600 in 600 s"
)


class Terminal(io.StringIO):
    """Where somebody looks on."""

    def isatty(self):
        return True


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The three exchanges, played in a thread."""
    with simulated() as sim:
        yield sim


@define
class Polled:
    """What a poll with keys in the environment printed, by source, and whom it asked."""

    lines: dict[str, dict]
    sim: Simulator


@pytest.fixture(scope="module")
def polled() -> Iterator[Polled]:
    """One round of polling everything, as JSON."""
    with simulated() as sim, pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out:
        for name in ("BITEX_API_KEY", "BITSO_API_KEY", "BITSTAMP_API_KEY"):
            patch.setenv(name, "canary")
        main(["poll", "--base-url", sim.base_url, "--seconds", "1", "--json"])
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        yield Polled({line["source"]: line for line in lines}, sim)


PATIENCE_SECONDS = 60.0
"""How long a command that should have ended is waited for."""


def started(*words: str, **environment: str) -> subprocess.Popen[str]:
    """Start the command line as a process."""
    env = {**os.environ, "PYTHONPATH": str(Path(exchanges.__file__).parent.parent), **environment}
    command = [sys.executable, "-W", "error", "-m", "exchanges", *words]
    # Where whoever runs the tests ignores Ctrl-C, as a shell does in the background, the child would too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for a process to end, and give what it printed; one that does not end fails the test."""
    try:
        return process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def failed(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must not be understood, and return what it says, which is one line."""
    assert 2 == main(words)
    out, err = capsys.readouterr()
    assert ("", 1) == (out, err.count("\n"))
    return err


class TestTheCommandLine:
    @pytest.mark.parametrize(
        "words", [[], ["trade"], ["poll", "--exchange", "mtgox"], ["simulator", "--port", "65536"]]
    )
    def test_what_is_not_understood_is_explained(self, words, capsys):
        """A command line that is not understood ends with status 2 and its usage."""
        with pytest.raises(SystemExit) as end:
            main(words)

        assert (2, True) == (end.value.code, capsys.readouterr().err.startswith("usage: python -m exchanges"))

    @pytest.mark.parametrize("command", COMMANDS)
    def test_help(self, command, capsys):
        """Every command explains itself."""
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])

        assert (0, True) == (end.value.code, f"usage: python -m exchanges {command}" in capsys.readouterr().out)

    @NEEDS_SIGNALS
    def test_a_reader_that_goes_away(self):
        """A closed pipe ends a command without a traceback."""
        process = started("endpoints")
        process.stdout.close()
        with process, process.stderr as stderr:
            said = stderr.read()

        assert "" == said

    def test_the_usual_arguments_are_those_of_the_process(self, monkeypatch, capsys):
        """Without arguments `main` reads those of the process."""
        monkeypatch.setattr(sys, "argv", ["exchanges", "doctor"])

        assert 0 == main()


class TestEndpoints:
    def test_text(self, capsys):
        """The plain list has a head and one line per endpoint."""
        main(["endpoints"])
        lines = capsys.readouterr().out.splitlines()

        assert ["id", *[e.id for e in endpoints()]] == [line.split()[0] for line in lines]

    def test_json_has_everything(self, capsys):
        """The JSON list holds the endpoints of every client."""
        main(["endpoints", "--json"])
        listed = json.loads(capsys.readouterr().out)

        assert {"bitex", "bitso", "bitstamp"} == {e["id"].partition(".")[0] for e in listed} == clients().keys()

    def test_json_says_what_is_declared(self, capsys):
        """An entry holds id, verb, host, full path, access, kind and arguments."""
        main(["endpoints", "--json"])
        listed = {e["id"]: e for e in json.loads(capsys.readouterr().out)}
        expected = {
            "id": "bitex.trading.create_bid",
            "verb": "POST",
            "host": "bitex.la",
            "path": "/api-v1/rest/private/bids",
            "access": "private",
            "kind": "money",
            "arguments": [
                {"name": "amount", "wire": "amount", "type": "decimal", "required": True},
                {"name": "price", "wire": "price", "type": "decimal", "required": True},
                {"name": "orderbook", "wire": "orderbook", "type": "int", "required": False},
            ],
        }

        assert expected == listed["bitex.trading.create_bid"]

    def test_markdown(self, capsys):
        """The Markdown table shows a call as it is written and marks what moves money."""
        main(["endpoints", "--markdown"])
        expected = (
            "| `bitex.trading.create_bid(amount, price, orderbook=1)` | **money** | private "
            "| `POST /api-v1/rest/private/bids` |"
        )

        assert expected in capsys.readouterr().out.splitlines()


class TestDoctor:
    def found(self, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
        main(["doctor"])
        return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in capsys.readouterr().out.splitlines())

    def test_credentials_are_named_and_not_shown(self, monkeypatch, capsys):
        """The doctor says which credentials are set, and never what they are."""
        monkeypatch.setenv("BITSO_API_SECRET", "canary-in-the-coal-mine")
        monkeypatch.delenv("BITSO_API_KEY", raising=False)
        main(["doctor"])
        out = capsys.readouterr().out

        assert (True, True, False) == (
            bool(re.search(r"BITSO_API_SECRET +set", out)),
            bool(re.search(r"BITSO_API_KEY +not set", out)),
            "canary" in out,
        )

    def test_versions(self, capsys):
        """The doctor names the version of the package and where it is loaded from."""
        expected = f"{exchanges.__version__}, loaded from {Path(exchanges.__file__).parent}"

        assert expected == self.found(capsys)["exchanges"]

    def test_dependencies(self, monkeypatch, capsys):
        """What the distribution asks for is listed with its version, or as not installed."""
        monkeypatch.setattr(metadata, "requires", lambda _: ["attrs>=24.2", "no-such-thing>=1; extra == 'x'"])
        found = self.found(capsys)

        assert (metadata.version("attrs"), "not installed") == (found["attrs"], found["no-such-thing"])

    def test_a_source_tree_will_do(self, monkeypatch, capsys):
        """Without an installed distribution the doctor still answers."""

        def requires(name):
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(metadata, "requires", requires)

        assert "python" in self.found(capsys)


class TestPoll:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ([], "say where"),
            (["--live", "--base-url", NOWHERE], "leave the URLs out"),
            (["--exchange", "bitso", "--bitex-url", NOWHERE], "no URL for bitso"),
            (["--base-url", "http://192.0.2.1"], "http for loopback only"),
            (["--base-url", NOWHERE, "--every", "0"], "every_seconds"),
            (["--base-url", NOWHERE, "--seconds", "-1"], "--seconds"),
        ],
    )
    def test_errors_of_use(self, words, expected, capsys):
        """An error of use is one line on stderr, and nobody is asked."""
        assert expected in failed(["poll", *words], capsys)

    def test_a_book_needs_an_exchange(self, capsys):
        """A book without an exchange before it is not understood."""
        with pytest.raises(SystemExit):
            main(["poll", "--book", "btcusd", "--exchange", "bitstamp"])

        assert "belongs to the --exchange before it" in capsys.readouterr().err

    def test_every_source_is_asked(self, polled):
        """By default a ticker and an order book of each exchange are polled."""
        markets = ("bitex btc_usd", "bitso btc_mxn", "bitstamp btcusd")

        assert {f"{market} {what}" for market in markets for what in ("ticker", "order_book")} == polled.lines.keys()

    def test_a_line_of_json(self, polled):
        """Each line is an object that says who was asked when, and what came of it."""
        expected = {"source", "value", "error", "asked_at", "answered_at", "latency_seconds", "dropped"}

        assert [expected] * 6 == [set(line) for line in polled.lines.values()]

    def test_a_value_in_json(self, polled):
        """The value has the exchange's own shape: an order book of Bitex is two lists of rows of two."""
        value = polled.lines["bitex btc_usd order_book"]["value"]

        assert {"bids": 2, "asks": 2} == {side: len(levels[0]) for side, levels in value.items()}

    def test_no_key_is_sent(self, polled):
        """Polling is public: keys in the environment stay there."""
        assert ({None}, 0) == ({seen.key for seen in polled.sim.requests}, polled.sim.errors)

    def test_chosen_books(self, sim, capsys):
        """Books belong to the exchange before them; only what is named is asked."""
        words = ["--exchange", "bitso", "--book", "btc_mxn", "--exchange", "bitex", "--base-url", sim.base_url]
        main(["poll", *words, "--seconds", "1"])

        assert {"/api/v3/ticker", "/api/v3/order_book"} == {seen.path for seen in sim.requests if seen.venue == "bitso"}
        assert {"bitso", "bitex"} == {seen.venue for seen in sim.requests}

    def test_one_server_is_one_exchange(self, sim, capsys):
        """A URL for one exchange alone means that only this one is polled."""
        main(["poll", "--bitex-url", sim.base_url, "--seconds", "1"])

        assert {"bitex"} == {seen.venue for seen in sim.requests}

    def test_lines(self, sim, capsys):
        """Without a terminal each update is a line; the table comes at the end."""
        assert 0 == main(["poll", "--bitex-url", sim.base_url, "--seconds", "1"])
        lines = capsys.readouterr().out.splitlines()

        assert re.match(r"[\d:]{8} bitex btc_usd (ticker|order_book) +.*bid \S+, ask \S+ \([\d.]+ ms\)$", lines[0])
        assert ["exchange", "book", "last"] == lines[-2].split()[:3]

    def test_nobody_answers(self, sim, capsys):
        """If nobody ever answers the status is 1, and the lines say why."""
        assert 1 == main(["poll", "--exchange", "bitex", "--book", "no", "--base-url", sim.base_url, "--seconds", "1"])

        assert "NotFound" in capsys.readouterr().out

    def test_unknown_books_do_not_stop_the_others(self, sim, capsys):
        """A source that fails is told as JSON too, and the status is 0 as others answer."""
        words = ["--exchange", "bitso", "--book", "btc_xyz", "--book", "btc_mxn", "--base-url", sim.base_url]
        status = main(["poll", *words, "--seconds", "1", "--json"])
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

    def test_a_terminal_is_redrawn(self, sim, monkeypatch):
        """With rich and somebody to see it the table is drawn in place."""
        pytest.importorskip("rich")
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())
        monkeypatch.setenv("TERM", "xterm")
        main(["poll", "--bitex-url", sim.base_url, "--bitso-url", NOWHERE, "--seconds", "1"])

        assert ("btc_usd", "p50 latency") == tuple(w for w in ("btc_usd", "p50 latency") if w in terminal.getvalue())


class TestDemo:
    def test_all_is_well(self):
        """The demo ends with status 0, three lines and what the simulator counted, within every limit."""
        out, err = ended(started("demo", "--seconds", "1"))
        *_, bid, summary = out.splitlines()
        calls, errors, *windows = map(int, SUMMARY.fullmatch(summary).groups())

        assert ("", True, 0) == (err, bid.endswith(", cancelled"), errors)
        assert calls >= 9
        assert all(0 < most <= allowed for most, allowed in zip(windows, (5, 60, 600), strict=True))

    def test_it_needs_no_rich(self, monkeypatch, capsys):
        """Without rich a terminal gets the plain table."""
        monkeypatch.setattr(screen, "find_spec", lambda name: None if name == "rich" else find_spec(name))
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())

        assert (0, "exchange book") == (main(["demo", "--seconds", "0.5"]), terminal.getvalue()[:13])

    def test_rich_draws_it(self, monkeypatch):
        """With rich the table is drawn in place, and only there."""
        pytest.importorskip("rich")
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())
        monkeypatch.setenv("TERM", "xterm")
        status = main(["demo", "--seconds", "0.5"])

        assert (0, True) == (status, SUMMARY.search(terminal.getvalue()) is not None)

    def test_what_goes_wrong_is_told(self, monkeypatch, capsys):
        """A book that does not exist makes status 1, and stderr says why."""
        monkeypatch.setitem(demo.BOOKS, "bitso", "btc_xyz")
        status = main(["demo", "--seconds", "0.5"])
        err = capsys.readouterr().err

        assert (1, True, True) == (
            status,
            "not as it should be: bitso btc_xyz ticker never answered" in err,
            "the simulator refused" in err,
        )

    @pytest.mark.parametrize("attribute", ["AMOUNT", "LOOKS"])
    def test_a_bid_that_is_not_cancelled_is_told(self, attribute, monkeypatch, capsys):
        """An order that is not placed, or not seen to be cancelled, makes status 1."""
        monkeypatch.setattr(demo, attribute, 0)

        assert (1, True) == (main(["demo", "--seconds", "0.5"]), "the bid" in capsys.readouterr().err)

    def test_a_limit_that_is_exceeded_is_told(self, monkeypatch, capsys):
        """A window with too many calls makes status 1."""
        monkeypatch.setattr(Simulator, "busiest", lambda *_: (6, 5))

        assert (1, True) == (main(["demo", "--seconds", "0.5"]), "was exceeded" in capsys.readouterr().err)

    @pytest.mark.parametrize("seconds", ["0", "nan", "inf"])
    def test_seconds_are_a_positive_number(self, seconds, capsys):
        """A time that never ends, or is none, is an error of use."""
        assert "--seconds" in failed(["demo", "--seconds", seconds], capsys)


class TestSimulator:
    @NEEDS_SIGNALS
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_it_plays_until_it_is_told_to_end(self, number, capsys):
        """The process says where it listens, answers, and ends with status 0 and without a traceback."""
        process = started("simulator", "--port", "0", "--venue", "bitex")
        with process:
            url, key = process.stdout.readline().split()[0], process.stdout.readline()
            status = main(["poll", "--bitex-url", url, "--seconds", "1"])
            process.send_signal(number)
            out, err = ended(process)

        assert (0, 0, "", "") == (status, process.returncode, out, err)
        assert "BITEX_API_KEY=" == key[:14]

    @pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
    def test_it_serves_this_machine_alone(self, host, capsys):
        """An address that others can reach is refused."""
        assert "loopback" in failed(["simulator", "--host", host], capsys)

    def test_a_port_that_is_taken(self, sim, capsys):
        """A port that is in use is an error of use."""
        port = sim.base_url.rpartition(":")[2]

        assert f"cannot listen on localhost port {port}" in failed(
            ["simulator", "--host", "localhost", "--port", port], capsys
        )
