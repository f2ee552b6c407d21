import asyncio
import fcntl
import json
import re
from contextlib import redirect_stderr
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from exchanges import Bitso, Bitstamp, ReadFailed, bitso, from_dict
from exchanges.__main__ import main
from exchanges.commands import download as commands
from exchanges.simulator import Venue
from tests.support.command_line import NOWHERE, Terminal
from tests.support.downloads import noted, rows_of

KINDS = [("trades", "bitso", "csv"), ("trades", "bitstamp", "jsonl"), ("candles", "bitso", "jsonl")]
KINDS += [("candles", "bitstamp", "csv"), ("trades", "bitex", "csv"), ("candles", "bitex", "csv")]
KINDS += [("archive", "bitex", "jsonl")]


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
    """What an interruption left of a row is completed with the next row."""
    path = tmp_path / "rows.csv"
    download(sim, path, "candles", "bitstamp", "--rows", "5")
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    download(sim, path, "candles", "bitstamp")

    assert whole == path.read_bytes()[: len(whole)]


def test_a_tail_of_somebody_else(sim, tmp_path, capsys):
    """An incomplete last line that is not the beginning of the next row stays, and nothing is written behind it."""
    path = tmp_path / "rows.csv"
    download(sim, path, "candles", "bitstamp", "--rows", "5")
    path.write_bytes(content := path.read_bytes() + b"my notes")

    assert 2 == download(sim, path, "candles", "bitstamp")
    assert content == path.read_bytes()
    assert "incomplete row" in capsys.readouterr().err


CANDLES = ["candles", "bitstamp", "btcusd", "--step", "3600"]
ROW = {"timestamp": "2026-01-01T00:00:00+00:00", "open": "1"}
TRADES = {"rows": "trades", "exchange": "bitstamp", "server": "loopback:1", "market": "btcusd"}


def refused(path, capsys, *words):
    """Run the command, which must refuse the file before it reads anything; return its message."""
    content = path.read_bytes() if path.exists() else None
    status = main(["download", *(words or CANDLES), "--output", str(path), "--base-url", NOWHERE])
    _, err = capsys.readouterr()

    assert (2, content) == (status, path.read_bytes() if path.exists() else None)
    assert 1 == err.count("\n")
    return err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["candles", "bitstamp", "ethusd"], "market btcusd in the file, ethusd asked for"),
        (["candles", "bitstamp", "btcusd", "--step", "60"], "step 3600 in the file, 60 asked for"),
        (["candles", "bitso", "btc_usd"], "exchange bitstamp in the file, bitso asked for"),
        (["trades", "bitstamp", "btcusd"], "rows candles in the file, trades asked for"),
    ],
)
def test_rows_of_another_source(words, expected, tmp_path, capsys):
    """A file is not continued with rows of another list, though they look the same."""
    assert expected in refused(noted(tmp_path / "rows.jsonl", ROW), capsys, *words)


def test_rows_of_another_server(tmp_path, capsys):
    """Nor with those of another server: rows of a simulator are none of the exchange."""
    path = noted(tmp_path / "rows.jsonl", ROW, server="production")

    assert "server production in the file, loopback:1 asked for" in refused(path, capsys)


