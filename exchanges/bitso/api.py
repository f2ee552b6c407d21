"""Definitions that hold for all of Bitso: addresses, limits, the envelope."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from attrs import evolve

from exchanges.bitso.errors import read_problem, read_problem_v2
from exchanges.bitso.signing import BodySignature, HeaderSignature
from exchanges.endpoint import JSON, Api
from exchanges.limits.limit import Limit, Scope, Window

if TYPE_CHECKING:
    from exchanges.wire import Json

# All generations are counted together: v2 and v3 are the same servers under two paths.
PUBLIC_LIMIT = Limit("bitso public", windows=(Window(60, per_seconds=60.0),), scope=Scope.ADDRESS)
PRIVATE_LIMIT = Limit("bitso private", windows=(Window(300, per_seconds=60.0),), scope=Scope.KEY)
# The documents: one minute after the limit is exceeded, and up to a day if that is repeated.
LOCKOUT_SECONDS = 60.0

# Quirk: a text, not the boolean that the word suggests: the exchange's own client compares it with its quotes.
_CONFIRMATIONS = ("true", "ok")


def payload(answer: Json) -> Json:
    """Return the content of the envelope ``{"success": true, "payload": ...}``, without an object around it.

    The objects around balances, and around the id in the answer to an executed quote, are removed.

    An answer without an envelope is returned unchanged, for the decoder to refuse.
    """
    if not isinstance(answer, dict) or "payload" not in answer:
        return answer
    content = answer["payload"]
    if not isinstance(content, dict):
        return content
    # Quirk: the balances are documented as a list, but travel as {"balances": [...]}; more may stand beside them.
    if isinstance(balances := content.get("balances"), list):
        return balances
    return content["oid"] if content.keys() == {"oid"} else content


def payload_v2(answer: Json) -> Json:
    """Return None for a bare confirmation: the strings ``"true"`` of a cancel and ``"ok"`` of a withdrawal."""
    return None if answer in _CONFIRMATIONS else answer


_api = partial(Api, public_limit=PUBLIC_LIMIT, private_limit=PRIVATE_LIMIT, lockout_seconds=LOCKOUT_SECONDS, body=JSON)
# Quirk: the document shows no address for v2; the exchange's clients used this host and bitso.com/api/v2 alike.
V2 = _api(
    name="bitso.v2",
    base_url="https://api.bitso.com/v2",
    scheme=BodySignature(),
    read_problem=read_problem_v2,
    payload=payload_v2,
)

# Quirk: the documents have named several sandboxes over the years; this is the newest. Both production hosts serve v3.
V3 = _api(
    name="bitso",
    base_url="https://bitso.com/api/v3",
    sandbox_url="https://sandbox.bitso.com/api/v3",
    scheme=HeaderSignature(),
    read_problem=read_problem,
    payload=payload,
)

V4 = evolve(V3, base_url="https://bitso.com/api/v4", sandbox_url="https://sandbox.bitso.com/api/v4")
"""The API of conversions; everything else of v3 holds for it as well."""
