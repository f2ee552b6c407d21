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
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from attrs import define, field, frozen

from exchanges.endpoint import Kind
from exchanges.endpoint.call import PreparedCall
from exchanges.errors import DecodeError, ExchangeError, OutcomeUnknown, StateError, UnresolvedOutcome, UsageError
from exchanges.intents import Intent
from exchanges.outcomes.attempt import Sent
from exchanges.outcomes.classify import unknown_outcome
from exchanges.outcomes.history import REMEMBERED, CallHistory, name_of
from exchanges.outcomes.response import Result
from exchanges.outcomes.search import Match, Searches
from exchanges.outcomes.unresolved import OpenCall, Standing
from exchanges.state.protocols import Entry, Journal

__all__ = ["JournalView", "PendingCall", "PendingCalls"]

logger = logging.getLogger(__name__)

BLOCKING = (Standing.UNDER_WAY, Standing.UNKNOWN, Standing.EXECUTED)
"""Standings of a call that must not be made again."""


@define(eq=False)
class PendingCall:
    """One call, from its signature until its caller knows the outcome. That may take long: the request is not kept.

    Attributes:
        intent: What it is to do.
        digest: Equal for calls that would do the same.
        nonce: The nonce of the request, if the scheme has one.
        began: When it was recorded, on the clock of the loop, which is never set.
        caller_gone: Whether its caller was cancelled.
        landed_at: When it ended, on the clock of the loop.
        value: What the exchange answered, if it was executed.
        error: What went wrong.
        made: The name under which the history knows what it made.
        landed: Set when it has ended.
        loop: The loop that it runs in.
    """

    intent: Intent
    digest: str
    nonce: str | None
    began: float
    caller_gone: bool = False
    landed_at: float = 0.0
    value: Any = None
    error: ExchangeError | None = None
    made: str | None = None
    landed: asyncio.Event = field(factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop = field(factory=asyncio.get_running_loop)

    @property
    def zero(self) -> datetime:
        """What our clock showed, or would have shown, when that of the loop was zero."""
        return self.intent.at - timedelta(seconds=self.began)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, even if our clock was set meanwhile."""
        return self.zero + timedelta(seconds=self.landed_at) if self.landed.is_set() else None

    @property
    def standing(self) -> Standing:
        """What is known of it."""
        if not self.landed.is_set():
            # The task of a closed loop never ends; the request may have been executed.
            return Standing.UNKNOWN if self.loop.is_closed() else Standing.UNDER_WAY
        if self.error is None:
            return Standing.EXECUTED
        return Standing.UNKNOWN if self.error.may_have_executed else Standing.NOT_EXECUTED

    @property
    def is_open(self) -> bool:
        """Whether its caller does not know how it ended."""
        return self.caller_gone or self.standing is Standing.UNKNOWN

    def shown(self) -> OpenCall:
        """Return what users see."""
        phase = self.error.phase if isinstance(self.error, OutcomeUnknown) else None
        return OpenCall(self.intent, self.standing, self.nonce, phase, self.ended_at, self.value, self.error)


@frozen(eq=False)
class JournalView:
    """The part of a journal that belongs to one key at one server.

    Attributes:
        journal: Of a shared state; None without one.
        server: Where the calls are sent.
        key: Whose they are, by fingerprint.
    """

    journal: Journal | None
    server: str
    key: str

    def entries(self) -> dict[Intent, Entry]:
        """Return the open calls of all processes."""
        if self.journal is None:
            return {}
        return {entry.intent: entry for entry in self.journal.entries(self.server, self.key)}


class PendingCalls:
    """The calls that are never repeated, of all clients that share a key.

    Open calls stay open when the last client is closed. The history is forgotten then: the next client may use another
    server of the same address, such as a simulator.

    Args:
        book: The journal.
        searches: Returns how what the calls make is found again.
        now: The wall clock.
    """

    def __init__(self, book: JournalView, searches: Callable[[], Searches], now: Callable[[], datetime]) -> None:
        self.book = book
        self.history = CallHistory()
        self.searches = searches
        self.now = now
        self.users = 0
        self._began: float | None = None
        self._pending: dict[Intent, PendingCall] = {}
        self._removing: set[Intent] = set()
        self._writing: set[asyncio.Task[None]] = set()

    def leave(self) -> None:
        """Unregister one client."""
        self.users -= 1
        if not self.users:
            self.history, self._began = CallHistory(), None

    def open_calls(self) -> dict[Intent, OpenCall]:
        """Return what is unresolved, the oldest first."""
        found = {
            intent: OpenCall(intent, Standing.UNKNOWN, entry.nonce, ended_at=entry.ended_at)
            for intent, entry in self._others().items()
            if not entry.is_under_way
        }
        found |= {intent: pending.shown() for intent, pending in self._pending.items() if pending.is_open}
        return dict(sorted(found.items(), key=lambda item: item[0].at))

    def guard(self, call: PreparedCall) -> None:
        """Raise if a call moves money and the same call is unresolved.

        Raises:
            UnresolvedOutcome: It carries the intent of the other call.
            StateError: The journal cannot be read.
        """
        if call.endpoint.kind is not Kind.MONEY:
            return
        digests = {i: p.digest for i, p in self._pending.items() if p.is_open and p.standing in BLOCKING}
        digests |= {i: e.digest for i, e in self._others().items() if not e.is_under_way}
        digest = call.digest if digests else ""
        if blocking := next((i for i, d in digests.items() if d == digest), None):
            raise UnresolvedOutcome(
                f"{call}: the same call is unresolved: {blocking}; nothing was sent. "
                "Await client.reconcile(intent), or client.unresolved.dismiss(intent) if you know the outcome",
                intent=blocking,
                endpoint=call.endpoint.id,
            )

    def pending(self, intent: Intent) -> PendingCall | None:
        """Return a call of this process; None if it is of another, or was resolved."""
        return self._pending.get(intent)

    def entry(self, intent: Intent) -> Entry | None:
        """Return a call of another process from the journal."""
        return self._others().get(intent)

    def is_open(self, intent: Intent) -> bool:
        """Whether a call is recorded, in the journal if there is one, and not resolved."""
        if self.book.journal is None:
            return intent in self._pending
        return intent in self.book.entries()

    # For reconciling

    def zero(self) -> datetime:
        """Return what our clock, as it is set now, showed when that of the loop was zero."""
        return self.now() - timedelta(seconds=asyncio.get_running_loop().time())

    def recorded_since(self, zero: datetime) -> datetime:
        """Return the moment since which every call of this account is recorded, and none forgotten."""
        journal = self.book.journal
        since = None if journal is None else journal.since(self.book.server, self.book.key)
        began = self.now() if self._began is None else zero + timedelta(seconds=self._began)
        # Our own record begins with our first call and reaches back a day; that of the journal may reach back further.
        least = max(began, self.now() - REMEMBERED)
        return least if since is None else min(since, least)

    def names(self, intent: Intent) -> frozenset[str]:
        """Return the names of all that other calls of this account are known to have made around that time."""
        names, journal = self.history.names(), self.book.journal
        if journal is not None:
            written = journal.known(self.book.server, self.book.key, intent.at - REMEMBERED)
            # If it is resolved already, what another process found to be made by it is among the names.
            if self.is_open(intent):
                names |= written
        return names - {self.history.made_by(intent)}

    def rivals(self, intent: Intent, digest: str | None) -> list[Standing]:
        """Return the standings of other calls that would do the same and whose outcome is not known yet."""
        found = {
            i: Standing.UNDER_WAY if e.is_under_way else Standing.UNKNOWN
            for i, e in self._others().items()
            if e.digest == digest
        }
        found |= {i: p.standing for i, p in self._pending.items() if p.digest == digest}
        return [s for i, s in found.items() if i != intent and s in (Standing.UNDER_WAY, Standing.UNKNOWN)]

    # The course of a call

    async def begin(self, sent: Sent) -> PendingCall:
        """Record what is about to be sent.

        Raises:
            StateError: It cannot be written; nothing may be sent.
        """
        book, intent, began = self.book, sent.intent, asyncio.get_running_loop().time()
        digest, nonce = sent.call.digest, sent.stamp.nonce or None
        if self._began is None:
            self._began = began
        if book.journal is not None:
            try:
                await book.journal.begin(Entry(book.server, book.key, intent, nonce, digest))
            except asyncio.CancelledError:
                self._write(intent, None, None)  # the entry may have been written all the same
                raise
        pending = self._pending[intent] = PendingCall(intent, digest, nonce, began)
        return pending

    def end(self, pending: PendingCall, sent: Sent, result: Result) -> Result:
        """Record how a call ended, and return what its caller gets."""
        match = None
        if result.error is None:
            match = self._made(pending.intent.endpoint, result.value)
            result = self._doubted(sent, match, result)
        error = result.error
        pending.value, pending.error = result.value, error
        pending.landed_at = asyncio.get_running_loop().time()
        pending.landed.set()
        zero, is_open = pending.zero, pending.is_open
        ended_at = zero + timedelta(seconds=pending.landed_at)
        if error is None:
            pending.made = self.history.note(pending.intent, pending.digest, match, ended_at, zero)
        if is_open and pending.standing in BLOCKING:
            self._write(pending.intent, ended_at, None)
        else:
            self._write(pending.intent, None, pending.made)
        if not is_open:
            del self._pending[pending.intent]
        elif pending.caller_gone:
            _log(pending)
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
        self._remove(intent, name)

    def dismiss(self, intent: Intent) -> None:
        """Remove an open call, even if its outcome is unknown.

        Raises:
            UsageError: No event loop runs that could write it to the journal.
        """
        pending, entry = self._pending.get(intent), self.entry(intent)
        name = None if pending is None else pending.made
        # What it may have made must not be taken for the doing of the same call that is made later.
        if pending is not None and pending.standing is Standing.UNKNOWN:
            name = self.history.doubt(intent, pending.digest, self.now())
        elif pending is None and entry is not None:
            name = self.history.doubt(intent, entry.digest, self.now())
        self._remove(intent, name)

    async def written(self) -> None:
        """Wait until everything is written to the journal."""
        while self._writing:
            await asyncio.wait(list(self._writing))

    # Within

    def _others(self) -> dict[Intent, Entry]:
        """Return the calls in the journal that are not of this process, nor being removed."""
        if self.book.journal is None:
            return {}
        entries = self.book.entries()
        return {i: e for i, e in entries.items() if i not in self._pending and i not in self._removing}

    def _made(self, endpoint: str, value: Any) -> Match | None:
        try:
            search = self.searches().get(endpoint)
            return None if search is None else search.identify(value)
        except Exception as fault:  # noqa: BLE001 - a reader that fails on an odd id must not hide the outcome
            logger.warning("%s: unexpected %s while reading the id in the answer", endpoint, type(fault).__name__)
            return None

    def _doubted(self, sent: Sent, match: Match | None, result: Result) -> Result:
        """Return *result*, or an unknown outcome if the answer belongs to an earlier call: it names what that made."""
        if match is None or not self.history.knows(sent.call.endpoint.id, match.id):
            return result
        words = f"{sent.call}: the answer names what an earlier call made"
        error = unknown_outcome(sent, DecodeError(words, endpoint=sent.call.endpoint.id))
        return Result(error=error, status=result.status)

    def _remove(self, intent: Intent, name: str | None) -> None:
        self._write(intent, None, name)
        self._pending.pop(intent, None)

    def _write(self, intent: Intent, doubted_at: datetime | None, name: str | None) -> None:
        if self.book.journal is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            words = f"{intent}: the journal is written by the event loop of the client; call this within it"
            raise UsageError(words, endpoint=intent.endpoint) from None
        if doubted_at is None:
            self._removing.add(intent)
        task = loop.create_task(self._written(self.book.journal, intent, doubted_at, name))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _written(self, journal: Journal, intent: Intent, doubted_at: datetime | None, name: str | None) -> None:
        try:
            if doubted_at is None:
                await journal.settle(intent.id, known=name)
                self._removing.discard(intent)
            else:
                await journal.doubt(intent.id, doubted_at)
        except StateError as error:
            # The caller gets the outcome all the same; the entry stays in the journal, and is found unresolved.
            logger.error("%s: its outcome could not be written to the journal: %s", intent, error)  # noqa: TRY400


def _log(pending: PendingCall) -> None:
    """Log the outcome of a call whose caller was cancelled."""
    logger.warning("%s: the caller was cancelled; %s", pending.intent, pending.error or pending.standing)
