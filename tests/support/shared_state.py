"""A state that several processes would share, in memory: a limiter that is told what to say, and a journal."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest
from attrs import define, evolve, field

from exchanges.errors import ExchangeError, StateError
from exchanges.intents import Intent
from exchanges.state import MemoryState
from exchanges.state.protocols import Entry
from tests.support.lagging_exchange import placing
from tests.support.scripted_transport import Script

__all__ = ["Journal", "Lease", "Records", "Shared", "SharedLimiter", "failure", "is_free", "sharing"]


@define(eq=False)
class Lease:
    """What one call holds.

    Attributes:
        nonce: What was drawn.
        seconds: How long leaving takes.
        fault: What leaving raises.
        left: How it was left, each time.
    """

    nonce: int | None = None
    seconds: float = 0.0
    fault: Exception | None = None
    left: list[dict[str, object]] = field(factory=list[dict[str, object]])

    async def release(
        self, *, complete: bool, sent: bool = True, floor: int | None = None, closed_seconds: float = 0.0
    ) -> None:
        """Take note."""
        self.left.append({"complete": complete, "sent": sent, "floor": floor, "closed_seconds": closed_seconds})
        await asyncio.sleep(self.seconds)
        if self.fault is not None:
            raise self.fault


@define(eq=False)
class SharedLimiter:
    """Says what it is told to, then lets everybody pass.

    Attributes:
        says: Seconds to wait, errors, or leases.
        seconds: How long entering takes.
        asked: With what it was asked.
        leases: What it gave.
        inside: How many are entering.
    """

    says: list[float | Exception | Lease] = field(factory=list["float | Exception | Lease"])
    seconds: float = 0.0
    asked: list[dict[str, object]] = field(factory=list[dict[str, object]])
    leases: list[Lease] = field(factory=list[Lease])
    inside: int = 0

    async def acquire(
        self, *, in_order: bool, leave_reserve: bool, least_nonce: int, timeout_seconds: float
    ) -> Lease | float:
        """Say what comes next."""
        self.asked.append({"in_order": in_order, "leave_reserve": leave_reserve, "timeout_seconds": timeout_seconds})
        self.inside += 1
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.inside -= 1
        said = self.says.pop(0) if self.says else Lease()
        if isinstance(said, Exception):
            raise said
        if isinstance(said, float | int):
            return said
        if in_order:
            said.nonce = least_nonce
        self.leases.append(said)
        return said


@define(eq=False)
class Records:
    """What is on the disk.

    Attributes:
        rows: Calls that are open, with the process that began them.
        made: What is known to have been made.
        since: Since when there are records.
        dead: Processes that ended.
        log: What was written.
    """

    rows: dict[str, tuple[Entry, str]] = field(factory=dict[str, tuple[Entry, str]])
    made: dict[str, datetime] = field(factory=dict[str, datetime])
    since: datetime | None = None
    dead: set[str] = field(factory=set[str])
    log: list[tuple[str, str]] = field(factory=list[tuple[str, str]])


@define(eq=False)
class Journal:
    """The journal as one process has it open.

    Attributes:
        records: What is on the disk.
        process: Its name.
        dead: Whether the process is, and so writes no more.
        seconds: How long writing takes.
        fault: What writing raises.
        unreadable: What reading raises.
    """

    records: Records = field(factory=Records)
    process: str = "one"
    dead: bool = False
    seconds: float = 0.0
    fault: StateError | None = None
    unreadable: StateError | None = None

    async def begin(self, entry: Entry) -> None:
        """Write down what is about to be sent."""
        await self._write("begin", entry.intent.id)
        if self.dead:
            raise StateError("the process is dead")
        self.records.rows[entry.intent.id] = (entry, self.process)
        self.records.since = self.records.since or entry.intent.at

    async def settle(self, intent_id: str, *, known: str | None) -> None:
        """Strike out."""
        await self._write("settle", intent_id)
        if self.dead:
            return
        entry, _ = self.records.rows.pop(intent_id, (None, ""))
        if entry is not None and known is not None:
            self.records.made[known] = entry.intent.at

    async def doubt(self, intent_id: str, ended_at: datetime) -> None:
        """Write down that it has ended."""
        await self._write("doubt", intent_id)
        if intent_id in self.records.rows and not self.dead:
            entry, process = self.records.rows[intent_id]
            self.records.rows[intent_id] = (evolve(entry, ended_at=ended_at), process)

    async def _write(self, what: str, intent_id: str) -> None:
        await asyncio.sleep(self.seconds)
        if self.fault is not None:
            raise self.fault
        self.records.log.append((what, intent_id))

    def _check(self) -> None:
        if self.unreadable is not None:
            raise self.unreadable

    def entries(self, server: str, key: str) -> tuple[Entry, ...]:
        """List what is open."""
        self._check()
        dead = self.records.dead
        rows = [row for row in self.records.rows.values() if (row[0].server, row[0].key) == (server, key)]
        return tuple(evolve(e, is_under_way=e.ended_at is None and process not in dead) for e, process in rows)

    def known(self, server: str, key: str, since: datetime) -> frozenset[str]:
        """List what was made."""
        self._check()
        return frozenset(name for name, at in self.records.made.items() if at >= since)

    def since(self, server: str, key: str) -> datetime | None:
        """Tell since when."""
        self._check()
        return self.records.since

    def intents(self) -> list[Intent]:
        """List the intents of what is open."""
        return [entry.intent for entry, _ in self.records.rows.values()]


class Shared(MemoryState):
    """The state."""

    def __init__(
        self, journal: Journal | None = None, limiter: SharedLimiter | None = None, *, like: MemoryState | None = None
    ) -> None:
        super().__init__()
        self._like = like
        self._journal = journal
        self._gate = limiter

    def shared(self, server, key, make):
        """Share key lock and nonces with the other process, but no pending calls."""
        if self._like is None:
            return super().shared(server, key, make)
        theirs = self._like.shared(server, key, make)
        return super().shared(server, key, lambda: evolve(make(), key_lock=theirs.key_lock, counter=theirs.counter))

    def shared_limiter(self, limit, server, key):
        """Give the limiter."""
        return self._gate

    @property
    def journal(self):
        """Give the journal."""
        return self._journal


def sharing(*steps, says=(), journal=None, entering=0.0, seconds=0.0, **options):
    """Make a client with a shared state whose answers are scripted, and its script, limiter and journal."""
    script, limiter = Script.of(*steps, seconds=seconds), SharedLimiter(list(says), entering)
    journal = journal or Journal()
    return placing(script, state=Shared(journal, limiter), **options), script, limiter, journal


def is_free(client):
    """Whether slots, turn and connections are all given back."""
    state, routes = client._session._setup.state, client._session._routes
    slots = [count.in_flight for limiter in routes._limiters for count in limiter._counts]
    return (
        not any(slots) and not routes._connections.taken and not any(s.key_lock.taken for s in state._shared.values())
    )


async def failure(call):
    """Hand back what a call raised."""
    with pytest.raises(ExchangeError) as caught:
        await call
    return caught.value
