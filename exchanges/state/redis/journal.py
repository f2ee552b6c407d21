"""The journal of calls that are never repeated, on a Redis server.

A call is recorded before its first byte is sent, and deleted when its outcome is known. What remains are calls whose
outcome is unknown, and calls of hosts that are not heard of any more. How safe the record is when `begin` returns is
decided by the server: ``appendfsync always`` writes it to the disk first. The ids of what was created are kept for a
week, and not more than `scripts.KEPT_NAMES` of them for one key.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Coroutine
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from attrs import define, evolve, field

from exchanges.state.entries import body_of, entry_of, text_of
from exchanges.state.leases import unsent
from exchanges.state.protocols import Entry
from exchanges.state.redis.host import Host
from exchanges.state.redis.link import LinkFailed
from exchanges.state.redis.servers import OpenCall, Said, account_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@define(eq=False)
class _Listed:
    """The open calls of one account, as they were read last.

    Attributes:
        version: Of what was read.
        rows: What was written of each call, in order, with its host and the entry that this is if the host lives.
    """

    version: str = ""
    rows: dict[str, tuple[str, str, str | None, Entry]] = field(factory=dict[str, "tuple[str, str, str | None, Entry]"])
    _shown: tuple[Entry, ...] = ()

    def read(self, version: str, calls: dict[str, str], ended: dict[str, str], server: str, key: str) -> None:
        """Parse the calls that are new or have ended since."""
        known, self.version, self.rows = self.rows, version, {}
        parts = [(i, *written.split(" ", 3)) for i, written in calls.items()]
        for intent_id, _, _, host, body in sorted(parts, key=lambda part: int(part[1])):
            row, ended_at = known.get(intent_id), ended.get(intent_id)
            if row is None or row[:3] != (host, body, ended_at):
                under_way = ended_at is None
                entry = entry_of(intent_id, server, key, body, ended_at=ended_at, is_under_way=under_way)
                row = host, body, ended_at, entry
            self.rows[intent_id] = row

    def shown(self, lives: Callable[[str, str], bool]) -> tuple[Entry, ...]:
        """Return the entries, given which calls are carried out by a host that lives."""
        found = [
            entry if not entry.is_under_way or lives(intent_id, host) else evolve(entry, is_under_way=False)
            for intent_id, (host, _, _, entry) in self.rows.items()
        ]
        before = self._shown
        # Compared by what can have changed; intents are never altered.
        if len(found) != len(before) or any(
            (a.intent.id, a.ended_at, a.is_under_way) != (b.intent.id, b.ended_at, b.is_under_way)
            for a, b in zip(found, before, strict=True)
        ):
            self._shown = tuple(found)
        return self._shown


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


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
        intent = entry.intent
        self._loops[intent.id], self._accounts[intent.id] = asyncio.get_running_loop(), (entry.server, entry.key)
        problem = await self._done(partial(self._begin, entry))
        if problem is not None:
            self._loops.pop(intent.id, None)
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
        listed = self._listed.setdefault((server, key), _Listed())
        said = self._read(server, key, what="entries", version=listed.version)
        alive = frozenset(said.values[0])
        if said.what == "read":
            _, version, calls, ended = said.values
            listed.read(version, _pairs(calls), _pairs(ended), server, key)
            self._accounts |= dict.fromkeys(listed.rows, (server, key))
        return listed.shown(lambda intent_id, host: host in alive and not self._is_lost(intent_id))

    def known(self, server: str, key: str, names: Collection[str], prefix: str) -> frozenset[str]:
        """Return which of *names* calls of *key* have created, and all that begins with *prefix*."""
        return frozenset(self._read(server, key, what="known", names=list(names), prefix=prefix).values[0])

    def since(self, server: str, key: str) -> datetime | None:
        """Return since when calls of *key* are recorded; None if none ever was."""
        (since,) = self._read(server, key, what="since").values
        return EPOCH + timedelta(microseconds=int(since)) if since else None

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

    async def _begin(self, entry: Entry) -> str | None:
        server, account = self._host.server(entry.server), account_of((entry.server, entry.key))
        intent_id, body = entry.intent.id, json.dumps(body_of(entry))
        at = (entry.intent.at - EPOCH) // timedelta(microseconds=1)
        asked = {"account": account, "id": intent_id, "at": str(at), "body": body}
        try:
            said = await self._host.ask(server, "begin", asked)
        except LinkFailed as error:
            # It may have been written all the same, and nothing will be sent.
            if error.was_asked:
                self._owe(intent_id, (entry.server, entry.key), {"known": "", "ended_at": ""})
            return str(error)
        if said.what == "rests":
            return "has lost writes, or is new, and takes no calls for some seconds; call again then"
        if said.values[0]:
            server.lose()  # others have taken this process for dead
        server.lives(said)
        server.calls[intent_id] = OpenCall(account, body, at)
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
            server.calls.pop(intent_id, None)

    def _owe(self, intent_id: str, account: tuple[str, str], outcome: dict[str, str]) -> None:
        server = self._host.server(account[0])
        self._host.owe(server, f"settle {intent_id}", partial(self._settled, intent_id, account, outcome))
