# ruff: noqa: INP001 - examples are not a package
"""Write the tickers of Bitso and Bitstamp to a CSV file, every digit as it was sent, until Ctrl-C.

Against the exchanges, and against the simulator for ten rows::

    python examples/poll_to_csv.py prices.csv
    python examples/poll_to_csv.py prices.csv --simulate 10

An answer that failed is a row too: a gap in a file of prices must show. pandas reads the file without losing a digit
with ``pandas.read_csv("prices.csv", dtype=str, parse_dates=["asked_at"])``, and makes amounts of a column with
``frame["last"].map(Decimal, na_action="ignore")``: the cells of an answer that failed are empty.

A file of other columns is left alone, and the simulator has names of its own, so that its prices are not taken for real
ones.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import exchanges
from exchanges import Bitso, Bitstamp, MarketTicker
from exchanges.simulator import simulate

COLUMNS = ("asked_at", "source", "last", "bid", "ask", "latency_seconds", "error")


def opened(path: Path) -> TextIO:
    """Open a file to append rows, with the names of the columns at its top.

    Raises:
        ValueError: It is a file of something else, or ends within a line.
    """
    is_new = not path.exists() or not path.stat().st_size
    if not is_new:
        with path.open("rb") as known:
            head = known.readline(200).rstrip()
            known.seek(-1, os.SEEK_END)
            if head != ",".join(COLUMNS).encode() or known.read() != b"\n":
                raise ValueError(f"{path} has other columns, or an incomplete last line; choose another file")
    file = path.open("a", newline="", encoding="utf-8")
    if is_new:
        csv.writer(file).writerow(COLUMNS)
    return file


def row(update: exchanges.Update[MarketTicker]) -> tuple[object, ...]:
    """Return the cells of one update; prices stay decimal text, and the cells of a failed one are empty."""
    ticker = update.value
    prices = (ticker.last, ticker.bid, ticker.ask) if ticker else ("", "", "")
    return update.asked_at.isoformat(), update.source, *prices, f"{update.latency_seconds:.3f}", update.error or ""


async def write(
    file: TextIO, bitso: Bitso, bitstamp: Bitstamp, *, every_seconds: float, rows: int | None, prefix: str = ""
) -> None:
    """Append a row for each update; end after so many *rows*, or never."""
    sources: dict[str, Callable[[], Awaitable[MarketTicker]]] = {
        f"{prefix}bitso btc_mxn": lambda: bitso.market.ticker("btc_mxn"),
        f"{prefix}bitstamp btcusd": lambda: bitstamp.market.ticker("btcusd"),
    }
    table = csv.writer(file)
    async with exchanges.poll[MarketTicker](sources, every_seconds=every_seconds) as updates:
        written = 0
        async for update in updates:
            table.writerow(row(update))
            file.flush()  # a kill loses no row
            written += 1
            if written == rows:
                return


async def live(file: TextIO) -> None:
    """Poll the exchanges every two seconds."""
    async with Bitso() as bitso, Bitstamp() as bitstamp:
        await write(file, bitso, bitstamp, every_seconds=2.0, rows=None)


async def simulated(file: TextIO, rows: int) -> None:
    """Poll the simulator."""
    async with simulate() as sim, Bitso(base_url=sim.base_url) as bitso, Bitstamp(base_url=sim.base_url) as bitstamp:
        await write(file, bitso, bitstamp, every_seconds=2.0, rows=rows, prefix="simulated ")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--simulate", type=int, metavar="ROWS", help="poll the simulator, for so many rows")
    given = parser.parse_args()
    try:
        file = opened(given.path)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    with file, suppress(KeyboardInterrupt):
        asyncio.run(live(file) if given.simulate is None else simulated(file, given.simulate))


if __name__ == "__main__":
    main()
