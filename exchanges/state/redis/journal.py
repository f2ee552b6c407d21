"""The journal of calls that are never repeated, on a Redis server.

A call is recorded before its first byte is sent, and deleted when its outcome is known. What remains are calls whose
outcome is unknown, and calls of hosts that are not heard of any more. How safe the record is when `begin` returns is
decided by the server: ``appendfsync always`` writes it to the disk first. The ids of what was created are kept for a
week, and not more than `scripts.KEPT_NAMES` of them for one key.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Collection, Coroutine
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from attrs import define, evolve, field, frozen

from exchanges.state.entries import Unreadable, body_of, entry_of, moment_of, text_of, too_many
from exchanges.state.leases import unsent
from exchanges.state.protocols import Entry
from exchanges.state.redis.host import Host
from exchanges.state.redis.link import LinkFailed, unreadable
from exchanges.state.redis.servers import OpenCall, Said, account_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class _Open:
    """An open call as it is written on the server, and the entry that this is if its host lives."""

    order: int
    host: str
    written: tuple[str, str]
    entry: Entry


def _open_call(account: tuple[str, str], row: list[str], ended_at: datetime | None) -> _Open:
    """Parse a row of the journal.

    Raises:
        Unreadable: It is not what this version writes.
    """
    intent_id, value, ended, _ = row
    try:
        order, _, host, body = value.split(" ", 3)
        place = int(order)
    except ValueError as error:
        raise Unreadable(str(error)) from None
    entry = entry_of(intent_id, *account, body, ended_at=ended_at, is_under_way=ended_at is None)
    return _Open(place, host, (value, ended), entry)


@define(eq=False)
class _Listed:
    """The open calls of one account, as they were read last.

    Attributes:
        lock: Held while they are read, as several threads may.
        epoch: In which they were read.
        since: The place of the last one that was read.
        removed: When one was removed last.
        rows: Them, by id.
    """

    lock: threading.Lock = field(factory=threading.Lock)
    epoch: str = "none"
    since: str = "0"
    removed: str = ""
    rows: dict[str, _Open] = field(factory=dict[str, _Open])
    _shown: tuple[Entry, ...] = ()

    def read(self, said: Said, parse: Callable[[list[str]], _Open]) -> bool:
        """Read what has changed; return whether there is more."""
        _, epoch, more, removed, rows, ids = said.values
        if epoch != self.epoch:
            self.epoch, self.rows = epoch, {}
        for row in rows:
            known = self.rows.get(row[0])
            if known is None or known.written != (row[1], row[2]):
                self.rows[row[0]] = parse(row)
            self.since = row[3]
        if ids or (not more and removed != self.removed):
            self.rows = {intent_id: self.rows[intent_id] for intent_id in ids if intent_id in self.rows}
        if not more:
            self.removed = removed
        return bool(more)

    def shown(self, lives: Callable[[str, str], bool]) -> tuple[Entry, ...]:
        """Return the entries, given which calls are carried out by a host that lives."""
        found = list[Entry]()
        for intent_id, row in sorted(self.rows.items(), key=lambda item: item[1].order):
            is_dead = row.entry.is_under_way and not lives(intent_id, row.host)
            found.append(evolve(row.entry, is_under_way=False) if is_dead else row.entry)
        before = self._shown
        # Compared by what can have changed; intents are never altered.
        if len(found) != len(before) or any(
            (a.intent.id, a.ended_at, a.is_under_way) != (b.intent.id, b.ended_at, b.is_under_way)
            for a, b in zip(found, before, strict=True)
        ):
            self._shown = tuple(found)
        return self._shown


def _mark(kind: str, text: str) -> str:
    """Return what a call is found by: of one length, whatever a caller has chosen."""
    return hashlib.blake2b(f"{kind}:{text}".encode(), digest_size=16).hexdigest()


def _marks(digest: str, named: str) -> list[str]:
    return [_mark(kind, text) for kind, text in (("digest", digest), ("named", named)) if text]


class RedisJournal:
    """Calls that are never repeated; see `exchanges.state.protocols.Journal`.

    Args:
        host: Asks the server.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loops: dict[str, asyncio.AbstractEventLoop] = {}  # of the calls that this process carries out
        self._listed: dict[tuple[str, str], _Listed] = {}
        self._accounts: dict[str, tuple[str, str]] = {}  # of the calls that were begun or listed here

    def __repr__(self) -> str:
        """Show where it is."""
        return f"RedisJournal({self._host.where!r})"

    async def begin(self, entry: Entry) -> None:
        """Record what is about to be sent; the server has it when this returns."""
        problem = await self._done(partial(self.record, entry, asyncio.get_running_loop()))
        if problem is not None:
            raise unsent(self._host.failed(problem))

    async def settle(self, intent_id: str, *, known: str | None) -> None:
        """Record that the outcome is known: the id of what was created, or None for nothing."""
        await self._end(intent_id, {"known": known or "", "ended_at": ""})
        self._accounts.pop(intent_id, None)

    async def doubt(self, intent_id: str, ended_at: datetime) -> None:
        """Record that the call has ended and its outcome is unknown."""
        await self._end(intent_id, {"known": "", "ended_at": text_of(ended_at)})

    def entries(self, server: str, key: str) -> tuple[Entry, ...]:
        """List the calls whose outcome is not known, the oldest first; the same tuple if none changed."""
        listed, account = self._listed.setdefault((server, key), _Listed()), (server, key)
        with listed.lock:
            before, epoch = set(listed.rows), listed.epoch
            while True:
                asked = {"epoch": listed.epoch, "since": listed.since, "removed": listed.removed}
                said = self._read(server, key, what="entries", **asked)
                if not listed.read(said, partial(self._parsed, account)):
                    break
            alive = frozenset(said.values[0])
            gone = before - listed.rows.keys()
            for intent_id in gone:
                self._accounts.pop(intent_id, None)
            if gone and listed.epoch == epoch:  # what was lost with an epoch is to be reported, not forgotten
                self._host.thread.post(partial(self._host.server(server).forget, gone))
            self._accounts |= dict.fromkeys(listed.rows, account)
            return listed.shown(lambda intent_id, host: host in alive and not self._is_lost(intent_id))

    def matching(
        self, server: str, key: str, *, digest: str = "", named: str = "", intent_id: str = ""
    ) -> tuple[Entry, ...]:
        """List the open calls that have this digest, this client's id or this id; the server finds them by an index."""
        account, ids = (server, key), [intent_id] if intent_id else []
        alive, rows = self._read(server, key, what="matching", marks=_marks(digest, named), ids=ids).values
        found = dict[str, Entry]()
        for row in (self._parsed(account, row) for row in rows):
            entry = row.entry
            lives = entry.is_under_way and row.host in alive and not self._is_lost(entry.intent.id)
            # Compared again, as marks are hashes.
            if {digest, named, intent_id} & {entry.digest, entry.named or None, entry.intent.id}:
                found[entry.intent.id] = evolve(entry, is_under_way=lives)
        self._accounts |= dict.fromkeys(found, account)
        return tuple(found.values())

    def _parsed(self, account: tuple[str, str], row: list[str]) -> _Open:
        part = "ended"
        try:
            ended_at = moment_of(row[2]) if row[2] else None
            part = "calls"
            return _open_call(account, row, ended_at)
        except Unreadable as error:
            key = f"{self._host.server(account[0]).root}{part}:{account_of(account)}"
            raise self._host.failed(unreadable(key, f"field {row[0]}: {error}")) from None

    def known(self, server: str, key: str, names: Collection[str], prefix: str) -> frozenset[str]:
        """Return which of *names* calls of *key* have created, and all that begins with *prefix*."""
        return frozenset(self._read(server, key, what="known", names=list(names), prefix=prefix).values[0])

    def since(self, server: str, key: str) -> datetime | None:
        """Return since when calls of *key* are recorded; None if none ever was."""
        (since,) = self._read(server, key, what="since").values
        try:
            return EPOCH + timedelta(microseconds=int(since)) if since else None
        except (ValueError, OverflowError) as error:
            raise self._host.failed(unreadable(f"{self._host.server(server).root}since", str(error))) from None

    def _read(self, server: str, key: str, **request: str | list[str]) -> Said:
        said = self._host.read(server, {"account": account_of((server, key)), **request})
        if said.what == "rests":
            seconds = int(said.values[0]) / 1e6
            words = f"has lost writes; what hosts that live report of their calls is complete in {seconds:.1f} s"
            raise self._host.failed(words)
        return said

    def _is_lost(self, intent_id: str) -> bool:
        """Whether this process began it in a loop that is closed, so that nothing will end it."""
        loop = self._loops.get(intent_id)
        return loop is not None and loop.is_closed()

    async def _end(self, intent_id: str, outcome: dict[str, str]) -> None:
        self._loops.pop(intent_id, None)
        # Of a call that was neither begun nor listed here nothing is known, as that needs its account.
        if intent_id in self._accounts:
            problem = await self._done(partial(self._settle, intent_id, self._accounts[intent_id], outcome))
            if problem is not None:
                raise self._host.failed(f"{problem}; the outcome will be written later")

    async def _done(self, work: Callable[[], Coroutine[Any, Any, str | None]]) -> str | None:
        """Do *work* in the thread of the state, even if the caller is cancelled; return what went wrong."""
        return await asyncio.wrap_future(self._host.thread.ask(work))

    # In the thread of the state

    async def record(self, entry: Entry, loop: asyncio.AbstractEventLoop) -> str | None:
        """Record a call that runs in *loop*; return what went wrong."""
        intent_id = entry.intent.id
        self._loops[intent_id], self._accounts[intent_id] = loop, (entry.server, entry.key)
        problem = await self._begin(entry)
        if problem is not None:
            self._loops.pop(intent_id, None)
        return problem

    async def remove(self, intent_id: str) -> None:
        """Delete a call of which nothing was sent, now or later."""
        self._loops.pop(intent_id, None)
        if (account := self._accounts.get(intent_id)) is not None:
            await self._settle(intent_id, account, {"known": "", "ended_at": ""})

    async def _begin(self, entry: Entry) -> str | None:
        server, account = self._host.server(entry.server), account_of((entry.server, entry.key))
        intent_id, body = entry.intent.id, json.dumps(body_of(entry))
        at = (entry.intent.at - EPOCH) // timedelta(microseconds=1)
        marks = _marks(entry.digest, entry.named)
        asked = {"account": account, "id": intent_id, "at": str(at), "body": body, "marks": marks}
        server.begun.add(intent_id)
        try:
            said = await self._host.ask(server, "begin", asked)
        except LinkFailed as error:
            # It may have been written all the same, and nothing will be sent.
            if error.was_asked:
                self._owe(intent_id, (entry.server, entry.key), {"known": "", "ended_at": ""})
            return str(error)
        finally:
            server.begun.discard(intent_id)
        if said.what == "rests":
            return "has lost writes, or is new, and takes no calls for some seconds; call again then"
        if said.what == "bound":
            return f"is full: {too_many()}"
        if said.values[0]:
            server.lose()  # others have taken this process for dead
        server.lives(said)
        server.calls[intent_id] = OpenCall(account, body, at, marks)
        return None

    async def _settle(self, intent_id: str, account: tuple[str, str], outcome: dict[str, str]) -> str | None:
        try:
            await self._settled(intent_id, account, outcome)
        except LinkFailed as error:
            self._owe(intent_id, account, outcome)
            return str(error)
        return None

    async def _settled(self, intent_id: str, account: tuple[str, str], outcome: dict[str, str]) -> None:
        server = self._host.server(account[0])
        asked = {"account": account_of(account), "id": intent_id, **outcome}
        if outcome["ended_at"] and (call := server.calls.get(intent_id)) is not None:
            server.calls[intent_id] = evolve(call, ended_at=outcome["ended_at"])
        await self._host.ask(server, "settle", asked)
        if not outcome["ended_at"]:
            server.settle(intent_id, account_of(account), outcome["known"])

    def _owe(self, intent_id: str, account: tuple[str, str], outcome: dict[str, str]) -> None:
        server = self._host.server(account[0])
        self._host.owe(server, f"settle {intent_id}", partial(self._settled, intent_id, account, outcome))
