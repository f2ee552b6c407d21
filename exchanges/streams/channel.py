"""Declarations of live channels, and what is read from them.

A channel is declared once, as a method of `Channels`::

    class Streams(Channels, api=STREAMS):
        @channel("live_trades_{market}", on={"trade": LiveTrade}, key=_trade_id)
        def trades(self, market: Market, *, backfill: bool = False) -> Lossless[LiveTrade]: ...

The decorator only marks the method. When the class is created, the signature and the facts are read into one frozen
`Channel`, and the method returns the stream that its annotation names. A template whose placeholders do not match the
arguments raises here, at import.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Protocol,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    get_args,
    get_type_hints,
)
from typing import get_origin as origin_of

from attrs import field, frozen

from exchanges.endpoint import Access, Endpoint, Param
from exchanges.errors import UsageError
from exchanges.streams.dialect import Data, Dialect
from exchanges.streams.happenings import Events, Reporter
from exchanges.streams.liveness import Liveness

if TYPE_CHECKING:
    from exchanges.streams.keepers import Keeper, Settings

__all__ = [
    "BookRule",
    "CatchUp",
    "Channel",
    "Channels",
    "Delivery",
    "MarketsRule",
    "StreamApi",
    "channel",
    "endpoint_of",
]

_PLACEHOLDER = re.compile(r"{(\w+)}")
FILLED_BY_TOKEN = frozenset({"user_id"})
"""Placeholders that no argument fills: what is there comes with the token."""

Call = Callable[[Endpoint, Mapping[str, Any]], Awaitable[Any]]


class Delivery(StrEnum):
    """What a reader gets that is slower than a channel."""

    LOSSLESS = "lossless"
    """Every item, or a gap in the place of those that are missing."""
    NEWEST = "newest"
    """The newest item; those in between are counted."""
    KEPT = "kept"
    """The order book as it is; changes in between are counted."""


@frozen(eq=False, repr=False)
class MarketsRule:
    """How it is known which markets there are.

    Attributes:
        endpoint: What lists them.
        symbols: Returns the names in its answer. Pure.
        argument: The argument of channels that must be one of them.
    """

    endpoint: Endpoint
    symbols: Callable[[Any], Collection[str]]
    argument: str


@frozen(eq=False, repr=False)
class StreamApi:
    """One server of live channels: facts that its channels share.

    Attributes:
        name: The attribute path of its channels, such as ``bitstamp.streams``.
        url: Of the production server.
        dialect: What its frames say. Pure.
        liveness: When a connection counts as dead.
        sandbox_url: Of the exchange's own test server; None if there is none.
        token: What creates the secret for private channels; None if there are none.
        markets: How it is known which markets there are, where the server takes any name without a word; None where it
            refuses unknown ones.
        max_channels: How many channels one connection carries.
    """

    name: str
    url: str
    dialect: Dialect
    liveness: Liveness = field(factory=Liveness)
    sandbox_url: str | None = None
    token: Endpoint | None = None
    markets: MarketsRule | None = None
    max_channels: int = 1000

    @property
    def exchange(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]


class CatchUp(Protocol):
    """Reads what happened while there was no connection; one object for each channel that is subscribed to."""

    @property
    def delays(self) -> tuple[float, ...]:
        """Seconds before each step of reading: after the subscription, and then after the step before.

        So that an answer which comes from a cache shows what happened before the subscription.
        """
        ...

    async def begin(self) -> None:
        """Read what is needed to notice later what is missing. Called after the first subscription."""
        ...

    def note(self, item: Any) -> None:  # noqa: ANN401 - of the model that the channel declares
        """Record an item that arrived."""
        ...

    def lost(self) -> None:
        """Note that something is missing: what is noted from now on came later."""
        ...

    async def missed(self, step: int, /) -> list[Any] | None:
        """Return what one step of reading shows, oldest first; None if not all of it can be read."""
        ...


CatchingUp = Callable[[Call, Mapping[str, str], Callable[[], datetime]], CatchUp]
"""Builds a `CatchUp`: what makes calls, the arguments of the channel, the client's clock."""


