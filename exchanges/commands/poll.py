"""``poll``: polls tickers and order books of the exchanges or of another server."""

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
from exchanges.commands import screen
from exchanges.commands.board import Board, format_price, plain_table, updating_in_place
from exchanges.commands.clients import CLIENTS, MarketClient
from exchanges.commands.headroom import headroom
from exchanges.commands.markets import BOOKS, Quote, source_names, sources
from exchanges.commands.parsers import number, whole
from exchanges.suggestions import hint
from exchanges.wire import dumps

EVERY_SECONDS = 2.5
"""Two calls per interval stay below one per second, the rate of the strictest limit."""

Show: TypeAlias = Callable[[Update[Quote]], None]


class _AddBook(argparse.Action):
    """Adds an ``--exchange``, or a ``--book`` to the ``--exchange`` before it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add to ``namespace.books``."""
        # A copy: the default value belongs to the parser.
        chosen: dict[str, list[str]] = {**namespace.books}
        if self.dest == "exchange":
            chosen[str(values)] = []
        elif chosen:
            chosen[next(reversed(chosen))].append(str(values))
        else:
            parser.error(f"{option_string} belongs to the --exchange before it: put an --exchange first")
        namespace.books = chosen


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.set_defaults(books={})
    parser.add_argument(
        "markets", nargs="*", metavar="EXCHANGE [MARKET ...]", help="such as: bitstamp btcusd ethusd bitso btc_mxn"
    )
    what = parser.add_argument_group("what to poll (default: one book of each exchange)")
    what.add_argument("--exchange", action=_AddBook, choices=sorted(CLIENTS), help="may be repeated")
    what.add_argument("--book", action=_AddBook, help="book of the --exchange before it; may be repeated")
    where = parser.add_argument_group("where (one of these is required)")
    where.add_argument("--live", action="store_true", help="poll the exchanges themselves, by public calls only")
    where.add_argument(
        "--base-url", metavar="URL", help="poll one server for all exchanges, such as http://127.0.0.1:8080"
    )
    for name in sorted(CLIENTS):
        where.add_argument(f"--{name}-url", metavar="URL", help=f"poll this server for {name}")
    parser.add_argument(
        "--every", type=number, default=EVERY_SECONDS, metavar="SECONDS", help="interval (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=number, default=math.inf, help="stop after this time (default: on Ctrl-C)")
    parser.add_argument("--count", type=whole, metavar="N", help="stop after this many answers and errors")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")


def run(args: argparse.Namespace) -> int:
    """Poll until the time is over or Ctrl-C; return 1 if no source ever answered."""
    args.books = _named(args.markets, args.books)
    if not all(book.strip() for books in args.books.values() for book in books):
        raise UsageError("a market is empty; leave it out for the default one")
    servers = _servers(args)
    if args.count is not None and args.count < 1:
        raise UsageError(f"--count must be above 0, got {args.count}")
    if not args.seconds > 0:
        raise UsageError(f"--seconds must be above 0, got {args.seconds:g}")
    books = {name: args.books.get(name) or [BOOKS[name]] for name in servers}
    board, limits = Board(books), list[str]()
    with _display(args, board) as show, suppress(KeyboardInterrupt):
        asyncio.run(_poll(args, servers, books, show, limits))
    if not args.json:
        print("", *limits, sep="\n", flush=True)
    return 1 if len(board.unanswered) == len(source_names(books)) else 0


def _named(words: Sequence[str], books: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the books of each exchange: those of *words*, in which an exchange precedes its books, and of options."""
    chosen = {name: list(named) for name, named in books.items()}
    place = None
    for word in words:
        if word in CLIENTS:
            place = chosen.setdefault(word, [])
        elif place is None:
            raise UsageError(hint(f"no such exchange: {word}; there are {', '.join(CLIENTS)}", word, CLIENTS))
        else:
            place.append(word)
    return chosen


def _servers(args: argparse.Namespace) -> dict[str, str | None]:
    """Return the server of each exchange to poll; None is the exchange itself, which only ``--live`` allows."""
    own: dict[str, str] = {name: url for name in CLIENTS if (url := getattr(args, f"{name}_url") or args.base_url)}
    if args.live and own:
        raise UsageError("--live polls the exchanges themselves: leave the URLs out")
    if not args.live and not own:
        # No default: neither a test nor a typo may reach a real exchange unasked.
        raise UsageError("no server given: use --live for the exchanges themselves, or --base-url for another server")
    chosen = list(args.books) or list(CLIENTS if args.live else own)
    if not args.live and (missing := [name for name in chosen if name not in own]):
        raise UsageError(f"no URL for {', '.join(missing)}: give --base-url or --{missing[0]}-url")
    return {name: own.get(name) for name in chosen}


async def _poll(
    args: argparse.Namespace,
    servers: Mapping[str, str | None],
    books: Mapping[str, Sequence[str]],
    show: Show,
    limits: list[str],
) -> None:
    """Poll until the end; add to *limits* what is left of them then."""
    async with AsyncExitStack() as stack:
        clients: dict[str, MarketClient] = {}
        for name, url in servers.items():
            clients[name] = await stack.enter_async_context(CLIENTS[name](base_url=url))
        # However it ends, Ctrl-C among it.
        stack.callback(lambda: limits.extend(line for client in clients.values() for line in headroom(client)))
        polls = polling[Quote](sources(clients, books), every_seconds=args.every)
        updates = await stack.enter_async_context(polls)
        with suppress(TimeoutError):
            async with asyncio.timeout(None if args.seconds == math.inf else args.seconds):
                shown = 0
                async for update in updates:
                    show(update)
                    shown += 1
                    if shown == args.count:
                        break


@contextmanager
def _display(args: argparse.Namespace, board: Board) -> Generator[Show]:
    """Provide a function that displays an update in the requested format."""
    if args.json:
        yield lambda update: _print(board, update, _json(update))
    elif screen.can_update_in_place():
        with updating_in_place() as draw:
            yield lambda update: draw(board.add(update))
    else:
        yield lambda update: _print(board, update, _line(update))
        print(f"\n{plain_table(board)}", flush=True)


def _print(board: Board, update: Update[Quote], line: str) -> None:
    board.add(update)
    # Flushed: a reader at the other end of a pipe gets each line when it is printed.
    print(line, flush=True)


def _json(update: Update[Quote]) -> str:
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


def _line(update: Update[Quote]) -> str:
    head = f"{update.answered_at:%H:%M:%S} {update.source:<30}"
    if update.value is None:
        return f"{head} {type(update.error).__name__}: {update.error}"
    quote, seconds = update.value, update.latency_seconds
    last = "" if quote.last is None else f"last {format_price(quote.last)}, "
    return f"{head} {last}bid {format_price(quote.bid)}, ask {format_price(quote.ask)} ({seconds * 1000:.1f} ms)"
