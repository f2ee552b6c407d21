"""What the three plays have in common: who may call, what is asked, who answers.

A play is one class per exchange. It names its handlers by the id of the endpoint, so that a new endpoint is one new
method, and says how its exchange signs, wraps and refuses. The order of the checks is that of a real exchange: limit,
key, signature, nonce, arguments.
"""

from __future__ import annotations

import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypedDict, TypeVar, cast

import attrs
from attrs import define, field, frozen

from exchanges.endpoint import Access, Api, Areas, Endpoint, Kind, endpoints_of
from exchanges.simulator.engine.prices import BookFacts, Market
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.snapshots import Lateness
from exchanges.simulator.http.arguments import Arguments
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest
from exchanges.simulator.record import Venue
from exchanges.wire import Json, Row, TaggedRow, dumps, encode

__all__ = [
    "Account",
    "Asked",
    "Call",
    "Claim",
    "Done",
    "Exchange",
    "Key",
    "Keys",
    "handles",
    "is_private",
    "moment",
    "second",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Key(TypedDict):
    """Keyword arguments of a client that needs a key alone."""

    api_key: str


class Keys(Key, total=False):
    """Keyword arguments of a client; those that its exchange has no use for are left out."""

    api_secret: str
    client_id: str


@define(repr=False)
class Account:
    """One account, known by its key.

    Attributes:
        api_key: The key.
        api_secret: Its secret; empty where the exchange has none.
        client_id: The account's id; empty where the exchange has none.
        last_nonce: The largest that was accepted, whichever generation of the API it came by.
    """

    api_key: str
    api_secret: str = ""
    client_id: str = ""
    last_nonce: int = -1

    @property
    def credentials(self) -> Keys:
        """What a client needs to call as this account, as keyword arguments."""
        given = {"api_key": self.api_key, "api_secret": self.api_secret, "client_id": self.client_id}
        return cast("Keys", {name: value for name, value in given.items() if value})

    def mac(self, message: bytes) -> str:
        """Hex HMAC-SHA256 of *message* under the secret, in lower case."""
        return hmac.new(self.api_secret.encode(), message, hashlib.sha256).hexdigest()


@frozen
class Asked:
    """What a request asks for.

    Attributes:
        endpoint: The declared endpoint.
        in_path: Its arguments in the path, by name.
        request: As it travelled.
        fields: What stands in query or body.
    """

    endpoint: Endpoint
    in_path: Mapping[str, str]
    request: HttpRequest
    fields: Mapping[str, Json]

    def words(self, claim: Claim | None) -> dict[str, str]:
        """Give the arguments by their declared names, as the text that travelled; secrets are left out."""
        fields = self.fields if claim is None else claim.fields
        words: dict[str, str] = {}
        for argument in self.endpoint.arguments:
            given = self.in_path.get(argument.name) if argument.in_path else fields.get(argument.wire)
            if given is not None and not argument.param.secret:
                words[argument.name] = _text(given)
        return words


@frozen
class Claim:
    """Who a request says that it comes from.

    Attributes:
        key: The API key.
        fields: What remains of query or body without these.
        nonce: As it travelled; None where the exchange wants none.
        signature: As it travelled; None where the exchange wants none.
        acting_for: Id of the user that it acts for, as it travelled; None for the key's own.
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
class Done:
    """What came of a request.

    Attributes:
        answer: What goes back.
        executed: Whether it was carried out.
        made: Id of what it made or changed, where the answer names one.
    """

    answer: HttpAnswer
    executed: bool = False
    made: str | None = None


@frozen
class Call:
    """One request that passed every check.

    Attributes:
        arguments: As declared.
        account: Whose it is; only private calls have one.
        now_ms: Milliseconds since 1970.
    """

    arguments: Arguments
    now_ms: int
    _account: Account | None = None

    @property
    def account(self) -> Account:
        """Whose it is."""
        if self._account is None:
            raise TypeError("a public call has no account")
        return self._account


Handler = Callable[[Any, Call], object]
H = TypeVar("H", bound=Handler)


def handles(endpoint_id: str) -> Callable[[H], H]:
    """Let a method of a play answer an endpoint, with a model, a list of models, or plain JSON."""

    def mark(method: H) -> H:
        cast("Any", method).__handles__ = endpoint_id
        return method

    return mark


@define(eq=False, slots=False)
class Exchange(ABC):
    """One exchange, played.

    Args:
        seed: Where chance begins.
        opened_ms: When the play began, in milliseconds since 1970.
    """

    venue: ClassVar[Venue]
    client: ClassVar[type[Areas]]
    books: ClassVar[tuple[BookFacts, ...]]
    handlers: ClassVar[dict[str, Handler]] = {}

    seed: int
    opened_ms: int
    lateness: Lateness[Exchange] | None = field(init=False, default=None)
    """Whether private reads show what no longer is; set from outside."""
    markets: dict[str, Market] = field(init=False)
    accounts: dict[str, Account] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.markets = {facts.name: Market(facts, self.seed, self.venue.value) for facts in self.books}
        self.accounts = {account.api_key: account for account in self.open_accounts()}

    def __init_subclass__(cls) -> None:
        """Collect the handlers."""
        super().__init_subclass__()
        methods = [m for base in reversed(cls.__mro__) for m in vars(base).values()]
        cls.handlers = {m.__handles__: m for m in methods if hasattr(m, "__handles__")}

    @classmethod
    def endpoints(cls) -> tuple[Endpoint, ...]:
        """List what the exchange's client declares."""
        return tuple(endpoints_of(cls.client))

    # What an exchange has of its own

    @abstractmethod
    def open_accounts(self) -> Iterable[Account]:
        """Make the accounts, with what they hold."""

    @abstractmethod
    def claim(self, asked: Asked) -> Claim:
        """Find out who a private request says that it comes from.

        Raises:
            Refused: It does not say.
        """

    @abstractmethod
    def signatures(self, asked: Asked, claim: Claim, account: Account) -> tuple[str, ...]:
        """Make the signatures that would be right; none where the exchange wants none."""

    @abstractmethod
    def refusal(self, api: Api, refused: Refused) -> HttpAnswer:
        """Put a refusal in the shape that the exchange gives it."""

    def envelope(self, endpoint: Endpoint, value: Json) -> Json:  # noqa: ARG002 - for exchanges that have one
        """Wrap an answer."""
        return value

    def pass_time(self, now_ms: int) -> None:  # noqa: B027 - not every exchange has something to do
        """Let happen what is due before the next request is looked at, or because a test moved the clock."""

    async def stop(self) -> None:  # noqa: B027 - as above
        """Give up what is under way."""

    # What all share

    def answer(self, asked: Asked, claim: Claim | None, now_ms: int) -> Done:
        """Check a request and carry it out.

        Raises:
            Refused: Not a call that the exchange does.
        """
        self.pass_time(now_ms)
        endpoint = asked.endpoint
        account = None if claim is None else self._admit(asked, claim)
        arguments = Arguments.check(endpoint, asked.in_path, asked.fields if claim is None else claim.fields)
        handler = self.handlers.get(endpoint.id)
        if handler is None:
            return Done(HttpAnswer(501, f"{endpoint.id} is not simulated".encode(), "text/plain"))
        call = Call(arguments, now_ms, account)
        value = handler(self, call) if self.lateness is None else self._belated(self.lateness, endpoint, handler, call)
        if endpoint.text:
            return Done(HttpAnswer(200, str(value).encode(), "text/csv"), executed=True)
        answer = HttpAnswer(200, dumps(self.envelope(endpoint, _plain(value))))
        return Done(answer, executed=True, made=None if endpoint.kind is Kind.READ else _id_of(value))

    def _belated(self, lateness: Lateness[Exchange], endpoint: Endpoint, handler: Handler, call: Call) -> object:
        """Carry out a write, to be shown later, or a read of what is to be shown now."""
        if not is_private(endpoint):
            return handler(self, call)
        if endpoint.kind is not Kind.READ:
            with lateness.writing(self, call.now_ms):
                return handler(self, call)
        shown = lateness.view(self, endpoint.id, call.now_ms)
        return handler(shown, attrs.evolve(call, account=shown.same(call.account)))

    def same(self, account: Account) -> Account:
        """Find an account as it is here, in a picture.

        Raises:
            Refused: It was not there yet.
        """
        return self.accounts[account.api_key]

    def _admit(self, asked: Asked, claim: Claim) -> Account:
        """Check key, signature and nonce; from here on the nonce is used up."""
        account = self.accounts.get(claim.key)
        if account is None:
            raise Refused(Reason.UNKNOWN_KEY)
        right = self.signatures(asked, claim, account)
        if right and claim.signature not in right:
            raise Refused(Reason.WRONG_SIGNATURE)
        if claim.nonce is not None:
            nonce = int(claim.nonce) if claim.nonce.isascii() and claim.nonce.isdigit() else -1
            if nonce <= account.last_nonce or len(claim.nonce) > 19:
                raise Refused(Reason.WRONG_NONCE)
            account.last_nonce = nonce
        return account

    def market(self, name: str) -> Market:
        """One of the books.

        Raises:
            Refused: There is no such book.
        """
        if name not in self.markets:
            raise Refused(Reason.UNKNOWN_BOOK, name)
        return self.markets[name]


def moment(at_ms: int) -> datetime:
    """Make the moment *at_ms* milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def second(at_ms: int) -> datetime:
    """Make the same moment without what is more than whole seconds."""
    return _EPOCH + timedelta(seconds=at_ms // 1000)


def is_private(endpoint: Endpoint) -> bool:
    """Whether a call must say who makes it."""
    return endpoint.access is not Access.PUBLIC


def _text(value: Json) -> str:
    return value if isinstance(value, str) else dumps(value).decode()


def _id_of(value: object) -> str | None:
    """Find the id of what was made: that of a model, or the one in plain JSON."""
    names = ("id", "oid", "user_id", "public_address")
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        found = [fields.get(name) for name in names]
    else:
        found = [getattr(value, name, None) for name in names]
    return next((str(number) for number in found if number is not None), None)


def _plain(value: object) -> Json:
    """Encode a model, or a list of models; what is plain JSON already stays as it is."""
    if isinstance(value, list):
        models = cast("list[object]", value)
        if not models or not attrs.has(type(models[0])):
            return cast("Json", models)
        return [_whole(model, row) for model, row in zip(models, cast("list[Json]", encode(models)), strict=True)]
    return _whole(value, encode(value)) if attrs.has(type(value)) else cast("Json", value)


def _whole(model: object, encoded: Json) -> Json:
    """Write the end of a row that holds nothing too: an exchange sends null there."""
    if not isinstance(model, Row) or not isinstance(encoded, list):
        return encoded
    return encoded + [None] * (_width(type(model)) - len(encoded))


def _width(kind: type) -> int:
    names = [a.name for a in attrs.fields(cast("Any", kind))]
    return len(names) - ("extra" in names) + issubclass(kind, TaggedRow)
