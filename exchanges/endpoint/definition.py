"""Definitions: one remote call, its arguments, and the API that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from attrs import Factory, field, frozen

from exchanges.errors import Problem
from exchanges.http.request import FORM, Body
from exchanges.http.signing import Scheme
from exchanges.http.uploads import Upload
from exchanges.limits.limit import Limit
from exchanges.limits.permits import Priority
from exchanges.wire import Json, NoBody
from exchanges.wire.large_lists import is_sequence
from exchanges.wire.models import codec_of

MIB = 1024 * 1024
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_PRIORITIES = {"cancel": Priority.CANCEL, "money": Priority.MONEY, "write": Priority.MONEY}


class Kind(StrEnum):
    """What a call does at the exchange, which decides whether it may be repeated."""

    READ = "read"
    """Changes nothing: repeated within a budget."""
    IDEMPOTENT = "idempotent"
    """An update, which may be done twice: repeated like a read, and served like one."""
    CANCEL = "cancel"
    """A cancel: may be done twice as well, and is served before everything else."""
    WRITE = "write"
    """Creates something: never repeated."""
    MONEY = "money"
    """Moves or commits money: never repeated."""

    def __init__(self, value: str) -> None:
        self.priority = _PRIORITIES.get(value, Priority.READ)
        # Not repeated, as a repetition would do the same once more.
        self.is_once = value in ("write", "money")
        self.is_idempotent = value in ("idempotent", "cancel")


# Also for comparisons: to look a member up in its enum costs CPython 3.11 a quarter of a microsecond.
READ, IDEMPOTENT, CANCEL, WRITE, MONEY = Kind


class Access(StrEnum):
    """Who may make a call."""

    PUBLIC = "public"
    PRIVATE = "private"
    RESELLER = "reseller"


PUBLIC, PRIVATE, RESELLER = Access


@frozen(eq=False, repr=False)
class Param:
    """Facts of one argument beside its name and type: ``Annotated[str, Param(...)]``.

    Attributes:
        wire: Its name on the wire, where that is not a Python name.
        check: Returns what is wrong with a value of the right type; None if nothing is.
        render: Converts the value to one of the wire; for types without a rendering of their own, or to replace it. An
            optional argument that renders to None is not sent.
        type: Name of its type in lists of endpoints.
        secret: Whether its value must appear nowhere.
        tag: Whether the exchange only returns it unchanged: if the caller leaves it empty, it carries the tag of the
            call's intent.
        call_id: Whether it is the client's own id of what the call creates: a tag as well, and no part of what the call
            does, so that two calls which differ in it alone are twins.
        in_query: Whether it travels in the query of a request that has a body.
        is_spread: Whether it is a mapping of further fields, which stand beside the others in the body.
        echo: The field of the answer that repeats it; ``=`` for the one of the same name, None for none.
        refers: The field of the answer with the exchange's id of what this argument names by the client's; None if it
            names nothing.
        canonical: Converts both what is sent and what is answered to one form before they are compared, where an
            exchange has two names for one thing; calls that differ in nothing else are twins. Empty for what the
            exchange uses if it is not sent.
        same: Returns whether what is answered may stand for what was sent, where an exchange shows one thing in forms
            that no one form covers; None for texts that are the same but for case.
    """

    wire: str | None = None
    check: Callable[[Any], str | None] | None = None
    render: Callable[[Any], Json | Upload] | None = None
    type: str | None = None
    secret: bool = False
    tag: bool = False
    call_id: bool = False
    in_query: bool = False
    is_spread: bool = False
    echo: str | None = "="
    refers: str | None = None
    canonical: Callable[[str], str] | None = None
    same: Callable[[str, str], bool] | None = None

    @property
    def is_tagged(self) -> bool:
        """Whether it carries the tag of the call's intent if the caller leaves it empty."""
        return self.tag or self.call_id


@frozen(eq=False, repr=False)
class Argument:
    """One argument of an endpoint, as declared.

    Attributes:
        name: Its name in Python.
        wire: Its name on the wire.
        annotation: Its type without None and `Param`.
        convert: Checks a value of this type, and converts it to one of the wire.
        type: Name of its type in lists of endpoints.
        default: What it is if the caller does not pass it.
        required: Whether the caller must pass it.
        in_path: Whether it fills a placeholder of the path.
        echo: The field of the answer that must repeat it; None if none does, or if it is secret.
        param: What the declaration says beside name and type.
    """

    name: str
    wire: str
    annotation: Any
    convert: Callable[[Any], Json | Upload]
    type: str
    default: Any
    required: bool
    in_path: bool
    echo: str | None
    param: Param


@frozen(eq=False, repr=False)
class Api:
    """One generation of an exchange's API: facts that its endpoints share.

    Attributes:
        name: The attribute path of its areas, such as ``bitstamp.v1``.
        base_url: Scheme, host and path prefix of the production server.
        sandbox_url: The same for the exchange's own test server; None if there is none.
        scheme: How private calls are signed.
        public_limit: What public calls are counted against.
        private_limit: What private calls are counted against.
        read_problem: Reads the exchange's error shapes; None for an answer that is not an error. Pure.
        read_doubt: Reads signs of failure that an answer bears in no shape of an error, where the call was to change
            something: it proves neither. None for every other answer. Pure.
        lockout_seconds: How long a limit is closed after a refusal for too many requests that names no time; doubled by
            each further one in a row.
        max_lockout_seconds: The longest such time; None: it is not doubled.
        lockout_scopes: Codes that close a part of the limit, with the argument whose value is that part.
        success_statuses: HTTP statuses of answers that are not errors; any other proves nothing.
        limit_statuses: HTTP statuses that the documents give to a rejection for too many requests.
        payload: Removes the envelope of an answer that is not an error; None if there is none. Pure.
        body: How arguments travel in POST, PUT and PATCH.
    """

    name: str
    base_url: str
    scheme: Scheme
    public_limit: Limit
    private_limit: Limit
    read_problem: Callable[[int, Json], Problem | None]
    lockout_seconds: float
    read_doubt: Callable[[Kind, Json], Problem | None] | None = None
    max_lockout_seconds: float | None = None
    lockout_scopes: Mapping[str, str] = field(factory=dict[str, str])
    sandbox_url: str | None = None
    success_statuses: frozenset[int] = frozenset({200})
    limit_statuses: frozenset[int] = frozenset()
    payload: Callable[[Json], Json] | None = None
    body: Body = FORM

    @property
    def exchange(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]


