"""Which clients there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import exchanges
from exchanges.client import Client
from exchanges.endpoint import Endpoint, endpoints_of
from exchanges.limits.limit import Limit

__all__ = ["clients", "endpoints", "limits"]


def clients() -> dict[str, type[Client]]:
    """Find the client class of every exchange, by the exchange's name."""
    found = [cast("type[Client]", getattr(exchanges, name)) for name in exchanges.CLIENTS]
    return {client.exchange: client for client in found}


def endpoints() -> Iterator[Endpoint]:
    """Walk everything that is declared."""
    for client in clients().values():
        yield from endpoints_of(client)


def limits() -> list[Limit]:
    """Find every limit that an exchange sets, once."""
    return list(dict.fromkeys(limit for e in endpoints() for limit in (e.api.public_limit, e.api.private_limit)))
