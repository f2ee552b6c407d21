"""The verdicts of `reconcile`: what the exchange's evidence proves about a call whose outcome was unknown."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

from attrs import field, frozen

from exchanges.intents import Intent

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@frozen
class Reconciled(Generic[T_co]):
    """It was executed.

    Attributes:
        intent: What the call was to do.
        found: What it created: the model that a read shows, or the answer of the call itself.
        id: Its id at the exchange, whatever model shows it; None where neither reads nor the answer show one.
    """

    intent: Intent
    found: T_co = field(repr=False)
    id: str | None = None


@frozen
class NoTrace:
    """It was not executed, and will not be.

    Attributes:
        intent: What the call was to do.
    """

    intent: Intent


@frozen
class Ambiguous(Generic[T_co]):
    """The exchange holds what the call may have created, but other calls may have created it too; still unresolved.

    Attributes:
        intent: What the call was to do.
        candidates: What was found, as the reads show it, without what certainly belongs to other calls.
    """

    intent: Intent
    candidates: tuple[T_co, ...] = field(repr=False)


@frozen
class Incomplete:
    """The evidence could not be read completely, or the exchange offers none. The call stays unresolved.

    Attributes:
        intent: What the call was to do.
        reason: What is missing, and what to do.
        ask_again_at: When asking again may show more (UTC); None if no moment is known at which it does.
    """

    intent: Intent
    reason: str
    ask_again_at: datetime | None = None


VerdictOf: TypeAlias = Reconciled[T] | NoTrace | Ambiguous[T] | Incomplete
"""On a call that created a T, as far as type checkers can tell."""
Verdict: TypeAlias = VerdictOf[object]
