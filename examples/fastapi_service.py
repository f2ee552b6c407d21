# ruff: noqa: INP001 - examples are not a package
"""Serve prices and take orders over HTTP with FastAPI: one client for the whole service, every digit kept.

It needs FastAPI and uvicorn. Against the simulator, and with the key from the environment::

    pip install fastapi uvicorn
    uvicorn --factory examples.fastapi_service:simulated_app
    BITSTAMP_API_KEY=... BITSTAMP_API_SECRET=... uvicorn --factory examples.fastapi_service:live_app

Start it with one worker, or give all workers one `FileState`: the limits and the journal belong to the key. Ctrl-C
waits for the orders under way: set no ``--timeout-graceful-shutdown`` that is shorter than the deadline of a call. The
models of the exchange are the answers, with their schema; amounts travel as text in both directions, since a JSON
number is read as a float by most who receive it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from exchanges import (
    Bitstamp,
    ExchangeError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    RateLimitTimeout,
    Rejected,
    UnresolvedOutcome,
    UsageError,
)
from exchanges.bitstamp import PlacedOrder, Ticker
from exchanges.simulator import Venue, simulate
from exchanges.state import FileState

Opened = AbstractAsyncContextManager[Bitstamp]

RECONCILE_EVERY_SECONDS = 10.0

STATUSES: tuple[tuple[type[ExchangeError], int], ...] = (
    (UnresolvedOutcome, 409),
    (UsageError, 422),
    (RateLimitTimeout, 503),
    (RateLimited, 503),
    (NotFound, 404),
    (InvalidRequest, 422),
    (Rejected, 409),
    # Not an error of the one who asks, and no permission to ask again: the order may be in the book.
    (OutcomeUnknown, 202),
)

logger = logging.getLogger("fastapi_service")


class NewOrder(BaseModel):
    """A limit order; amounts as text."""

    market: str
    side: Literal["buy", "sell"]
    amount: str
    price: str


class Unresolved(BaseModel):
    """A call whose outcome is not known."""

    intent: str
    endpoint: str
    standing: str


def create_app(opened: Callable[[], Opened]) -> FastAPI:
    """Create the service.

    Args:
        opened: Returns a block that opens the client, and closes it at its end.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        # In the event loop that serves: a client belongs to one loop.
        async with opened() as client:
            app.state.client = client
            # Beside the service: it must answer, and stop, while the exchange cannot be read.
            reconciling = asyncio.create_task(reconcile_all(client))
            try:
                yield
            finally:
                reconciling.cancel()
                await asyncio.gather(reconciling, return_exceptions=True)

    app = FastAPI(lifespan=lifespan, title="prices and orders")
    app.add_exception_handler(ExchangeError, explain)
    app.add_api_route("/prices/{market}", price)
    app.add_api_route("/orders", place, methods=["POST"], status_code=201)
    app.add_api_route("/unresolved", unresolved)
    return app


async def reconcile_all(client: Bitstamp) -> None:
    """Reconcile what the last run and lost answers left open, until cancelled."""
    while True:
        try:
            for intent in list(client.unresolved):
                logger.info("%s", await client.reconcile(intent))
        except ExchangeError as error:
            logger.warning("not reconciled: %s", error)
        await asyncio.sleep(RECONCILE_EVERY_SECONDS)


def client_of(request: Request) -> Bitstamp:
    """Return the client of the service."""
    client: Bitstamp = request.app.state.client
    return client


async def price(market: str, request: Request) -> Ticker:
    """Return the prices of a market, such as btcusd."""
    return await client_of(request).market.ticker(market)


async def place(order: NewOrder, request: Request) -> PlacedOrder:
    """Place an order. It goes on if the one who asked is gone, and its outcome is kept."""
    trading = client_of(request).trading
    call = trading.buy if order.side == "buy" else trading.sell
    return await call(market=order.market, amount=order.amount, price=order.price)


async def unresolved(request: Request) -> list[Unresolved]:
    """List the calls whose outcome is not known."""
    return [
        Unresolved(intent=intent.id, endpoint=intent.endpoint, standing=call.standing.value)
        for intent, call in client_of(request).unresolved.items()
    ]


async def explain(_request: Request, error: Exception) -> JSONResponse:
    """Answer with what an error proves; its text holds no secrets."""
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 502)
    proven = {
        "error": type(error).__name__,
        "message": str(error),
        "may_have_executed": isinstance(error, ExchangeError) and error.may_have_executed,
    }
    if isinstance(error, (OutcomeUnknown, UnresolvedOutcome)):
        proven["intent"] = error.intent.id  # as in the list of unresolved calls
    return JSONResponse(proven, status_code=status)


@asynccontextmanager
async def live() -> AsyncGenerator[Bitstamp]:
    """Open the client of the account whose key is in the environment."""
    with FileState("service.db") as state:
        async with Bitstamp(state=state) as client:
            yield client


@asynccontextmanager
async def simulated() -> AsyncGenerator[Bitstamp]:
    """Open a client of the simulator."""
    async with (
        simulate(Venue.BITSTAMP) as sim,
        Bitstamp(base_url=sim.base_url, **sim.account(Venue.BITSTAMP)) as client,
    ):
        yield client


def live_app() -> FastAPI:
    """Create the service for the exchange."""
    return create_app(live)


def simulated_app() -> FastAPI:
    """Create the service for the simulator."""
    return create_app(simulated)