@frozen(eq=False, repr=False)
class BookRule:
    """How the order book of a channel is kept.

    Attributes:
        keeper: Builds the keeper: name, converter of moments, settings.
        settings: How it is kept if the caller does not say.
        frame: Decodes a frame for it; raises `Deviation`. Pure.
        seed: What reads the whole order book.
        seed_arguments: Returns the arguments of that call, of those of the channel. Pure.
        snapshot: Converts its answer for the keeper: answer, arguments; raises `ValueError` if it is of no use. Pure.
        model: Builds the exchange's own model from a book that can be read: arguments, book. Pure.
    """

    keeper: Callable[[str, Callable[[float], Any], Settings], Keeper[Any, Any]]
    settings: Settings
    frame: Callable[[Data], Any]
    seed: Endpoint
    seed_arguments: Callable[[Mapping[str, str]], Mapping[str, Any]]
    snapshot: Callable[[Any, Mapping[str, str]], Any]
    model: Callable[[Mapping[str, str], Keeper[Any, Any]], Any]


@frozen(eq=False, repr=False)
class Channel:
    """One live channel.

    Attributes:
        id: Its attribute path on the client, such as ``bitstamp.streams.trades``.
        template: Its name on the wire, placeholders in braces.
        arguments: What fills the placeholders, in the order of the signature.
        options: The other arguments with their defaults: how it is read.
        checks: Returns what is wrong with an argument; by name.
        events: The model of each event, or a list of models; by the exchange's word for it.
        delivery: What a slow reader gets.
        item: The annotation of what comes.
        access: Whether it needs a key.
        api: The server.
        key: Returns the id of an item, by which doubles are known; None if it has none.
        chain: Returns the id of an item and that of the item before it; None if items are not chained.
        whole: Whether the model describes the frame and not the data in it.
        fault: Returns what an item should be, if its numbers cannot be true; None if they can. Pure.
        client_id: Returns the client's id that an item names; None if it names none.
        catch_up: Builds what reads what was missed; None if nothing shows it.
        moves_book: Whether each item changes the order book of the same arguments.
        is_reconciled: Whether that is done for every reader, and the gap is said all the same.
        book: How its order book is kept; None if it is none.
        doc: The docstring of the declaration.
    """

    id: str
    template: str
    arguments: tuple[str, ...]
    options: Mapping[str, Any]
    checks: Mapping[str, Callable[[Any], str | None]]
    events: Mapping[str, Any]
    delivery: Delivery
    item: Any
    access: Access
    api: StreamApi
    key: Callable[[Any], str | None] | None = None
    chain: Callable[[Any], tuple[str | None, str | None]] | None = None
    whole: bool = False
    fault: Callable[[Any], str | None] | None = None
    client_id: Callable[[Any], str | None] | None = None
    catch_up: CatchingUp | None = None
    moves_book: bool = False
    is_reconciled: bool = False
    book: BookRule | None = None
    doc: str = ""

    def name(self, arguments: Mapping[str, str]) -> str:
        """Return the name of the channel with *arguments*; what comes with a token stays in braces."""
        kept = {name: f"{{{name}}}" for name in FILLED_BY_TOKEN}
        return self.template.format(**kept, **arguments)

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raise if an argument is wrong.

        Raises:
            UsageError: It is.
        """
        for name in self.arguments:
            value = arguments[name]
            fault = "must be a text" if type(value) is not str else (self.checks.get(name, _plain)(value))
            if fault is not None:
                raise UsageError(f"{self.id}: {name} {fault}; nothing was sent", endpoint=self.id)


def _plain(value: str) -> str | None:
    return None if value and value.isascii() and value.isprintable() and " " not in value else "must be a name"


class Declared(TypedDict, total=False):
    """What a declaration may contain beside its template; see `Channel`.

    Attributes:
        on: The model of each event.
        name: The last part of its id, where that is not the name of the method.
    """

    name: str
    on: Mapping[str, Any]
    key: Callable[[Any], str | None]
    chain: Callable[[Any], tuple[str | None, str | None]]
    whole: bool
    fault: Callable[[Any], str | None]
    client_id: Callable[[Any], str | None]
    catch_up: CatchingUp
    moves_book: bool
    is_reconciled: bool
    book: BookRule
    access: Access


def endpoint_of(method: Callable[..., Any]) -> Endpoint:
    """Return what a declared method of an area calls."""
    endpoint: Endpoint = cast("Any", method).endpoint
    return endpoint


F = TypeVar("F", bound=Callable[..., Any])


def channel(template: str, **declared: Unpack[Declared]) -> Callable[[F], F]:
    """Declare a channel. *template*: its name as documented, placeholders in braces."""

    def mark(function: F) -> F:
        cast("Any", function).__channel__ = template, declared
        return function

    return mark


class Channels:
    """The live channels of one exchange: the attribute ``streams`` of its client.

    Attributes:
        channels: What is declared, in order.
        hub: What they share.
    """

    channels: ClassVar[tuple[Channel, ...]] = ()

    def __init__(self, hub: Reporter) -> None:
        self.hub = hub

    def __init_subclass__(cls, *, api: StreamApi, **rest: Any) -> None:  # noqa: ANN401 - as its base
        super().__init_subclass__(**rest)
        for name, function in [(n, f) for n, f in vars(cls).items() if hasattr(f, "__channel__")]:
            declared = _read(function, f"{api.name}.{_name_of(function, name)}", api)
            setattr(cls, name, _method(declared, function))
            cls.channels = (*cls.channels, declared)

    def events(self) -> Events:
        """Return what happens to connections and channels from now on, as an asynchronous iterator.

        Each event is one of `Connected`, `Disconnected`, `Moved`, `Subscribed`, `Refused`, `Resynchronised`,
        `AuditFailed` and `Lagged`, of `exchanges.streams`. The same are logged.
        """
        events = Events()
        self.hub.listen(events)
        return events

    def __repr__(self) -> str:
        """List the channels."""
        return f"{type(self).__name__}({', '.join(c.id.rpartition('.')[2] for c in self.channels)})"


def _read(function: Any, channel_id: str, api: StreamApi) -> Channel:  # noqa: ANN401 - a declaration
    template, declared = function.__channel__
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    placeholders = set(_PLACEHOLDER.findall(template)) - FILLED_BY_TOKEN
    arguments = tuple(p.name for p in parameters if p.name in placeholders)
    if missing := placeholders - set(arguments):
        raise TypeError(f"{channel_id}: {template} has no argument for {sorted(missing)}")
    if not declared.get("on") and "book" not in declared:
        raise TypeError(f"{channel_id}: no events")
    stream = hints.get("return")
    delivery = getattr(origin_of(stream) or stream, "delivery", None)
    if delivery is None:
        raise TypeError(f"{channel_id}: the annotation of what it returns is no stream")
    facts = {name: fact for name, fact in declared.items() if name not in ("on", "access", "name")}
    return Channel(
        id=channel_id,
        template=template,
        arguments=arguments,
        options={p.name: p.default for p in parameters if p.name not in placeholders},
        checks={name: check for name in arguments if (check := _check_of(hints[name])) is not None},
        events=declared.get("on", {}),
        delivery=delivery,
        item=get_args(stream)[0] if get_args(stream) else None,
        access=declared.get("access", Access.PUBLIC),
        api=api,
        doc=inspect.getdoc(function) or "",
        **cast("Any", facts),
    )


def _name_of(function: Any, name: str) -> str:  # noqa: ANN401 - a declaration
    declared: Declared = function.__channel__[1]
    return declared.get("name", name)


def _check_of(annotation: Any) -> Callable[[Any], str | None] | None:  # noqa: ANN401 - any annotation
    if origin_of(annotation) is not Annotated:
        return None
    return next((extra.check for extra in get_args(annotation)[1:] if isinstance(extra, Param)), None)


def _method(declared: Channel, function: Any) -> Callable[..., Any]:  # noqa: ANN401 - a declaration
    signature = inspect.signature(function)
    kind = origin_of(get_type_hints(function)["return"]) or get_type_hints(function)["return"]

    @functools.wraps(function)
    def open_stream(self: Channels, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the declared stream
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError as error:
            raise UsageError(f"{declared.id}: {error}", endpoint=declared.id) from None
        bound.apply_defaults()
        values = dict(list(bound.arguments.items())[1:])
        arguments = {name: values.pop(name) for name in declared.arguments}
        declared.check(arguments)
        return kind(self.hub, declared, arguments, values)

    cast("Any", open_stream).channel = declared
    return open_stream
