"""What simulated exchanges have in common: callers are identified, requests are checked, handlers answer them.

An `Exchange` is composed of an `Engine`, of accounts, of one `Generation` for each generation of its API (how a caller
is identified, how an answer is wrapped, how a rejection is worded), and of `Handlers`, one object for each area of its
API. A handler is a function marked with the declared method whose requests it answers::

    class TradingHandlers(Handlers):
        cancel_order = cancels(v1.Trading.cancel_order, find=..., answer=True)

        @handles(v1.Trading.buy)
        def buy(self, call: Call) -> v1.Order: ...

Requests are checked in the order of a real exchange: limit, key, signature, nonce, arguments.
"""

from __future__ import annotations

import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, TypedDict, TypeVar, cast

import attrs
from attrs import define, field, frozen

from exchanges.endpoint import Access, Api, Areas, Endpoint, Kind, endpoints_of
from exchanges.simulator.engine.balances import Wallet
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.matching import MatchingOptions
from exchanges.simulator.engine.orders import InsufficientFunds
from exchanges.simulator.engine.prices import BookSpec, Market
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.snapshots import StaleReads
from exchanges.simulator.http.arguments import Arguments
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest
from exchanges.simulator.record import Venue
from exchanges.wire import Json, Row, TaggedRow, dumps, encode

