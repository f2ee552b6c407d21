"""Slots and nonces of all processes, in one file.

What a slot is stands in `exchanges.limits.limiter`. Here a call is one row with its cost. `since` is the moment from
which its
slots rest: infinity while the call is on its way, then the moment it ended, 30 seconds later where no complete answer
came. In a window of W seconds it counts as long as `since` + W lies ahead. All windows read the same rows, so processes
with different windows for one limit still see each other's calls.

Times are those of the monotonic clock, which all processes share and no clock step moves. It begins anew with every
boot. After one nobody knows how long ago a call ended, so what was resting begins to rest at the first opening.

A process that died leaves calls on their way behind. Whoever notices lets them end as lost, and never sooner than they
can have ended.

Calls that leave no reserve (cancels and money) go first in the process that makes them; among processes, one that
finds no room asks for it, and reads of all processes leave that much room until the moment at which it will come back.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection

from exchanges.limits.limit import Window
from exchanges.limits.windows import LOST_SECONDS, MARGIN_SECONDS
from exchanges.state.file.database import Database, damaged
from exchanges.state.file.leases import LeaseEnd, LeaseRecord, LeaseRequest
from exchanges.state.file.locks import ProcessMarker

__all__ = ["SlotTable", "boot", "checksum"]

LOOK_SECONDS = 1.0
GRACE_SECONDS = 0.05
LEAST_SECONDS = 0.001
BOOT = Path("/proc/sys/kernel/random/boot_id")


def boot() -> str:
    """Name the time since the system was started; empty where it has no name."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""


def checksum(*values: str | None) -> int:
    """Make a number by which it is seen that *values* are what was written."""
    return zlib.crc32(repr(values).encode())


