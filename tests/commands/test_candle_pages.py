"""Candles of a download: complete ones, in order, each once, and no hole that nobody sees."""

import json
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import formatdate
from types import SimpleNamespace

import pytest

from exchanges import ReadFailed, bitstamp, to_dict
from exchanges.commands import candle_pages
from exchanges.commands.candle_pages import CandlePages
from exchanges.commands.candles import Candle
from exchanges.commands.sheets import Sheet

STEP = 3600
HOUR = 1_795_000_000 // STEP * STEP
"""When the running candle begins."""
PRICES = dict.fromkeys(("open", "high", "low", "volume"), Decimal(1))
SOURCE = {"rows": "candles", "exchange": "bitstamp"}


def candle(begins, close="2"):
    """Return a candle of an exchange."""
    own = bitstamp.Candle(timestamp=datetime.fromtimestamp(begins, UTC), **dict(PRICES, close=Decimal(close)))
    return Candle(own.timestamp, own.open, own.high, own.low, own.close, own.volume, own)


class Exchange:
    """An exchange whose answers a test states: candles from the start on, unless *shows* says otherwise."""

    def __init__(self, shows=None, date=None):
        self.shows = shows or (lambda start: range(-(-start // STEP) * STEP, HOUR + 1, STEP))
        self.headers = {} if date == "none" else {"date": formatdate(date or HOUR + 1800, usegmt=True)}

    def raw(self):
        """Record the answers of a block."""
        seen = SimpleNamespace(headers=self.headers)
        return closing(type("Seen", (list,), {"close": lambda _: None})([seen]))

    async def candles(self, *_, step, count, start):
        """Answer."""
        asked = int(start.timestamp())
        assert step == STEP
        return [row if isinstance(row, Candle) else candle(row) for row in self.shows(asked)][:count]


async def read(exchange, monkeypatch, tmp_path, *, last=None, since=HOUR - 400 * STEP, ahead=0):
    """Return when the candles begin that would be written, in steps from the running one, and the pages."""
    clock = type("Clock", (datetime,), {"now": lambda zone: datetime.fromtimestamp(HOUR + 1800 + ahead, zone)})
    monkeypatch.setattr(candle_pages, "datetime", clock)
    monkeypatch.setattr(candle_pages, "read_candles", exchange.candles)
    path = tmp_path / "rows.jsonl"
    if last is not None:
        path.write_text(json.dumps(to_dict(last.own)) + "\n")
        path.with_name("rows.jsonl.source").write_text(json.dumps(SOURCE))
    pages = CandlePages(exchange, "btcusd", STEP)
    with closing(Sheet(path, SOURCE)) as sheet:
        found = pages.read(sheet, None if last is None else last.at, datetime.fromtimestamp(since, UTC))
        rows = [row async for page in found for row in page]
    return [(int(row.timestamp.timestamp()) - HOUR) // STEP for row in rows], pages


async def test_every_candle_once(monkeypatch, tmp_path):
    """Several answers, and a file that is continued, have each complete candle once."""
    rows, pages = await read(Exchange(date=HOUR + 120), monkeypatch, tmp_path)
    more, _ = await read(Exchange(date=HOUR + 120), monkeypatch, tmp_path, last=candle(HOUR - 300 * STEP))

    assert ([*range(-400, 0)], 0, [*range(-299, 0)]) == (rows, pages.missing, more)


@pytest.mark.parametrize(("date", "newest"), [(HOUR + 59, -2), (HOUR + 60, -1), (HOUR - 600, -2), (HOUR - 5400, -3)])
async def test_the_time_of_the_exchange(date, newest, monkeypatch, tmp_path):
    """What is complete by our clock alone is not written: the answer shows what the time is there."""
    rows, _ = await read(Exchange(date=date), monkeypatch, tmp_path, since=HOUR - 50 * STEP, ahead=2 * STEP)

    assert [*range(-50, newest + 1)] == rows


@pytest.mark.parametrize("date", ["none", "soon"])
async def test_no_time(date, monkeypatch, tmp_path):
    """Without a time the newest candle is held back."""
    exchange = Exchange(date="none")
    exchange.headers = {} if date == "none" else {"date": date}
    rows, _ = await read(exchange, monkeypatch, tmp_path, since=HOUR - 50 * STEP, ahead=2 * STEP)

    assert [*range(-50, 0)] == rows


LAST = HOUR - 300 * STEP


@pytest.mark.parametrize(
    ("shows", "words"),
    [
        (lambda _: range(HOUR - 4 * STEP, HOUR + 1, STEP), "what lies between cannot be read any more"),
        (lambda start: range(start + 1 + STEP, HOUR, STEP), "what lies between cannot be read any more"),
        (lambda _: (), "what lies between cannot be read any more"),
        (lambda start: range(start + 1, HOUR, 60), "where none of this step begins"),
        (lambda start: range(start + 61, HOUR, STEP), "where none of this step begins"),
        (lambda start: sorted([*range(start + 1, HOUR, STEP), start + 1 + STEP]), "two candles for"),
        (lambda _: range(LAST - 20 * STEP, LAST - 10 * STEP, STEP), "which was the start"),
        (lambda _: [candle(LAST, "2.5"), candle(LAST + STEP)], "otherwise than the last row of the file"),
    ],
)
async def test_an_answer_that_does_not_go_on(shows, words, monkeypatch, tmp_path):
    """Behind the last row nothing is written unless the answer has that row, and each candle of the step once."""
    with pytest.raises(ReadFailed, match=words):
        await read(Exchange(shows), monkeypatch, tmp_path, last=candle(LAST))


async def test_a_hole_between_two_answers(monkeypatch, tmp_path):
    """The second answer of a run is held to the first."""
    answers = iter([range(HOUR - 400 * STEP, HOUR, STEP), range(HOUR - 4 * STEP, HOUR, STEP)])
    with pytest.raises(ReadFailed, match="what lies between"):
        await read(Exchange(lambda _: next(answers)), monkeypatch, tmp_path)


async def test_what_the_exchange_does_not_show(monkeypatch, tmp_path):
    """Periods without a candle are counted, and a later beginning is noticed."""
    shown = [HOUR - 10 * STEP, HOUR - 9 * STEP, HOUR - 5 * STEP, HOUR]
    rows, pages = await read(Exchange(lambda _: shown), monkeypatch, tmp_path, since=HOUR - 20 * STEP)

    assert ([-10, -9, -5], 3) == (rows, pages.missing)
    assert pages.is_late(datetime.fromtimestamp(HOUR - 20 * STEP, UTC))
