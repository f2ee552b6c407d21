"""``verify``: checks keys and calls at an exchange; on consent also with one order, which is cancelled at once."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import signal
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from attrs import define, field

import exchanges
from exchanges import Bitex, Bitso, Bitstamp, ExchangeError, Intent, OutcomeUnknown, Reconciled, UsageError
from exchanges.commands.board import format_price
from exchanges.commands.clients import CLIENTS, MarketClient
from exchanges.commands.files import is_file
from exchanges.commands.headroom import headroom
from exchanges.commands.parsers import add_market, amount, market_of
from exchanges.endpoint import endpoints_of
from exchanges.instrumentation import CallRecord, Hooks
from exchanges.spot import Market, SpotRules

SETTLE_SECONDS = 30.0
MAX_REPORT_BYTES = 1024 * 1024
CANCELLED = "placed and cancelled; nothing traded"
NOT_PLACED = "not asked for"
TERMINATED = 143
"""The status of a program that SIGTERM ends."""
PLACED = "the order may be open: look at the exchange, and cancel it there"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add_market(parser)
    parser.add_argument(
        "--order",
        type=amount,
        metavar="AMOUNT",
        help="also buy so much base currency at half the best bid, post-only, and cancel it at once",
    )
    parser.add_argument("--yes", action="store_true", help="place the order of --order without asking")
    parser.add_argument("--report", type=Path, metavar="FILE", help="(default: verify-EXCHANGE.json)")


def run(args: argparse.Namespace) -> int:
    """Check, and write the report; return 1 if anything failed."""
    market = market_of(args)
    if args.order is not None and args.exchange == "bitex":
        raise UsageError("bitex trades no longer: --order is for bitso and bitstamp")
    if args.yes and args.order is None:
        raise UsageError("--yes is for --order AMOUNT, which is missing; nothing was sent")
    path: Path = args.report or Path(f"verify-{args.exchange}.json")
    # Before anything is sent: an order must not be placed for a report that cannot be written.
    _require_own(path)
    print(f"checking {args.exchange} {market}, reads first", flush=True)
    check = Check(args.exchange, market)
    try:
        asyncio.run(check.run(args))
    except asyncio.CancelledError:
        return TERMINATED
    _write(path, json.dumps(check.report(), indent=2) + "\n")
    print(
        f"{len(check.observer.calls)} calls, {len(check.failures)} failures; {path} has no secret, amount or id in it"
    )
    return 1 if check.failures else 0


def _require_own(path: Path) -> None:
    """Raise if a report cannot be written to *path*, or would replace a file of something else."""
    try:
        if not is_file(path):
            return
    except UsageError as error:
        raise UsageError(f"{error}; nothing was sent, choose another --report") from None
    try:
        known: object = json.loads(path.read_bytes()) if path.stat().st_size <= MAX_REPORT_BYTES else None
        is_own = isinstance(known, dict) and {"aioexchanges", "calls"} <= set(cast("dict[str, Any]", known))
    except (OSError, ValueError, RecursionError):
        is_own = False
    if not is_own:
        raise UsageError(f"{path}: there is such a file of something else; nothing was sent, choose another --report")


def _write(path: Path, report: str) -> None:
    """Write a report, or leave what was there."""
    # Beside it first: half a report would be a file of something else for the next run.
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(report, encoding="utf-8")
        part.replace(path.resolve())
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        words = f"{path}: the report cannot be written: {error.strerror}"
        raise ExchangeError(f"{words}; what was checked is printed above") from None


class Observer(Hooks):
    """Keeps what can be shown of each call."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []

    def call_ended(self, call: CallRecord) -> None:
        """Keep the record of a call, and print it."""
        self.calls.append(call)
        print(f"  {call.endpoint:<36} {call.outcome:<24} {call.seconds * 1000:7.0f} ms", flush=True)


