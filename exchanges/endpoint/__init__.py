"""Declarations of remote calls, and what is read from them.

An endpoint is declared once, as a method of an `Area`::

    class Trading(Area, api=V1):
        @private("POST /private/bids", kind=MONEY)
        async def create_bid(self, *, amount: Amount, price: Amount, orderbook: int = 1) -> Bid: ...

The decorator only marks the method. When the class is created, the signature, the route and the facts of the `Api` are
read into one frozen `Endpoint`, and the method becomes the call. A route whose placeholders do not match the arguments,
or an argument of a type that nothing can render, raises here, at import.
"""

from exchanges.endpoint.areas import Area, Areas, Caller, areas_of, endpoints_of, private, public
from exchanges.endpoint.definition import (
    CANCEL,
    IDEMPOTENT,
    MIB,
    MONEY,
    READ,
    WRITE,
    Access,
    Api,
    Argument,
    Endpoint,
    Kind,
    Param,
)
from exchanges.http.request import FORM, JSON, MULTIPART, Body

__all__ = [
    "CANCEL",
    "FORM",
    "IDEMPOTENT",
    "JSON",
    "MIB",
    "MONEY",
    "MULTIPART",
    "READ",
    "WRITE",
    "Access",
    "Api",
    "Area",
    "Areas",
    "Argument",
    "Body",
    "Caller",
    "Endpoint",
    "Kind",
    "Param",
    "areas_of",
    "endpoints_of",
    "private",
    "public",
]
