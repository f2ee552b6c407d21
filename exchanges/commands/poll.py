"""``poll``: the tickers and order books of exchanges, or of a server of one's own, over and over."""

from __future__ import annotations

import argparse
import asyncio
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from decimal import Decimal
from typing import Any, TypeAlias

from exchanges import Update, UsageError, encode
from exchanges import poll as polling
from exchanges.commands.board import Board, price
from exchanges.commands.markets import BOOKS, CLIENTS, MarketClient, Sight, names, sources
from exchanges.commands.screen import can_redraw, printed, redrawing
from exchanges.wire import dumps

__all__ = ["arguments", "run"]

EVERY_SECONDS = 2.5
"""Two calls in this time stay below one a second, which is what the strictest limit sustains."""


Show: TypeAlias = Callable[[Update[Sight]], None]


class _BookOfExchange(argparse.Action):
    """Gives each ``--book`` to the ``--exchange`` before it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Note an exchange, or a book of the last one."""
        chosen: dict[str, list[str]] = {**namespace.books}
        if self.dest == "exchange":
            chosen[str(values)] = []
        elif chosen:
            chosen[next(reversed(chosen))].append(str(values))
        else:
            parser.error(f"{option_string} belongs to the --exchange before it, and there is none")
        namespace.books = chosen


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.set_defaults(books={})
    what = parser.add_argument_group("what to poll (default: one book of each exchange)")
    what.add_argument("--exchange", action=_BookOfExchange, choices=sorted(CLIENTS), help="may be repeated")
    what.add_argument("--book", action=_BookOfExchange, help="of the --exchange before it; may be repeated")
    where = parser.add_argument_group("where (one of these is needed)")
    where.add_argument("--live", action="store_true", help="the exchanges themselves; public calls only")
    where.add_argument("--base-url", metavar="URL", help="one server for all, such as http://127.0.0.1:8080")
    for name in sorted(CLIENTS):
        where.add_argument(f"--{name}-url", metavar="URL", help=f"a server for {name} alone")
    parser.add_argument("--every", type=float, default=EVERY_SECONDS, metavar="SECONDS", help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=math.inf, help="end after so many; default: with Ctrl-C")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Poll until the time is over or Ctrl-C; 1 if nobody ever answered."""
    servers = _servers(args)
    if not args.seconds > 0:
        raise UsageError("--seconds must be above zero")
    books = {name: args.books.get(name) or [BOOKS[name]] for name in servers}
    board = Board(books)
    with _shown(args, board) as show, suppress(KeyboardInterrupt):
        asyncio.run(_poll(args, servers, books, show))
    return 1 if len(board.silent) == len(names(books)) else 0


def _servers(args: argparse.Namespace) -> dict[str, str | None]:
    """Find whom to ask and where; None is the exchange itself, which only ``--live`` allows."""
    own: dict[str, str] = {name: url for name in CLIENTS if (url := getattr(args, f"{name}_url") or args.base_url)}
    if args.live and own:
        raise UsageError("--live asks the exchanges themselves: leave the URLs out")
    if not args.live and not own:
        raise UsageError("say where: --live for the exchanges themselves, or --base-url for a server of your own")
    chosen = list(args.books) or list(CLIENTS if args.live else own)
    if not args.live and (missing := [name for name in chosen if name not in own]):
        raise UsageError(f"no URL for {', '.join(missing)}: give --base-url or --{missing[0]}-url")
    return {name: own.get(name) for name in chosen}


async def _poll(
    args: argparse.Namespace, servers: Mapping[str, str | None], books: Mapping[str, Sequence[str]], show: Show
) -> None:
    async with AsyncExitStack() as stack:
        clients: dict[str, MarketClient] = {}
        for name, url in servers.items():
            clients[name] = await stack.enter_async_context(CLIENTS[name](base_url=url))
        asked = polling[Sight](sources(clients, books), every_seconds=args.every)
        updates = await stack.enter_async_context(asked)
        with suppress(TimeoutError):
            async with asyncio.timeout(None if args.seconds == math.inf else args.seconds):
                async for update in updates:
                    show(update)


@contextmanager
def _shown(args: argparse.Namespace, board: Board) -> Generator[Show]:
    """Hand out what shows an update in the form that is wanted."""
    if args.json:
        yield lambda update: _say(board, update, _json(update))
    elif can_redraw():
        with redrawing() as draw:
            yield lambda update: draw(board.take(update))
    else:
        yield lambda update: _say(board, update, _line(update))
        print(f"\n{printed(board)}", flush=True)


def _say(board: Board, update: Update[Sight], line: str) -> None:
    board.take(update)
    print(line, flush=True)


def _json(update: Update[Sight]) -> str:
    error = update.error
    return dumps(
        {
            "source": update.source,
            "value": None if update.value is None else encode(update.value.answer),
            "error": None if error is None else {"class": type(error).__name__, "message": str(error)},
            "asked_at": update.asked_at.isoformat(),
            "answered_at": update.answered_at.isoformat(),
            "latency_seconds": Decimal(f"{update.latency_seconds:.6f}"),
            "dropped": update.dropped,
        }
    ).decode()


def _line(update: Update[Sight]) -> str:
    head = f"{update.answered_at:%H:%M:%S} {update.source:<30}"
    if update.value is None:
        return f"{head} {type(update.error).__name__}: {update.error}"
    sight = update.value
    last = "" if sight.last is None else f"last {price(sight.last)}, "
    seconds = update.latency_seconds
    return f"{head} {last}bid {price(sight.bid)}, ask {price(sight.ask)} ({seconds * 1000:.1f} ms)"
