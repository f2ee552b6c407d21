"""Orders, withdrawals and conversions that the stages place: each with an amount that no other has.

So what a simulator executed can be compared, call by call, with what its caller was told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import reduce
from typing import Any, TypeAlias

from attrs import frozen

from exchanges import Bitex, Bitso, Bitstamp
from exchanges.client import Client
from exchanges.errors import ExchangeError
from exchanges.simulator import Venue

CLIENTS: dict[Venue, type[Client]] = {Venue.BITEX: Bitex, Venue.BITSO: Bitso, Venue.BITSTAMP: Bitstamp}
ADDRESS = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
EXECUTE = "bitso.conversions.execute"
CENT, SATOSHI = Decimal("0.01"), Decimal("0.00000001")

Mark: TypeAlias = tuple[str, Decimal | str]
"""The identity of an order: its endpoint, and its amount or its quote."""


@frozen
class Order:
    """One call that moves money.

    Attributes:
        endpoint: Id of the endpoint.
        arguments: With what it is called.
    """

    endpoint: str
    arguments: Mapping[str, Any]

    @property
    def mark(self) -> Mark:
        """Its identity."""
        return mark_of(self.endpoint, self.arguments)


def mark_of(endpoint: str, arguments: Mapping[str, Any]) -> Mark:
    """Return the identity of an order by its arguments."""
    if endpoint == EXECUTE:
        quote = arguments["quote_id"]
        return endpoint, str(getattr(quote, "id", quote))
    return endpoint, Decimal(arguments["amount"])


Make = Callable[[int], dict[str, Any]]


def _limited(least: str, step: Decimal, *prices: str) -> Make:
    """Return arguments of limit orders, in turn at each of *prices*: some trade at once, some wait."""
    return lambda n: {"amount": Decimal(least) + n * step, "price": Decimal(prices[n % len(prices)])}


def _sent(least: str, **arguments: str) -> Make:
    return lambda n: {"amount": Decimal(least) + n * SATOSHI, **arguments}


KINDS: dict[Venue, dict[str, Make]] = {
    Venue.BITEX: {
        "bitex.trading.create_bid": _limited("1", CENT, "30000", "90000"),
        "bitex.trading.create_ask": _limited("0.005", SATOSHI, "90000", "30000"),
        "bitex.funding.create_btc_withdrawal": _sent("0.001", address=ADDRESS),
    },
    Venue.BITSO: {
        "bitso.v2.trading.buy": _limited("0.00015", SATOSHI, "700000", "1600000"),
        "bitso.v2.trading.sell": _limited("0.00015", SATOSHI, "1600000", "700000"),
        "bitso.v2.funding.bitcoin_withdrawal": _sent("0.0001", address=ADDRESS),
        EXECUTE: lambda n: {"spend_amount": Decimal(100) + n * CENT},
    },
    Venue.BITSTAMP: {
        "bitstamp.v1.trading.buy": _limited("0.0002", SATOSHI, "30000", "90000"),
        "bitstamp.v1.trading.sell": _limited("0.0002", SATOSHI, "90000", "30000"),
        "bitstamp.v1.funding.bitcoin_withdrawal": _sent("0.0001", address=ADDRESS),
    },
}
"""The orders of each exchange: by endpoint, the arguments of number n."""


async def prepare(client: Any, endpoint: str, arguments: Mapping[str, Any]) -> Order | None:
    """Prepare an order: a conversion begins with a quote. None if there is no quote."""
    if endpoint != EXECUTE:
        return Order(endpoint, arguments)
    if client is None:
        return None
    try:
        quote = await client.conversions.create_quote(from_currency="mxn", to_currency="btc", **arguments)
    except ExchangeError:
        return None
    return Order(endpoint, {"quote_id": quote.id})


async def place(client: Client, order: Order) -> object:
    """Place an order."""
    method: Any = reduce(getattr, order.endpoint.split(".")[1:], client)
    return await method(**order.arguments)
