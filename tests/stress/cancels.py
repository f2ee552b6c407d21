"""Cancels get through: a limit that is used up, calls that hang, and a limit that is closed, in virtual time.

What is measured is how long a cancel waits before its request leaves. Only the first of a burst count, as many as the
reserve of the limit has slots; the others wait for the limit like everybody else.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any
from unittest.mock import PropertyMock, patch

import httpx
from attrs import define, field, frozen

from exchanges import Bitex, Bitstamp
from exchanges.bitex.api import LIMIT as BITEX
from exchanges.bitstamp.api import V1_LIMIT as BITSTAMP_V1
from exchanges.errors import ExchangeError, RateLimited
from exchanges.limits.limit import Limit, Window
from exchanges.limits.lockouts import Lockout
from tests.stress.figures import Figure, Mechanisms
from tests.support.virtual_time import run

PROMISES = (15,)
ROUNDS, QUICK_ROUNDS = 40, 4
BURST = 50
WAY_SECONDS = (0.005, 0.02)
BAR_SECONDS, FREE_BAR_SECONDS = 5.0, 0.05
KEYS = {"api_key": "k", "api_secret": "s", "client_id": "1"}
BALANCE = {
    f"{currency}_{kind}": "1" for currency in ("usd", "btc") for kind in ("balance", "reserved", "available")
} | {"fee": "0.5"}
PROFILE = {
    **BALANCE,
    "btc_deposit_address": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    "more_mt_deposit_code": "BITEX0000000",
}
ORDER = {"price": "1.01", "amount": "1", "type": 0, "id": 7630317, "datetime": "2013-09-26 23:26:56.849475"}

MECHANISMS: Mechanisms = {
    "reserve": lambda: patch.object(Window, "reserve", PropertyMock(return_value=0)),
    "overtaking": lambda: patch("exchanges.limits.limiter.OVERTAKE_SECONDS", 1e9),
    "probes": lambda: patch.object(Lockout, "_next_probe_at", lambda self: self.until),
}


@define(eq=False)
class Line:
    """An exchange behind a transport that answers, hangs or refuses.

    Attributes:
        way_seconds: Time for a request to be answered, drawn anew for each.
        hangs: Whether reads are never answered.
        refusals: How many requests are refused from now on.
        headers: Of a refusal.
        cancels: When cancels left, in order.
    """

    chance: random.Random
    hangs: bool = False
    refusals: int = 0
    headers: dict[str, str] = field(factory=dict[str, str])
    cancels: list[float] = field(factory=list[float])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        loop, path = asyncio.get_running_loop(), request.url.path
        is_cancel = "cancel" in path
        if is_cancel:
            self.cancels.append(loop.time())
        if self.hangs and not is_cancel:
            await loop.create_future()
        refused, self.refusals = self.refusals > 0, max(0, self.refusals - 1)
        await asyncio.sleep(self.chance.uniform(*WAY_SECONDS))
        if refused:
            return httpx.Response(429, headers=self.headers)
        return httpx.Response(200, content=json.dumps(_answer(path)))


def _answer(path: str) -> Any:
    if "bids" in path:
        number = path.split("/")[-2]
        return [1, int(number) if number.isdigit() else 7, 946685400, 1, 100, 10, 1000, 3, 0, 1.1, "key", 0.01]
    if "cancel" in path:
        return True
    return ORDER if "buy" in path else PROFILE if "profile" in path else BALANCE


Call = Callable[[Any], Awaitable[Any]]


@frozen
class Venue:
    """An exchange as this stage calls it."""

    limit: Limit
    client: Callable[..., Any]
    read: Call
    order: Call
    cancel: Callable[[Any, int], Awaitable[Any]]

    @property
    def name(self) -> str:
        """The name of the limit."""
        return self.limit.name

    @property
    def reserve(self) -> int:
        """The slots that are kept for cancels, as declared: one in ten, at least one."""
        return max(1, -(-self.limit.windows[0].slots // 10))

    def open(self, line: Line, **options: Any) -> Any:
        """Create a client."""
        keys = KEYS if self.client is Bitstamp else {"api_key": "k"}
        return self.client(transport=line, **{"timeout_seconds": 30.0, **keys, **options})


VENUES = (
    Venue(
        BITEX,
        Bitex,
        lambda c: c.account.profile(),
        lambda c: c.trading.create_bid(amount=Decimal(100), price=Decimal(10)),
        lambda c, number: c.trading.cancel_bid(number + 1),
    ),
    Venue(
        BITSTAMP_V1,
        Bitstamp,
        lambda c: c.v1.account.balance(),
        lambda c: c.v1.trading.buy(amount=Decimal(1), price=Decimal("1.01")),
        lambda c, number: c.v1.trading.cancel_order(number + 1),
    ),
)


@define
class Count:
    """What came of the cancels: how long they waited, and which failed."""

    waits: list[float] = field(factory=list[float])
    failures: list[str] = field(factory=list[str])

    @property
    def longest(self) -> float:
        """The longest wait; of one that never left, more than any bar."""
        return max([*self.waits, *(1e3 for _ in self.failures)])

    @property
    def p99(self) -> float:
        """Of a hundred cancels, how long the second longest waited."""
        waits = sorted([*self.waits, *(1e3 for _ in self.failures)])
        return waits[min(len(waits) - 1, len(waits) * 99 // 100)]


async def _quietly(call: Awaitable[Any]) -> str | None:
    try:
        await call
    except ExchangeError as error:
        return type(error).__name__
    return None


async def _burst(venue: Venue, client: Any, line: Line, number: int, count: Count) -> None:
    """Cancel *number* orders at once, and count the first of them."""
    began, before = asyncio.get_running_loop().time(), len(line.cancels)
    tasks = [asyncio.create_task(_quietly(venue.cancel(client, n))) for n in range(number)]
    await asyncio.wait(tasks, timeout=BAR_SECONDS + 10)
    counted = min(number, venue.reserve)
    left = [moment - began for moment in line.cancels[before:]][:counted]
    count.waits += left
    count.failures += ["never left"] * (counted - len(left))
    for task in tasks:
        task.cancel()


def _crowd(venue: Venue, client: Any, number: int) -> list[asyncio.Task[str | None]]:
    calls = (venue.order if n % 3 == 0 else venue.read for n in range(number))
    return [asyncio.create_task(_quietly(call(client))) for call in calls]


async def _dismiss(crowd: list[asyncio.Task[str | None]]) -> None:
    for task in crowd:
        task.cancel()
    await asyncio.wait(crowd)


async def used_up(venue: Venue, seed: int, count: Count) -> None:
    """Use the limit up by orders and reads, and cancel one order at a time."""
    line = Line(random.Random(seed))
    async with venue.open(line, timeout_seconds=5000.0) as client:
        (window,) = venue.limit.windows
        crowd = _crowd(venue, client, 2 * window.slots)
        # Until all but the reserve is used up and the others wait.
        await asyncio.sleep(min(60.0, 0.5 * window.per_seconds))
        for _ in range(min(20, venue.reserve * 5)):
            await _burst(venue, client, line, 1, count)
            await asyncio.sleep(1.1 + line.chance.random())
        await _dismiss(crowd)


async def hanging(venue: Venue, seed: int, count: Count) -> None:
    """Hang five signed reads, and cancel fifty orders at once."""
    line = Line(random.Random(seed), hangs=True)
    async with venue.open(line, timeout_seconds=60.0, max_connections=8) as client:
        crowd = [asyncio.create_task(_quietly(venue.read(client))) for _ in range(5)]
        await asyncio.sleep(1 + line.chance.random())
        await _burst(venue, client, line, BURST, count)
        await _dismiss(crowd)


async def locked_out(venue: Venue, seed: int, count: Count) -> None:
    """Refuse a read without a time, and cancel fifty orders a second or more later."""
    line = Line(random.Random(seed), refusals=1)
    async with venue.open(line, timeout_seconds=60.0) as client:
        crowd = [asyncio.create_task(_quietly(venue.read(client))) for _ in range(3)]
        await asyncio.sleep(1.1 + 30 * line.chance.random())
        await _burst(venue, client, line, BURST, count)
        await _dismiss(crowd)


async def told_when(venue: Venue, seed: int, count: Count) -> None:
    """Refuse a read with a time; every cancel must fail at once and name the moment."""
    line = Line(random.Random(seed), refusals=1, headers={"Retry-After": "120"})
    async with venue.open(line) as client:
        with suppress(RateLimited):
            await venue.read(client)
        for number in range(5):
            began = asyncio.get_running_loop().time()
            try:
                await venue.cancel(client, number)
            except RateLimited as error:
                named = error.retry_at is not None and f"{error.retry_at:%H:%M:%S}" in str(error)
                count.waits.append(asyncio.get_running_loop().time() - began if named else 1e3)
            else:
                count.failures.append("sent")


Scene = Callable[[Venue, int, Count], Awaitable[None]]
SCENES: tuple[tuple[str, Scene, float, bool], ...] = (
    ("the limit used up by orders and reads, one cancel at a time", used_up, FREE_BAR_SECONDS, True),
    ("five signed reads hang, 50 cancels at once", hanging, BAR_SECONDS, False),
    ("a lockout without a time, 50 cancels at once", locked_out, BAR_SECONDS, False),
    ("a lockout with a time: refused at once, with the moment", told_when, 0.0, False),
)


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Measure how long cancels wait at each exchange whose cancels count against its limit."""
    for venue in VENUES:
        for words, scene, bar, is_p99 in SCENES:
            count = Count()
            for number in range(QUICK_ROUNDS if quick else ROUNDS):
                run(scene(venue, seed + number, count))  # type: ignore[arg-type]  # a coroutine function
            seconds = count.p99 if is_p99 else count.longest
            total = len(count.waits) + len(count.failures)
            shown = f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s" if seconds < 1e3 else "never"
            name = f"{venue.name}: {words}: {total:,} cancels leave" + ", p99" * is_p99
            yield Figure(name, shown, f"<= {bar:g} s", seconds <= bar)