__all__ = [
    "Account",
    "Call",
    "Claim",
    "Exchange",
    "Generation",
    "Handlers",
    "Key",
    "Keys",
    "ParsedRequest",
    "Result",
    "answers",
    "handles",
    "is_private",
    "lists",
    "moment",
    "second",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_NONCE_DIGITS = 19


class Key(TypedDict):
    """Keyword arguments of a client that needs a key alone."""

    api_key: str


class Keys(Key, total=False):
    """Keyword arguments of a client, without those that its exchange does not use."""

    api_secret: str
    client_id: str


@define(repr=False, eq=False)
class Account:
    """One account.

    Attributes:
        wallet: What it holds.
        api_key: Its key.
        api_secret: Its secret; empty where the exchange has none.
        client_id: Its id in signatures; empty where the exchange has none.
        deposit_address: Where it receives bitcoins.
        ripple_address: Where it receives over Ripple (Bitstamp), or from where (Bitso).
        last_nonce: The largest one accepted, in any generation of the API.
    """

    wallet: Wallet
    api_key: str
    api_secret: str = ""
    client_id: str = ""
    deposit_address: str = field(kw_only=True, default="")
    ripple_address: str = field(kw_only=True, default="")
    last_nonce: int = field(init=False, default=-1)

    @property
    def credentials(self) -> Keys:
        """Keyword arguments of a client that calls as this account."""
        given = {"api_key": self.api_key, "api_secret": self.api_secret, "client_id": self.client_id}
        return cast("Keys", {name: value for name, value in given.items() if value})

    def mac(self, message: bytes) -> str:
        """Return the hex HMAC-SHA256 of *message* under the secret, in lower case."""
        return hmac.new(self.api_secret.encode(), message, hashlib.sha256).hexdigest()


A = TypeVar("A", bound=Account)


@frozen
class ParsedRequest:
    """A request to a declared endpoint.

    Attributes:
        endpoint: The declared endpoint.
        in_path: Its arguments in the path, by name.
        request: As it was sent.
        fields: The content of query or body.
    """

    endpoint: Endpoint
    in_path: Mapping[str, str]
    request: HttpRequest
    fields: Mapping[str, Json]

    def texts(self, claim: Claim | None) -> dict[str, str]:
        """Return the arguments by their declared names, as the text that was sent, without secrets."""
        fields = self.fields if claim is None else claim.fields
        texts: dict[str, str] = {}
        for argument in self.endpoint.arguments:
            given = self.in_path.get(argument.name) if argument.in_path else fields.get(argument.wire)
            if given is not None and not argument.param.secret:
                texts[argument.name] = given if isinstance(given, str) else dumps(given).decode()
        return texts


@frozen
class Claim:
    """Who a request claims to come from.

    Attributes:
        key: The API key.
        fields: The content of query or body without these.
        nonce: As it was sent; None where the exchange wants none.
        signature: As it was sent; None where the exchange wants none.
        acting_for: Id of the user for whom it is made, as it was sent; None for the key's own account.
    """

    key: str
    fields: Mapping[str, Json]
    nonce: str | None = None
    signature: str | None = None
    acting_for: str | None = None

    @property
    def fingerprint(self) -> str:
        """The key, unreadable."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:12]


@frozen
class Result:
    """What became of a request.

    Attributes:
        answer: The response.
        executed: Whether it was executed.
        created_id: Id of what it created or changed, where the answer contains one.
    """

    answer: HttpAnswer
    executed: bool = False
    created_id: str | None = None


@frozen
class Call(Generic[A]):
    """One request that passed every check.

    Attributes:
        arguments: As declared.
        now_ms: Milliseconds since 1970.
    """

    arguments: Arguments
    now_ms: int
    _account: A | None = None

    @property
    def account(self) -> A:
        """Whose request it is."""
        if self._account is None:
            raise TypeError("a public call has no account")
        return self._account

    @property
    def wallet(self) -> Wallet:
        """What the account holds."""
        return self.account.wallet

    @property
    def owner(self) -> int:
        """Id of the account."""
        return self.account.wallet.owner

    @property
    def now(self) -> datetime:
        """The time, in whole seconds."""
        return second(self.now_ms)


Handler = Callable[[Any, Any], object]
H = TypeVar("H", bound=Handler)
T = TypeVar("T")


def handles(method: Callable[..., Any]) -> Callable[[H], H]:
    """Mark the handler of a declared method; it returns a model, a list of models, or plain JSON."""

    def mark(handler: H) -> H:
        cast("Any", handler).__handles__ = cast("Any", method).endpoint.id
        return handler

    return mark


def answers(method: Callable[..., Any], value: Handler) -> Handler:
    """Return a handler that answers with *value*, called with handlers and call."""
    return handles(method)(value)


def lists(
    method: Callable[..., Any], rows: Callable[[Any, Any], Iterable[T]], show: Callable[[T], object] = lambda row: row
) -> Handler:
    """Return a handler that answers with *rows* (called with handlers and call), each converted by *show*."""
    return answers(method, lambda handlers, call: [show(row) for row in rows(handlers, call)])


class Handlers:
    """The handlers of one area; a subclass marks them with `handles`, or builds them with functions such as `lists`."""

    handlers: ClassVar[dict[str, Handler]] = {}
    """By id of the endpoint."""

    def __init_subclass__(cls) -> None:
        """Collect the handlers."""
        super().__init_subclass__()
        # Of this class alone: a handler is always found in the class that shows it.
        cls.handlers = {m.__handles__: m for m in vars(cls).values() if hasattr(m, "__handles__")}


@frozen
class Generation:
    """How one generation of an API is spoken.

    Attributes:
        claim: Returns the identity that a private request claims; raises `Refused` if it claims none.
        refusal: Returns the response that rejects a request.
        signatures: Returns the signatures that are right; none where the exchange wants none.
        envelope: Wraps an answer.
    """

    claim: Callable[[ParsedRequest], Claim]
    refusal: Callable[[Refused], HttpAnswer]
    signatures: Callable[[ParsedRequest, Claim, Account], tuple[str, ...]] = lambda _, __, ___: ()
    envelope: Callable[[Json], Json] = lambda value: value


@define(eq=False, slots=False)
class Exchange(ABC):
    """One simulated exchange.

    Args:
        seed: Seed of everything random.
        started_ms: When the simulator started, in milliseconds since 1970.

    Attributes:
        stale_reads: Makes private reads stale; None: they are not.
        engine: Books, wallets and orders.
        accounts: By key.
        handlers: One object for each area.
    """

    venue: ClassVar[Venue]
    client: ClassVar[type[Areas]]
    books: ClassVar[tuple[BookSpec, ...]]
    matching: ClassVar[MatchingOptions]
    generations: ClassVar[Mapping[str, Generation]]
    """By name of the `Api`."""

    seed: int
    started_ms: int
    stale_reads: StaleReads[Exchange] | None = field(init=False, default=None)
    engine: Engine = field(init=False)
    accounts: dict[str, Account] = field(init=False)
    handlers: tuple[Handlers, ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        markets = [Market(spec, self.seed, self.venue.value, self.started_ms) for spec in self.books]
        self.engine = Engine(markets, self.matching)
        # Before the accounts, as opening one may need handlers: at Bitex it gets a profile.
        self.handlers = tuple(self.create_handlers())
        self.accounts = {account.api_key: account for account in self.open_accounts()}

    @classmethod
    def endpoints(cls) -> tuple[Endpoint, ...]:
        """List what the exchange's client declares."""
        return tuple(endpoints_of(cls.client))

    @abstractmethod
    def create_handlers(self) -> Iterable[Handlers]:
        """Create the handlers of all areas."""

    @abstractmethod
    def open_accounts(self) -> Iterable[Account]:
        """Create the accounts that exist from the start."""

    def pass_time(self, now_ms: int) -> None:
        """Run what is due: before each request, and when a test moves the clock."""
        self.engine.pass_time(now_ms)

    async def stop(self) -> None:  # noqa: B027 - not every exchange has something to stop
        """Stop what is under way."""

    def insufficient(self, funds: InsufficientFunds) -> str:
        """Return the text of the rejection when an account has too little available."""
        return f"You have only {funds.available} {funds.currency.upper()} available"

    def order_id(self, shown: int | str) -> int:
        """Return the engine's id of an order whose id the exchange shows as *shown*."""
        return int(shown)

    def claim(self, asked: ParsedRequest) -> Claim:
        """Return the identity that a private request claims.

        Raises:
            Refused: It claims none.
        """
        return self.generations[asked.endpoint.api.name].claim(asked)

    def refusal(self, api: Api, refused: Refused) -> HttpAnswer:
        """Return the response that rejects a request."""
        return self.generations[api.name].refusal(refused)

    def answer(self, asked: ParsedRequest, claim: Claim | None, now_ms: int) -> Result:
        """Check a request and execute it.

        Raises:
            Refused: The exchange rejects it.
        """
        # First of all: what is due before this request must be visible to it.
        self.pass_time(now_ms)
        endpoint = asked.endpoint
        account = None if claim is None else self.admit(asked, claim)
        # After the nonce, as at a real exchange: a request with wrong arguments uses up its nonce.
        arguments = Arguments.check(endpoint, asked.in_path, asked.fields if claim is None else claim.fields)
        if not any(endpoint.id in handlers.handlers for handlers in self.handlers):
            return Result(HttpAnswer(501, f"{endpoint.id} is not simulated".encode(), "text/plain"))
        value = self._execute(endpoint, Call(arguments, now_ms, account))
        if endpoint.text:
            return Result(HttpAnswer(200, str(value).encode(), "text/csv"), executed=True)
        answer = HttpAnswer(200, dumps(self.generations[endpoint.api.name].envelope(_plain(value))))
        return Result(answer, executed=True, created_id=None if endpoint.kind is Kind.READ else _id_of(value))

    def _execute(self, endpoint: Endpoint, call: Call[Account]) -> object:
        """Call the handler; with stale reads, a private read sees the state that is visible to it."""
        if self.stale_reads is None or not is_private(endpoint):
            return self._handle(endpoint, call)
        if endpoint.kind is not Kind.READ:
            with self.stale_reads.writing(self, call.now_ms):
                return self._handle(endpoint, call)
        visible = self.stale_reads.view(self, endpoint.id, call.now_ms)
        return visible._handle(endpoint, attrs.evolve(call, account=visible.same(call.account)))  # noqa: SLF001

    def _handle(self, endpoint: Endpoint, call: Call[Account]) -> object:
        handlers = next(handlers for handlers in self.handlers if endpoint.id in handlers.handlers)
        try:
            return handlers.handlers[endpoint.id](handlers, call)
        except InsufficientFunds as funds:
            raise Refused(Reason.NO_FUNDS, funds.currency, self.insufficient(funds)) from None

    def same(self, account: Account) -> Account:
        """Return the account of this copy of the state that corresponds to one of another copy.

        Raises:
            Refused: It did not exist yet.
        """
        return self.accounts[account.api_key]

    def admit(self, asked: ParsedRequest, claim: Claim) -> Account:
        """Check key, signature and nonce, and return the account.

        Raises:
            Refused: One of them is wrong.
        """
        account = self.accounts.get(claim.key)
        if account is None:
            raise Refused(Reason.UNKNOWN_KEY)
        right = self.generations[asked.endpoint.api.name].signatures(asked, claim, account)
        if right and claim.signature not in right:
            raise Refused(Reason.WRONG_SIGNATURE)
        if claim.nonce is not None:
            nonce = int(claim.nonce) if claim.nonce.isascii() and claim.nonce.isdigit() else -1
            if nonce <= account.last_nonce or len(claim.nonce) > MAX_NONCE_DIGITS:
                raise Refused(Reason.WRONG_NONCE)
            # From here on the nonce is used up, even if the arguments turn out to be wrong.
            account.last_nonce = nonce
        return account


def moment(at_ms: int) -> datetime:
    """Return the time *at_ms* milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def second(at_ms: int) -> datetime:
    """Return the time *at_ms* milliseconds after 1970, rounded down to whole seconds."""
    return _EPOCH + timedelta(seconds=at_ms // 1000)


def is_private(endpoint: Endpoint) -> bool:
    """Return whether a request must identify its caller."""
    return endpoint.access is not Access.PUBLIC


def _id_of(value: object) -> str | None:
    """Return the id in an answer, which is a model or plain JSON."""
    names = ("id", "oid", "user_id", "public_address")
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        found = [fields.get(name) for name in names]
    else:
        found = [getattr(value, name, None) for name in names]
    return next((str(number) for number in found if number is not None), None)


def _plain(value: object) -> Json:
    """Encode a model or a list of models; plain JSON stays as it is."""
    if isinstance(value, list):
        models = cast("list[object]", value)
        if not models or not attrs.has(type(models[0])):
            return cast("Json", models)
        return [_padded(model, row) for model, row in zip(models, cast("list[Json]", encode(models)), strict=True)]
    return _padded(value, encode(value)) if attrs.has(type(value)) else cast("Json", value)


def _padded(model: object, encoded: Json) -> Json:
    """Append null for the absent cells at the end of a row, as an exchange does."""
    if not isinstance(model, Row) or not isinstance(encoded, list):
        return encoded
    return encoded + [None] * (_width(type(model)) - len(encoded))


def _width(kind: type) -> int:
    names = [a.name for a in attrs.fields(cast("Any", kind))]
    return len(names) - ("extra" in names) + issubclass(kind, TaggedRow)
