"""Private events under kills: each one is seen, or a gap says before the next one that some may be missing.

An account places orders, which trade in parts or are cancelled, while its connections are killed. What its streams of
orders and trades bring is compared with what the server knows, event by event, and in the end order by order.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from attrs import define, field

from exchanges.bitstamp import Bitstamp, OrderEventKind
from exchanges.bitstamp.streams import EventSource
from exchanges.errors import ExchangeError
from exchanges.session.streaming import StreamHost
from exchanges.simulator import Cut, Simulator, Venue
from exchanges.simulator.venues.bitstamp import BitstampExchange
from exchanges.simulator.venues.bitstamp.events import LoggedEvent
from exchanges.streams.delivery import Buffer, Gap
from tests.stress.figures import Figure, Mechanisms
from tests.support.hasty_loop import run_hasty
from tests.support.streamed import MARKET, bitstamp, clients_of, exchange_world, until

PROMISES = ("S8",)
EVENTS, QUICK_EVENTS = 5_000, 250
KILL_SECONDS = 4.0
"""Average time from one kill to the next."""
QUIET_SECONDS = 60.0
"""At the end: for the last connection, and for what is read from REST after it."""
MOST_OPEN = 12
PRICE = "30000"
AMOUNT = Decimal("0.01")


def _same_token() -> Any:
    """Use the first token on each connection."""
    call, tokens = StreamHost.call, dict[int, Any]()

    async def cached(host: StreamHost, endpoint: Any, arguments: Any, timeout_seconds: float) -> Any:
        if not endpoint.id.endswith("websockets_token"):
            return await call(host, endpoint, arguments, timeout_seconds)
        if id(host) not in tokens:
            tokens[id(host)] = await call(host, endpoint, arguments, timeout_seconds)
        return tokens[id(host)]

    return patch.object(StreamHost, "call", cached)


MECHANISMS: Mechanisms = {
    "fresh token": _same_token,
    "gap": lambda: patch.object(Buffer, "gap", lambda *_: None),
}


@define
class Seen:
    """What the streams brought.

    Attributes:
        orders: Items of the stream of orders.
        trades: Items of the stream of trades.
        kills: How many connections were killed.
        ended: Streams that ended with an error.
    """

    orders: list[Any] = field(factory=list[Any])
    trades: list[Any] = field(factory=list[Any])
    kills: int = 0
    ended: list[str] = field(factory=list[str])

    async def read(self, stream: Any, items: list[Any]) -> None:
        """Read a stream to its end, which must not come."""
        try:
            while True:
                items.append(await anext(stream))
        except ExchangeError as error:
            self.ended.append(type(error).__name__)


async def _trade(
    sim: Simulator, client: Bitstamp, logged: list[LoggedEvent], events: int, chance: random.Random
) -> None:
    """Place orders, fill parts of them, cancel them."""
    left: dict[str, Decimal] = {}
    while len(logged) < events:
        await asyncio.sleep(chance.uniform(0.05, 1.0))
        action = chance.random()
        if not left or (action < 0.4 and len(left) < MOST_OPEN):
            order = await client.trading.buy(market=MARKET, amount=AMOUNT, price=PRICE)
            left[order.id] = AMOUNT
            continue
        order_id = chance.choice(list(left))
        if action < 0.75:
            part = min(left[order_id], Decimal(chance.randrange(1, 6)) / 1000)
            sim.bitstamp.fill_order(order_id, part)
            left[order_id] -= part
        else:
            await client.trading.cancel_order(order_id=order_id)
            left[order_id] = Decimal(0)
        if not left[order_id]:
            del left[order_id]


async def _kill(sim: Simulator, seen: Seen, chance: random.Random) -> None:
    while True:
        await asyncio.sleep(chance.expovariate(1 / KILL_SECONDS))
        seen.kills += len(clients_of(sim))
        sim.bitstamp.sockets.cut(chance.choice([Cut.RESET, Cut.HANG_UP, Cut.CLOSE, Cut.RESET, Cut.FREEZE]))


async def _play(seed: int, events: int, seen: Seen) -> list[LoggedEvent]:
    """Trade under kills; return what the server knows."""
    chance = random.Random(seed)
    async with exchange_world(seed) as sim, bitstamp(sim) as client:
        exchange = sim._exchanges[Venue.BITSTAMP]
        assert isinstance(exchange, BitstampExchange)
        logged = exchange.trading.logged
        sim.bitstamp.deposit("usd", Decimal(10**8))
        async with client.streams.my_orders(MARKET) as orders, client.streams.my_trades(MARKET) as trades:
            readers = [asyncio.create_task(seen.read(*pair)) for pair in ((orders, seen.orders), (trades, seen.trades))]
            killer = asyncio.create_task(_kill(sim, seen, chance))
            with suppress(asyncio.CancelledError):
                await _trade(sim, client, logged, events, chance)
            killer.cancel()
            await until(lambda: all(sim.bitstamp.sockets.subscriptions.values()), QUIET_SECONDS)
            await asyncio.sleep(QUIET_SECONDS)
            for task in readers:
                task.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
        return list(logged)


def _silent(truth: list[str], items: list[Any], name: Any) -> tuple[int, int]:
    """Count what is missing without a gap before the next item, and what came twice.

    Args:
        truth: What there was, in order.
        items: What came.
        name: Returns the name of an item in *truth*; None of one that is not from the stream.
    """
    places = {each: place for place, each in enumerate(truth)}
    expected, excused, missed, doubled = 0, False, 0, 0
    for item in items:
        if isinstance(item, Gap):
            excused = True
        elif (key := name(item)) is not None:
            place = places[key]
            if place < expected:
                doubled += 1
                continue
            missed += 0 if excused else place - expected
            expected, excused = place + 1, False
    return missed + (0 if excused else len(truth) - expected), doubled


def _wrong_orders(logged: list[LoggedEvent], items: list[Any]) -> tuple[int, int]:
    """Compare the last state of each order that the stream knows, or that is open, with the server's."""
    true = {event.shown.data.id: (event.shown.event, event.shown.data.amount) for event in logged}
    known = {item.order.id: (item.event, item.order.amount) for item in items if not isinstance(item, Gap)}
    is_over = OrderEventKind.ORDER_DELETED
    wanted = {order_id for order_id, (kind, _) in true.items() if kind is not is_over} | known.keys()
    wrong = 0
    for order_id in wanted:
        kind, amount = known.get(order_id, (None, None))
        wrong += amount != true[order_id][1] or (kind is is_over) is not (true[order_id][0] is is_over)
    return wrong, len(wanted)


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Kill connections between events, and compare."""
    seen = Seen()
    logged = run_hasty(_play(seed, QUICK_EVENTS if quick else EVENTS, seen))
    events = [event.shown.event_id for event in logged]
    missed, doubled = _silent(
        events, seen.orders, lambda item: item.event_id if item.source is EventSource.STREAM else None
    )
    gaps = sum(isinstance(item, Gap) for item in seen.orders)
    came = sum(not isinstance(item, Gap) and item.source is EventSource.STREAM for item in seen.orders)
    yield Figure(
        f"{len(events):,} events of orders, {seen.kills:,} kills, {came:,} seen, {gaps:,} gaps: silent losses, doubles",
        f"{missed}, {doubled}",
        "0, 0",
        not (missed or doubled),
    )
    wrong, orders = _wrong_orders(logged, seen.orders)
    yield Figure(
        f"{orders:,} orders known or open at the end: state differs from the server's", f"{wrong}", "0", not wrong
    )
    true = [str(event.movement.id) for event in logged if event.movement is not None]
    told = [item.id for item in seen.trades if not isinstance(item, Gap)]
    yield Figure(
        f"{len(true):,} own trades, those of REST among them: missing, doubled",
        f"{len(set(true) - set(told))}, {len(told) - len(set(told))}",
        "0, 0",
        sorted(true) == sorted(told),
    )
    yield Figure("streams that ended", f"{len(seen.ended)}", "0", not seen.ended)
