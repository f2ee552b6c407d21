"""Unresolved calls whose client's id the exchange names by itself, in an event of the account.

The event shows that the order exists, so that reading it by its id decides what became of the call. An event may come
before the call is known to be unresolved: ids that were named are remembered for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from exchanges.errors import ExchangeError
from exchanges.instrumentation.lines import Log
from exchanges.intents import Intent
from exchanges.outcomes.chosen_ids import ChosenId
from exchanges.outcomes.pending import PendingCalls
from exchanges.outcomes.verdicts import Reconciled

__all__ = ["NamedCalls"]

logger = Log(__name__)

REMEMBERED = 10_000


class NamedCalls:
    """Resolves the calls whose ids are named.

    Args:
        calls: The pending calls of the account.
        reconcile: Determines the outcome of a call.
        spawn: Runs that in a task.
    """

    def __init__(
        self,
        calls: PendingCalls,
        reconcile: Callable[[Intent], Coroutine[Any, Any, object]],
        spawn: Callable[[Coroutine[Any, Any, None], str], object],
    ) -> None:
        self._calls, self._reconcile, self._spawn = calls, reconcile, spawn
        self._named: dict[str, None] = {}
        self._unsettled: set[str] = set()
        self._busy: set[Intent] = set()
        # Held weakly there: the calls of a key outlive its clients.
        calls.watchers.add(self)

    def name(self, client_id: str) -> None:
        """Note that an event has named a client's id; resolve the call that bears it, if its outcome is unknown."""
        if client_id in self._named and client_id not in self._unsettled:
            return
        self._unsettled.discard(client_id)
        if len(self._named) >= REMEMBERED:
            del self._named[next(iter(self._named))]
        self._named[client_id] = None
        try:
            unknown = self._calls.bearing(client_id)
        except ExchangeError as error:
            logger.warning("the journal cannot be read for an event of the account: %s", error)
            return
        for intent in unknown:
            if self._id_of(intent) == client_id:
                self._resolve(intent)

    def doubted(self, intent: Intent) -> None:
        """Resolve a call whose outcome has just become unknown, if an event has named its id already."""
        if self._id_of(intent) in self._named:
            self._resolve(intent)

    def _id_of(self, intent: Intent) -> str | None:
        search = self._calls.searches().get(intent.endpoint)
        if search is None or search.client_id is None:
            return None
        chosen = ChosenId.in_intent(intent, search.client_id)
        return intent.tag if chosen is None else chosen.text  # an id that the library made is the tag

    def _resolve(self, intent: Intent) -> None:
        self._calls.seen(intent).is_named = True
        if intent not in self._busy:
            self._busy.add(intent)
            self._spawn(self._settle(intent), f"settle {intent.endpoint}")

    async def _settle(self, intent: Intent) -> None:
        verdict: object = None
        try:
            verdict = await self._reconcile(intent)
            logger.info("%s: an event of the account named it: %s", intent, type(verdict).__name__)
        except ExchangeError as error:
            logger.warning("%s: an event of the account named it, but it cannot be reconciled: %s", intent, error)
        finally:
            self._busy.discard(intent)
            if not isinstance(verdict, Reconciled) and (client_id := self._id_of(intent)) is not None:
                # The next event that names it is a reason to look again.
                self._unsettled.add(client_id)
