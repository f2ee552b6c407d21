"""The fourth exchange with stored orders: its clock is wrong, its reads are late, its answers get lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from attrs import define, field, frozen

from exchanges.errors import OutcomeUnknown
from exchanges.limits.limit import Limit, Scope
from tests.support.fourth import CREDENTIALS, LIMIT, OPEN_LIMIT, PAGE, Placing
from tests.support.fourth_calls import WALL
from tests.support.scripted_transport import Script, answer, refusal
from tests.support.virtual_time import elapsed

SIDES = {"placed": "sell", "bought": "buy", "noted": None, "tipped": None}


@frozen
class Fate:
    """The fate of a request.

    Attributes:
        arrives: After so many seconds; never where None.
        breaks: After so many seconds the connection breaks; where None it holds.
        answers: So many seconds after it arrived.
    """

    arrives: float | None = 0.0
    breaks: float | None = None
    answers: float = 0.0


ANSWERED = Fate()


@frozen
class Deed:
    """An order that exists."""

    id: int
    nonce: str
    at: float
    done_at: float
    row: dict[str, Any]
    generation: str = "api"


@define(eq=False)
class Lagging(httpx.AsyncBaseTransport):
    """The transport of the exchange.

    Attributes:
        fates: Of the orders to come; all is well for those beyond.
        skew: Seconds that its clock shows more than true time.
        step: Seconds that our own clock shows more.
        dated: Whether its answers bear the moment as a header.
        told: Changes the moment in the answer to an order.
        shown: Changes the moment of a row in a list.
        lag: Draws how old a list is.
        lives: Draws after how many seconds an order is done.
        faults: Answers in place of the next reads.
        hold: Where given, reads wait for it.
        deeds: What was done.
        reads: What was read: path, seconds since the beginning, headers.
    """

    fates: list[Fate] = field(factory=list[Fate])
    skew: float = 0.0
    step: float = 0.0
    dated: bool = False
    told: Callable[[int], int | None] = int
    shown: Callable[[int], int | None] = int
    lag: Callable[[], float] = lambda: 0.0
    lives: Callable[[], float] = lambda: 1e6
    priceless: bool = False
    faults: list[httpx.Response] = field(factory=list[httpx.Response])
    hold: asyncio.Event | None = None
    deeds: list[Deed] = field(factory=list[Deed])
    reads: list[tuple[str, float, httpx.Request]] = field(factory=list[tuple[str, float, httpx.Request]])
    last_nonce: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, with a header if it is to bear one, or break the connection."""
        response = await self._handle(request)
        if self.dated:
            response.headers["date"] = formatdate(WALL + elapsed() + self.skew, usegmt=True)
        return response

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if request.method == "GET":
            return await self._read(request)
        fate = self.fates.pop(0) if self.fates else ANSWERED
        if fate.breaks is None:
            await asyncio.sleep(fate.arrives or 0.0)
            deed = self.take(request)
            await asyncio.sleep(fate.answers)
            return refusal("nonce") if deed is None else self._told(request, deed)
        if fate.arrives is not None:
            asyncio.get_running_loop().call_later(fate.arrives, self.take, request)
        await asyncio.sleep(fate.breaks)
        raise httpx.ReadError("gone")

    def take(self, request: httpx.Request) -> Deed | None:
        """Execute a request now."""
        if not self._accepts(request):
            return None
        _, generation, path = request.url.path.split("/")
        text = request.content.decode()
        body = json.loads(text) if generation == "api" else dict(httpx.QueryParams(text))
        return self.do(path, body, request.headers["X-Nonce"], generation)

    def do(self, path: str, body: dict[str, Any], nonce: str = "-", generation: str = "api") -> Deed:
        """Create an order of any client."""
        row = {
            "id": len(self.deeds) + 1,
            "amount": body["amount"],
            "price": body.get("price"),
            "side": SIDES[path],
            "created_at": int(WALL + elapsed() + self.skew),
            "label": body.get("label"),
        }
        deed = Deed(len(self.deeds) + 1, nonce, elapsed(), elapsed() + self.lives(), row, generation)
        self.deeds.append(deed)
        return deed

    def made(self, nonce: str | None) -> Deed | None:
        """Return the order that the request with this nonce created."""
        return next((deed for deed in self.deeds if deed.nonce == nonce), None)

    def _accepts(self, request: httpx.Request) -> bool:
        if "/api/" not in request.url.path:
            return True
        nonce = int(request.headers["X-Nonce"])
        if nonce <= self.last_nonce:
            return False
        self.last_nonce = nonce
        return True

    def _told(self, request: httpx.Request, deed: Deed) -> httpx.Response:
        return answer({"number": 1}) if request.url.path.endswith("/tipped") else answer(_moved(deed.row, self.told))

    async def _read(self, request: httpx.Request) -> httpx.Response:
        _, generation, path = request.url.path.split("/", 2)
        self.reads.append((path, elapsed(), request))
        if self.faults:
            return self.faults.pop(0)
        if self.hold is not None:
            await self.hold.wait()
        if not self._accepts(request):
            return refusal("nonce")
        then = elapsed() - self.lag()
        known = [d for d in reversed(self.deeds) if d.at <= then and d.generation == generation]
        shown = [d for d in known if (d.done_at <= then) is path.startswith("done")][:PAGE]
        rows = [_moved(deed.row, self.shown) for deed in shown]
        return answer([row | {"price": None} if self.priceless else row for row in rows])


