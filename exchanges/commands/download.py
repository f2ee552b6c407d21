"""``download``: writes trades, candles or the ledger to a file; the same command continues it."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from exchanges import Bitex, Bitso, Bitstamp, ExchangeError, Model, ReadFailed, UsageError, to_dict
from exchanges.commands.candle_pages import CandlePages
from exchanges.commands.clients import CLIENTS, MarketClient
from exchanges.commands.parsers import add_market, client_of, date, market_of, step, whole
from exchanges.commands.sheets import NOTE, Row, Sheet
from exchanges.http.signing import Credentials
from exchanges.session.servers import origin_of, server_name

PAGE = 100
HOUR = 3600
LEDGER_PAGE = 1000
MAX_DIGITS = 30
"""Of an id."""
BAR = 20

Pages: TypeAlias = AsyncIterator[Sequence[Model]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("what", choices=("trades", "candles", "ledger", "archive"), help="archive: all trades of Bitex")
    add_market(parser)
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="name.csv or name.jsonl (default: made of the words)"
    )
    parser.add_argument("--step", type=step, metavar="SECONDS", help=f"of candles (default: {HOUR})")
    parser.add_argument(
        "--since", type=date, metavar="DATE", help="the first candle of a new file, such as 2026-01-31 (UTC)"
    )
    parser.add_argument("--all", action="store_true", help="at Bitso: begin with the oldest trade, not with the newest")
    parser.add_argument("--rows", type=whole, metavar="N", help="stop after about so many rows; go on another time")


def run(args: argparse.Namespace) -> int:
    """Write what is new; return 1 if reading ended with an error."""
    _check(args)
    market = market_of(args)
    path: Path = args.output or Path(_name_of(args, market))
    with closing(Sheet(path, _source_of(args, market))) as sheet:
        verb = "writing" if sheet.last is None else "continuing"
        print(f"{verb} {path}: {args.what} of {args.exchange} {market}", flush=True)
        progress = Progress(args.since)
        try:
            asyncio.run(_download(args, market, sheet, progress))
        except UsageError:
            raise
        except KeyboardInterrupt:
            progress.end()
            print(f"interrupted after {sheet.rows} rows; the same command goes on", file=sys.stderr)
            raise
        except ExchangeError as error:
            progress.end()
            print(f"after {sheet.rows} rows: {error}", file=sys.stderr)
            return 1
        finally:
            progress.end()
        if not sheet.is_whole:
            raise UsageError(f"{path}: the file ends with an incomplete row that no row of the exchange completes")
        if sheet.last is None and not sheet.rows:
            print("0 rows: the exchange shows none; nothing was written")
        else:
            print(f"{sheet.rows} rows; the same command goes on, with {path.name}{NOTE} beside the file")
    return 0


def _check(args: argparse.Namespace) -> None:
    """Raise for an option that does not go with the others, rather than ignore it."""
    if args.rows is not None and args.rows < 1:
        raise UsageError(f"--rows must be above 0, got {args.rows}")
    if args.since is not None and args.since > datetime.now(UTC):
        raise UsageError("--since lies in the future")
    if args.what != "candles" and (args.since or args.step):
        raise UsageError(f"--since and --step are for candles, not for {args.what}")
    if args.all and (args.exchange, args.what) != ("bitso", "trades"):
        raise UsageError("--all is for trades of bitso")
    args.step = args.step or HOUR


def _name_of(args: argparse.Namespace, market: str) -> str:
    length = f"-{args.step}" if args.what == "candles" else ""
    return f"{args.exchange}-{re.sub('[^A-Za-z0-9_]+', '-', market)}-{args.what}{length}.csv"


def _source_of(args: argparse.Namespace, market: str) -> Row:
    """Return what the rows are: those of another source must never stand in the same file."""
    client = CLIENTS[args.exchange]
    source: dict[str, Any] = {"rows": args.what, "exchange": args.exchange}
    source["server"] = server_name(client, None if args.base_url is None else origin_of(args.base_url))
    if args.what == "ledger":
        key = os.environ.get(f"{args.exchange}_api_key".upper())
        return source | {"key": Credentials(api_key=key).fingerprint if key else None}
    return source | {"market": market.lower()} | ({"step": args.step} if args.what == "candles" else {})


async def _download(args: argparse.Namespace, market: str, sheet: Sheet, progress: Progress) -> None:
    async with client_of(args) as client:
        async for page in _pages(args, client, market, sheet):
            rows = [to_dict(row) for row in page]
            sheet.append(rows)
            progress.add(rows)
            if args.rows is not None and progress.rows >= args.rows:
                return


def _pages(args: argparse.Namespace, client: MarketClient, market: str, sheet: Sheet) -> Pages:
    last = sheet.last
    if args.what == "candles":
        return _candles(CandlePages(client, market, args.step), sheet, args.since)
    if args.what == "archive":
        if not isinstance(client, Bitex):
            raise UsageError("only bitex has an archive; trades of the others are read on from where you begin")
        return _since_last(lambda: client.market.transactions_archive(market), "id", last)
    if args.what == "ledger":
        return _ledger(client, last)
    if isinstance(client, Bitso):
        return _bitso_trades(client, market, last, from_oldest=args.all)
    if isinstance(client, Bitstamp):
        return _since_last(lambda: client.market.transactions(market, time="day"), "tid", last)
    return _since_last(lambda: client.market.transactions(market), "id", last)


async def _since_last(read: Callable[[], Any], key: str, last: Row | None) -> Pages:
    """Yield what a list of the newest rows has beyond the last one.

    Raises:
        ReadFailed: The list does not reach back to the last row, so that rows between them would be missing.
    """
    known = None if last is None else _number(last, key)
    rows = sorted(await read(), key=lambda row: _id_of(row, key))
    if known is not None:
        first = _id_of(rows[0], key) if rows else None
        if first is None or first > known:
            shown = "no rows" if first is None else f"nothing before {key} {first}"
            raise _unread(f"the exchange shows {shown}, and the file ends with {known}")
        rows = [row for row in rows if _id_of(row, key) > known]
    _require_rising(rows, key, known)
    for start in range(0, len(rows), LEDGER_PAGE):
        yield rows[start : start + LEDGER_PAGE]


async def _bitso_trades(client: Bitso, book: str, last: Row | None, *, from_oldest: bool) -> Pages:
    marker = None if last is None else _number(last, "tid")
    if marker is None and not from_oldest:
        newest = (await client.market.trades(book, limit=PAGE))[::-1]
        _require_rising(newest, "tid", None)
        if newest:
            yield newest
            marker = _id_of(newest[-1], "tid")
    is_new = last is None
    while page := await client.market.trades(book, sort="asc", marker=_shown(marker), limit=PAGE):
        _require_rising(page, "tid", marker)
        # Behind the page: what is shown then reached back beyond the last row when the page was read.
        if not is_new and not await client.market.trades(book, marker=_shown(marker), limit=1):
            raise _unread(
                f"the exchange shows nothing before tid {_id_of(page[0], 'tid')}, and the file ends with {marker}"
            )
        is_new = True
        yield page
        marker = _id_of(page[-1], "tid")


def _shown(marker: int | None) -> str | None:
    return None if marker is None else str(marker)


def _unread(words: str) -> ReadFailed:
    return ReadFailed(f"{words}: what lies between cannot be read any more; begin another file")


def _id_of(row: Model, key: str) -> int:
    text = str(getattr(row, key))
    if not (text.isascii() and text.isdecimal()) or len(text) > MAX_DIGITS:
        raise ReadFailed(f"the exchange shows a row whose {key} is no number")
    return int(text)


def _require_rising(rows: Sequence[Model], key: str, last: int | None) -> None:
    """Raise if a row comes twice, or is not newer than the one before it."""
    for row in rows:
        number = _id_of(row, key)
        if last is not None and number <= last:
            raise ReadFailed(f"the exchange shows {key} {number} behind {last}, twice or out of order")
        last = number


async def _candles(pages: CandlePages, sheet: Sheet, since: datetime | None) -> Pages:
    """Yield candles that are complete, and print where the exchange shows none."""
    last = None if sheet.last is None else _begin_of(sheet.last)
    try:
        async for page in pages.read(sheet, last, since):
            yield page
    finally:
        if last is None and since is not None and pages.first is not None and pages.is_late(since):
            print(f"the exchange shows no candle before {pages.first:%Y-%m-%d %H:%M}", file=sys.stderr)
        if pages.missing:
            print(f"{pages.missing} periods between candles have none at the exchange", file=sys.stderr)


async def _ledger(client: MarketClient, last: Row | None) -> Pages:
    if isinstance(client, Bitso):
        marker = None if last is None else _text(last, "eid")
        seen = {marker}
        while page := await client.account.ledger(sort="asc", marker=marker, limit=PAGE):
            _require_unseen([row.eid for row in page], seen)
            yield page
            marker = page[-1].eid
        return
    if not isinstance(client, Bitstamp):
        raise UsageError("bitex has no ledger; `Bitex.account.account_summary()` shows the movements of the account")
    known, seen = None if last is None else _text(last, "id"), set[str | None]()
    while True:
        rows = await client.account.user_transactions(sort="asc", since_id=known, limit=LEDGER_PAGE)
        # From the last one on, itself included.
        if known is not None and known not in {str(row.id) for row in rows}:
            raise _unread(f"the exchange does not show id {known}, with which the file ends")
        fresh = [row for row in rows if str(row.id) != known]
        if not fresh:
            return
        _require_unseen([str(row.id) for row in fresh], seen)
        yield fresh
        known = str(fresh[-1].id)


def _require_unseen(ids: Sequence[str], seen: set[str | None]) -> None:
    """Raise if a row comes twice."""
    for each in ids:
        if each in seen:
            raise ReadFailed(f"the exchange shows the row {each} twice")
        seen.add(each)


def _text(row: Row, key: str) -> str:
    """Return what names the last row, which somebody may have written."""
    value = row.get(key)
    if type(value) not in (str, int) or not str(value).strip():
        raise UsageError(f"the last row of the file has no {key}; choose another file")
    return str(value)


def _number(row: Row, key: str) -> int:
    text = _text(row, key)
    if not (text.isascii() and text.isdecimal()) or len(text) > MAX_DIGITS:
        raise UsageError(f"the last row of the file has a {key} that is no number; choose another file")
    return int(text)


def _begin_of(row: Row) -> datetime:
    moment = _as_moment(row.get("timestamp") or row.get("bucket_start_time"))
    if moment is None or moment > datetime.now(UTC):
        raise UsageError("the last row of the file has no moment of a candle; choose another file")
    return moment


class Progress:
    """How far a download is, in the last line of the terminal; a pipe sees nothing of it.

    Args:
        since: Where it began; None if that is not known before the first row.
    """

    def __init__(self, since: datetime | None) -> None:
        self.rows, self._since = 0, since
        self._is_shown = sys.stderr.isatty()

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Count rows, and show how far they reach."""
        self.rows += len(rows)
        if not self._is_shown or not rows:
            return
        first, moment = _moment_of(rows[0]), _moment_of(rows[-1])
        self._since = self._since or first
        if self._since is None or moment is None:
            return
        whole = (datetime.now(UTC) - self._since).total_seconds()
        share = min(1.0, max(0.0, (moment - self._since).total_seconds() / whole)) if whole > 0 else 1.0
        bar = "#" * int(share * BAR)
        print(f"\r[{bar:<{BAR}}] {self.rows} rows to {moment:%Y-%m-%d %H:%M}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End the line."""
        if self._is_shown and self.rows:
            print(file=sys.stderr, flush=True)
        self._is_shown = False


def _moment_of(row: Mapping[str, Any]) -> datetime | None:
    """Return the first moment of a row."""
    return next((moment for value in row.values() if (moment := _as_moment(value)) is not None), None)


def _as_moment(value: object) -> datetime | None:
    if not isinstance(value, str) or value[4:5] != "-":
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
