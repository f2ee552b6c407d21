"""The journal of calls that are never repeated, in the file of a state.

A call is written down, and is safe on the disk, before its first byte leaves. It is struck out when its outcome is
known. What is left are the calls that ended in doubt and those of processes that died, whose sign is gone (see
`exchanges.state.file.locks`). The names of what was made are kept for a week.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from sqlite3 import Connection
from typing import Any

from attrs import astuple, evolve, frozen

from exchanges.errors import StateError
from exchanges.intents import Intent
from exchanges.state.file.database import Database, damaged
from exchanges.state.file.limiter import unsent
from exchanges.state.file.locks import ProcessMarker
from exchanges.state.file.slots import checksum
from exchanges.state.file.worker import Worker
from exchanges.state.protocols import Entry

__all__ = ["FileJournal"]

KEPT = timedelta(days=7)
_ROWS = "SELECT id, server, key, body, holder, ended_at, seal FROM calls"


@frozen
class _Row:
    """One call as it is written."""

    id: str
    server: str
    key: str
    body: str
    holder: str
    ended_at: str | None = None

    @property
    def checksum(self) -> int:
        """A number by which it is seen that this is what was written."""
        return checksum(*astuple(self))

    def entry(self, *, is_under_way: bool) -> Entry:
        """Read what it says."""
        said = json.loads(self.body)
        at = datetime.fromisoformat(said["at"])
        intent = Intent(said["endpoint"], said["arguments"], at, said["tag"], said["acting"], self.id)
        ended_at = None if self.ended_at is None else datetime.fromisoformat(self.ended_at)
        return Entry(self.server, self.key, intent, said["nonce"], said["digest"], ended_at, is_under_way)


class FileJournal:
    """Calls that are never repeated; see `exchanges.state.protocols.Journal`.

    Args:
        worker: Who writes.
        database: Where it is written.
        marker: By whose sign it is known that this process still carries out a call.
    """

    def __init__(self, worker: Worker, database: Database, marker: ProcessMarker) -> None:
        self._worker = worker
        self._database = database
        self._marker = marker
        self._loops: dict[str, asyncio.AbstractEventLoop] = {}  # of the calls that this process carries out
        with database.reading() as data:
            for values in data.execute(_ROWS):
                self._checked(values)

    def __repr__(self) -> str:
        """Show where it is."""
        return f"FileJournal({str(self._database.path)!r})"

    async def begin(self, entry: Entry) -> None:
        """Write down what is about to be sent; it is safe on the disk when this returns."""
        self._loops[entry.intent.id] = asyncio.get_running_loop()
        try:
            await self._worker.run(partial(self._begin, entry))
        except StateError as error:
            del self._loops[entry.intent.id]
            raise unsent(error) from error.__cause__

    async def settle(self, intent_id: str, *, known: str | None) -> None:
        """Write down that the outcome is known: the id of what was made, or None for nothing."""
        await self._worker.run(partial(self._settle, intent_id, known))
        self._loops.pop(intent_id, None)

    async def doubt(self, intent_id: str, ended_at: datetime) -> None:
        """Write down that the call has ended and nobody knows how."""
        await self._worker.run(partial(self._doubt, intent_id, _text(ended_at)))
        self._loops.pop(intent_id, None)

    def entries(self, server: str, key: str) -> tuple[Entry, ...]:
        """List the calls whose outcome nobody knows yet, the oldest first."""
        with self._reading() as data:
            holders = data.execute("SELECT DISTINCT holder FROM calls WHERE ended_at IS NULL").fetchall()
            # First who is dead, then what is open: one that ends its calls in between leaves nothing open.
            dead = {holder for (holder,) in holders if self._marker.is_dead(holder)}
            rows = data.execute(f"{_ROWS} WHERE server = ? AND key = ? ORDER BY number", (server, key)).fetchall()
        found = map(self._checked, rows)
        return tuple(
            row.entry(is_under_way=not (row.ended_at or row.holder in dead or self._is_lost(row.id))) for row in found
        )

    def known(self, server: str, key: str, since: datetime) -> frozenset[str]:
        """List the ids of what calls of *key* have made since then."""
        query = "SELECT id FROM made WHERE server = ? AND key = ? AND at >= ?"
        with self._reading() as data:
            return frozenset(name for (name,) in data.execute(query, (server, key, _text(since))))

    def since(self, server: str, key: str) -> datetime | None:
        """Tell since when calls of *key* are written down here; None if none ever was."""
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
        """Whether this process began it in a loop that is closed: nobody is left to end it."""
        loop = self._loops.get(intent_id)
        return loop is not None and loop.is_closed()

    def _checked(self, values: Sequence[Any]) -> _Row:
        *said, sealed = values
        row = _Row(*said)
        if row.checksum != sealed:
            raise damaged(self._database.path, "holds a call that is no longer what was written")
        return row

    # Writing, in the worker's thread

    def _begin(self, entry: Entry) -> None:
        intent, at = entry.intent, _text(entry.intent.at)
        said = {
            "endpoint": intent.endpoint,
            "arguments": intent.arguments,
            "at": at,
            "tag": intent.tag,
            "acting": intent.acting,
        }
        body = json.dumps({**said, "nonce": entry.nonce, "digest": entry.digest})
        row = _Row(intent.id, entry.server, entry.key, body, self._marker.name)
        with self._database.writing(durable=True) as data:
            self._marker.require_place()
            data.execute(
                "INSERT INTO calls (id, server, key, body, holder, ended_at, seal) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*astuple(row), row.checksum),
            )
            data.execute(
                "INSERT OR IGNORE INTO records (server, key, since) VALUES (?, ?, ?)", (entry.server, entry.key, at)
            )

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
                self._remember(data, row.server, row.key, known, json.loads(row.body)["at"])

    def _remember(self, data: Connection, server: str, key: str, known: str, at: str) -> None:
        """Keep the name of what was made, and forget those of a week ago: the record begins later then."""
        data.execute("INSERT OR REPLACE INTO made (server, key, id, at) VALUES (?, ?, ?, ?)", (server, key, known, at))
        limit = _text(datetime.fromisoformat(at) - KEPT)
        data.execute("DELETE FROM made WHERE server = ? AND key = ? AND at < ?", (server, key, limit))
        data.execute("UPDATE records SET since = max(since, ?) WHERE server = ? AND key = ?", (limit, server, key))


def _text(moment: datetime) -> str:
    """Write a moment so that later ones are larger."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
