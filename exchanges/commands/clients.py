"""The clients, and what they declare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from exchanges import Bitex, Bitso, Bitstamp
from exchanges.endpoint import Endpoint, endpoints_of
from exchanges.limits.limit import Limit
from exchanges.streams.channel import Channel

MarketClient: TypeAlias = Bitex | Bitso | Bitstamp
"""A client with the market data that all exchanges have in common."""

CLIENTS: dict[str, type[MarketClient]] = {client.exchange: client for client in (Bitex, Bitso, Bitstamp)}
"""The client of each exchange, by the name of the exchange."""


def endpoints() -> Iterator[Endpoint]:
    """Iterate over all declared endpoints."""
    for client in CLIENTS.values():
        yield from endpoints_of(client)


def channels() -> Iterator[Channel]:
    """Iterate over all declared live channels."""
    from exchanges.bitso.streams import Streams as BitsoStreams
    from exchanges.bitstamp.streams import Streams as BitstampStreams

    yield from (*BitsoStreams.channels, *BitstampStreams.channels)


def limits() -> list[Limit]:
    """List every limit that an exchange sets, once."""
    # Generations of an API share limits; a dictionary drops the duplicates and keeps the order.
    return list(dict.fromkeys(part for e in endpoints() for part in e.limit.parts))
