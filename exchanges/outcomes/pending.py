"""The book of calls that are never repeated: what is under way, what is open, what is done.

A call is written down, in the journal too where there is one, before its first byte leaves, and struck out when its
caller knows the outcome. What was made is noted, so that it is told apart when another call is reconciled.
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
from exchanges.outcomes.classify import Sent, unknown_outcome, without_traceback
from exchanges.outcomes.history import REMEMBERED, CallHistory, name_of
from exchanges.outcomes.search import Match, Searches
from exchanges.outcomes.unresolved import OpenCall, Standing
from exchanges.state.protocols import Entry, Journal

__all__ = ["JournalView", "PendingCall", "PendingCalls"]

logger = logging.getLogger(__name__)

BLOCKING = (Standing.UNDER_WAY, Standing.UNKNOWN, Standing.EXECUTED)
"""Standings of a call that must not simply be made again."""


@define(eq=False)
class PendingCall:
    """One call, from its signing until its caller knows the outcome. That may take long: the request is not kept.

    *began* and *landed_at* are by the clock of the loop, which nobody sets.
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
        """What our clock showed, or would have shown, when that of the loop stood at zero."""
        return self.intent.at - timedelta(seconds=self.began)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, though our clock may have been set meanwhile."""
        return self.zero + timedelta(seconds=self.landed_at) if self.landed.is_set() else None

    @property
    def standing(self) -> Standing:
        """What is known of it."""
        if not self.landed.is_set():
            return Standing.UNKNOWN if self.loop.is_closed() else Standing.UNDER_WAY
        if self.error is None:
            return Standing.EXECUTED
        return Standing.UNKNOWN if self.error.may_have_executed else Standing.NOT_EXECUTED

    @property
    def is_open(self) -> bool:
        """Whether nobody was told how it ended."""
        return self.caller_gone or self.standing is Standing.UNKNOWN

    def shown(self) -> OpenCall:
        """Make what users see."""
        phase = self.error.phase if isinstance(self.error, OutcomeUnknown) else None
        return OpenCall(self.intent, self.standing, self.nonce, phase, self.ended_at, self.value, self.error)


@frozen(eq=False)
class JournalView:
    """Where calls are written down beyond this client.

    Attributes:
        journal: Of a shared state; None without one.
        server: Where the calls go.
        key: Whose they are, by fingerprint.
    """

    journal: Journal | None
    server: str
    key: str

    def entries(self) -> dict[Intent, Entry]:
        """List what other processes left open."""
        if self.journal is None:
            return {}
        return {entry.intent: entry for entry in self.journal.entries(self.server, self.key)}


class PendingCalls:
    """The calls that are never repeated, of all clients that share a key.

    What is open stays open when the last of them is gone; what was done is forgotten then: who comes later may meet
    another server.

    Args:
        book: Where they are written down.
        searches: Finds how what they make is found again.
        now: The wall clock.
    """

    def __init__(self, book: JournalView, searches: Callable[[], Searches], now: Callable[[], datetime]) -> None:
        self.book = book
        self.history = CallHistory()
        self.searches = searches
        self.now = now
        self.users = 0
        self._began: float | None = None
        self._flights: dict[Intent, PendingCall] = {}
        self._struck: set[Intent] = set()
        self._writing: set[asyncio.Task[None]] = set()

    def leave(self) -> None:
        """Have one user less."""
        self.users -= 1
        if not self.users:
            self.history, self._began = CallHistory(), None

    def open_calls(self) -> dict[Intent, OpenCall]:
        """List what is unresolved, the oldest first."""
        found = {
            intent: OpenCall(intent, Standing.UNKNOWN, entry.nonce, ended_at=entry.ended_at)
            for intent, entry in self._others().items()
            if not entry.is_under_way
        }
        found |= {intent: pending.shown() for intent, pending in self._flights.items() if pending.is_open}
        return dict(sorted(found.items(), key=lambda item: item[0].at))

    def guard(self, call: PreparedCall) -> None:
        """Refuse a call that moves money while the same one is unresolved.

        Raises:
            UnresolvedOutcome: Names it.
            StateError: The journal cannot be read.
        """
        if call.endpoint.kind is not Kind.MONEY:
            return
        digests = {i: f.digest for i, f in self._flights.items() if f.is_open and f.standing in BLOCKING}
        digests |= {i: e.digest for i, e in self._others().items() if not e.is_under_way}
        digest = call.digest if digests else ""
        if blocking := next((i for i, d in digests.items() if d == digest), None):
            raise UnresolvedOutcome(
                f"{call}: the same call is unresolved: {blocking}; nothing was sent. "
                "Await client.reconcile(intent), or client.unresolved.dismiss(intent) if you know what became of it",
                intent=blocking,
                endpoint=call.endpoint.id,
            )

    def pending(self, intent: Intent) -> PendingCall | None:
        """Find a call of this client; None for one of another process, or of another day."""
        return self._flights.get(intent)

    def entry(self, intent: Intent) -> Entry | None:
        """Find a call of another process in the journal."""
        return self._others().get(intent)

    def is_open(self, intent: Intent) -> bool:
        """Whether it is written down, in the journal where there is one, and not struck out."""
        if self.book.journal is None:
            return intent in self._flights
        return intent in self.book.entries()

    # What reconciling must know

    def zero(self) -> datetime:
        """Tell what our clock showed, as it is set now, when that of the loop stood at zero."""
        return self.now() - timedelta(seconds=asyncio.get_running_loop().time())

    def recorded_since(self, zero: datetime) -> datetime:
        """Since when every call of this account is written down, and nothing of it forgotten."""
        journal = self.book.journal
        since = None if journal is None else journal.since(self.book.server, self.book.key)
        began = self.now() if self._began is None else zero + timedelta(seconds=self._began)
        least = max(began, self.now() - REMEMBERED)
        return least if since is None else min(since, least)

    def names(self, intent: Intent) -> frozenset[str]:
        """Name everything that calls of this account, but this one, are known to have made around then."""
        names, journal = self.history.names(), self.book.journal
        if journal is not None:
            written = journal.known(self.book.server, self.book.key, intent.at - REMEMBERED)
            if self.is_open(intent):  # otherwise somebody else may have found what became of it, and have written that
                names |= written
        return names - {self.history.made_by(intent)}

    def rivals(self, intent: Intent, digest: str | None) -> list[Standing]:
        """Find the other calls that would do the same and whose outcome is not known yet."""
        found = {
            i: Standing.UNDER_WAY if e.is_under_way else Standing.UNKNOWN
            for i, e in self._others().items()
            if e.digest == digest
        }
        found |= {i: f.standing for i, f in self._flights.items() if f.digest == digest}
        return [s for i, s in found.items() if i != intent and s in (Standing.UNDER_WAY, Standing.UNKNOWN)]

    # The course of a call

    async def begin(self, sent: Sent) -> PendingCall:
        """Write down what is about to be sent.

        Raises:
            StateError: It cannot be written; nothing may be sent.
        """
        book, intent, began = self.book, sent.intent, asyncio.get_running_loop().time()
        if self._began is None:
            self._began = began
        if book.journal is not None:
            entry = Entry(book.server, book.key, intent, sent.stamp.nonce or None, sent.digest)
            try:
                await book.journal.begin(entry)
            except asyncio.CancelledError:
                self._write(intent, None, None)  # it may be written all the same
                raise
        pending = self._flights[intent] = PendingCall(intent, sent.digest, sent.stamp.nonce or None, began)
        return pending

    def end(self, pending: PendingCall, sent: Sent, value: Any, error: ExchangeError | None) -> ExchangeError | None:
        """Note how a call ended; give the error that its caller is told."""
        trace = None
        if error is None:
            trace = self._made(pending.intent.endpoint, value)
            error = self._repeated(sent, trace)
        pending.value, pending.error = None if error is not None else value, error
        pending.landed_at = asyncio.get_running_loop().time()
        pending.landed.set()
        ended_at = pending.zero + timedelta(seconds=pending.landed_at)
        if error is None:
            pending.made = self.history.note(pending.intent, pending.digest, trace, ended_at, pending.zero)
        if pending.is_open and pending.standing in BLOCKING:
            self._write(pending.intent, ended_at, None)
        else:
            self._write(pending.intent, None, pending.made)
        if not pending.is_open:
            del self._flights[pending.intent]
        elif pending.caller_gone:
            _tell(pending)
        return error

    def keep_outcome(self, pending: PendingCall) -> None:
        """Keep the outcome: the caller is gone. It may have been about to hear of it."""
        pending.caller_gone = True
        if pending.landed.is_set():
            self._flights[pending.intent] = pending
            _tell(pending)

    def resolve(self, intent: Intent, made: str | None) -> None:
        """Strike out a call whose outcome is known: the id of what it made, or None."""
        pending = self._flights.get(intent)
        name = None if pending is None else pending.made
        if made is not None:
            name = self.history.remember(name_of(intent.endpoint, made), self.now(), intent)
        self._strike(intent, name)

    def dismiss(self, intent: Intent) -> None:
        """Strike out a call that is open, though perhaps nobody knows how it ended.

        Raises:
            UsageError: There is no loop that could write it to the journal.
        """
        pending, entry = self._flights.get(intent), self.entry(intent)
        name = None if pending is None else pending.made
        if pending is not None and pending.standing is Standing.UNKNOWN:
            name = self.history.doubt(intent, pending.digest, self.now())
        elif pending is None and entry is not None:
            name = self.history.doubt(intent, entry.digest, self.now())
        self._strike(intent, name)

    async def written(self) -> None:
        """Wait until the journal holds everything."""
        while self._writing:
            await asyncio.wait(list(self._writing))

    # Within

    def _others(self) -> dict[Intent, Entry]:
        """List what the journal holds beside the calls of this client, and what is not being struck out."""
        entries = self.book.entries()
        return {i: e for i, e in entries.items() if i not in self._flights and i not in self._struck}

    def _made(self, endpoint: str, value: Any) -> Match | None:
        try:
            search = self.searches().get(endpoint)
            return None if search is None else search.identify(value)
        except Exception as fault:  # noqa: BLE001 - that an answer names no id that is understood must not hide it
            logger.warning("%s: the answer took the reader of its id by surprise (%s)", endpoint, type(fault).__name__)
            return None

    def _repeated(self, sent: Sent, trace: Match | None) -> ExchangeError | None:
        """Doubt an answer that names what an earlier call made: it belongs to that one."""
        if trace is None or not self.history.knows(sent.endpoint.id, trace.id):
            return None
        words = f"{sent}: the answer names what an earlier call made"
        return without_traceback(unknown_outcome(sent, DecodeError(words, endpoint=sent.endpoint.id)))

    def _strike(self, intent: Intent, name: str | None) -> None:
        self._write(intent, None, name)
        self._flights.pop(intent, None)

    def _write(self, intent: Intent, doubted_at: datetime | None, name: str | None) -> None:
        if self.book.journal is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            words = f"{intent}: the journal is written where the event loop of the client runs; do it there"
            raise UsageError(words, endpoint=intent.endpoint) from None
        if doubted_at is None:
            self._struck.add(intent)
        task = loop.create_task(self._written(self.book.journal, intent, doubted_at, name))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _written(self, journal: Journal, intent: Intent, doubted_at: datetime | None, name: str | None) -> None:
        try:
            if doubted_at is None:
                await journal.settle(intent.id, known=name)
                self._struck.discard(intent)
            else:
                await journal.doubt(intent.id, doubted_at)
        except StateError as error:
            # The outcome itself is told to the caller all the same; the entry stays, and is found unresolved.
            logger.error("%s: its outcome could not be written to the journal: %s", intent, error)  # noqa: TRY400


def _tell(pending: PendingCall) -> None:
    """Say what became of a call whose caller is gone."""
    logger.warning("%s: the caller was cancelled; %s", pending.intent, pending.error or pending.standing)