Before = Callable[["Endpoint", Mapping[str, Any], datetime], None]
"""Takes the endpoint, the arguments and the time of the client's clock (UTC)."""


# With slots attrs finds what is cached by a `__getattr__`, which makes every look-up of an attribute slow.
@frozen(eq=False, slots=False)
class Endpoint:
    """One remote call.

    Attributes:
        id: Its attribute path on the client, such as ``bitex.trading.create_bid``.
        verb: HTTP verb.
        route: Path below the base, placeholders in braces, as documented.
        kind: Whether it may be repeated.
        access: Who may call it.
        arguments: In the order of the signature.
        answer: The annotation of what comes back.
        text: Whether the answer is plain text, not JSON.
        api: The generation it belongs to.
        body: How arguments travel.
        max_bytes: The largest answer that is read.
        timeout_seconds: Its own default deadline; None for the client's.
        check: Returns what is wrong with the arguments together; None if nothing is. Pure.
        before: Raises if a call with these arguments must not be made at this moment. Pure.
        notice: What a call does beside its purpose, logged as a warning when it was executed.
        echoes: Values that fields of the answer must have, whatever the arguments; a tuple of those that are possible.
        read_problem: Reads a refusal that this endpoint alone answers with; None for every other answer. Pure.
        fault: Returns what was expected of an answer that contradicts itself, given the arguments; None if nothing is
            wrong with it. Pure.
        single: Whether a list travels where one object is meant: its only item is the answer, and an empty list says
            that there is none.
        exempt: Whether the exchange does not count it against any limit.
        shows_ids: The fields of what it shows with the exchange's id and the client's id of one thing, which are
            remembered, so that answers to calls that name it by the client's id can be compared; None if it shows none.
        positional: The one argument that may be passed without its name.
        doc: The docstring of the declaration.
        is_declared: Whether this package declares it. Of another one nothing is known but what its caller said.
        names: Those of the arguments.
        is_guarded: Whether it is refused while the same call is unresolved: what moves money, and what is not declared.
    """

    id: str
    verb: str
    route: str
    kind: Kind
    access: Access
    arguments: tuple[Argument, ...]
    answer: Any
    api: Api = field(repr=False)
    body: Body
    positional: str | None
    doc: str = field(repr=False)
    text: bool = False
    max_bytes: int = MIB
    timeout_seconds: float | None = None
    check: Callable[[Mapping[str, Any]], str | None] | None = None
    before: Before | None = None
    notice: str | None = None
    read_problem: Callable[[Json], Problem | None] | None = field(default=None, repr=False)
    fault: Callable[[Any, Mapping[str, Any]], str | None] | None = field(default=None, repr=False)
    single: bool = False
    echoes: Mapping[str, Any] = field(factory=dict[str, Any])
    exempt: bool = False
    shows_ids: tuple[str, str] | None = None
    is_declared: bool = True
    names: frozenset[str] = field(
        init=False, repr=False, default=Factory(lambda self: frozenset(a.name for a in self.arguments), takes_self=True)
    )
    # Not computed when it is read: every call asks for it.
    is_guarded: bool = field(
        init=False,
        repr=False,
        default=Factory(lambda self: self.kind is MONEY or not self.is_declared, takes_self=True),
    )

    @cached_property
    def references(self) -> tuple[Argument, ...]:
        """The arguments that name something by its client's id."""
        return tuple(argument for argument in self.arguments if argument.param.refers is not None)

    @cached_property
    def is_silent(self) -> bool:
        """Whether it succeeds with an answer that has no body."""
        return isinstance(codec_of(self.answer), NoBody)

    @cached_property
    def has_rows(self) -> bool:
        """Whether it answers with a list that may be large, and is cut while it arrives."""
        return is_sequence(self.answer)

    @cached_property
    def has_secrets(self) -> bool:
        """Whether one of its arguments is a secret."""
        return any(argument.param.secret for argument in self.arguments)

    @cached_property
    def repeated(self) -> tuple[Argument, ...]:
        """The arguments that an answer may contradict; of a call that may be repeated, those that name a field."""
        return tuple(a for a in self.arguments if self.kind.is_once or (a.echo and a.param.echo != "="))

    @cached_property
    def is_compared(self) -> bool:
        """Whether an answer can contradict its request, or show something that no thing that was made can have."""
        return bool(self.kind.is_once or self.echoes or self.repeated)

    def __str__(self) -> str:
        """Return verb and path as they are documented: ``POST /private/bids``."""
        return f"{self.verb} {self.route}"

    @property
    def title(self) -> str:
        """What names the call in an intent: its id; verb and path as well where the id does not say which it is."""
        return self.id if self.is_declared else f"{self.id} {self}"

    @property
    def limit(self) -> Limit:
        """The limit that this call counts against."""
        return self.api.public_limit if self.access is PUBLIC else self.api.private_limit