class SlotTable:
    """What is taken, and by whom. For one thread.

    Args:
        database: Where it is written.
        marker: Whose it is.
        clock: Monotonic, in seconds, the same in all processes.
    """

    def __init__(self, database: Database, marker: ProcessMarker, clock: Callable[[], float]) -> None:
        self._database = database
        self._marker = marker
        self._clock = clock
        self._look_at = -math.inf
        self._owed: list[LeaseEnd] = []
        with self._writing() as (data, now):
            self._rebase(data, now)
            for account in data.execute("SELECT server, key FROM nonces").fetchall():
                self._last(data, account)

    def acquire(self, request: LeaseRequest) -> LeaseRecord | float:
        """Take slots and a nonce, or give the seconds to wait at least.

        Raises:
            StateError: It cannot be written; nothing was taken.
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
                row = (request.place, math.inf, request.cost, self._marker.name)
                slot = data.execute("INSERT INTO slots (place, since, cost, holder) VALUES (?, ?, ?, ?)", row).lastrowid
            nonce = self._draw(data, request.account, request.least_nonce) if request.in_order else None
        return LeaseRecord(request, slot, nonce)

    def release(self, end: LeaseEnd) -> None:
        """Let slots rest or come free; remember what the exchange said.

        Raises:
            StateError: It cannot be written now; it will be, together with what is written next.
        """
        self._owed.append(end)
        with self._writing():
            pass

    @contextmanager
    def _writing(self) -> Generator[tuple[Connection, float]]:
        with self._database.writing() as data:
            now = self._clock()
            for end in self._owed:
                self._write(data, end, now)
            yield data, now
        self._owed.clear()

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
            data.execute(
                "INSERT INTO limits (place, longest_seconds, closed_until, closed_seconds) VALUES (?, 0, ?, ?) "
                "ON CONFLICT (place) DO UPDATE SET closed_until = excluded.closed_until, "
                "closed_seconds = excluded.closed_seconds WHERE excluded.closed_until > closed_until",
                (record.request.place, now + end.closed_seconds, end.closed_seconds),
            )

    # Slots

    def _wait(self, data: Connection, request: LeaseRequest, now: float) -> float:
        """Find out how long there is certainly no room; 0: there is."""
        query = "SELECT longest_seconds, closed_until, asked_until, asked FROM limits WHERE place = ?"
        longest, closed_until, asked_until, asked = data.execute(query, (request.place,)).fetchone() or (-1, 0, 0, 0)
        if closed_until > now:
            return float(closed_until - now)
        if closed_until:  # over: it must not come back with another boot
            data.execute("UPDATE limits SET closed_until = 0, closed_seconds = 0 WHERE place = ?", (request.place,))
        wanted = max((window.per_seconds for window in request.windows), default=0.0)
        if longest < wanted:
            longest = wanted
            data.execute(
                "INSERT INTO limits (place, longest_seconds) VALUES (?, ?) "
                "ON CONFLICT (place) DO UPDATE SET longest_seconds = excluded.longest_seconds",
                (request.place, longest),
            )
        data.execute("DELETE FROM slots WHERE place = ? AND since <= ?", (request.place, now - longest))
        wait = max((self._wait_in(data, window, request, now) for window in request.windows), default=0.0)
        if not request.leave_reserve:
            self._ask(data, request, now + wait + GRACE_SECONDS if wait > 0 else 0.0)
        elif wait <= 0 and asked_until > now:
            for window in request.windows:
                if self._wait_in(data, window, request, now, kept=asked) > 0:
                    return float(asked_until - now)
        return wait

    def _wait_in(self, data: Connection, window: Window, request: LeaseRequest, now: float, kept: int = 0) -> float:
        seconds, place = window.per_seconds, request.place
        room = window.slots - kept - (window.reserve if request.leave_reserve else 0)
        begin = now - seconds
        query = "SELECT total(cost) FROM slots WHERE place = ? AND since > ?"
        short = int(data.execute(query, (place, begin)).fetchone()[0]) + request.cost - room
        if short <= 0:
            return 0.0
        query = "SELECT since, cost FROM slots WHERE place = ? AND since > ? ORDER BY since LIMIT ?"
        for since, cost in data.execute(query, (place, begin, short)).fetchall():
            short -= cost
            if short <= 0:
                return float(since - begin) if since < math.inf else seconds
        return seconds

    def _ask(self, data: Connection, request: LeaseRequest, until: float) -> None:
        """Ask reads to leave room, or ask no more."""
        data.execute(
            "UPDATE limits SET asked_until = ?, asked = ? WHERE place = ? AND asked_until <> ?",
            (until, request.cost, request.place, until),
        )

    def _release_dead(self, data: Connection, now: float) -> bool:
        """Let the calls of dead processes end; whether there were any."""
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
        """Bring what another boot wrote to the clock of this one: nothing comes free too early, nor much too late."""
        latest, name = now + MARGIN_SECONDS + LOST_SECONDS, boot()
        row = data.execute("SELECT id FROM boots").fetchone()
        earliest = latest if row is not None and row[0] != name else -math.inf
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
        nonce = max(least, self._last(data, account) + 1)
        self._keep(data, account, nonce)
        return nonce

    def _raise_to(self, data: Connection, account: tuple[str, str], floor: int) -> None:
        if floor > self._last(data, account):
            self._keep(data, account, floor)

    def _last(self, data: Connection, account: tuple[str, str]) -> int:
        row = data.execute("SELECT last, seal FROM nonces WHERE server = ? AND key = ?", account).fetchone()
        if row is None:
            return 0
        last, stored = row
        if checksum(*account, last) != stored:
            raise damaged(self._database.path, "holds a nonce that is no longer what was written")
        return int(last)

    def _keep(self, data: Connection, account: tuple[str, str], nonce: int) -> None:
        last = str(nonce)  # text: nineteen digits do not fit the integers of SQLite
        data.execute(
            "INSERT INTO nonces (server, key, last, seal) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (server, key) DO UPDATE SET last = excluded.last, seal = excluded.seal",
            (*account, last, checksum(*account, last)),
        )
