"""Slots and nonces of all processes, in one file.

What a slot is: see `exchanges.limits.limiter`. Here a call is one row. `since` is the moment from which its slot cools
down: infinity while the call is in flight, then the moment it ended, 30 seconds later where no complete answer came. In
a window of W seconds it counts until `since` + W. All windows read the same rows, so processes with different windows
for one limit still see each other's calls.

Times are those of the monotonic clock, which all processes share and no clock step moves. It starts again with every
boot. After one nobody knows how long ago a call ended, so what was cooling starts to cool when the file is first
opened.

A process that died leaves calls in flight behind. The next process that notices ends them as lost, never sooner than
they can have ended.

Calls that use the reserve (cancels and money) go first in the process that makes them. Among processes, one that finds
no room asks for it, and reads of all processes leave that much room until the moment at which it will be free.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from sqlite3 import Connection

from exchanges.limits.limit import Window
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from exchanges.state.file.database import Database, damaged
from exchanges.state.file.leases import LeaseEnd, LeaseRecord, LeaseRequest
from exchanges.state.file.locks import ProcessMarker
from exchanges.state.file.seals import boot, checksum

LOOK_SECONDS = 1.0
"""How often dead processes are looked for while there is room."""
GRACE_SECONDS = 0.05
"""How long room stays reserved after it is free: the process that asked for it has yet to wake."""
LEAST_SECONDS = 0.001


class SlotTable:
    """What is in use, and by whom. For one thread.

    Args:
        database: Where it is written.
        marker: The marker of this process.
        clock: Monotonic clock in seconds, the same in all processes.
    """

    def __init__(self, database: Database, marker: ProcessMarker, clock: Callable[[], float]) -> None:
        self._database = database
        self._marker = marker
        self._clock = clock
        self._look_at = -math.inf
        self._unwritten: list[LeaseEnd] = []
        with self._writing() as (data, now):
            self._rebase(data, now)
            # Read once here, so that a damaged nonce is refused when the file is opened.
            for account in data.execute("SELECT server, key FROM nonces").fetchall():
                self._last_nonce(data, account)

    def acquire(self, request: LeaseRequest) -> LeaseRecord | float:
        """Acquire slots and a nonce, or return the seconds to wait at least.

        Raises:
            StateError: It cannot be written; nothing was acquired.
        """
        with self._writing() as (data, now):
            self._marker.require_place()
            if now >= self._look_at:
                self._release_dead(data, now)
            wait = self._wait(data, request, now)
            if wait > 0 and self._release_dead(data, now):
                wait = self._wait(data, request, now)
            if wait > 0:
                return max(wait, LEAST_SECONDS)
            slot = None
            if request.windows:
                row = (request.limit_id, math.inf, self._marker.name)
                # Every call takes one slot; the column stays, so that processes of earlier releases can share the file.
                slot = data.execute("INSERT INTO slots (place, since, cost, holder) VALUES (?, ?, 1, ?)", row).lastrowid
            nonce = self._draw(data, request.account, request.least_nonce) if request.in_order else None
        return LeaseRecord(request, slot, nonce)

    def add_end(self, end: LeaseEnd) -> None:
        """Start cooling the slots, or free them, and record what the exchange answered, with the next change."""
        self._unwritten.append(end)

    def write_ends(self) -> None:
        """Write what was added.

        Raises:
            StateError: It cannot be written now.
        """
        with self._writing():
            pass

    @contextmanager
    def _writing(self) -> Generator[tuple[Connection, float]]:
        with self._database.writing() as data:
            now = self._clock()
            for end in self._unwritten:
                self._write(data, end, now)
            yield data, now
        # Only after the commit: what was rolled back is written again next time.
        self._unwritten.clear()

    def _write(self, data: Connection, end: LeaseEnd, now: float) -> None:
        record, holder = end.record, self._marker.name
        if end.sent:
            since = now + MARGIN_SECONDS + (0 if end.complete else LOST_SECONDS)
            data.execute("UPDATE slots SET since = ? WHERE id = ? AND holder = ?", (since, record.slot, holder))
        else:
            data.execute("DELETE FROM slots WHERE id = ? AND holder = ?", (record.slot, holder))
        if end.floor is not None:
            self._raise_to(data, record.request.account, end.floor)
        if end.closed_seconds > 0:
            # A shorter lockout never ends a longer one, whichever process heard of it last.
            data.execute(
                "INSERT INTO limits (place, longest_seconds, closed_until, closed_seconds) VALUES (?, 0, ?, ?) "
                "ON CONFLICT (place) DO UPDATE SET closed_until = excluded.closed_until, "
                "closed_seconds = excluded.closed_seconds WHERE excluded.closed_until > closed_until",
                (record.request.limit_id, now + end.closed_seconds, end.closed_seconds),
            )

    # Slots

    def _wait(self, data: Connection, request: LeaseRequest, now: float) -> float:
        """Return the seconds for which there is certainly no room; 0 if there is."""
        limit_id = request.limit_id
        query = "SELECT longest_seconds, closed_until, asked_until, asked FROM limits WHERE place = ?"
        longest, closed_until, asked_until, asked = data.execute(query, (limit_id,)).fetchone() or (-1, 0, 0, 0)
        if closed_until > now:
            return float(closed_until - now)
        if closed_until:  # over: it must not come back with another boot
            data.execute("UPDATE limits SET closed_until = 0, closed_seconds = 0 WHERE place = ?", (limit_id,))
        self._forget_cool(data, request, longest, now)
        wait = max((self._wait_in(data, window, request, now) for window in request.windows), default=0.0)
        if not request.leave_reserve:
            self._ask(data, request, now + wait + GRACE_SECONDS if wait > 0 else 0.0)
        elif wait <= 0 and asked_until > now:
            for window in request.windows:
                if self._wait_in(data, window, request, now, kept=asked) > 0:
                    return float(asked_until - now)
        return wait

    def _forget_cool(self, data: Connection, request: LeaseRequest, longest: float, now: float) -> None:
        """Delete the slots that no window counts any more."""
        # The longest window that any process ever had for this limit: another one may still count these rows.
        wanted = max((window.per_seconds for window in request.windows), default=0.0)
        if longest < wanted:
            longest = wanted
            data.execute(
                "INSERT INTO limits (place, longest_seconds) VALUES (?, ?) "
                "ON CONFLICT (place) DO UPDATE SET longest_seconds = excluded.longest_seconds",
                (request.limit_id, longest),
            )
        data.execute("DELETE FROM slots WHERE place = ? AND since <= ?", (request.limit_id, now - longest))

    def _wait_in(self, data: Connection, window: Window, request: LeaseRequest, now: float, kept: int = 0) -> float:
        seconds, limit_id = window.per_seconds, request.limit_id
        room = window.slots - kept - (window.reserve if request.leave_reserve else 0)
        begin = now - seconds
        query = "SELECT count(*) FROM slots WHERE place = ? AND since > ?"
        missing = int(data.execute(query, (limit_id, begin)).fetchone()[0]) + 1 - room
        if missing <= 0:
            return 0.0
        query = "SELECT since FROM slots WHERE place = ? AND since > ? ORDER BY since LIMIT 1 OFFSET ?"
        row = data.execute(query, (limit_id, begin, missing - 1)).fetchone()
        # A call in flight has no end yet: a whole window is the least that is certain.
        return float(row[0] - begin) if row is not None and row[0] < math.inf else seconds

    def _ask(self, data: Connection, request: LeaseRequest, until: float) -> None:
        """Ask reads of all processes to leave room until then; 0 withdraws it."""
        # Unchanged values are not written: most calls ask for nothing, and a write costs more than the comparison.
        data.execute(
            "UPDATE limits SET asked_until = ?, asked = 1 WHERE place = ? AND asked_until <> ?",
            (until, request.limit_id, until),
        )

    def _release_dead(self, data: Connection, now: float) -> bool:
        """End the calls of dead processes as lost; return whether there were any."""
        self._look_at = now + LOOK_SECONDS
        holders = data.execute("SELECT DISTINCT holder FROM slots WHERE since = ?", (math.inf,)).fetchall()
        dead = [holder for (holder,) in holders if self._marker.is_dead(holder)]
        for holder in dead:
            data.execute(
                "UPDATE slots SET since = ? WHERE holder = ? AND since = ?",
                (now + MARGIN_SECONDS + LOST_SECONDS, holder, math.inf),
            )
        return bool(dead)

    def _rebase(self, data: Connection, now: float) -> None:
        """Move what another boot wrote to the clock of this one: nothing is free too early, nor much too late."""
        latest, name = now + MARGIN_SECONDS + LOST_SECONDS, boot()
        row = data.execute("SELECT id FROM boots").fetchone()
        earliest = latest if row is not None and row[0] != name else -math.inf
        # A moment later than any this boot can have written is from another one, even where boots have no id.
        data.execute(
            "UPDATE slots SET since = ? WHERE (since > ? OR since < ?) AND since <> ?",
            (latest, latest, earliest, math.inf),
        )
        data.execute("UPDATE limits SET closed_until = min(closed_until, ? + closed_seconds)", (now,))
        data.execute("UPDATE limits SET asked_until = 0 WHERE asked_until > ? + longest_seconds", (latest,))
        if row is None or row[0] != name:
            data.execute("DELETE FROM boots")
            data.execute("INSERT INTO boots (id) VALUES (?)", (name,))

    # Nonces

    def _draw(self, data: Connection, account: tuple[str, str], least: int) -> int:
        nonce = max(least, self._last_nonce(data, account) + 1)
        self._write_nonce(data, account, nonce)
        return nonce

    def _raise_to(self, data: Connection, account: tuple[str, str], floor: int) -> None:
        if floor > self._last_nonce(data, account):
            self._write_nonce(data, account, floor)

    def _last_nonce(self, data: Connection, account: tuple[str, str]) -> int:
        row = data.execute("SELECT last, seal FROM nonces WHERE server = ? AND key = ?", account).fetchone()
        if row is None:
            return 0
        last, written = row
        if checksum(*account, last) != written:
            raise damaged(self._database.path, "contains a nonce that was changed")
        return int(last)

    def _write_nonce(self, data: Connection, account: tuple[str, str], nonce: int) -> None:
        last = str(nonce)  # text: nineteen digits do not fit the integers of SQLite
        data.execute(
            "INSERT INTO nonces (server, key, last, seal) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (server, key) DO UPDATE SET last = excluded.last, seal = excluded.seal",
            (*account, last, checksum(*account, last)),
        )
