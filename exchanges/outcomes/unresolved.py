"""Calls that are never repeated and whose callers do not know what became of them.

A call gets here when it ends without proof (`OutcomeUnknown`), when its caller was cancelled, or when the journal of a
shared state tells of a process that died. As long as one that moves money is here the same call is refused, unless it
was certainly not executed: `UnresolvedOutcome`.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from datetime import datetime
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from exchanges.errors import ExchangeError, UsageError
from exchanges.intents import Intent, Phase

__all__ = ["OpenCall", "Standing", "Unresolved"]


class Standing(StrEnum):
    """What is known of an unresolved call."""

    UNDER_WAY = "under way"
    """Its caller was cancelled, the request goes on."""
    UNKNOWN = "unknown"
    """It ended, or its process did, and nobody knows how."""
    EXECUTED = "executed"
    """Its caller was cancelled; the exchange did it."""
    NOT_EXECUTED = "not executed"
    """Its caller was cancelled; nothing was sent, or the exchange refused it."""


@frozen(eq=False)
class OpenCall:
    """One call, as far as it is known.

    Attributes:
        intent: What it was to do.
        standing: What is known.
        nonce: The nonce of the request, where the scheme has one.
        phase: How far the request came; None where nobody knows.
        ended_at: When it ended (UTC); None while it is under way, or if its process died.
        value: What the exchange answered, for one that was executed.
        error: How it ended, for one that ended in an error.
    """

    intent: Intent
    standing: Standing
    nonce: str | None = None
    phase: Phase | None = None
    ended_at: datetime | None = None
    value: Any = field(default=None, repr=False)
    error: ExchangeError | None = field(default=None, repr=False)


class Unresolved(Mapping[Intent, OpenCall]):
    """The unresolved calls of a client, the oldest first: a mapping from intent to what is known.

    With a state in a file it names those of other processes too, once these have ended; never one that a living
    process still carries out.

    Raises:
        StateError: The journal cannot be read.
    """

    def __init__(self, calls: Callable[[], Mapping[Intent, OpenCall]], dismiss: Callable[[Intent], None]) -> None:
        self._calls = calls
        self._dismiss = dismiss

    def __repr__(self) -> str:
        """Name them."""
        return f"Unresolved({', '.join(f'{c.intent}: {c.standing}' for c in self.values())})"

    def __getitem__(self, intent: Intent) -> OpenCall:
        """Tell what is known of one."""
        return self._calls()[intent]

    def __iter__(self) -> Iterator[Intent]:
        """Go through the intents."""
        return iter(self._calls())

    def __len__(self) -> int:
        """Count them."""
        return len(self._calls())

    def items(self) -> ItemsView[Intent, OpenCall]:
        """Pair intents with what is known of them at this moment; what becomes of one meanwhile changes nothing."""
        return self._calls().items()

    def values(self) -> ValuesView[OpenCall]:
        """Tell what is known at this moment; what becomes of one meanwhile changes nothing."""
        return self._calls().values()

    def dismiss(self, intent: Intent) -> None:
        """Forget a call: its outcome is known by other means, or does not matter. The same call may be made again.

        Should the same call ever be reconciled, what this one may have made is not taken for its doing.

        Args:
            intent: Of an `OutcomeUnknown`, or from here.

        Raises:
            UsageError: There is no such call, or it is still under way.
        """
        call = self._calls().get(intent)
        if call is None:
            raise UsageError(f"no unresolved call has the intent {intent}", endpoint=intent.endpoint)
        if call.standing is Standing.UNDER_WAY:
            raise UsageError(f"{intent} is still under way; dismiss it when it has ended", endpoint=intent.endpoint)
        self._dismiss(intent)
