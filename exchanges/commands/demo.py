"""``demo``: three clients and a simulated exchange for each, over sockets on loopback, without internet access."""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, nullcontext
from decimal import Decimal

from attrs import define, field

from exchanges import Bitex, Bitso, Bitstamp, ExchangeError, UsageError, poll
from exchanges.bitex import OrderStatus
from exchanges.commands import screen
from exchanges.commands.board import Board, plain_table, updating_in_place
from exchanges.commands.clients import MarketClient, limits
from exchanges.commands.markets import BOOKS, Quote, sources
from exchanges.commands.parsers import number, whole
from exchanges.simulator import Simulator, Venue, simulate

EVERY_SECONDS = {"bitex": 0.75, "bitso": 2.2, "bitstamp": 2.2}
"""Intervals at which two calls stay within the limits: 5 in 1 s with room for the order, 60 in 60 s."""
AMOUNT = Decimal(100)  # USD
CENT = Decimal("0.01")
SETTLE_SECONDS = 10.0
"""How long to wait until the cancelled order is CANCELLED."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--seconds", type=number, default=5.0, help="how long to poll at least (default: %(default)s)")
    parser.add_argument("--seed", type=whole, default=0, help="seed of the simulator (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Run the demo; return 0 only if everything worked."""
    if not 0 < args.seconds < math.inf:
        raise UsageError(f"--seconds must be a positive number, got {args.seconds:g}")
    demo = Demo()
    # At once, and past any buffer: without rich nothing else is printed until the end.
    print(f"polling three simulated exchanges for {args.seconds:g} s", end="\n\n", flush=True)
    with updating_in_place() if screen.can_update_in_place() else nullcontext() as draw:
        asyncio.run(demo.run(args.seconds, args.seed, draw))
    if draw is None:
        print(plain_table(demo.board), end="\n\n")
    print(*demo.summary, sep="\n")
    for failure in demo.failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if demo.failures else 0


@define
class Demo:
    """One run of the demo.

    Attributes:
        board: The newest prices of every market.
        summary: Lines about the order and about the calls that the simulator counted.
        failures: What did not work.
        heard: Set once every source has answered or failed.
    """

    board: Board = field(factory=lambda: Board({exchange: [book] for exchange, book in BOOKS.items()}))
    summary: list[str] = field(factory=list[str])
    failures: list[str] = field(factory=list[str])
    heard: asyncio.Event = field(factory=asyncio.Event)

    async def run(self, seconds: float, seed: int, draw: Callable[[Board], None] | None) -> None:
        """Poll for *seconds* at least, place and cancel an order meanwhile, and check the counts of the simulator."""
        async with simulate(seed=seed) as sim, AsyncExitStack() as stack:
            bitex = await stack.enter_async_context(Bitex(base_url=sim.base_url, **sim.account(Venue.BITEX)))
            bitso = await stack.enter_async_context(Bitso(base_url=sim.base_url, **sim.account(Venue.BITSO)))
            bitstamp = await stack.enter_async_context(Bitstamp(base_url=sim.base_url, **sim.account(Venue.BITSTAMP)))
            async with asyncio.TaskGroup() as group:
                polls = [group.create_task(self._poll(client, draw)) for client in (bitex, bitso, bitstamp)]
                # Not cancelled with the polls: the group waits until the order is gone, however short the demo is.
                group.create_task(self._trade(bitex))
                await asyncio.sleep(seconds)
                # A busy machine may need longer for the first answers.
                await self.heard.wait()
                for task in polls:
                    task.cancel()
        self._check(sim)

    async def _poll(self, client: MarketClient, draw: Callable[[Board], None] | None) -> None:
        name = client.exchange
        polled = sources({name: client}, {name: [BOOKS[name]]})
        async with poll[Quote](polled, every_seconds=EVERY_SECONDS[name]) as updates:
            async for update in updates:
                self.board.add(update)
                if update.error is not None:
                    self.failures.append(f"{update.source}: {update.error}")
                if self.board.failing.keys() >= set(self.board.unanswered):
                    self.heard.set()
                if draw is not None:
                    draw(self.board)

    async def _trade(self, bitex: Bitex) -> None:
        """Place a bid, cancel it and wait until it is CANCELLED."""
        try:
            book = await bitex.market.order_book()
            # Half the market price: nobody sells so low, so the bid is still open when it is cancelled.
            price = (book.bids[0].price / 2).quantize(CENT)
            bid = await bitex.trading.create_bid(amount=AMOUNT, price=price)
            await bitex.trading.cancel_bid(bid.id)
            bid = await bitex.trading.wait_settled(bid, timeout_seconds=SETTLE_SECONDS)
        except ExchangeError as error:
            self.failures.append(f"bitex bid: {error}")
            return
        self.summary.append(f"bitex bid {bid.id}: {bid.amount:f} USD at {bid.price:f}, {bid.status.name.lower()}")
        if bid.status is not OrderStatus.CANCELLED:
            self.failures.append(f"bitex bid {bid.id}: not cancelled after {SETTLE_SECONDS:g} s")

    def _check(self, sim: Simulator) -> None:
        """Compare the calls that the simulator counted with the limits."""
        self.failures.extend(f"{source} never answered" for source in self.board.unanswered)
        if sim.errors:
            self.failures.append(f"the simulator rejected {sim.errors} of {sim.calls} calls")
        windows: list[str] = []
        declared = {limit.name: limit.windows for limit in limits()}
        for name in sim.limits:
            largest, allowed = sim.busiest(name)
            # A limit may have several windows; the busiest is known by its slots.
            busiest = next((w for w in declared[name] if w.slots == allowed), declared[name][0])
            window = f"{busiest.per_seconds:g} s"
            windows.append(f"{name} {largest} of {allowed} in {window}")
            if largest > allowed:
                self.failures.append(
                    f"the limit {name} was exceeded: {largest} calls in {window}, {allowed} are allowed"
                )
        self.summary.append(f"{sim.calls} calls, {sim.errors} errors; busiest window: {', '.join(windows)}")
