"""Slots, reserves and nonces of all processes, in one file.

What a slot and the reserve are: see `exchanges.limits.limiter`. Here a slot is one row for each limit that counts the
call. `since` is the moment from which it cools down: infinity while the call is in flight, then the moment it ended,
30 seconds later where no complete answer came. In a window of W seconds it counts until `since` + W. All windows read
the same rows, so processes with different windows for one limit still see each other's calls.

Times are those of the monotonic clock, which all processes share and no clock step moves. It starts again with every
boot. After one nobody knows how long ago a call ended, so what was cooling starts to cool when the file is first
opened.

A process that died leaves calls in flight behind. The next process that notices ends them as lost, never sooner than
they can have ended.

Calls wait in the process that makes them. Among processes, one whose call finds no room enters a line with it: a row,
from when it first asked to when it can be served. A call leaves room for the processes that are before its own in the
line, cancels before all others. Whoever was served goes to the end, so processes take turns, however many calls each
of them has. A process that does not come back in time is passed over, but keeps its place for a second: it may be slow.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from sqlite3 import Connection

from exchanges.limits.limit import Window
from exchanges.limits.reasons import used_up
from exchanges.limits.waits import LOOK_SECONDS, Wait
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from exchanges.state.file import closures, nonces
from exchanges.state.file.database import Database
from exchanges.state.file.journal import FileJournal
from exchanges.state.file.locks import ProcessMarker
from exchanges.state.file.seals import boot
from exchanges.state.leases import LeaseEnd, LeaseRecord, LeaseRequest
from exchanges.state.protocols import Draft, Headroom

DEAD_SECONDS = 1.0
"""How often dead processes are looked for while there is room."""
GRACE_SECONDS = 0.25
"""How long room stays reserved after it is free: the process that waits for it has yet to wake."""
PATIENCE_SECONDS = 1.0
"""How long after that a process keeps its place in the line."""
LEAST_SECONDS = 0.001


class SlotTable:
    """What is in use, and by whom. For one thread, except `headroom`.

    Args:
        database: Where it is written.
        marker: The marker of this process.
        journal: Where the calls are recorded that are never repeated.
        clock: Monotonic clock in seconds, the same in all processes.
    """

    def __init__(
        self, database: Database, marker: ProcessMarker, journal: FileJournal, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._journal = journal
        self._marker = marker
        self._clock = clock
        self._look_at = -math.inf
        self._signers: Counter[int] = Counter()
        self._commits = 0
        self._unwritten: list[LeaseEnd] = []
        self._unwritten_signers: set[int] = set()
        with self._writing() as (data, now):
            self._rebase(data, now)
            nonces.check(data, database.path)

    def acquire(
        self,
        request: LeaseRequest,
        draft: Draft | None = None,
        ahead: Callable[[LeaseRecord], object] = lambda _: None,
    ) -> LeaseRecord | Wait:
        """Acquire slots and a nonce, and record the call if it has a *draft*, or return how long to wait.

        *ahead* is called with the lease of a call that is recorded before that is on the disk, which may fail.

        Raises:
            RateLimited: The exchange has closed the limit and named the end.
            StateError: It cannot be written; nothing was acquired, nor recorded.
        """
        granted: LeaseRecord | None = None
        commits = self._commits

        def announce() -> None:
            if draft is not None and granted is not None:
                ahead(granted)

        try:
            with self._writing(durable=draft is not None, before_commit=announce) as (data, now):
                self._marker.require_place()
                if now >= self._look_at:
                    self._release_dead(data, now)
                wait = self._wait(data, request, now)
                if wait is not None and self._release_dead(data, now):
                    wait = self._wait(data, request, now)
                if wait is not None:
                    return wait
                granted = self._grant(data, request, draft, now)
        except BaseException:
            # What was rolled back must not be ended: its rows may be those of another call by then.
            if granted is not None and self._commits > commits:
                self.add_end(LeaseEnd(granted, complete=True, sent=False))
            raise
        return granted

    @property
    def owes(self) -> bool:
        """Whether something that has ended is yet to be written."""
        return bool(self._unwritten)

    def add_end(self, end: LeaseEnd) -> None:
        """Start cooling the slots, or free them, and record what the exchange answered, with the next change."""
        self._unwritten.append(end)

    def add_signers(self, place: int, number: int) -> None:
        """Count clients of this process that can cancel, with the next change."""
        self._signers[place] += number
        self._unwritten_signers.add(place)

    def write(self) -> None:
        """Write what was added.

        Raises:
            StateError: It cannot be written now.
        """
        with self._writing():
            pass

    def reopen(self, place: int) -> None:
        """Forget the lockouts of a limit.

        Raises:
            StateError: It cannot be written.
        """
        with self._writing() as (data, _):
            data.execute("DELETE FROM lockouts WHERE place = ?", (place,))

    def headroom(self, request: LeaseRequest) -> Headroom:
        """Return what is left; may be called from any thread."""
        now = self._clock()
        free: list[int] = []
        next_free: list[float | None] = []
        with self._database.reading() as data:
            for place, window in request.windows:
                begin = now - window.per_seconds
                query = "SELECT count(*), min(since) FROM slots WHERE place = ? AND since > ?"
                used, first = data.execute(query, (place, begin)).fetchone()
                free.append(max(window.slots - used, 0))
                next_free.append(None if first is None or first == math.inf else float(first - begin))
            lockouts = closures.listed(data, request.place, now)
        return Headroom(tuple(free), tuple(next_free), lockouts)

    @contextmanager
    def _writing(
        self, *, durable: bool = False, before_commit: Callable[[], object] | None = None
    ) -> Generator[tuple[Connection, float]]:
        written = self._written
        with self._database.writing(durable=durable, before_commit=before_commit, after_commit=written) as data:
            now = self._clock()
            for end in self._unwritten:
                self._write_end(data, end, now)
            for place in self._unwritten_signers:
                query = "INSERT OR IGNORE INTO signers (place, holder) VALUES (?, ?)"
                if not self._signers[place]:
                    query = "DELETE FROM signers WHERE place = ? AND holder = ?"
                data.execute(query, (place, self._marker.name))
            yield data, now

    def _written(self) -> None:
        # Only after the commit: what was rolled back is written again next time.
        self._commits += 1
        self._unwritten.clear()
        self._unwritten_signers.clear()

    def _write_end(self, data: Connection, end: LeaseEnd, now: float) -> None:
        record, holder = end.record, self._marker.name
        since = now + MARGIN_SECONDS + (0 if end.complete else LOST_SECONDS)
        for slot in record.slots:
            if end.sent:
                data.execute("UPDATE slots SET since = ? WHERE id = ? AND holder = ?", (since, slot, holder))
            else:
                data.execute("DELETE FROM slots WHERE id = ? AND holder = ?", (slot, holder))
        if not end.sent and record.entry is not None:
            self._journal.remove(data, record.entry.intent.id)
        if end.floor is not None:
            nonces.raise_to(data, self._database.path, record.request.account, end.floor)
        closures.leave(data, end, now)

    # Slots

    def _grant(self, data: Connection, request: LeaseRequest, draft: Draft | None, now: float) -> LeaseRecord:
        query = "INSERT INTO slots (place, since, holder) VALUES (?, ?, ?)"
        rows = [(place, math.inf, self._marker.name) for place, windows in request.parts if windows]
        slots = tuple(data.execute(query, row).lastrowid or 0 for row in rows)
        refusals, tries = closures.enter(data, request, now, self._marker.name)
        nonce = None
        if request.in_order:
            nonce = nonces.draw(data, self._database.path, request.account, request.least_nonce)
        entry, is_alone = None, False
        if draft is not None:
            entry = draft(nonce)
            is_alone = self._journal.record(data, entry)
        return LeaseRecord(request, slots, nonce, now, refusals, tries, entry, is_alone)

    def _wait(self, data: Connection, request: LeaseRequest, now: float) -> Wait | None:
        """Return how long there is no room; None if there is."""
        closed = closures.wait(data, request, now)
        if closed is not None or not request.windows:
            return closed
        self._forget_cool(data, request, now)
        query = "SELECT 1 FROM signers WHERE place = ? LIMIT 1"
        keeps = request.leave_reserve and data.execute(query, (request.place,)).fetchone() is not None
        since, before = self._line(data, request, now)
        kept = [(place, window, window.reserve if keeps else 0) for place, window in request.windows]
        seconds = max(self._wait_in(data, place, window, now, left=before + left) for place, window, left in kept)
        self._enter_line(data, request, since, now + min(seconds, LOOK_SECONDS) + GRACE_SECONDS if seconds else None)
        if not seconds:
            return None
        # Calls in flight may give their slots back, and processes leave the line; what cools is certain.
        certain = max(
            self._wait_in(data, place, window, now, left=left, has_ended=True) for place, window, left in kept
        )
        return Wait(max(min(seconds, LOOK_SECONDS), LEAST_SECONDS), certain, reason=used_up(certain))

    def _wait_in(
        self, data: Connection, place: int, window: Window, now: float, *, left: int, has_ended: bool = False
    ) -> float:
        """Return how long it takes until a window has a slot beside those that are *left* to others."""
        if left >= window.slots:
            return window.per_seconds
        begin = now - window.per_seconds
        query = (
            "SELECT since FROM slots WHERE place = ? AND since > ? AND (since < ? OR NOT ?) "
            "ORDER BY since DESC LIMIT 1 OFFSET ?"
        )
        row = data.execute(query, (place, begin, math.inf, has_ended, window.slots - 1 - left)).fetchone()
        # A call in flight has no end yet.
        return 0.0 if row is None else float(row[0] - begin) if row[0] < math.inf else window.per_seconds

    def _line(self, data: Connection, request: LeaseRequest, now: float) -> tuple[float, int]:
        """Return since when this process waits, and how many processes are before it."""
        place, rank, holder = request.parts[0][0], not request.is_cancel, self._marker.name
        query = "SELECT since, until FROM waits WHERE place = ? AND rank = ? AND holder = ?"
        since, until = data.execute(query, (place, rank, holder)).fetchone() or (now, now)
        if until + PATIENCE_SECONDS < now:
            since = now
        query = (
            "SELECT count(*) FROM waits WHERE place = ? AND holder <> ? AND until > ? "
            "AND (rank < ? OR (rank = ? AND since < ?))"
        )
        (before,) = data.execute(query, (place, holder, now, rank, rank, since)).fetchone()
        return float(since), int(before)

    def _enter_line(self, data: Connection, request: LeaseRequest, since: float, until: float | None) -> None:
        """Wait in the line until then, or leave it."""
        place, rank, holder = request.parts[0][0], not request.is_cancel, self._marker.name
        if until is None:
            data.execute("DELETE FROM waits WHERE place = ? AND rank = ? AND holder = ?", (place, rank, holder))
            return
        row = place, rank, holder, since, until
        data.execute("INSERT OR REPLACE INTO waits (place, rank, holder, since, until) VALUES (?, ?, ?, ?, ?)", row)

    def _forget_cool(self, data: Connection, request: LeaseRequest, now: float) -> None:
        """Delete the slots that no window counts any more."""
        for place, windows in request.parts:
            # The longest window that any process ever had for this limit: another one may still count these rows.
            wanted = max((window.per_seconds for window in windows), default=0.0)
            row = data.execute("SELECT longest_seconds FROM limits WHERE place = ?", (place,)).fetchone()
            longest = -1.0 if row is None else float(row[0])
            if longest < wanted:
                longest = wanted
                data.execute("INSERT OR REPLACE INTO limits (place, longest_seconds) VALUES (?, ?)", (place, longest))
            data.execute("DELETE FROM slots WHERE place = ? AND since <= ?", (place, now - longest))

    # Processes and boots

    def _release_dead(self, data: Connection, now: float) -> bool:
        """End the calls of dead processes as lost, and what else they held; return whether there were any."""
        self._look_at = now + DEAD_SECONDS
        holders = data.execute(
            "SELECT holder FROM slots WHERE since = ? UNION SELECT holder FROM waits UNION SELECT holder FROM signers "
            "UNION SELECT holder FROM lockouts WHERE holder <> ''",
            (math.inf,),
        ).fetchall()
        dead = [holder for (holder,) in holders if self._marker.is_dead(holder)]
        for holder in dead:
            lost = now + MARGIN_SECONDS + LOST_SECONDS
            data.execute("UPDATE slots SET since = ? WHERE holder = ? AND since = ?", (lost, holder, math.inf))
            data.execute("DELETE FROM waits WHERE holder = ?", (holder,))
            data.execute("DELETE FROM signers WHERE holder = ?", (holder,))
            closures.end_tries(data, holder)
        return bool(dead)

    def _rebase(self, data: Connection, now: float) -> None:
        """Move what another boot wrote to the clock of this one: nothing is free too early, nor much too late."""
        latest, name = now + MARGIN_SECONDS + LOST_SECONDS, boot()
        row = data.execute("SELECT id FROM boots").fetchone()
        is_other_boot = row is not None and row[0] != name
        # A moment later than any this boot can have written is from another one, even where boots have no id.
        data.execute(
            "UPDATE slots SET since = ? WHERE (since > ? OR since < ?) AND since <> ?",
            (latest, latest, latest if is_other_boot else -math.inf, math.inf),
        )
        data.execute("DELETE FROM waits WHERE since > ?", (-math.inf if is_other_boot else now,))
        closures.rebase(data, now, is_other_boot=is_other_boot)
        if row is None or is_other_boot:
            data.execute("DELETE FROM boots")
            data.execute("INSERT INTO boots (id) VALUES (?)", (name,))