@pytest.mark.parametrize("note", [None, b"", b"[]", b"{}", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_file_without_a_note(is_there, note, sim, tmp_path, capsys):
    """A file of which nothing tells where it is from is not continued; a note of something else is not overwritten."""
    path, beside = noted(tmp_path / "rows.jsonl", ROW), tmp_path / "rows.jsonl.source"
    beside.unlink() if note is None else beside.write_bytes(note)
    if is_there:
        assert "choose another name" in refused(path, capsys)
    elif note is not None:
        path.unlink()

        assert 2 == download(sim, path, *CANDLES, "--rows", "1")
        assert (False, note) == (path.exists(), beside.read_bytes())


def test_an_empty_file(sim, tmp_path):
    """An empty file is one in which rows can begin, and a note of ours without a file says nothing about the next."""
    noted(tmp_path / "rows.csv", b"", market="ethusd")

    assert 0 == download(sim, tmp_path / "rows.csv", *CANDLES, "--rows", "5")
    assert rows_of(tmp_path / "rows.csv")


def test_an_interruption(tmp_path, monkeypatch, capsys):
    """Ctrl-C says how many rows were written, and that the same command goes on."""

    async def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "_download", interrupted)

    assert 130 == main(["download", *CANDLES, "--output", str(tmp_path / "rows.csv")])
    assert "interrupted after 0 rows; the same command goes on\n" == capsys.readouterr().err


def test_two_at_once(tmp_path, capsys):
    """A file that another process writes is left to it."""
    with noted(tmp_path / "rows.jsonl", ROW).open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        assert "another process writes this file" in refused(tmp_path / "rows.jsonl", capsys)


def test_models_come_back(sim, tmp_path):
    """A row of JSON lines is a model again."""
    path = tmp_path / "rows.jsonl"
    download(sim, path, "trades", "bitso", "--rows", "5")

    assert all(isinstance(from_dict(bitso.Trade, row), bitso.Trade) for row in rows_of(path))


async def trade(exchange, base_url):
    """Place an order that trades, so that the ledger has rows."""
    if exchange == "bitso":
        async with Bitso(base_url=base_url) as bitso:
            await bitso.trading.place_order(book="btc_mxn", side="buy", order_type="market", major="0.01")
    else:
        async with Bitstamp(base_url=base_url) as bitstamp:
            await bitstamp.trading.buy_market(market="btcusd", amount="0.01")


@pytest.mark.parametrize("exchange", ["bitso", "bitstamp"])
def test_a_ledger(exchange, sim, tmp_path, monkeypatch):
    """The ledger needs the keys of the account, and is continued."""
    for name, value in sim.account(Venue(exchange)).items():
        monkeypatch.setenv(f"{exchange}_{name}".upper(), value)
    path = tmp_path / "ledger.csv"
    before = download(sim, path, "ledger", exchange), path.exists()
    asyncio.run(trade(exchange, sim.base_url))
    statuses = [download(sim, path, "ledger", exchange) for _ in range(2)]
    rows = rows_of(path)

    assert ((0, False), [0, 0]) == (before, statuses)
    assert 0 < len(rows) == len({row.get("eid") or row.get("id") for row in rows})


def test_a_ledger_of_another_key(tmp_path, monkeypatch, capsys):
    """The rows of two accounts are never mixed; a key is noted as a fingerprint."""
    monkeypatch.setenv("BITSTAMP_API_KEY", "canary-of-a-key")
    noted(path := tmp_path / "rows.jsonl", {"id": 1}, rows="ledger", key="0" * 16)
    note = path.with_name("rows.jsonl.source")
    note.write_text(json.dumps({n: v for n, v in json.loads(note.read_text()).items() if n not in ("market", "step")}))
    words = refused(path, capsys, "ledger", "bitstamp")

    assert (True, False) == ("key 0000000000000000 in the file" in words, "canary" in words)


def test_a_ledger_without_keys(sim, tmp_path, capsys):
    """Without keys the ledger is refused, and the reason printed."""
    assert 2 == download(sim, tmp_path / "ledger.csv", "ledger", "bitso")
    assert "api_key" in capsys.readouterr().err


@pytest.mark.parametrize("last", [1, 10**15])
def test_rows_that_would_be_missing(last, sim, tmp_path, capsys):
    """If the exchange shows no trade as old as the last row, nothing is written: rows between them may be missing."""
    path = tmp_path / "rows.jsonl"
    noted(path, {"tid": str(last)}).with_name("rows.jsonl.source").write_text(
        json.dumps(TRADES | {"server": f"loopback:{sim.base_url.rpartition(':')[2]}"})
    )
    status = download(sim, path, "trades", "bitstamp")

    assert (1 if last == 1 else 0, 1) == (status, len(path.read_text().splitlines()))
    assert (last == 1) == ("begin another file" in capsys.readouterr().err)


@pytest.mark.parametrize("exchange", ["bitso", "bitstamp", "bitex"])
def test_a_hole_of_days(exchange, sim, tmp_path, capsys):
    """Where the exchange shows nothing as old as the last row any more, the file stays as it is."""
    path = tmp_path / "rows.jsonl"
    download(sim, path, "trades", exchange, "--rows", "20")
    content = path.read_bytes()
    sim.advance(3 * 86_400)

    assert (1, content) == (download(sim, path, "trades", exchange), path.read_bytes())
    assert "what lies between cannot be read any more; begin another file" in capsys.readouterr().err


@pytest.mark.parametrize("numbers", [[5, 5], [5, 4], ["x"], [3], [2]])
def test_rows_that_do_not_rise(numbers):
    """A row that comes twice, or behind a newer one, is no row to write."""
    with pytest.raises(ReadFailed, match=r"twice or out of order|is no number"):
        commands._require_rising([SimpleNamespace(tid=number) for number in numbers], "tid", 3)


def test_a_row_of_a_ledger_that_comes_twice():
    """Ids of a ledger have no order; each is written once."""
    seen = {"a"}
    commands._require_unseen(["b", "c"], seen)
    with pytest.raises(ReadFailed, match="shows the row b twice"):
        commands._require_unseen(["d", "b"], seen)


@pytest.mark.parametrize("command", ["book", "candles", "download trades", "verify", "watch", "poll --live"])
@pytest.mark.parametrize("market", ["", " "])
def test_an_empty_market(market, command, capsys):
    """An empty word is no market, and does not stand for the default one."""
    assert 2 == main([*command.split(), "bitstamp", market])
    assert "market is empty" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1_0", "\u0663", "1.5", "x", "9" * 20])
@pytest.mark.parametrize("option", ["candles bitso --count", "book bitso --levels", "watch bitso --count"])
def test_odd_counts(option, text, capsys):
    """What people do not write as a number is none."""
    with pytest.raises(SystemExit):
        main([*option.split(), text])
    assert "must be a whole number" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1_0", "\u0663", "x", ""])
def test_odd_seconds(text, capsys):
    """The same of numbers with fractions."""
    with pytest.raises(SystemExit):
        main(["watch", "bitso", "--seconds", text])
    assert "must be a number" in capsys.readouterr().err


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
        (["trades", "bitso", "--since", "2026-01-01"], "--since and --step are for candles, not for trades"),
        (["archive", "bitex", "--step", "60"], "--since and --step are for candles, not for archive"),
        (["trades", "bitstamp", "--all"], "--all is for trades of bitso"),
        (["candles", "bitso", "--since", "2999-01-01"], "--since lies in the future"),
        (["candles", "bitso", "--step", "61"], "time_bucket must be one of 60, 300"),
        (["candles", "bitso", "--since", "0001-01-01"], "of a moment from 2014 on"),
        (["archive", "bitso"], "only bitex has an archive"),
        (["ledger", "bitex"], "bitex has no ledger"),
    ],
)
def test_what_there_is_not(words, expected, sim, tmp_path, capsys):
    """What an exchange lacks is named, no option is ignored, and what fails before the first row leaves no file."""
    assert 2 == download(sim, tmp_path / "rows.csv", *words)
    assert expected in capsys.readouterr().err
    assert [] == [*tmp_path.iterdir()]


