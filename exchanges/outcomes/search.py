"""How an exchange's reads show what a call did. Declarations and plain functions; `reconcile` does the reading.

For each call that is never repeated an exchange declares one `Search`: which of its reads show what such a call
creates, and how to recognise it. A search is called with what was read so far, and returns what it found and what it
wants to read next, until it wants nothing more::

    def bids(query: Query, answers: Answers) -> Matches:
        orders = Read.of(Trading.orders)
        if orders not in answers:
            return Matches(more=(orders,))
        ...

Rules for editors: a search never decides. It returns everything at the exchange that the call may have created, sure
or not, and whether it could see all of it. What that proves is decided in `reconcile`, once for all exchanges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from exchanges.intents import ClockOffset, Intent
from exchanges.values import frozen
from exchanges.wire import Deviation, Json, loads

if TYPE_CHECKING:
    from exchanges.endpoint import Endpoint


@frozen
class Read:
    """A call of an endpoint of kind READ.

    Attributes:
        endpoint: The endpoint.
        arguments: Its arguments, by name.
    """

    endpoint: Endpoint
    arguments: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, method: Callable[..., Any], /, **arguments: Any) -> Read:
        """Build the read that calls a method of an area, such as ``Trading.orders``."""
        return cls(cast("Any", method).endpoint, tuple(arguments.items()))

    def __str__(self) -> str:
        """Return the id of the endpoint."""
        return self.endpoint.id


LATE = timedelta(seconds=12)
"""How old the state may be that a read shows: ten seconds, and a margin."""
MAX_SKEW = timedelta(seconds=300)
"""How far the exchange's clock may be from ours until an answer has shown it."""


def id_of(method: Callable[..., Any]) -> str:
    """Return the id of the endpoint that a method of an area calls."""
    name: str = cast("Any", method).endpoint.id
    return name


Answers: TypeAlias = Mapping[Read, Any]
"""By read: the decoded answer, or the `NotFound` of an object that the exchange does not know."""


@frozen
class Query:
    """What is searched for.

    Attributes:
        intent: What the call was to do.
        since: It was not created before, by the exchange's clock.
        until: It was not created after, by the exchange's clock.
        age: How long ago the call was sent, at most.
        back: What is older need not be read; None for *since*.
        clock: How far the exchange's clock was ahead of ours, by all that is known; None if none has shown it.
        made: The id of what it created, if an error has named it.
    """

    intent: Intent
    since: datetime
    until: datetime
    age: timedelta
    back: datetime | None = None
    clock: ClockOffset | None = None
    made: str | None = None

    def text(self, name: str) -> str | None:
        """Return an argument as it was rendered; None if it was not sent."""
        return self.intent.arguments.get(name)

    def amount(self, name: str) -> Decimal | None:
        """Return an amount; None if it was not sent."""
        text = self.text(name)
        return None if text is None else Decimal(text)

    def structure(self, name: str) -> Json:
        """Return an argument that is no single value; None if it was not sent or cannot be read."""
        try:
            return loads((self.text(name) or "null").encode())
        except Deviation:
            # REDACTED stands for a secret one, and is no JSON.
            return None

    @property
    def is_settled(self) -> bool:
        """Whether reads show by now all that was created until then, however late they are."""
        return self.since + self.age > self.until + LATE

    def fits(self, moment: datetime | None) -> bool:
        """Return whether *moment* lies between `since` and `until`; one that is not shown may."""
        return moment is None or self.since <= moment <= self.until


@frozen
class Match:
    """Something at the exchange that the call may have created.

    Attributes:
        id: Its id at the exchange, as text: the same for the same thing, whichever read showed it.
        found: The model, or a tuple of models if only together they show it.
        at: When it was created, by the exchange's clock; None if it is not shown.
        sure: Whether everything that was asked for could be compared, and is the same.
        tagged: Whether it bears the tag of the intent.
        made: Its id at the exchange, where `id` says more than that.
        misdated: Whether it is shown as of a moment at which the call was not made. Such a moment may be wrong.
    """

    id: str
    found: object
    at: datetime | None = None
    sure: bool = True
    tagged: bool = False
    misdated: bool = False
    made: str | None = None


@frozen
class Matches:
    """The result of a search.

    Attributes:
        candidates: Everything that may match, by what was read so far.
        more: What is to be read before this means anything; empty at the end.
        complete: Whether the reads reached back far enough to show everything.
        unsettled: Whether the same reads may show everything a little later, if they do not now.
        only_found: Whether that holds only if something is found which is no other call's: no document says how soon
            the reads show what was created.
    """

    candidates: tuple[Match, ...] = ()
    more: tuple[Read, ...] = ()
    complete: bool = True
    unsettled: bool = False
    only_found: bool = False


def identify(value: Any) -> Match | None:
    """Return the match that ``id`` and ``created_at`` of an answer show; None if it has no id."""
    name = getattr(value, "id", None)
    if name is None:
        return None
    moment = getattr(value, "created_at", None)
    return Match(str(name), value, moment if isinstance(moment, datetime) else None)


@frozen
class Absence:
    """When a search by a client's id that finds nothing proves that nothing was created. Facts of an API.

    Attributes:
        after: How long after its own timestamp a request may still be executed, and what it creates not be shown.
        apart: How long at least between two looks.
        until: How long after that the reads show everything that such a call creates; None for always.
        too_late: What to say later than that.
        needs_fence: Whether the request may arrive at any time until a later call of the same key was accepted.
        unfenced: What to say where the nonces of the key may arrive in any order.
    """

    after: timedelta
    apart: timedelta = timedelta(seconds=30)
    until: timedelta | None = None
    too_late: str = ""
    needs_fence: bool = False
    unfenced: str = ""


@frozen
class Commitment:
    """What an order may cost if it is live. What is None, the call does not say.

    Attributes:
        market: As the call names it; None if it names none.
        is_buy: Whether it buys the base currency.
        base: Of the base currency.
        quote: Of the quote currency.
    """

    market: str | None
    is_buy: bool | None = None
    base: Decimal | None = None
    quote: Decimal | None = None


@frozen
class Search:
    """How to search for what one endpoint creates.

    Attributes:
        find: Returns the matches, or what to read next. Pure.
        identify: Returns the match that the answer of a successful call shows, with the id that `find` would give it;
            None if the answer names no id.
        max_skew: How far its moments may be off until an answer has shown it; more where they name no zone.
        by_id: Whether it reads what the call names, as for a cancel: no moment matters, and others may do the same.
        client_id: The argument with the client's own id of what is created; None if there is none.
        absence: When it proves that nothing was created, if it searches by such an id.
        commits: Returns what an order may cost; None for what is no order.
        thing: What it creates, such as a withdrawal, if other endpoints create the same, with ids of one series. What
            commits is an order.
        terms: Returns what of a call it compares with what the reads show: calls of the same terms cannot be told
            apart. None: only calls that would do the same.
    """

    find: Callable[[Query, Answers], Matches]
    identify: Callable[[Any], Match | None] = identify
    max_skew: timedelta = MAX_SKEW
    by_id: bool = False
    client_id: str | None = None
    absence: Absence | None = None
    commits: Callable[[Intent], Commitment] | None = None
    thing: str | None = None
    terms: Callable[[Intent], tuple[object, ...]] | None = None


Searches: TypeAlias = Mapping[str, Search]
"""By the id of the endpoint. No read shows what an endpoint does that is missing here."""
