import csv
import json
from contextlib import redirect_stderr
from datetime import UTC, datetime, timedelta

import pytest

from exchanges import UsageError, bitso, from_dict
from exchanges.__main__ import main
from exchanges.commands.sheets import Sheet
from exchanges.simulator import Venue
from tests.support.command_line import Terminal

KINDS = [("trades", "bitso", "csv"), ("trades", "bitstamp", "jsonl"), ("candles", "bitso", "jsonl")]
KINDS += [("candles", "bitstamp", "csv"), ("trades", "bitex", "csv"), ("candles", "bitex", "csv")]
KINDS += [("archive", "bitex", "jsonl")]


def rows_of(path):
    """Read a file as any program does."""
    text = path.read_text("utf-8")
    return (
        [json.loads(line) for line in text.splitlines()]
        if path.suffix == ".jsonl"
        else [*csv.DictReader(text.splitlines())]
    )


def download(sim, path, *words):
    """Run the command; return its status."""
    return main(["download", *words, "--base-url", sim.base_url, "--output", str(path)])


@pytest.mark.parametrize(("what", "exchange", "suffix"), KINDS)
def test_a_file_that_is_continued(what, exchange, suffix, sim, tmp_path):
    """Rows are in order, each once, with every digit, also if the file is continued; nothing new changes nothing."""
    path = tmp_path / f"rows.{suffix}"
    first = download(sim, path, what, exchange, "--rows", "20")
    some = rows_of(path)
    second = download(sim, path, what, exchange)
    rows = rows_of(path)
    moments = [next(v for v in row.values() if isinstance(v, str) and v[4:5] == "-") for row in rows]

    assert (0, 0, some) == (first, second, rows[: len(some)])
    assert (True, len(rows)) == (moments == sorted(moments), len({json.dumps(row) for row in rows}))


def test_what_was_interrupted(sim, tmp_path):
    """What an interruption left of a row is removed, and the row is written again."""
    path = tmp_path / "rows.csv"
    download(sim, path, "candles", "bitstamp", "--rows", "5")
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    download(sim, path, "candles", "bitstamp")

    assert whole == path.read_bytes()[: len(whole)]


def test_models_come_back(sim, tmp_path):
    """A row of JSON lines is a model again."""
    path = tmp_path / "rows.jsonl"
    download(sim, path, "trades", "bitso", "--rows", "5")

    assert all(isinstance(from_dict(bitso.Trade, row), bitso.Trade) for row in rows_of(path))


@pytest.mark.parametrize("exchange", ["bitso", "bitstamp"])
def test_a_ledger(exchange, sim, tmp_path, monkeypatch):
    """The ledger needs the keys of the account, and is continued."""
    for name, value in sim.account(Venue(exchange)).items():
        monkeypatch.setenv(f"{exchange}_{name}".upper(), value)
    path = tmp_path / "ledger.csv"
    statuses = [download(sim, path, "ledger", exchange) for _ in range(2)]

    assert [0, 0] == statuses
    assert len(rows_of(path)) == len({row.get("eid") or row.get("id") for row in rows_of(path)})


def test_a_ledger_without_keys(sim, tmp_path, capsys):
    """Without keys the ledger is refused, and the reason printed."""
    assert 1 == download(sim, tmp_path / "ledger.csv", "ledger", "bitso")
    assert "api_key" in capsys.readouterr().err


@pytest.mark.parametrize("last", [1, 10**15])
def test_rows_that_would_be_missing(last, sim, tmp_path, capsys):
    """If the exchange shows no trade as old as the last row, nothing is written: rows between them may be missing."""
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"tid": str(last)}) + "\n")
    status = download(sim, path, "trades", "bitstamp")

    assert (1 if last == 1 else 0, 1) == (status, len(path.read_text().splitlines()))
    assert (last == 1) == ("begin another file" in capsys.readouterr().err)


def test_progress(sim, tmp_path, monkeypatch):
    """A terminal sees a bar, the number of rows, and how far they reach."""
    with redirect_stderr(Terminal()) as shown:
        since = (datetime.now(UTC) - timedelta(days=30)).date().isoformat()
        download(sim, tmp_path / "rows.csv", "candles", "bitstamp", "--since", since)

    assert "\r[################### ] " in shown.getvalue()
    assert shown.getvalue().endswith("\n")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["trades", "bitso", "--rows", "0"], "--rows must be above 0"),
        (["archive", "bitso"], "only bitex has an archive"),
        (["ledger", "bitex"], "bitex has no ledger"),
    ],
)
def test_what_there_is_not(words, expected, sim, tmp_path, capsys):
    """What an exchange lacks is named."""
    assert download(sim, tmp_path / "rows.csv", *words) in (1, 2)
    assert expected in capsys.readouterr().err


class TestSheet:
    @pytest.mark.parametrize("name", ["rows", "rows.txt", "no/such/folder.csv"])
    def test_a_wrong_name(self, name, tmp_path):
        """The name tells the form; a folder must be there."""
        with pytest.raises(UsageError, match=r"csv"):
            Sheet(tmp_path / name)

    @pytest.mark.parametrize(
        ("name", "content"),
        [("a.csv", b"a,b\n1\n"), ("a.jsonl", b"{\n"), ("a.csv", b"\xff\n1\n"), ("a.jsonl", b"7 7\n")],
    )
    def test_another_file(self, name, content, tmp_path):
        """A file of something else is left alone."""
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UsageError, match="cannot be continued"):
            Sheet(path)

        assert content == path.read_bytes()

    def test_other_columns(self, tmp_path):
        """Rows with other columns than the file are refused."""
        path = tmp_path / "a.csv"
        path.write_bytes(b"a,b\n1,2\n")
        sheet = Sheet(path)
        with pytest.raises(UsageError, match="other columns"):
            sheet.append([{"a": 1, "c": 2}])
        sheet.close()

        assert b"a,b\n1,2\n" == path.read_bytes()

    def test_cells(self, tmp_path):
        """A cell never breaks a line; what is no text is JSON, and None is empty."""
        path = tmp_path / "a.csv"
        sheet = Sheet(path)
        sheet.append([{"a": "x\ny", "b": {"k": "1.50"}, "c": None, "d": "plain, text"}])
        sheet.close()
        (row,) = rows_of(path)

        assert {"a": '"x\\ny"', "b": '{"k": "1.50"}', "c": "", "d": "plain, text"} == row
