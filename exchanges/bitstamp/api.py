"""Definitions that hold for all of Bitstamp: addresses, the one limit, and what v1 wraps its answers in."""

from __future__ import annotations

from functools import partial
from typing import get_origin

from exchanges.bitstamp.errors import read_problem, read_problem_v1
from exchanges.bitstamp.signing import BodySignature, HeaderSignature
from exchanges.endpoint import Api, Endpoint
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.wire import Json, loads

__all__ = ["LIMIT", "LOCKOUT_SECONDS", "V1", "V2", "payload"]

# Public and private calls of both generations are counted together, by address.
LIMIT = Limit("bitstamp", windows=(Window(600, per_seconds=600.0),), scope=Scope.ADDRESS)
LOCKOUT_SECONDS = 600.0


def payload(answer: Json) -> Json:
    """Return the content of what v1 wraps: None for ``true``, and the value of ``{"address": ...}``."""
    if answer is True or answer == "true":
        return None
    # Quirk: the ripple address has been seen as a text and as an object around it.
    if isinstance(answer, dict) and answer.keys() == {"address"}:
        return answer["address"]
    return answer


def _decode(endpoint: Endpoint, status: int, body: bytes) -> Json:
    """Parse JSON; an empty body stands for an empty list."""
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
    name="bitstamp",
    base_url="https://www.bitstamp.net/api/v2",
    scheme=HeaderSignature(),
    read_problem=read_problem,
)
