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
        "words", [[], ["trade"], ["poll", "--exchange", "mtgox"], ["simulator", "--port", "65536"]]
    )
    def test_invalid_arguments(self, words, capsys):
        """Invalid arguments end with status 2 and the usage."""
        with pytest.raises(SystemExit) as end:
            main(words)

        assert (2, True) == (end.value.code, capsys.readouterr().err.startswith("usage: python -m exchanges"))

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
