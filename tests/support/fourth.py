"""A fourth exchange, declared with what the core offers and nothing else.

Its answers are ``{"id": 1}``, or orders; its refusals ``{"error": words, "code": ...}`` with what `read_problem`
understands. Private calls carry key, nonce and signature as headers; nonces must arrive increasing. Orders are open,
then done; the newer generation is the same with nonces in any order. `Placing` finds its orders again.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

from attrs import evolve, frozen

from exchanges import errors
from exchanges.client import Client
from exchanges.endpoint import CANCEL, FORM, JSON, MONEY, READ, WRITE, Api, Area, Areas, Param, private, public
from exchanges.errors import Problem
from exchanges.http.signing import NoncePolicy
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.outcomes.matching import MatchQuality, match
from exchanges.outcomes.search import Answers, Match, Matches, Query, Read, Search, Searches, id_of
from exchanges.wire import Amount, Json, OpenStrEnum, UnixTime

if TYPE_CHECKING:
    from exchanges.http.request import Request, Unsigned
    from exchanges.http.signing import Credentials, Stamp


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
    """The answer to every call. Wire: object."""

    id: int


class Side(OpenStrEnum):
    """Of an order."""

    BUY = "buy"
    SELL = "sell"


@frozen
class Order:
    """An order. Wire: object."""

    id: int
    amount: Decimal
    price: Decimal | None = None
    side: Side | None = None
    created_at: UnixTime | None = None
    label: str | None = None


@frozen
class Sent:
    """The answer to money that was sent. Wire: object."""

    number: int
    quantity: Decimal | None = None
    address: str | None = None
    currency: str | None = None
    fast: bool | None = None
    count: int | None = None
    side: Side | None = None
    memo: str | None = None


class HeaderScheme:
    """Three headers over nonce and target."""

    policy = NoncePolicy.STRICT
    needs = ("api_key", "api_secret")

    def sign(self, unsigned: Unsigned, credentials: Credentials, stamp: Stamp) -> Request:
        """Render *unsigned* and add the headers."""
        request = unsigned.render()
        signature = credentials.sign(f"{stamp.nonce}{request.target}".encode() + request.body)
        headers = {"X-Key": credentials.api_key, "X-Nonce": stamp.nonce, "X-Signature": signature}
        return request.adding(headers, secrets=(credentials.api_key, signature))


class UniqueScheme(HeaderScheme):
    """The same with nonces that only have to differ."""

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
        proves_not_executed=code != "vague",
        is_about_nonce=code == "nonce",
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
    limit_statuses=frozenset({429}),
    lockout_seconds=20.0,
    body=JSON,
)
OLD = evolve(API, name="fourth.v1", base_url=f"{BASE}/old", sandbox_url=None, body=FORM)
NEW = evolve(OLD, name="fourth.v9", base_url=f"{BASE}/new", scheme=UniqueScheme())


class Market(Area, api=API):
    """Public."""

    @public("GET /things/{thing}")
    async def thing(self, thing: str = "a") -> Thing:
        """One thing."""
        ...

    @public("GET /slow", timeout_seconds=90.0)
    async def slow(self) -> Thing:
        """A slow call."""
        ...


class Trading(Area, api=API):
    """Private, one call of each kind."""

    @private("GET /orders", kind=READ)
    async def order(self, *, state: str | None = None) -> Thing:
        """A read."""
        ...

    @private("POST /orders/{order_id}/cancel", kind=CANCEL)
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


class Orders(Area, api=API):
    """Orders, and sending money."""

    @private("POST /placed", kind=MONEY)
    async def place(
        self, *, amount: Amount, price: Amount, label: Annotated[str | None, Param(tag=True)] = None
    ) -> Order:
        """An order with a tag."""
        ...

    @private("POST /bought", kind=MONEY, echoes={"side": Side.BUY})
    async def buy(self, *, amount: Amount, price: Amount) -> Order:
        """An order without a tag."""
        ...

    @private("POST /tipped", kind=MONEY)
    async def tip(self, *, amount: Amount) -> Sent:
        """An order whose answer has no id."""
        ...

    @private("POST /noted", kind=WRITE)
    async def note(self, *, amount: Amount, price: Amount) -> Order:
        """An order without money."""
        ...

    @private("POST /sent/{currency}", kind=MONEY)
    async def send(
        self,
        currency: str,
        *,
        amount: Annotated[Amount, Param(echo="quantity")],
        to: Annotated[str, Param(wire="receiver", echo="address")],
        fast: bool | None = None,
        count: int | None = None,
        side: Side | None = None,
        memo: Annotated[str | None, Param(secret=True)] = None,
        number: Annotated[int | None, Param(echo=None)] = None,
    ) -> Sent:
        """Send money; the arguments are of every kind."""
        ...

    @private("GET /open")
    async def open_orders(self) -> list[Order]:
        """Orders that wait."""
        ...

    @private("GET /done/{page}")
    async def done_orders(self, page: int) -> list[Order]:
        """Orders that are done, the newest first."""
        ...


class NewOrders(Area, api=NEW):
    """The same by the newer generation."""

    @private("POST /bought", kind=MONEY)
    async def buy(self, *, amount: Amount, price: Amount) -> Order:
        """An order without a tag."""
        ...

    @private("GET /open")
    async def open_orders(self) -> list[Order]:
        """Orders that wait."""
        ...

    @private("GET /done/{page}")
    async def done_orders(self, page: int) -> list[Order]:
        """Orders that are done, the newest first."""
        ...


class NewPlacing(Areas):
    """The newer generation."""

    neworders: NewOrders


PAGE = 50


def look_for(area: type[Orders | NewOrders], side: Side | None, sought: Query, seen: Answers) -> Matches:
    """Search the open and the done orders; a full page of done ones may not be all."""
    readings = (Read.of(area.open_orders), Read.of(area.done_orders, page=1))
    if unread := tuple(r for r in readings if r not in seen):
        return Matches(more=unread)
    rows: list[Order] = [row for reading in readings for row in seen[reading] if row.side is side]
    candidates = tuple(trace for row in rows if (trace := _trace(sought, row)))
    return Matches(candidates, complete=len(seen[readings[1]]) < PAGE)


def _trace(sought: Query, row: Order) -> Match | None:
    """Compare one row; a row without a price may match, but not for sure."""
    tagged = sought.intent.tag is not None and row.label == sought.intent.tag
    price = sought.amount("price")
    if not tagged and (row.amount != sought.amount("amount") or row.price not in (None, price)):
        return None
    quality = MatchQuality.SAME if row.price == price else MatchQuality.DOUBTFUL
    return match(sought, row, quality, name=row.id, shown_at=row.created_at, tagged=tagged)


def made_nothing(_: Any) -> None:
    """Return no id for an answer."""


class Placing(Fourth):
    """The client with orders that can be reconciled."""

    orders: Orders
    v9: NewPlacing

    @classmethod
    def searches(cls) -> Searches:
        """Search every order in the same two lists: a tag shows who placed it, else the side."""
        return {
            id_of(Orders.place): Search(partial(look_for, Orders, Side.SELL)),
            id_of(Orders.buy): Search(partial(look_for, Orders, Side.BUY)),
            id_of(Orders.note): Search(partial(look_for, Orders, None)),
            id_of(Orders.tip): Search(partial(look_for, Orders, None), made_nothing),
            id_of(NewOrders.buy): Search(partial(look_for, NewOrders, Side.BUY)),
        }

    def as_user(self, user: int) -> Self:
        """Return a view that acts for a user."""
        return self._view(evolve(self._options, private_fields={"as_user": str(user)}))
