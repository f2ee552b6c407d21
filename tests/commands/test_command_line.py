import json
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

import exchanges
from exchanges.__main__ import COMMANDS, main
from exchanges.commands.clients import CLIENTS, endpoints
from tests.support.command_line import NEEDS_SIGNALS, started


class TestTheCommandLine:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ([], "no command given"),
            (["trade"], "no such command: trade"),
            (["candle"], "no such command: candle; did you mean candles?"),
            (["--versoin"], "no such command: --versoin; did you mean --version?"),
        ],
    )
    def test_no_command(self, words, expected, capsys):
        """What is no command ends with status 2, the list of commands and a suggestion."""
        assert 2 == main(words)
        err = capsys.readouterr().err

        assert (True, f"python -m exchanges: {expected}") == ("  candles " in err, err.splitlines()[-1])

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["poll", "--exchange", "mtgox"], "invalid choice: 'mtgox'"),
            (["simulator", "--port", "65536"], "must be between 0 and 65535"),
            (["book", "bitstmp"], "did you mean bitstamp?"),
            (["book", "bitso", "--level", "3"], "unrecognized arguments: --level 3; did you mean --levels?"),
            (["candles"], "the following arguments are required: exchange"),
        ],
    )
    def test_invalid_arguments(self, words, expected, capsys):
        """Invalid arguments end with status 2, the usage of the command, and what may have been meant."""
        with pytest.raises(SystemExit) as end:
            main(words)
        err = capsys.readouterr().err

        assert (2, True) == (end.value.code, err.startswith(f"usage: python -m exchanges {words[0]} "))
        assert expected in err

    @pytest.mark.parametrize("words", [["--help"], ["-h"]])
    def test_the_list_of_commands(self, words, capsys):
        """The help lists every command."""
        assert 0 == main(words)

        assert COMMANDS.keys() <= set(capsys.readouterr().out.split())

    def test_the_version(self, capsys):
        """The version is printed alone."""
        assert 0 == main(["--version"])

        assert f"aioexchanges {exchanges.__version__}\n" == capsys.readouterr().out

    def test_the_console_script(self, monkeypatch, capsys):
        """Messages begin with what was typed."""
        monkeypatch.setattr(sys, "argv", ["/usr/bin/aioexchanges", "boo"])
        main()

        assert "aioexchanges: no such command: boo; did you mean book?" == capsys.readouterr().err.splitlines()[-1]

    @pytest.mark.parametrize("command", COMMANDS)
    def test_help(self, command, capsys):
        """Every command has a help."""
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])

        assert (0, True) == (end.value.code, f"usage: python -m exchanges {command}" in capsys.readouterr().out)

    @NEEDS_SIGNALS
    def test_a_closed_pipe(self):
        """A closed pipe ends a command without a traceback."""
        process = started("endpoints")
        process.stdout.close()
        with process, process.stderr as stderr:
            err = stderr.read()

        assert "" == err

    def test_a_closed_output(self, monkeypatch):
        """A command whose outputs the shell has closed does its work without them."""
        monkeypatch.setattr(sys, "stdout", None)
        monkeypatch.setattr(sys, "stderr", None)

        statuses = [main(["doctor"]), main(["trade"])]
        sys.stdout.close()
        sys.stderr.close()

        assert [0, 2] == statuses

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
    def test_a_full_disk(self):
        """An output that cannot be written is a message, not a traceback."""
        process = started("endpoints", stdout="/dev/full")
        with process, process.stderr as stderr:
            err = stderr.read()

        assert (1, 1, True) == (process.wait(), err.count("\n"), "No space left" in err)

    def test_default_arguments(self, monkeypatch, capsys):
        """Without arguments `main` reads those of the process."""
        monkeypatch.setattr(sys, "argv", ["exchanges", "doctor"])

        assert 0 == main()


class TestEndpoints:
    def test_text(self, capsys):
        """The plain list has a head and one line per endpoint."""
        main(["endpoints"])
        lines = capsys.readouterr().out.splitlines()

        assert ["id", *[e.id for e in endpoints()]] == [line.split()[0] for line in lines]

    def test_channels(self, capsys):
        """The list of live channels, as text and as JSON."""
        main(["endpoints", "--channels"])
        lines = capsys.readouterr().out.splitlines()
        main(["endpoints", "--channels", "--json"])
        listed = json.loads(capsys.readouterr().out)

        assert ["id", *[c["id"] for c in listed]] == [line.split()[0] for line in lines]
        assert {
            "id": "bitstamp.streams.order_book",
            "host": "ws.bitstamp.net",
            "channel": "order_book_{market}",
            "access": "public",
            "delivery": "kept",
            "arguments": ["market"],
        } in listed

    def test_json_has_everything(self, capsys):
        """The JSON list holds the endpoints of every client."""
        main(["endpoints", "--json"])
        listed = json.loads(capsys.readouterr().out)

        assert {"bitex", "bitso", "bitstamp"} == {e["id"].partition(".")[0] for e in listed} == CLIENTS.keys()

    def test_an_entry_of_json(self, capsys):
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
        """The Markdown table shows the signature of a call, and the kind of money calls in bold."""
        main(["endpoints", "--markdown"])
        expected = (
            "| `bitex.trading.create_bid(amount, price, orderbook=1)` | **money** | private "
            "| `POST /api-v1/rest/private/bids` |"
        )

        assert expected in capsys.readouterr().out.splitlines()


class TestDoctor:
    def report(self, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
        main(["doctor"])
        return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in capsys.readouterr().out.splitlines())

    def test_credentials_are_not_shown(self, monkeypatch, capsys):
        """The doctor prints which credentials are set, and never their values."""
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
        """The doctor prints the version of the package and its path."""
        expected = f"{exchanges.__version__}, loaded from {Path(exchanges.__file__).parent}"

        assert expected == self.report(capsys)["exchanges"]

    def test_dependencies(self, monkeypatch, capsys):
        """Each requirement of the distribution is listed with its version, or as not installed."""
        monkeypatch.setattr(metadata, "requires", lambda _: ["attrs>=24.2", "no-such-thing>=1; extra == 'x'"])
        report = self.report(capsys)

        assert (metadata.version("attrs"), "not installed") == (report["attrs"], report["no-such-thing"])

    def test_a_source_tree(self, monkeypatch, capsys):
        """The doctor works without an installed distribution."""

        def requires(name):
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(metadata, "requires", requires)

        assert "python" in self.report(capsys)
