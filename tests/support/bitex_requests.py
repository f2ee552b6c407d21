"""Requests that Bitex would receive, and clients whose answers are scripted."""

from typing import Any
from urllib.parse import parse_qs

import pytest

from exchanges.bitex import Bitex
from exchanges.endpoint import Access, endpoints_of
from exchanges.endpoint.call import prepare
from exchanges.errors import UsageError
from exchanges.http.request import Request
from exchanges.http.signing import Credentials, Stamp
from tests.support.scripted_transport import Script

__all__ = ["BASE", "ENDPOINTS", "client", "fields", "refused", "sent", "text"]

BASE = "https://bitex.la/api-v1/rest"
ENDPOINTS = {e.id.removeprefix("bitex."): e for e in endpoints_of(Bitex)}


def client(script: Script) -> Bitex:
    """Create a client with scripted answers."""
    return Bitex(api_key="k", transport=script, limits=None)


def sent(name: str, *, key: str = "k", base_url: str = BASE, **arguments: Any) -> Request:
    """Return the request of a call such as ``trading.create_bid``, with the key if it needs one."""
    endpoint = ENDPOINTS[name]
    call = prepare(endpoint, arguments, base_url)
    if endpoint.access is Access.PUBLIC:
        return call.render()
    return endpoint.api.scheme.sign(call, Credentials(api_key=key), Stamp("", 0))


def text(name: str, **arguments: Any) -> str:
    """Return the query or the body of a call, without the key."""
    request = prepare(ENDPOINTS[name], arguments, BASE).render()
    return request.target.partition("?")[2] or request.body.decode()


def fields(name: str, **arguments: Any) -> dict[str, str]:
    """Return the fields of the form of a call, without the key."""
    return {key: value for key, (value,) in parse_qs(text(name, **arguments)).items()}


def refused(name: str, **arguments: Any) -> str:
    """Return the message of the usage error that a call raises before it is sent."""
    with pytest.raises(UsageError) as caught:
        text(name, **arguments)
    return str(caught.value)
