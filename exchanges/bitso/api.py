"""Definitions that hold for all of Bitso: addresses, limits, the envelope."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from attrs import evolve

from exchanges.bitso.errors import read_doubt, read_problem
from exchanges.bitso.signing import BodySignature, HeaderSignature
from exchanges.endpoint import JSON, Api
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.wire import Deviation

if TYPE_CHECKING:
    from exchanges.wire import Json

# All generations are counted together: v2 and v3 are the same servers under two paths.
PUBLIC_LIMIT = Limit("bitso public", windows=(Window(60, per_seconds=60.0),), scope=Scope.ADDRESS)
PRIVATE_LIMIT = Limit("bitso private", windows=(Window(300, per_seconds=60.0),), scope=Scope.KEY)
# The documents: one minute after the limit is exceeded, and up to a day if that is repeated.
LOCKOUT_SECONDS, MAX_LOCKOUT_SECONDS = 60.0, 24 * 3600.0


def payload(answer: Json) -> Json:
    """Return the content of the envelope ``{"success": true, "payload": ...}``.

    The object around the balances is removed.

    Raises:
        Deviation: There is no such envelope, so that nothing says that the call succeeded; or it contains an error too.
    """
    if not isinstance(answer, dict) or answer.get("success") is not True or "payload" not in answer:
        raise Deviation("an envelope with success and payload")
    if answer.get("error"):
        raise Deviation("an envelope with either success or an error")
    content = answer["payload"]
    # Quirk: the balances are documented as a list, but travel as {"balances": [...]}; more may stand beside them.
    if isinstance(content, dict) and isinstance(balances := content.get("balances"), list):
        return balances
    return content


_api = partial(
    Api,
    public_limit=PUBLIC_LIMIT,
    private_limit=PRIVATE_LIMIT,
    lockout_seconds=LOCKOUT_SECONDS,
    limit_statuses=frozenset({420}),
    max_lockout_seconds=MAX_LOCKOUT_SECONDS,
    body=JSON,
    read_doubt=read_doubt,
)
# Quirk: the document shows no address for v2; the exchange's clients used this host and bitso.com/api/v2 alike.
V2 = _api(
    name="bitso.v2",
    base_url="https://api.bitso.com/v2",
    scheme=BodySignature(),
    read_problem=read_problem,
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


def keys_payload(answer: Json) -> Json:
    """Return the content of the envelope, or a bare list.

    Raises:
        Deviation: It is empty. Who signs has a key, so that no webhook is refused because none was listed.
    """
    # Quirk: no document says whether the keys of webhooks travel in an envelope.
    content = answer if isinstance(answer, list) else payload(answer)
    if content == []:
        raise Deviation("a list of at least one key")
    return content


PRODUCTS = evolve(
    V3, base_url="https://api.bitso.com/v4", sandbox_url="https://stage.bitso.com/v4", payload=keys_payload
)
"""The host of newer products, of which the keys of webhooks are one."""