@pytest.mark.parametrize("option", ["--step", "--since"])
@pytest.mark.parametrize("text", ["0", "-5", "7.5", "x", "", "9" * 30, "2678401", "\u0667", "2026-13-01"])
@pytest.mark.parametrize("command", ["download candles", "candles"])
def test_odd_steps_and_dates(command, text, option, capsys):
    """What is no length of a candle, and no date, is refused in one line of plain words."""
    if (command, option) == ("candles", "--since"):
        return
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "bitso", option, text])

    assert 2 == ended.value.code
    assert re.search(r"argument --s\w+: must be (seconds, from 1 to|a date, such as)", capsys.readouterr().err)


LAST_ROWS = ["7", "[1]", '"x"', "null", "{}", '{"tid": null}', '{"tid": ""}', '{"tid": "x"}', '{"tid": [1]}']
LAST_ROWS += ['{"timestamp": "x"}', '{"timestamp": 5}', '{"timestamp": "2999-01-01T00:00:00"}', "[" * 100_000]


@pytest.mark.parametrize("line", [*LAST_ROWS, '{"tid": ' + "9" * 5000 + "}", '{"tid": 1e5}', "{", "\xff"])
@pytest.mark.parametrize("what", ["trades", "candles"])
def test_a_last_row_of_somebody_else(what, line, tmp_path, capsys):
    """A last row behind which nothing can go on is refused in one line, and the file stays as it is."""
    path = noted(tmp_path / "rows.jsonl", line.encode("latin-1") + b"\n")
    if what == "trades":
        path.with_name("rows.jsonl.source").write_text(json.dumps(TRADES))
    refused(path, capsys, what, "bitstamp")
