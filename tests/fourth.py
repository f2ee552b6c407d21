"""A fourth exchange, declared with what the core offers and nothing else.

Its answers are ``{"id": 1}``; its refusals ``{"error": words, "code": ...}`` with what `read_problem` understands.
Private calls carry key, nonce and signature as headers; nonces must arrive increasing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from attrs import frozen

from exchanges import errors
from exchanges.client import Client
from exchanges.endpoint import IDEMPOTENT, JSON, MONEY, READ, WRITE, Api, Area, Areas, private, public
from exchanges.errors import Problem
from exchanges.limits import Limit, Scope, Window
from exchanges.nonces import NoncePolicy
from exchanges.wire import Amount, Json

if TYPE_CHECKING:
    from exchanges.request import Draft, Request
    from exchanges.signing import Credentials, Stamp

__all__ = ["BASE", "CREDENTIALS", "LIMIT", "OPEN_LIMIT", "Fourth", "Newer", "Thing"]

BASE = "https://fourth.example"
CREDENTIALS = {"api_key": "canary-key", "api_secret": "canary-secret"}
LIMIT = Limit("fourth", windows=(Window(5, per_seconds=10.0),), scope=Scope.KEY)
OPEN_LIMIT = Limit("fourth open", windows=(Window(100, per_seconds=60.0),), scope=Scope.ADDRESS)

KINDS = {
    "auth": errors.AuthenticationFailed,
    "funds": errors.InsufficientFunds,
    "limit": errors.RateLimited,
    "missing": errors.NotFound,
    "nonce": errors.NonceRejected,
    "vague": errors.Rejected,
}


@frozen
class Thing:
    """What every call answers with. Wire: object."""

    id: int


class HeaderScheme:
    """Three headers over nonce and target."""

    policy = NoncePolicy.STRICT
    needs = ("api_key", "api_secret")

    def sign(self, draft: Draft, credentials: Credentials, stamp: Stamp) -> Request:
        """Render *draft* and put on the headers."""
        request = draft.render()
        signature = credentials.sign(f"{stamp.nonce}{request.target}".encode() + request.body)
        headers = {"X-Key": credentials.api_key, "X-Nonce": stamp.nonce, "X-Signature": signature}
        return request.adding(headers, secrets=(credentials.api_key, signature))


class UniqueScheme(HeaderScheme):
    """The same with nonces that only must differ."""

    policy = NoncePolicy.UNIQUE


def read_problem(status: int, answer: Json) -> Problem | None:
    """Read ``{"error": words, "code": one of KINDS}``."""
    if not isinstance(answer, dict) or "error" not in answer:
        return None
    code = cast("str", answer.get("code", "vague"))
    return Problem(
        KINDS[code],
        text=str(answer["error"]),
        code=code,
        proves_not_executed=code not in ("vague", "missing"),
        retry_after_seconds=cast("float | None", answer.get("wait")),
        nonce_floor=cast("int | None", answer.get("floor")),
    )


API = Api(
    name="fourth",
    base_url=f"{BASE}/api",
    sandbox_url="https://sandbox.fourth.example/api",
    scheme=HeaderScheme(),
    public_limit=OPEN_LIMIT,
    private_limit=LIMIT,
    read_problem=read_problem,
    lockout_seconds=20.0,
    body=JSON,
)
OLD = Api(
    name="fourth.v1",
    base_url=f"{BASE}/old",
    scheme=HeaderScheme(),
    public_limit=OPEN_LIMIT,
    private_limit=LIMIT,
    read_problem=read_problem,
    lockout_seconds=20.0,
)


NEW = Api(
    name="fourth.v9",
    base_url=f"{BASE}/new",
    scheme=UniqueScheme(),
    public_limit=OPEN_LIMIT,
    private_limit=LIMIT,
    read_problem=read_problem,
    lockout_seconds=20.0,
)


class Market(Area, api=API):
    """Public."""

    @public("GET /things/{thing}")
    async def thing(self, thing: str = "a") -> Thing:
        """One thing."""
        ...

    @public("GET /slow", timeout_seconds=90.0)
    async def slow(self) -> Thing:
        """A thing that takes its time."""
        ...


class Trading(Area, api=API):
    """Private, one call of each kind."""

    @private("GET /orders", kind=READ)
    async def order(self, *, state: str | None = None) -> Thing:
        """A read."""
        ...

    @private("POST /orders/{order_id}/cancel", kind=IDEMPOTENT)
    async def cancel(self, order_id: int) -> Thing:
        """Something that may be repeated."""
        ...

    @private("POST /addresses", kind=WRITE)
    async def create_address(self) -> Thing:
        """Something that may not be repeated."""
        ...

    @private("POST /orders", kind=MONEY)
    async def create_order(self, *, amount: Amount) -> Thing:
        """Money."""
        ...


class OldTrading(Area, api=OLD):
    """The same account by its older API."""

    @private("GET /orders")
    async def order(self) -> Thing:
        """A read."""
        ...


class NewTrading(Area, api=NEW):
    """The same account by its newer API."""

    @private("GET /orders")
    async def order(self) -> Thing:
        """A read."""
        ...


class V9(Areas):
    """The newer generation."""

    newtrading: NewTrading


class V1(Areas):
    """The older generation."""

    oldtrading: OldTrading


class Fourth(Client):
    """The client."""

    exchange = "fourth"

    market: Market
    trading: Trading
    v1: V1


class Newer(Fourth):
    """The client with a newer generation."""

    v9: V9
