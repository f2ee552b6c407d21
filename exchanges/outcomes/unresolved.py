"""Unresolved calls: calls that are never repeated and whose callers do not know their outcome.

A call is unresolved when it ended without proof (`OutcomeUnknown`), when its caller was cancelled, or when the journal
of a shared state contains it and its process died. While one that moves money is unresolved, the same call raises
`UnresolvedOutcome`, unless it was certainly not executed.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from datetime import datetime
from enum import StrEnum
from typing import Any

from attrs import field

from exchanges.errors import ExchangeError, StateError, UsageError
from exchanges.intents import Intent, Phase, is_intent
from exchanges.outcomes.exposure import Commits, Exposure, exposure_of
from exchanges.values import frozen


class Standing(StrEnum):
    """What is known about an unresolved call."""

    UNDER_WAY = "under way"
    """Its caller was cancelled, the request goes on."""
    UNKNOWN = "unknown"
    """It ended, or its process did, and its outcome is not known."""
    EXECUTED = "executed"
    """Its caller was cancelled; the exchange executed it."""
    NOT_EXECUTED = "not executed"
    """Its caller was cancelled; nothing was sent, or the exchange rejected it."""


@frozen(eq=False)
class OpenCall:
    """One unresolved call, as far as it is known.

    Attributes:
        intent: What it was to do.
        standing: What is known.
        nonce: The nonce of the request, if the scheme has one.
        phase: How far the request came; None if that is not known.
        ended_at: When it ended (UTC); None while it is under way, or if its process died.
        value: What the exchange answered, if it was executed.
        error: The error that it ended with, if any.
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

    With a state in a file it includes those of other processes, once these have ended; never one that a living process
    still makes.

    Raises:
        StateError: The journal cannot be read.
    """

    def __init__(
        self,
        calls: Callable[[], Mapping[Intent, OpenCall]],
        dismiss: Callable[[Intent], None],
        require_own: Callable[[Intent], None],
        commits: Commits,
    ) -> None:
        self._calls = calls
        self._dismiss = dismiss
        self._require_own = require_own
        self._commits = commits

    def __repr__(self) -> str:
        """Show intents and standings, or that the state cannot be read; a debugger's view raises nothing."""
        try:
            calls = self.values()
        except (StateError, OSError) as error:
            return f"Unresolved(the state cannot be read: {type(error).__name__})"
        return f"Unresolved({', '.join(f'{c.intent}: {c.standing}' for c in calls)})"

    def __getitem__(self, intent: Intent) -> OpenCall:
        """Return what is known about one call."""
        return self._calls()[intent]

    def __iter__(self) -> Iterator[Intent]:
        """Iterate over the intents."""
        return iter(self._calls())

    def __len__(self) -> int:
        """Return the number of calls."""
        return len(self._calls())

    def items(self) -> ItemsView[Intent, OpenCall]:
        """Return intents and calls as they are at this moment; what is resolved later stays in the view."""
        return self._calls().items()

    def values(self) -> ValuesView[OpenCall]:
        """Return the calls as they are at this moment; what is resolved later stays in the view."""
        return self._calls().values()

    def exposure(self, market: str) -> Exposure:
        """Sum what the unresolved money calls of one market may have executed, or have resting, by side.

        Args:
            market: Book or market, such as btc_mxn, btcusd or BTC/USD.

        Returns:
            Amounts in base and quote currency, and the calls whose amount or market is not known. Calls that were
            certainly not executed, and those of other markets, are left out.

        Raises:
            UsageError: *market* names nothing.
            StateError: The journal cannot be read.
        """
        if not isinstance(market, str) or not any(map(str.isalnum, market)):
            raise UsageError("exposure needs the name of a market, such as btc_mxn or btcusd")
        live = [intent for intent, call in self._calls().items() if call.standing is not Standing.NOT_EXECUTED]
        return exposure_of(market, live, self._commits)

    def dismiss(self, intent: Intent) -> None:
        """Remove a call: its outcome is known by other means, or does not matter. The same call may be made again.

        If the same call is reconciled later, what this one may have made is not attributed to it.

        Args:
            intent: Of an `OutcomeUnknown`, or from here.

        Raises:
            UsageError: There is no such call, it is under way, or it is of another key or server.
        """
        if not is_intent(intent):
            raise UsageError("dismiss needs the intent of a call, such as that of an OutcomeUnknown")
        self._require_own(intent)
        # The request of a call under way may yet be executed: a second one must not be let through.
        call = self._calls().get(intent)
        if call is None:
            raise UsageError(f"no unresolved call has the intent {intent}", endpoint=intent.endpoint)
        if call.standing is Standing.UNDER_WAY:
            raise UsageError(f"{intent} is still under way; dismiss it when it has ended", endpoint=intent.endpoint)
        self._dismiss(intent)
