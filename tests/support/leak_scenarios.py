"""Calls with canaries as secrets at all three exchanges, and failures to run them with."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
from attrs import define, frozen

from exchanges.bitex import Bitex
from exchanges.bitso import Bitso
from exchanges.bitstamp import Bitstamp
from exchanges.bitstamp.api import V2 as BITSTAMP_V2
from exchanges.client import Client
from exchanges.endpoint import MONEY, READ, Area, private
from exchanges.errors import ExchangeError
from exchanges.wire import Amount
from tests.support import secrets as canaries
from tests.support.leak_sinks import Scene

CLABE = "032180000118359719"
Step = Callable[[httpx.Request], Awaitable[httpx.Response] | httpx.Response]


class Balances(Area, api=BITSTAMP_V2):
    """Private calls of v2, of which the client declares none."""

    @private("GET /balance/", kind=READ)
    async def balance(self, *, at: str) -> dict[str, str]:
        """A read, with a query."""
        ...

    @private("POST /sell/", kind=MONEY)
    async def sell(self, *, amount: Amount) -> dict[str, str]:
        """Money."""
        ...


class NewBitstamp(Bitstamp):
    """A client that has private calls of v2 too."""

    balances: Balances


@frozen(eq=False)
class Call:
    """A call with canaries as its secret arguments."""

    client: type[Client]
    make: Callable[[Any], Awaitable[Any]]
    real: bool = False  # worker threads read files
    takes_text: bool = False  # a text is a good answer

    @property
    def exchange(self) -> str:
        return self.client.exchange


CALLS = {
    "bitex read": Call(Bitex, lambda c: c.trading.orders()),
    "bitex public": Call(Bitex, lambda c: c.market.ticker()),
    "bitex cancel": Call(Bitex, lambda c: c.as_user(5).trading.cancel_bid(5)),
    "bitex money": Call(Bitex, lambda c: c.trading.create_bid(amount=10, price=10)),
    "bitex text": Call(Bitex, lambda c: c.resellers.users_csv()),
    "bitex json": Call(Bitex, lambda c: c.webhooks.update_webhook(webhook_url="https://a.example/b")),
    "bitex password": Call(Bitex, lambda c: c.resellers.create_user(email="a@b.example", password=canaries.PASSWORD)),
    "bitex document": Call(Bitex, lambda c: c.kyc.create_file(5, document=canaries.DOCUMENT), real=True),
    "bitex details": Call(
        Bitex,
        lambda c: c.funding.create_usd_deposit(
            country="UY", amount=10, currency="USD", deposit_method="bank", request_details=canaries.DETAILS
        ),
    ),
    "bitex instruction": Call(
        Bitex,
        lambda c: c.funding.create_withdrawal_instruction(body={"payment_method": "x", "to": canaries.DETAILS}),
    ),
    "bitso read": Call(Bitso, lambda c: c.account.balance()),
    "bitso public": Call(Bitso, lambda c: c.market.ticker("btc_mxn")),
    "bitso quote": Call(
        Bitso, lambda c: c.conversions.create_quote(from_currency="mxn", to_currency="btc", spend_amount=10)
    ),
    "bitso conversion": Call(Bitso, lambda c: c.conversions.execute("a1"), takes_text=True),
    "bitso order": Call(
        Bitso, lambda c: c.trading.place_order(book="btc_mxn", side="buy", order_type="limit", major=1, price=10)
    ),
    "bitso withdrawal": Call(
        Bitso,
        lambda c: c.funding.create_withdrawal(currency="mxn", amount=10, details={"to": canaries.DETAILS}),
    ),
    "bitso receiver": Call(
        Bitso,
        lambda c: c.funding.create_withdrawal(
            currency="mxn",
            amount=10,
            clabe=CLABE,
            **dict.fromkeys(("beneficiary", "rfc", "email", "phone_number"), canaries.DETAILS),
            compliance={"to": canaries.DETAILS},
        ),
    ),
    "bitso contact": Call(
        Bitso,
        lambda c: c.funding.create_contact(
            alias="a",
            currency="mxn",
            taxonomy=dict.fromkeys(("currency", "asset", "network", "protocol", "integration"), "x"),
            details={"to": canaries.DETAILS},
            compliance={"to": canaries.DETAILS},
        ),
    ),
    "bitso v2 read": Call(Bitso, lambda c: c.v2.account.balance()),
    "bitso v2 cancel": Call(Bitso, lambda c: c.v2.trading.cancel_order("a1")),
    "bitso v2 money": Call(Bitso, lambda c: c.v2.trading.buy(amount=10, price=10)),
    "bitso v2 receiver": Call(
        Bitso,
        lambda c: c.v2.funding.spei_withdrawal(
            amount=10,
            recipient_given_names=canaries.DETAILS,
            recipient_family_names=canaries.DETAILS,
            clabe=CLABE,
            notes_ref="x",
            numeric_ref="1",
        ),
    ),
    "bitstamp read": Call(NewBitstamp, lambda c: c.balances.balance(at="a b")),
    "bitstamp public": Call(NewBitstamp, lambda c: c.market.ticker("btcusd")),
    "bitstamp money": Call(NewBitstamp, lambda c: c.balances.sell(amount=10)),
    "bitstamp order": Call(NewBitstamp, lambda c: c.trading.buy(market="btcusd", amount=10, price=10)),
    "bitstamp withdrawal": Call(
        NewBitstamp,
        lambda c: c.funding.crypto_withdrawal(
            currency="btc", amount=10, address="1address", originator_info={"retail_info": canaries.DETAILS}
        ),
    ),
    "bitstamp originator": Call(
        NewBitstamp,
        lambda c: c.funding.update_deposit_originator(
            deposit_id="5",
            originator_info={"retail_info": canaries.DETAILS},
            beneficiary_info={"retail_info": canaries.DETAILS},
        ),
    ),
    "bitstamp v1 read": Call(NewBitstamp, lambda c: c.v1.account.balance()),
    "bitstamp v1 cancel": Call(NewBitstamp, lambda c: c.v1.trading.cancel_order(5)),
    "bitstamp v1 money": Call(NewBitstamp, lambda c: c.v1.trading.buy(amount=10, price=10)),
}
CREDENTIALS = {"api_key": canaries.API_KEY, "api_secret": canaries.API_SECRET, "client_id": canaries.CLIENT_ID}


def credentials_of(client: type[Client]) -> dict[str, str]:
    """Return canaries as the credentials of an exchange."""
    return {name: CREDENTIALS[name] for name in (("api_key",) if client is Bitex else CREDENTIALS)}


def made(client: type[Client], scene: Scene, **options: Any) -> Any:
    """Create a client with canaries as credentials."""
    opened = client(**credentials_of(client), **{"hooks": [scene.observer], **options})
    scene.clients.append(opened)
    return opened


@define(eq=False)
class Watching(httpx.AsyncBaseTransport):
    """Answers with *step*, and records the frames and tasks of the first request in flight."""

    scene: Scene
    step: Step
    came: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Note the signature, record frames and tasks, answer."""
        await request.aread()
        self.came += 1
        self.scene.detector.catch(request)
        if self.came == 1:
            self.scene.look(sys._getframe(1))
        made = self.step(request)
        return made if isinstance(made, httpx.Response) else await made


@frozen(eq=False)
class Failure:
    """A failure to run a call with.

    Attributes:
        name: What fails.
        exchange: The exchange of the call.
        happen: Runs it; the scene keeps what it raises.
        real: Whether it needs real sockets and so a real clock.
    """

    name: str
    exchange: str
    happen: Callable[[Scene], Awaitable[None]]
    real: bool = False


async def play(failure: Failure) -> Scene:
    """Run a failure; return the scene with everything it left."""
    scene = Scene()
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(scene.hear)
    try:
        with scene.played():
            await failure.happen(scene)
    finally:
        loop.set_exception_handler(handler)
    for client in scene.clients:
        with suppress(ExchangeError, OSError):  # a state that fails
            scene.errors += [call.error for call in client.unresolved.values() if call.error is not None]
    return scene


async def called(scene: Scene, call: Call, transport: httpx.AsyncBaseTransport | None, **options: Any) -> None:
    """Send a call with a client of its own."""
    options = {"limits": None, "timeout_seconds": 20, **options}
    async with made(call.client, scene, transport=transport, **options) as client:
        await call.make(client)