def _moved(row: dict[str, Any], by: Callable[[int], int | None]) -> dict[str, Any]:
    return row | {"created_at": by(row["created_at"])}


def placing(exchange: httpx.AsyncBaseTransport, **options: Any) -> Placing:
    """Create a client of the exchange, or of a script, without limits."""
    limits = [Limit(limit.name, (), Scope.KEY) for limit in (LIMIT, OPEN_LIMIT)]
    clock = lambda: WALL + elapsed() + getattr(exchange, "step", 0.0)  # noqa: E731 - as everywhere
    return Placing(transport=exchange, **{**CREDENTIALS, "clock": clock, "limits": limits, **options})


LOST = Fate(arrives=None, breaks=1.0)
DONE = Fate(arrives=0.0, breaks=1.0)
MEASURED = 40.0
"""After so many seconds a client has a complete history, whatever was sent before its first call."""

CALLS = {
    "in order": lambda c, **options: c.orders.buy(**{"amount": 3, "price": 5} | options),
    "in any order": lambda c, **options: c.v9.neworders.buy(**{"amount": 3, "price": 5} | options),
}


async def begin(client, at=MEASURED, **other):
    """Place a first order that shows the clock, and wait until the history is old enough."""
    with suppress(OutcomeUnknown):  # of an order that is dated years off, beside a right header
        await client.orders.buy(**{"amount": 7, "price": 7} | other)
    with suppress(OutcomeUnknown):
        await client.v9.neworders.buy(amount=7, price=7)
    await asyncio.sleep(at - elapsed())


async def lose(client, call=CALLS["in order"], **arguments):
    """Send a call whose outcome stays unknown; return its intent."""
    return await unknown(call(client, **arguments))


def lagging(*fates, **facts):
    """Create an exchange with the fates of the orders after the first two."""
    return Lagging([ANSWERED, ANSWERED, *fates], **facts)


@asynccontextmanager
async def begun(*fates, at=MEASURED, **facts):
    """Yield a client whose history is old enough, and its exchange with the fates of the orders to come."""
    exchange = lagging(*fates, **facts)
    async with placing(exchange) as client:
        await begin(client, at=at)
        yield client, exchange


@asynccontextmanager
async def client_of(*steps, seconds=0.0, **options):
    """Yield a client with scripted answers, and the script."""
    script = Script.of(*steps, seconds=seconds)
    async with placing(script, **options) as client:
        yield client, script


async def unknown(call):
    """Send a call whose outcome stays unknown; return its intent."""
    with pytest.raises(OutcomeUnknown) as caught:
        await call
    return caught.value.intent


async def cancel_caller(call, after=1.0):
    """Send a call and cancel its caller after *seconds*."""
    task = asyncio.create_task(call)
    await asyncio.sleep(after)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
