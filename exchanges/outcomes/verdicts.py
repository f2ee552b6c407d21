"""The verdicts of `reconcile`: what the exchange's evidence proves about a call whose outcome was unknown."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from attrs import field, frozen

from exchanges.intents import Intent


@frozen
class Reconciled:
    """It was executed.

    Attributes:
        intent: What the call was to do.
        found: What it created: the model that a read shows, or the answer of the call itself.
    """

    intent: Intent
    found: object = field(repr=False)


@frozen
class NoTrace:
    """It was not executed, and will not be.

    Attributes:
        intent: What the call was to do.
    """

    intent: Intent


@frozen
class Ambiguous:
    """The exchange holds what the call may have created, but other calls may have created it too; still unresolved.

    Attributes:
        intent: What the call was to do.
        candidates: What was found, as the reads show it, without what certainly belongs to other calls.
    """

    intent: Intent
    candidates: tuple[object, ...] = field(repr=False)


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


Verdict: TypeAlias = Reconciled | NoTrace | Ambiguous | Incomplete
