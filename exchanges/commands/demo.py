"""``demo``: three clients and a simulated exchange each, over real sockets, without a network."""

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
from exchanges.commands.board import Board
from exchanges.commands.clients import limits
from exchanges.commands.markets import BOOKS, MarketClient, Sight, sources
from exchanges.commands.screen import can_redraw, printed, redrawing
from exchanges.simulator import Simulator, Venue, simulate

__all__ = ["arguments", "run"]

EVERY_SECONDS = {"bitex": 0.75, "bitso": 2.2, "bitstamp": 2.2}
"""As often as the limits sustain two calls: 5 in 1 s with room for the bid, 57 in 60 s, 570 in 600 s."""
AMOUNT = Decimal(100)  # USD
CENT = Decimal("0.01")
LOOKS = 10
"""How often the bid is read until it is cancelled."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--seconds", type=float, default=5.0, help="how long to poll; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the simulator; default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """Play; 0 only if all is well."""
    if not 0 < args.seconds < math.inf:
        raise UsageError("--seconds must be a positive number")
    play = Play()
    with redrawing() if can_redraw() else nullcontext() as draw:
        asyncio.run(play.through(args.seconds, args.seed, draw))
    if draw is None:
        print(printed(play.board), end="\n\n")
    print(*play.summary, sep="\n")
    for fault in play.faults:
        print(f"not as it should be: {fault}", file=sys.stderr)
    return 1 if play.faults else 0


@define
class Play:
    """What happened.

    Attributes:
        board: What the polls saw.
        summary: What the simulator counted.
        faults: What was not as it should be.
    """

    board: Board = field(factory=lambda: Board({exchange: [book] for exchange, book in BOOKS.items()}))
    summary: list[str] = field(factory=list[str])
    faults: list[str] = field(factory=list[str])

    async def through(self, seconds: float, seed: int, draw: Callable[[Board], None] | None) -> None:
        """Poll for *seconds*, place and cancel a bid meanwhile, and judge."""
        async with simulate(seed=seed) as sim, AsyncExitStack() as stack:
            bitex = await stack.enter_async_context(Bitex(base_url=sim.base_url, **sim.account(Venue.BITEX)))
            bitso = await stack.enter_async_context(Bitso(base_url=sim.base_url, **sim.account(Venue.BITSO)))
            bitstamp = await stack.enter_async_context(Bitstamp(base_url=sim.base_url, **sim.account(Venue.BITSTAMP)))
            async with asyncio.TaskGroup() as group:
                polls = [group.create_task(self._watch(client, draw)) for client in (bitex, bitso, bitstamp)]
                group.create_task(self._trade(bitex))
                await asyncio.sleep(seconds)
                for task in polls:
                    task.cancel()
        self._judge(sim)

    async def _watch(self, client: MarketClient, draw: Callable[[Board], None] | None) -> None:
        name = client.exchange
        asked = sources({name: client}, {name: [BOOKS[name]]})
        async with poll[Sight](asked, every_seconds=EVERY_SECONDS[name]) as updates:
            async for update in updates:
                self.board.take(update)
                if update.error is not None:
                    self.faults.append(f"{update.source}: {update.error}")
                if draw is not None:
                    draw(self.board)

    async def _trade(self, bitex: Bitex) -> None:
        """Place a bid that nobody will take, cancel it and wait until it is gone."""
        try:
            ticker = await bitex.market.ticker()
            bid = await bitex.trading.create_bid(amount=AMOUNT, price=(ticker.bid / 2).quantize(CENT))
            await bitex.trading.cancel_bid(bid.id)
            for _ in range(LOOKS):
                bid = await bitex.trading.bid(bid.id)
                if bid.status is OrderStatus.CANCELLED:
                    break
        except ExchangeError as error:
            self.faults.append(f"the bid: {error}")
            return
        self.summary.append(f"bitex bid {bid.id}: {bid.amount:f} USD at {bid.price:f}, {bid.status.name.lower()}")
        if bid.status is not OrderStatus.CANCELLED:
            self.faults.append("the bid was not cancelled")

    def _judge(self, sim: Simulator) -> None:
        """Hold what was promised against what the simulator counted."""
        self.faults.extend(f"{source} never answered" for source in self.board.silent)
        if sim.errors:
            self.faults.append(f"the simulator refused {sim.errors} calls")
        windows: list[str] = []
        seconds = {limit.name: limit.windows[0].per_seconds for limit in limits()}
        for name in sim.limits:
            largest, allowed = sim.busiest(name)
            windows.append(f"{name} {largest} of {allowed} in {seconds[name]:g} s")
            if largest > allowed:
                self.faults.append(f"the limit {name} was exceeded: {largest} calls, {allowed} are allowed")
        self.summary.append(f"{sim.calls} calls, {sim.errors} errors; busiest window: {', '.join(windows)}")
