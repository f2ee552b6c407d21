"""How an exchange's reads find again what a call did. Declarations and plain functions; the asking is in `reconciling`.

For each call that is never repeated an exchange says, in one `Search`, which of its reads show what such a call makes
and how to tell it apart. A search is asked with what was read so far and answers with what it found and what it wants
to read next, until it wants nothing more::

    def bids(sought: Sought, seen: Seen) -> Traces:
        orders = Reading.of(Trading.orders)
        if orders not in seen:
            return Traces(more=(orders,))
        ...

Rules for editors: a search never decides. It names everything at the exchange that the call may have made, sure or
not, and says whether it could see all of it; what that proves is decided in one place for all exchanges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from attrs import frozen

from exchanges.intents import Intent

if TYPE_CHECKING:
    from exchanges.endpoint import Endpoint

__all__ = ["MAX_SKEW", "Answers", "Match", "Matches", "Query", "Read", "Search", "Searches", "id_of"]


@frozen
class Read:
    """One read to make: a call of an endpoint of kind READ.

    Attributes:
        endpoint: What is called.
        arguments: With what, by name.
    """

    endpoint: Endpoint
    arguments: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, method: Callable[..., Any], /, **arguments: Any) -> Read:
        """Make it of a method of an area, such as ``Trading.orders``, and its arguments."""
        return cls(cast("Any", method).endpoint, tuple(arguments.items()))

    def __str__(self) -> str:
        """Name the endpoint."""
        return self.endpoint.id


MAX_SKEW = timedelta(seconds=300)
"""How far the exchange's clock may be from ours as long as no answer told."""


def id_of(method: Callable[..., Any]) -> str:
    """Give the id of the endpoint that a method of an area calls."""
    name: str = cast("Any", method).endpoint.id
    return name


Answers: TypeAlias = Mapping[Read, Any]
"""What was read: the decoded answer, or the `NotFound` of an object that the exchange does not know."""


@frozen
class Query:
    """What is looked for.

    Attributes:
        intent: What the call was to do.
        since: Not made before, by the exchange's clock.
        until: Not made after, by the exchange's clock.
        age: How long ago the call was sent, by our clock.
    """

    intent: Intent
    since: datetime
    until: datetime
    age: timedelta

    def text(self, name: str) -> str | None:
        """Give an argument as it was rendered; None if it was not sent."""
        return self.intent.arguments.get(name)

    def amount(self, name: str) -> Decimal | None:
        """Give an amount; None if it was not sent."""
        text = self.text(name)
        return None if text is None else Decimal(text)

    def fits(self, moment: datetime | None) -> bool:
        """Whether something made at *moment* can be it; where the exchange names no moment it can."""
        return moment is None or self.since <= moment <= self.until


@frozen
class Match:
    """Something at the exchange that the call may have made.

    Attributes:
        id: Its id at the exchange, as text: the same for the same thing, whichever read showed it.
        found: What is handed to the caller: the model, or a tuple of models where only together they show it.
        at: When it was made, by the exchange's clock; None where it does not say.
        sure: Whether all that was asked for could be compared, and is the same.
        tagged: Whether it bears the tag of the intent.
    """

    id: str
    found: object
    at: datetime | None = None
    sure: bool = True
    tagged: bool = False


@frozen
class Matches:
    """What a search came to.

    Attributes:
        candidates: Everything that fits, by what was read so far.
        more: What is to be read before this means anything; empty at the end.
        whole: Whether the reads reached back far enough to show everything.
    """

    candidates: tuple[Match, ...] = ()
    more: tuple[Read, ...] = ()
    whole: bool = True


def _made(value: Any) -> Match | None:
    """Take ``id`` and ``created_at`` of an answer, where it has them."""
    name = getattr(value, "id", None)
    if name is None:
        return None
    moment = getattr(value, "created_at", None)
    return Match(str(name), value, moment if isinstance(moment, datetime) else None)


@frozen
class Search:
    """How to find again what one endpoint makes.

    Attributes:
        look: Says what was found, or what to read next. Pure.
        made: Reads the answer of a call that went well: the same id that `look` would give, and the moment where the
            answer names it; None where the answer names no id.
        max_skew: How far its moments may be off as long as no answer told; more where they name no zone.
    """

    look: Callable[[Query, Answers], Matches]
    made: Callable[[Any], Match | None] = _made
    max_skew: timedelta = MAX_SKEW


Searches: TypeAlias = Mapping[str, Search]
"""By the id of the endpoint. An endpoint that is not there leaves nothing that the exchange's reads would show."""
