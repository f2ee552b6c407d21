"""Definitions that hold for all of Bitstamp: addresses, the one limit, and what v1 wraps its answers in."""

from __future__ import annotations

from functools import partial
from typing import get_origin

from exchanges.bitstamp.errors import read_problem, read_problem_v1
from exchanges.bitstamp.signing import BodySignature, HeaderSignature
from exchanges.endpoint import Api, Endpoint
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.wire import Json, loads

# Public and private calls of both generations are counted together, by address.
# Quirk: later documents allow 8,000 and then 10,000 requests in the same time; the first and lowest figure satisfies
# all.
LIMIT = Limit("bitstamp", windows=(Window(600, per_seconds=600.0),), scope=Scope.ADDRESS)
# No document says how long a ban lasts: the length of the window is the least that can help.
LOCKOUT_SECONDS = 600.0


def payload(answer: Json) -> Json:
    """Return the content of what v1 wraps: None for ``true``, and the address of ``{"address": ...}``."""
    # Quirk: a cancel answers the JSON boolean (recordings), a ripple withdrawal the text (an old client).
    if answer is True or answer == "true":
        return None
    return _address(answer) if isinstance(answer, dict) and "address" in answer else answer


def _address(answer: dict[str, Json]) -> Json:
    """Return the address in an object of nothing else, with its tag as the exchange itself appends it."""
    # Quirk: the ripple address has been seen as a text and as an object around it, with a tag and without.
    tag = answer.get("destination_tag")
    if answer.keys() - {"destination_tag"} != {"address"} or not (tag is None or type(tag) is int):
        return answer
    # Without its tag an amount would not reach the account.
    return answer["address"] if tag is None else f"{answer['address']}?dt={tag}"


def _decode(endpoint: Endpoint, status: int, body: bytes) -> Json:
    """Parse JSON; an empty body stands for an empty list."""
    # Quirk: recordings of v1 have an empty body where a list without entries is due; nothing of the kind is known of
    # v2.
    if not body and status == 200 and get_origin(endpoint.answer) is list:
        return []
    return loads(body)


_api = partial(Api, public_limit=LIMIT, private_limit=LIMIT, lockout_seconds=LOCKOUT_SECONDS)
V1 = _api(
    name="bitstamp.v1",
    base_url="https://www.bitstamp.net/api",
    scheme=BodySignature(),
    read_problem=read_problem_v1,
    payload=payload,
    decode=_decode,
)

V2 = _api(
    name="bitstamp", base_url="https://www.bitstamp.net/api/v2", scheme=HeaderSignature(), read_problem=read_problem
)
