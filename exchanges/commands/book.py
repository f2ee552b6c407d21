"""``book``: draws the depth of a market, best prices in the middle."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate

from exchanges import MarketLevel, MarketOrderBook, UsageError, bitex, bitso, bitstamp, to_json
from exchanges.commands import screen
from exchanges.commands.board import format_price
from exchanges.commands.parsers import add_market, client_of, market_of, whole

MOST = 100


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add_market(parser)
    parser.add_argument("--levels", type=whole, default=10, help=f"of each side, 1 to {MOST} (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the order book as JSON, by the exchange's names")


def run(args: argparse.Namespace) -> int:
    """Read and draw."""
    if not 1 <= args.levels <= MOST:
        raise UsageError(f"--levels must be from 1 to {MOST}, got {args.levels}")
    market = market_of(args)
    if not args.json:
        print(f"{args.exchange} {market}, amounts in base currency", flush=True)
    book = asyncio.run(_read(args, market))
    print(to_json(book) if args.json else depth(book, args.levels, screen.width()))
    return 0


async def _read(args: argparse.Namespace, market: str) -> bitex.OrderBook | bitso.OrderBook | bitstamp.OrderBook:
    async with client_of(args) as client:
        return await client.market.order_book(market)


def depth(book: MarketOrderBook, levels: int, columns: int) -> str:
    """Draw the best prices of both sides: asks above, bids below, and how much is on offer up to each price."""
    asks, bids = _rows("ask", book.asks[:levels]), _rows("bid", book.bids[:levels])
    rows = [*reversed(asks), *bids]
    if not rows:
        return "there are no offers"
    heads = ("side", "price", "amount", "total")
    most = max(total for *_, total in rows)
    cells = [
        (side, format_price(price), format_price(amount), format_price(total)) for side, price, amount, total in rows
    ]
    # The total is left out first; price and amount stay, with all their digits.
    lines = screen.fitted(heads, cells, numbers=heads[1:], drop=("total", "side"), columns=columns).splitlines()
    room = columns - max(map(len, lines)) - 1
    if room < 10 or not screen.can_draw():
        return "\n".join(lines)
    widest = max(map(len, lines))
    drawn = [lines[0]]
    for line, (side, _, _, total) in zip(lines[1:], rows, strict=True):
        bar = screen.rule(max(1, int(total / most * room))) if most else ""
        drawn.append(f"{line:<{widest}} {screen.colored(bar, screen.RED if side == 'ask' else screen.GREEN)}")
    return "\n".join(drawn)


def _rows(side: str, levels: Sequence[MarketLevel]) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    totals = accumulate(level.amount for level in levels)
    return [(side, level.price, level.amount, total) for level, total in zip(levels, totals, strict=True)]
