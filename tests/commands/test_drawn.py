import json
import os
import pty
import re
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from exchanges import from_dict
from exchanges.__main__ import main
from exchanges.bitso.models.market import OrderBook
from exchanges.commands import screen
from exchanges.commands.board import HEADS, NUMBERS, Board, plain_table
from exchanges.commands.candles import ROWS, Candle, drawing
from tests.support.command_line import Terminal

WIDTHS = [40, 80, 200]
COLORS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def terminal(monkeypatch):
    """A terminal with colours, for those who write to it."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("exchange", ["bitex", "bitso", "bitstamp"])
def test_candles(exchange, columns, sim, terminal, monkeypatch):
    """Candles fill the width beside the prices, and no line is longer than it."""
    monkeypatch.setenv("COLUMNS", str(columns))
    with redirect_stdout(terminal):
        status = main(["candles", exchange, "--base-url", sim.base_url])
    lines = COLORS.sub("", terminal.getvalue()).splitlines()

    assert (0, ROWS + 3) == (status, len(lines))
    assert max(map(len, lines)) <= columns
    assert re.search(r"  \d+\.\d+$", lines[1])


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("exchange", ["bitex", "bitso", "bitstamp"])
def test_depth(exchange, columns, sim, terminal, monkeypatch):
    """The depth has a price and an amount with all digits at every width, and bars where there is room."""
    monkeypatch.setenv("COLUMNS", str(columns))
    with redirect_stdout(terminal):
        main(["book", exchange, "--base-url", sim.base_url, "--levels", "3"])
    head, *lines = COLORS.sub("", terminal.getvalue()).splitlines()
    words = [line.split() for line in lines]

    assert (exchange, max(map(len, lines)) <= columns) == (head.split()[0], True)
    assert ["ask"] * 3 + ["bid"] * 3 == [row[0] for row in words[1:]]
    assert [price for _, price, *_ in words[1:]] == sorted((row[1] for row in words[1:]), key=Decimal, reverse=True)
    assert (columns >= 80) == ("▇" in terminal.getvalue())


def test_a_pipe_gets_tables(sim, capsys):
    """Without a terminal candles and depth are tables of plain text, whatever the width."""
    main(["candles", "bitstamp", "--base-url", sim.base_url, "--count", "5"])
    main(["book", "bitstamp", "--base-url", sim.base_url])
    out = capsys.readouterr().out

    assert (5, False, False) == (len(re.findall(r"^\d{4}-\d\d-\d\d ", out, re.MULTILINE)), "\x1b" in out, "▇" in out)


def test_json(sim, capsys):
    """As JSON an order book has the names of its model, and every digit."""
    assert 0 == main(["book", "bitso", "btc_mxn", "--base-url", sim.base_url, "--json"])
    book = from_dict(OrderBook, json.loads(capsys.readouterr().out))

    assert book.bids[0].price < book.asks[0].price


def test_candles_as_json(sim, capsys):
    """As JSON each candle is a line with the names of its model."""
    main(["candles", "bitstamp", "--base-url", sim.base_url, "--count", "3", "--json"])
    lines = capsys.readouterr().out.splitlines()

    assert [{"timestamp", "open", "high", "low", "close", "volume"}] * 3 == [set(json.loads(line)) for line in lines]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["candles", "bitso", "--count", "0"], "--count must be from 1 to 300"),
        (["book", "bitso", "--levels", "101"], "--levels must be from 1 to 100"),
        (["book", "bitso", "--base-url", "http://192.0.2.1"], "http for loopback only"),
    ],
)
def test_wrong_numbers(words, expected, capsys):
    """What is out of bounds is named, and nothing is read."""
    assert 2 == main(words)
    assert expected in capsys.readouterr().err


def test_a_step_that_bitex_lacks(sim, capsys):
    """Bitex has candles of an hour alone."""
    assert 2 == main(["candles", "bitex", "--step", "60", "--base-url", sim.base_url])
    assert "--step 3600" in capsys.readouterr().err


def candle(*prices):
    """Build a candle: open, high, low, close."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=1)
    return Candle(at, *map(Decimal, prices), Decimal(1), None)


def test_the_shape_of_candles(terminal):
    """The body lies between open and close, the wick between high and low; what rose looks unlike what fell."""
    with redirect_stdout(terminal):
        drawn = drawing([candle(2, 4, 1, 3), candle(3, 3, 2, 2), candle(3, 3, 3, 3)], 80)
    lines = COLORS.sub("", drawn).splitlines()
    columns = ["".join(line[place] for line in lines[:ROWS]) for place in range(3)]

    assert "│││││██████│││││" == columns[0].replace(" ", "")
    assert {" ", "░"} == set(columns[1])
    assert 1 == columns[2].count("█")


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colors(name, value, terminal, monkeypatch):
    """Without colours nothing but signs is written."""
    monkeypatch.setenv(name, value)
    with redirect_stdout(terminal):
        drawn = drawing([candle(2, 4, 1, 3)], 80)

    assert "\x1b" not in drawn


def test_plain_signs(terminal, monkeypatch):
    """A terminal that cannot write the finer signs gets plain ones."""
    monkeypatch.setattr(Terminal, "encoding", "ascii", raising=False)

    with redirect_stdout(terminal):
        drawn = COLORS.sub("", drawing([candle(2, 4, 1, 3)], 80)) + screen.rule(1)

    assert (True, "=") == (drawn.isascii(), drawn[-1])


@pytest.mark.parametrize("columns", [*WIDTHS, 20])
def test_the_board_drops_columns(columns):
    """A narrow board leaves out whole columns, and cuts no price."""
    board = Board({"bitstamp": ["btcusd"]})
    prices = ("1076730.12345678", "1076730.12345679", "1076731.99999999", "1.00000001")
    board.rows = lambda: [("bitstamp", "btcusd", *prices, "12", "1.5 ms")]
    head, row = plain_table(board, columns).splitlines()

    assert {"exchange", "bid", "ask"} <= set(head.split())
    assert set(row.split()) - {"bitstamp", "btcusd", "12", "1.5", "ms"} <= set(prices)
    assert len(row) <= max(columns, 42)
    assert (columns >= 200) == (head.split() == " ".join([*HEADS[:2], *NUMBERS]).split())


def test_a_real_terminal(sim, monkeypatch):
    """On a terminal of the system a drawing is complete."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "60")
        status = main(["book", "bitstamp", "--base-url", sim.base_url, "--levels", "2"])
        shown = b""
        while shown.count(b"\n") < 6:
            shown += os.read(ours, 65536)
    os.close(ours)

    assert (0, 6) == (status, shown.count(b"\r\n"))


def test_no_market(sim, capsys):
    """A market that there is not is named by the exchange, and ends with status 1."""
    assert 1 == main(["book", "bitso", "no_such", "--base-url", sim.base_url])
    assert "book bitso: bitso.market.order_book" in capsys.readouterr().err.replace("exchanges book", "book bitso")
