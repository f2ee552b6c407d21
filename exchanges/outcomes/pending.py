"""Pending calls: calls that are never repeated, from their signature until their callers know the outcome.

Theory. A call is recorded before its first byte is sent, in the journal too if there is one, and removed when its
caller knows the outcome. So a call without an outcome is never forgotten, whether its caller was cancelled or its
process died, and the same call can be refused meanwhile. What calls made is kept in the history for a day, so that it
is not taken for the doing of another call that is reconciled.

Rules for editors:

1. `begin` returns only when the call is on the disk. Everything that is written later may fail without losing a call:
   the entry stays in the journal, and is found unresolved.
2. Outcomes are recorded before the permit of the call is released: the next call must see them.
3. `end` and `keep_outcome` may come in either order, and in the same turn of the loop.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from attrs import evolve

from exchanges.endpoint.call import PreparedCall
from exchanges.errors import DecodeError, ExchangeError, OutcomeUnknown, StateError, UnresolvedOutcome, UsageError
from exchanges.http.answer import Answer
from exchanges.http.signing import NONE
from exchanges.instrumentation.lines import Log
from exchanges.intents import Intent
from exchanges.outcomes.absence import Seen
from exchanges.outcomes.attempt import Attempt, PendingCall, Result, Watcher
from exchanges.outcomes.call_index import TAG, CallIndex
from exchanges.outcomes.chosen_ids import ChosenId
from exchanges.outcomes.classify import undecodable, unknown_outcome
from exchanges.outcomes.clocks import REMEMBERED, ExchangeClock, Span
from exchanges.outcomes.drafts import Draft
from exchanges.outcomes.history import CallHistory, name_of
from exchanges.outcomes.journal_view import JournalView
from exchanges.outcomes.kinship import Kinship
from exchanges.outcomes.response import fault_of_reference, ids_of
from exchanges.outcomes.search import Match, Searches
from exchanges.outcomes.unresolved import OpenCall, Standing
from exchanges.state.protocols import Entry, Journal

logger = Log(__name__)

BLOCKING = (Standing.UNDER_WAY, Standing.UNKNOWN, Standing.EXECUTED)
"""Standings of a call that must not be made again."""


class PendingCalls:
    """The calls that are never repeated, of all clients that share a key.

    Open calls outlive the last client; the history does not: a simulator may be next to have the server's address.

    Args:
        view: The journal, as one key at one server sees it.
        searches: Returns how what the calls make is found again.
        now: The wall clock.
    """

    def __init__(self, view: JournalView, searches: Callable[[], Searches], now: Callable[[], datetime]) -> None:
        self.view = view
        self.history = CallHistory()
        self.clock = ExchangeClock()
        self.searches = cache(searches)  # built from the declarations, which do not change
        self.kinship = Kinship(self.searches)
        self.now = now
        self.users = 0
        self.watchers: weakref.WeakSet[Watcher] = weakref.WeakSet()
        self._began: float | None = None
        self._pending = CallIndex[PendingCall]()
        self._seen: dict[Intent, Seen] = {}
        self._removing: set[Intent] = set()
        self._writing: set[asyncio.Task[None]] = set()

    def leave(self) -> None:
        """Unregister one client."""
        self.users -= 1
        if not self.users:
            self.history, self.clock, self._began = CallHistory(), ExchangeClock(), None
            self._seen.clear()

    def open_calls(self) -> dict[Intent, OpenCall]:
        """Return what is unresolved, the oldest first."""
        found = {
            intent: OpenCall(intent, Standing.UNKNOWN, entry.nonce, ended_at=entry.ended_at)
            for intent, entry in self._others().items()
            if not entry.is_under_way
        }
        found |= {intent: pending.shown() for intent, pending in self._pending.items() if pending.is_open}
        return dict(sorted(found.items(), key=lambda item: item[0].at))

    def guard(self, call: PreparedCall, own: Intent | None = None, *, is_alone: bool = False) -> None:
        """Raise if a call moves money, or is not declared, and the same is unresolved, or its client's id was used.

        *own* is its intent, if it is recorded already; *is_alone* if the journal contains no other call like it.

        Raises:
            UnresolvedOutcome: It carries the intent of the other call.
            UsageError: Another call bore the id that the caller chose.
            StateError: The journal cannot be read.
        """
        if not call.endpoint.is_guarded:
            return
        chosen = ChosenId.of(call)
        found = [] if is_alone else self.view.matching(call.digest, "" if chosen is None else chosen.text)
        twins = [p.intent for p in self._pending.twins(call.digest) if p.is_open and p.standing in BLOCKING]
        twins += [e.intent for e in found if e.digest == call.digest and self._is_other(e) and not e.is_under_way]
        if twins:
            same = "same call, or one that differs in secret arguments alone," if call.hidden else "same call"
            advice = "Await client.reconcile(intent), or" if call.endpoint.is_declared else "Look at the exchange, then"
            raise UnresolvedOutcome(
                f"{call}: the {same} is unresolved: {twins[0]}; nothing was sent. "
                f"{advice} client.unresolved.dismiss(intent) if you know the outcome",
                intent=twins[0],
                endpoint=call.endpoint.id,
            )
        if chosen is not None and self._is_used(chosen, found, own):
            words = f"{call}: {chosen} was used for an earlier call; nothing was sent. Choose one that was never used"
            raise UsageError(words, endpoint=call.endpoint.id)

    def _is_used(self, chosen: ChosenId, found: Collection[Entry], own: Intent | None) -> bool:
        """Whether another call that may have been executed, of this process or in the journal, bore a client's id."""
        known = chosen.name in self.history
        if (journal := self.view.journal) is not None:
            known = known or chosen.name in journal.known(self.view.server, self.view.key, (chosen.name,), "#=")
        others = [entry.intent for entry in found if chosen.is_of(entry.intent)]
        return known or any(i != own for i in (*self._pending.naming(chosen.argument, chosen.text), *others))

    def pending(self, intent: Intent) -> PendingCall | None:
        """Return a call of this process; None if it is of another, or was resolved."""
        return self._pending.get(intent)

    def entry(self, intent: Intent) -> Entry | None:
        """Return a call of another process from the journal."""
        return entry if (entry := self.view.get(intent)) is not None and self._is_other(entry) else None

    def is_open(self, intent: Intent) -> bool:
        """Whether a call is recorded, in the journal if there is one, and not resolved."""
        return intent in self._pending if self.view.journal is None else self.view.get(intent) is not None

    def bearing(self, client_id: str) -> list[Intent]:
        """Return the calls of unknown outcome that have a client's id as their tag or as an argument for such ids."""
        names = TAG, *self.kinship.id_arguments()
        found = dict.fromkeys(i for name in names for i in self._pending.naming(name, client_id))
        own = [i for i in found if (p := self._pending.get(i)) and p.is_open and p.standing is Standing.UNKNOWN]
        return own + [e.intent for e in self.view.matching("", client_id) if self._is_other(e) and not e.is_under_way]

    # For reconciling

    def hear(self, headers: Mapping[str, str], sent_at: float) -> None:
        """Read the exchange's clock in the *headers* of an answer; *sent_at* is when its request was, by the loop."""
        if "date" in headers and self.clock.is_due(now := asyncio.get_running_loop().time()):
            self.clock.note_header(headers, Span(sent_at, now, self.now() - timedelta(seconds=now)))

    def seen(self, intent: Intent) -> Seen:
        """Return what looks for an unresolved call have shown so far."""
        return self._seen.setdefault(intent, Seen())

    def zero(self) -> datetime:
        """Return what our clock, as it is set now, showed when that of the loop was zero."""
        return self.now() - timedelta(seconds=asyncio.get_running_loop().time())

    def recorded_since(self, zero: datetime) -> datetime:
        """Return the moment since which every call of this account is recorded, and none forgotten."""
        journal = self.view.journal
        since = None if journal is None else journal.since(self.view.server, self.view.key)
        began = self.now() if self._began is None else zero + timedelta(seconds=self._began)
        # Our own record begins with our first call and reaches back a day; that of the journal may reach back further.
        least = max(began, self.now() - REMEMBERED, *filter(None, (self.history.since,)))
        return least if since is None else min(since, least)

    def names(self, intent: Intent, shown: Collection[str], digest: str | None) -> frozenset[str]:
        """Return what other calls of this account are known to have made: of what is *shown*, and without an id.

        Without an id are those whose answers contain none, and which no search tells from this one.
        """
        nameless = self.kinship.nameless(intent, digest)
        names, journal = self.history.names(shown, nameless), self.view.journal
        if journal is not None:
            # Asked by name: a record of a week is too large to read while the event loop waits.
            written = journal.known(self.view.server, self.view.key, shown, nameless)
            # If it is resolved already, what another process found to be made by it is among the names.
            if self.is_open(intent):
                names |= written
        return names - {self.history.made_by(intent)}

    def rivals(self, intent: Intent, digest: str | None) -> list[Standing]:
        """Return the standings of other calls that no search tells from this one and whose outcome is not known yet."""
        alike = self.kinship.are_alike
        found = {
            i: Standing.UNDER_WAY if e.is_under_way else Standing.UNKNOWN
            for i, e in self._others().items()
            if e.digest == digest or alike(intent, i)
        }
        found |= {i: p.standing for i, p in self._pending.items() if p.digest == digest or alike(intent, i)}
        return [s for i, s in found.items() if i != intent and s in (Standing.UNDER_WAY, Standing.UNKNOWN)]

    # The course of a call

    async def begin(self, attempt: Attempt) -> PendingCall:
        """Record what is about to be sent, as the intent of *attempt*, unless it was recorded with its lease.

        Raises:
            StateError: It cannot be written; nothing may be sent.
        """
        began, draft, journal = asyncio.get_running_loop().time(), attempt.draft, self.view.journal
        if draft is None:
            zero = datetime.fromtimestamp(attempt.stamp.timestamp_ms / 1000, UTC) - timedelta(seconds=began)
            draft = Draft.of(attempt.call, self.view, self.clock, self.kinship, policy=NONE, zero=zero)
        entry = draft.entry or draft.with_stamp(attempt.stamp)
        attempt.intent = intent = entry.intent
        self._began = began if self._began is None else self._began
        if journal is not None:
            lease = None if attempt.draft is None else attempt.lease
            try:
                async with asyncio.timeout_at(attempt.deadline):
                    await (journal.begin(entry) if lease is None else lease.recorded())
            except (asyncio.CancelledError, TimeoutError) as error:
                self._write(intent, None, None)  # the entry may have been written all the same
                if isinstance(error, asyncio.CancelledError):
                    raise
                words = f"{attempt.call}: the journal was not written before the deadline; nothing was sent"
                raise StateError(words, endpoint=intent.endpoint) from None
        attempt.pending = self._pending[intent] = PendingCall(intent, draft.digest, entry.nonce, draft.zero)
        return attempt.pending

    def signed(self, error: ExchangeError) -> ExchangeError:
        """Return *error*; if it has an intent, such as that of a cancel, with the server and the key of these calls."""
        if isinstance(error, OutcomeUnknown):
            error.intent = evolve(error.intent, server=self.view.server, account=self.view.key)
        return error

    def compared(self, attempt: Attempt, answer: Answer, result: Result) -> Result:
        """Return *result*, or an error if nothing shows it to be about the thing whose client's id the call names."""
        endpoint = attempt.call.endpoint
        if result.error is not None or (endpoint.shows_ids is None and not endpoint.references):
            return result
        for made, client_id in ids_of(endpoint, result.value):
            self.history.note_id(client_id, made)
        if (fault := fault_of_reference(attempt.call, result.value, self.history.made_under)) is None:
            return result
        return evolve(result, value=None, error=undecodable(attempt, answer, f"{endpoint.id}: expected {fault}"))

    def end(self, pending: PendingCall, attempt: Attempt, result: Result) -> Result:
        """Record how a call ended, and return what its caller gets."""
        intent = pending.intent
        pending.landed_at = asyncio.get_running_loop().time()
        ended_at = pending.zero + timedelta(seconds=pending.landed_at)
        if result.error is None and (fault := self._note_made(pending, result.value, ended_at)) is not None:
            error = DecodeError(f"{attempt.call}: the answer {fault}", endpoint=intent.endpoint)
            result = Result(error=unknown_outcome(attempt, error), status=result.status)
        pending.value, pending.error = result.value, result.error
        pending.landed.set()
        is_open = pending.is_open
        if pending.made is not None:
            pending.made = self._used(intent, ended_at) or pending.made
        if is_open and pending.standing in BLOCKING:
            self._write(intent, ended_at, None)
        else:
            self._write(intent, None, pending.made)
        if not is_open:
            del self._pending[intent]
        elif pending.caller_gone:
            _log(pending)
        if pending.standing is Standing.UNKNOWN:
            for watcher in tuple(self.watchers):
                watcher.doubted(intent)
        return result

    def keep_outcome(self, pending: PendingCall) -> None:
        """Keep the outcome for `open_calls`: the caller was cancelled."""
        pending.caller_gone = True
        if pending.landed.is_set():
            # It ended in the same turn of the loop, and was removed because its caller was about to get the result.
            self._pending[pending.intent] = pending
            _log(pending)

    def resolve(self, intent: Intent, made: str | None) -> None:
        """Remove a call whose outcome is known: the id of what it made, or None."""
        pending = self._pending.get(intent)
        name = None if pending is None else pending.made
        if made is not None:
            name = self.history.remember(name_of(intent.endpoint, made), self.now(), intent)
            self.history.note_id(self._client_id(intent), made)
        self._remove(intent, name)

    def dismiss(self, intent: Intent) -> None:
        """Remove an open call, even if its outcome is unknown.

        Raises:
            UsageError: No event loop runs that could write it to the journal.
        """
        pending, entry = self._pending.get(intent), self.entry(intent)
        name = None if pending is None else pending.made
        # What it may have made must not be taken for the doing of the same call that is made later.
        recorded = entry if pending is None else pending
        if recorded is not None and (pending is None or pending.standing is Standing.UNKNOWN):
            name = self.history.doubt(intent, self.kinship.nameless(intent, recorded.digest), self.now())
        self._remove(intent, name)

    async def written(self) -> None:
        """Wait until everything is written to the journal."""
        # A loop that was closed by hand ends none of its tasks; what they did not write stays in the journal.
        while writing := [task for task in self._writing if not task.get_loop().is_closed()]:
            await asyncio.wait(writing)

    # Within

    def _is_other(self, entry: Entry) -> bool:
        """Whether a call in the journal is not of this process, nor being removed."""
        return entry.intent not in self._pending and entry.intent not in self._removing

    def _others(self) -> dict[Intent, Entry]:
        return {intent: entry for intent, entry in self.view.entries().items() if self._is_other(entry)}

    def _note_made(self, pending: PendingCall, value: Any, ended_at: datetime) -> str | None:
        """Record what the answer of an executed call shows; return why it may belong to another call, if it may."""
        intent, match = pending.intent, self._made(pending, value)
        if match is not None and any(name in self.history for name in self.kinship.names(intent, match.id)):
            return "names what an earlier call made"
        if match is not None and (at := match.at) and self.clock.contradicts(intent.endpoint, at, self._span(pending)):
            return f"shows what was made at another time, {at:%Y-%m-%d %H:%M} UTC; unlike other answers and our clock"
        pending.made = self.history.note(intent, self.kinship.nameless(intent, pending.digest), match, ended_at)
        if pending.made is None:
            return "names what an earlier call made"
        if match is not None:
            pending.made_id = match.id
            self.history.note_id(self._client_id(intent), match.id)
        return None

    def _span(self, pending: PendingCall) -> Span:
        return Span((pending.intent.at - pending.zero).total_seconds(), pending.landed_at, pending.zero)

    def _made(self, pending: PendingCall, value: Any) -> Match | None:
        """Return what the answer of an executed call shows; record its moment."""
        endpoint = pending.intent.endpoint
        try:
            search = self.searches().get(endpoint)
            match = None if search is None else search.identify(value)
            if search is not None and match is not None and match.at is not None:
                self.clock.note_moment(endpoint, match.at, self._span(pending), search.max_skew)
            return match
        except Exception as fault:  # noqa: BLE001 - a reader that fails on an odd id must not hide the outcome
            logger.warning("%s: unexpected %s while reading the id in the answer", endpoint, type(fault).__name__)
            return None

    def _client_id(self, intent: Intent) -> str | None:
        """Return the client's id that a call bore for what it creates; None if it bore none."""
        search = self.searches().get(intent.endpoint)
        argument = None if search is None else search.client_id
        return None if argument is None else intent.tag or intent.arguments.get(argument)

    def _used(self, intent: Intent, at: datetime) -> str | None:
        """Record that the id which a caller chose for a call is used; return its name, or None if none was chosen."""
        search = self.searches().get(intent.endpoint)
        chosen = None if search is None else ChosenId.in_intent(intent, search.client_id)
        return None if chosen is None else self.history.remember(chosen.name, at, None)

    def _remove(self, intent: Intent, name: str | None) -> None:
        pending = self._pending.pop(intent, None)
        if pending is None or pending.standing in BLOCKING:
            # One row is kept of a call: the id decides what it made, if that bears it.
            name = self._used(intent, self.now()) or name
        self._write(intent, None, name)
        self._seen.pop(intent, None)

    def _write(self, intent: Intent, doubted_at: datetime | None, name: str | None) -> None:
        if self.view.journal is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            words = f"{intent}: the journal is written by the event loop of the client; call this within it"
            raise UsageError(words, endpoint=intent.endpoint) from None
        if doubted_at is None:
            self._removing.add(intent)
        task = loop.create_task(self._written(self.view.journal, intent, doubted_at, name))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _written(self, journal: Journal, intent: Intent, doubted_at: datetime | None, name: str | None) -> None:
        try:
            if doubted_at is None:
                await journal.settle(intent.id, known=name)
                self._removing.discard(intent)
            else:
                await journal.doubt(intent.id, doubted_at)
        except Exception as error:  # noqa: BLE001 - a state may be anybody's
            # The caller gets the outcome all the same; the entry stays in the journal, and is found unresolved.
            logger.error("%s: its outcome could not be written to the journal: %s", intent, error)  # noqa: TRY400


def _log(pending: PendingCall) -> None:
    """Log the outcome of a call whose caller was cancelled."""
    logger.warning("%s: the caller was cancelled; %s", pending.intent, pending.error or pending.standing)
