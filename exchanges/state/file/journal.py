"""The journal of calls that are never repeated, in the file of a state.

A call is recorded, and is safe on the disk, before its first byte is sent. It is deleted when its outcome is known.
What remains are calls whose outcome is unknown and calls of processes that died, whose marker is gone (see
`exchanges.state.file.locks`). The ids of what was created are kept for a week.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from sqlite3 import Connection
from typing import Any, TypeAlias

from attrs import astuple, evolve, frozen

from exchanges.errors import StateError
from exchanges.state.entries import KEPT_FOR, MOST_OPEN, Unreadable, body_of, entry_of, moment_of, text_of, too_many
from exchanges.state.file.database import Database, damaged
from exchanges.state.file.locks import ProcessMarker
from exchanges.state.file.seals import checksum
from exchanges.state.file.worker import Worker
from exchanges.state.leases import unsent
from exchanges.state.protocols import Entry

_Version: TypeAlias = tuple[str, int, bool]
"""Id of a call, its checksum, and whether it is under way."""
_ROWS = "SELECT id, server, key, digest, named, body, holder, ended_at, seal FROM calls"


@frozen
class _Row:
    """One call as it is stored."""

    id: str
    server: str
    key: str
    digest: str
    named: str
    body: str
    holder: str
    ended_at: str | None = None

    @property
    def checksum(self) -> int:
        """A number that shows whether this is what was written."""
        return checksum(*astuple(self))

    def entry(self, *, is_under_way: bool) -> Entry:
        """Return it as the journal shows it.

        Raises:
            Unreadable: It is not what this version writes.
        """
        ended_at = None if self.ended_at is None else moment_of(self.ended_at)
        return entry_of(self.id, self.server, self.key, self.body, ended_at=ended_at, is_under_way=is_under_way)


class FileJournal:
    """Calls that are never repeated; see `exchanges.state.protocols.Journal`.

    Args:
        worker: The thread that writes.
        database: Where it is written.
        marker: Marks the calls that this process still carries out.
    """

    def __init__(self, worker: Worker, database: Database, marker: ProcessMarker) -> None:
        self._worker = worker
        self._database = database
        self._marker = marker
        self._known: dict[tuple[str, str], dict[_Version, Entry]] = {}
        self._listed: dict[tuple[str, str], tuple[Entry, ...]] = {}
        self._loops: dict[str, asyncio.AbstractEventLoop] = {}  # of the calls that this process carries out
        # All rows are checked once here, so that damage is reported when the file is opened and not in the middle.
        with database.reading() as data:
            for values in data.execute(_ROWS):
                self._checked(values)

    def __repr__(self) -> str:
        """Show where it is."""
        return f"FileJournal({str(self._database.path)!r})"

    async def begin(self, entry: Entry) -> None:
        """Record what is about to be sent; it is safe on the disk when this returns."""
        self._loops[entry.intent.id] = asyncio.get_running_loop()
        try:
            await self._worker.run(partial(self._begin, entry))
        except StateError as error:
            del self._loops[entry.intent.id]
            raise unsent(error) from error.__cause__

    async def settle(self, intent_id: str, *, known: str | None) -> None:
        """Record that the outcome is known: the id of what was created, or None for nothing."""
        await self._worker.run(partial(self._settle, intent_id, known), can_wait=True)
        self._loops.pop(intent_id, None)

    async def doubt(self, intent_id: str, ended_at: datetime) -> None:
        """Record that the call has ended and its outcome is unknown."""
        await self._worker.run(partial(self._doubt, intent_id, text_of(ended_at)), can_wait=True)
        self._loops.pop(intent_id, None)

    def entries(self, server: str, key: str) -> tuple[Entry, ...]:
        """List the calls whose outcome is unknown, or not known yet, the oldest first; the same tuple if none changed.

        Those that did not change are not parsed again.
        """
        query = "SELECT id, seal, holder, ended_at FROM calls WHERE server = ? AND key = ? ORDER BY number"
        known, found = self._known.get((server, key), {}), dict[_Version, Entry]()
        with self._reading() as data:
            holders = data.execute("SELECT DISTINCT holder FROM calls WHERE ended_at IS NULL").fetchall()
            dead = self._dead(holders)
            for name, seal, holder, ended_at in data.execute(query, (server, key)).fetchall():
                version = name, seal, not (ended_at or holder in dead or self._is_lost(name))
                if entry := known.get(version) or self._entry(data, name, is_under_way=version[-1]):
                    found[version] = entry
        if found.keys() != known.keys() or (server, key) not in self._listed:
            self._known[server, key], self._listed[server, key] = found, tuple(found.values())
        return self._listed[server, key]

    def matching(
        self, server: str, key: str, *, digest: str = "", named: str = "", intent_id: str = ""
    ) -> tuple[Entry, ...]:
        """List the open calls that have this digest, this client's id or this id; each is found by an index."""
        asked = [(column, text) for column, text in (("digest", digest), ("named", named), ("id", intent_id)) if text]
        with self._reading() as data:

            def read() -> dict[str, _Row]:
                found = (
                    data.execute(f"{_ROWS} WHERE server = ? AND key = ? AND {column} = ?", (server, key, text))
                    for column, text in asked
                )
                return {row.id: row for values in found for row in map(self._checked, values)}

            rows = read()
            if dead := self._dead([(row.holder,) for row in rows.values() if row.ended_at is None]):
                rows = read()
        return tuple(
            self._shown(row, is_under_way=not (row.ended_at or row.holder in dead or self._is_lost(row.id)))
            for row in rows.values()
        )

    def _dead(self, holders: Sequence[tuple[str]]) -> set[str]:
        """Return the processes of *holders* that are dead.

        It is asked before the calls are read: one that ends its calls and exits in between leaves none open.
        """
        return {holder for holder in {holder for (holder,) in holders} if self._marker.is_dead(holder)}

    def _entry(self, data: Connection, name: str, *, is_under_way: bool) -> Entry | None:
        """Read one call; None if it was removed just now."""
        values = data.execute(f"{_ROWS} WHERE id = ?", (name,)).fetchone()
        return None if values is None else self._shown(self._checked(values), is_under_way=is_under_way)

    def _shown(self, row: _Row, *, is_under_way: bool) -> Entry:
        try:
            return row.entry(is_under_way=is_under_way)
        except Unreadable as error:
            raise damaged(self._database.path, f"contains a call that cannot be read ({error})") from None

    def known(self, server: str, key: str, names: Collection[str], prefix: str) -> frozenset[str]:
        """Return which of *names* calls of *key* have created, and all that begins with *prefix*."""
        query = "SELECT id FROM made WHERE server = ? AND key = ? AND id BETWEEN ? AND ?"
        ranges = [(name, name) for name in names] + [(prefix, f"{prefix}{chr(sys.maxunicode)}")]
        with self._reading() as data:
            return frozenset(name for ends in ranges for (name,) in data.execute(query, (server, key, *ends)))

    def since(self, server: str, key: str) -> datetime | None:
        """Return since when calls of *key* are recorded; None if none ever was."""
        query = "SELECT since FROM records WHERE server = ? AND key = ?"
        with self._reading() as data:
            row = data.execute(query, (server, key)).fetchone()
        return None if row is None else datetime.fromisoformat(row[0])

    # Reading

    @contextmanager
    def _reading(self) -> Generator[Connection]:
        self._worker.require_running()
        with self._database.reading() as data:
            yield data

    def _is_lost(self, intent_id: str) -> bool:
        """Whether this process began it in a loop that is closed, so that nothing will end it."""
        loop = self._loops.get(intent_id)
        return loop is not None and loop.is_closed()

    def _checked(self, values: Sequence[Any]) -> _Row:
        *stored, written = values
        row = _Row(*stored)
        if row.checksum != written:
            raise damaged(self._database.path, "contains a call that was changed")
        return row

    # Writing, in the worker's thread

    def record(self, data: Connection, entry: Entry) -> bool:
        """Record a call, within a durable transaction; return whether no open call has its digest or its client's id.

        Raises:
            StateError: Too many calls are open.
        """
        account = entry.server, entry.key
        if data.execute("SELECT count(*) FROM calls WHERE server = ? AND key = ?", account).fetchone()[0] >= MOST_OPEN:
            raise too_many()
        # One query for each index.
        query = "SELECT 1 FROM calls WHERE server = ? AND key = ? AND {} = ? LIMIT 1"
        asked = [(column, text) for column, text in (("digest", entry.digest), ("named", entry.named)) if text]
        is_alone = all(data.execute(query.format(c), (*account, text)).fetchone() is None for c, text in asked)
        names = entry.intent.id, entry.server, entry.key, entry.digest, entry.named
        row = _Row(*names, json.dumps(body_of(entry)), self._marker.name)
        data.execute(
            "INSERT INTO calls (id, server, key, digest, named, body, holder, ended_at, seal) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*astuple(row), row.checksum),
        )
        data.execute(
            "INSERT OR IGNORE INTO records (server, key, since) VALUES (?, ?, ?)",
            (*account, text_of(entry.intent.at)),
        )
        return is_alone

    def add_loop(self, intent_id: str, loop: asyncio.AbstractEventLoop) -> None:
        """Remember in which loop a call runs that was recorded."""
        self._loops[intent_id] = loop

    def remove(self, data: Connection, intent_id: str) -> None:
        """Delete a call of which nothing was sent, within a transaction."""
        data.execute("DELETE FROM calls WHERE id = ?", (intent_id,))
        self._loops.pop(intent_id, None)

    def _begin(self, entry: Entry) -> None:
        with self._database.writing(durable=True) as data:
            # Without its marker the call would count as one of a dead process while it is still in flight.
            self._marker.require_place()
            self.record(data, entry)

    def _doubt(self, name: str, ended_at: str) -> None:
        with self._database.writing() as data:
            values = data.execute(f"{_ROWS} WHERE id = ?", (name,)).fetchone()
            if values is not None:
                row = evolve(self._checked(values), ended_at=ended_at)
                data.execute("UPDATE calls SET ended_at = ?, seal = ? WHERE id = ?", (ended_at, row.checksum, name))

    def _settle(self, name: str, known: str | None) -> None:
        with self._database.writing() as data:
            values = data.execute(f"{_ROWS} WHERE id = ?", (name,)).fetchone()
            if values is None:
                return
            row = self._checked(values)
            data.execute("DELETE FROM calls WHERE id = ?", (name,))
            if known is not None:
                at = self._shown(row, is_under_way=False).intent.at
                self._keep_id(data, row.server, row.key, known, text_of(at))

    def _keep_id(self, data: Connection, server: str, key: str, known: str, at: str) -> None:
        """Keep the id of what was created, and delete those of a week ago; the record starts later then."""
        data.execute("INSERT OR REPLACE INTO made (server, key, id, at) VALUES (?, ?, ?, ?)", (server, key, known, at))
        limit = text_of(datetime.fromisoformat(at) - KEPT_FOR)
        data.execute("DELETE FROM made WHERE server = ? AND key = ? AND at < ?", (server, key, limit))
        data.execute("UPDATE records SET since = max(since, ?) WHERE server = ? AND key = ?", (limit, server, key))