class _Drift(logging.Handler):
    """Keeps where answers differ from the documents: names of models and fields, never values."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.places.append(record.getMessage())


@define
class Check:
    """One check of one exchange.

    Attributes:
        observer: Every call.
        failures: What failed, for the screen alone.
        order: What became of the order, in words.
        limits: How many calls were left after the reads.
    """

    exchange: str
    market: str
    observer: Observer = field(factory=Observer)
    failures: list[str] = field(factory=list[str])
    order: str = NOT_PLACED
    limits: dict[str, int | None] = field(factory=dict[str, int | None])
    _drift: _Drift = field(factory=_Drift)

    async def run(self, args: argparse.Namespace) -> None:
        """Send all calls."""
        logger = logging.getLogger("exchanges.wire.converter")
        logger.addHandler(self._drift)
        try:
            async with CLIENTS[self.exchange](base_url=args.base_url, hooks=[self.observer]) as client:
                await self._reads(client)
                self._show_limits(client)
                if args.order is not None and not isinstance(client, Bitex) and not self.failures:
                    await self._trade(client, args.order, may_ask=not args.yes)
        finally:
            logger.removeHandler(self._drift)

    async def _reads(self, client: MarketClient) -> None:
        await self._try(lambda: client.market.ticker(self.market))
        await self._try(lambda: client.market.order_book(self.market))
        if isinstance(client, Bitex):
            await self._try(lambda: client.market.transactions(self.market))
            private: list[Callable[[], Awaitable[Any]]] = [client.account.profile, client.trading.orders]
        elif isinstance(client, Bitso):
            await self._try(lambda: client.market.trades(self.market))
            private = [client.account.balance, lambda: client.trading.open_orders(book=self.market)]
        else:
            await self._try(lambda: client.market.transactions(self.market))
            private = [client.account.account_balances, client.trading.open_orders]
        current = (e.api for e in endpoints_of(type(client)) if e.api.name == self.exchange)
        needed = {f"{self.exchange}_{name}".upper() for api in current for name in api.scheme.needs}
        if not all(map(os.environ.get, needed)):
            print("  no keys in the environment: private calls are left out", flush=True)
            return
        for read in private:
            await self._try(read)

    def _show_limits(self, client: MarketClient) -> None:
        for name, status in client.limits.items():
            self.limits[name] = status.free
        print(*(f"  {line}" for line in headroom(client)), sep="\n", flush=True)

    async def _try(self, call: Callable[[], Awaitable[Any]]) -> None:
        try:
            await call()
        except ExchangeError as error:
            self._fail(str(error))

    def _fail(self, words: str) -> None:
        self.failures.append(words)
        print(f"  failed: {words}", file=sys.stderr, flush=True)

    async def _trade(self, client: Bitso | Bitstamp, amount: Decimal, *, may_ask: bool) -> None:
        """Place an order that nobody meets, and cancel it."""
        try:
            market, rules = await _rules(client, self.market)
            bids = (await client.spot.order_book(market)).bids
            if not bids:
                raise UsageError(f"{market} has no bids, so that no price is far from the market")
            price = rules.round_price(bids[0].price / 2, "buy")
        except ExchangeError as error:
            self._fail(str(error))
            return
        what = f"buy {format_price(amount)} {market.base} at {format_price(price)} {market.quote}, post-only"
        if may_ask and not _agrees(what):
            self.order = "not agreed to"
            return
        print(f"  {what}", flush=True)
        trade = asyncio.ensure_future(self._place(client, market, amount, price))
        try:
            with _cancelled_by_sigterm():
                await self._finish(trade)
        except BaseException:
            # Whoever interrupts once more must know what is left.
            if self.order in (NOT_PLACED, "placed"):
                print(f"  interrupted: {PLACED}", flush=True)
            raise

    async def _finish(self, trade: asyncio.Future[None]) -> None:
        """Wait for an order and its cancel, also if the program is interrupted meanwhile."""
        try:
            await asyncio.shield(trade)
        except asyncio.CancelledError:
            # The answer to an order names what is to be cancelled: without it nobody could.
            print("  interrupted: the order is cancelled first; interrupt once more to leave at once", flush=True)
            await trade
            raise

    async def _place(self, client: Bitso | Bitstamp, market: Market, amount: Decimal, price: Decimal) -> None:
        try:
            order = await client.spot.place_limit(market, "buy", amount=amount, price=price, post_only=True)
            await self._cancel(client, order.order_id)
        except OutcomeUnknown as error:
            self.order = "outcome unknown"
            self._fail(f"{error}; {PLACED}")
            await self._look_up(client, error.intent)
        except ExchangeError as error:
            self.order = f"refused: {type(error).__name__}"
            self._fail(str(error))

    async def _look_up(self, client: Bitso | Bitstamp, intent: Intent) -> None:
        """Reconcile the order, and cancel it if it was."""
        try:
            verdict = await client.reconcile(intent)
        except ExchangeError as error:
            self._fail(f"{error}; {PLACED}")
            return
        print(f"  {type(verdict).__name__}", flush=True)
        if isinstance(verdict, Reconciled) and verdict.id is not None:
            await self._cancel(client, verdict.id)

    async def _cancel(self, client: Bitso | Bitstamp, order_id: str) -> None:
        """Cancel the order, and see that it has traded nothing."""
        self.order = "placed"
        print(f"  placed: {order_id}", flush=True)
        try:
            accepted = await client.spot.cancel(order_id)
            state = await client.spot.wait_settled(order_id, timeout_seconds=SETTLE_SECONDS)
        except ExchangeError as error:
            self._fail(f"{error}; {PLACED}: {order_id}")
            return
        if not state.is_settled:
            self._fail(f"not final after {SETTLE_SECONDS:g} s; {PLACED}: {order_id}")
        elif state.filled != 0:
            self.order = "placed; it traded, or may have"
            self._fail(f"the order {order_id} traded: look at the exchange")
        else:
            self.order = CANCELLED
            if not accepted:
                self._fail(f"the cancel was refused, but the order {order_id} is final and has traded nothing")
        print(f"  order: {self.order}", flush=True)

    def report(self) -> dict[str, Any]:
        """Return what can be published: no secret, amount, id or text of an exchange."""
        return {
            "aioexchanges": exchanges.__version__,
            "python": f"{platform.python_implementation()} {platform.python_version()}",
            "platform": platform.system(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "exchange": self.exchange,
            "market": self.market,
            "calls": [
                {
                    "endpoint": call.endpoint,
                    "kind": call.kind,
                    "host": call.host,
                    "outcome": call.outcome,
                    "attempts": len(call.attempts),
                    "milliseconds": round(call.seconds * 1000),
                }
                for call in self.observer.calls
            ],
            "limits": self.limits,
            "drift": self._drift.places,
            "order": self.order,
            "failures": len(self.failures),
        }


async def _rules(client: Bitso | Bitstamp, text: str) -> tuple[Market, SpotRules]:
    """Return the market that an exchange calls by a name, and the bounds of its orders."""
    wanted = text.replace("_", "").replace("/", "").replace("-", "").upper()
    for market, rules in (await client.spot.markets()).items():
        if market.base + market.quote == wanted:
            return market, rules
    raise UsageError(f"{client.exchange} shows no spot market {text}")


@contextmanager
def _cancelled_by_sigterm() -> Generator[None]:
    """End a program by SIGTERM as by Ctrl-C."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    # Neither in a thread nor on Windows.
    with suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGTERM, cast("asyncio.Task[None]", task).cancel)
    try:
        yield
    finally:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.remove_signal_handler(signal.SIGTERM)


def _agrees(what: str) -> bool:
    """Ask on the terminal; without one nobody agrees."""
    if not sys.stdin.isatty():
        print("  nobody can be asked: pass --yes to place the order", flush=True)
        return False
    return input(f"  {what}, cancelled at once. Place this order? Type yes: ").strip() == "yes"
