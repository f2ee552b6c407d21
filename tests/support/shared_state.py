"""A state that several processes would share, in memory: a scripted limiter and a journal."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import asynccontextmanager
from datetime import datetime

import pytest
from attrs import define, evolve, field

from exchanges.errors import ExchangeError, StateError
from exchanges.intents import Intent
from exchanges.limits.waits import Wait
from exchanges.state import MemoryState
from exchanges.state.protocols import Entry, Headroom
from tests.support.lagging_exchange import placing
from tests.support.scripted_transport import Script


@define(eq=False)
class Lease:
    """The lease of one call.

    Attributes:
        nonce: What was drawn.
        seconds: How long releasing takes.
        fault: What releasing raises.
        left: How it was released, each time.
        held: Whether others respect it.
    """

    nonce: int | None = None
    seconds: float = 0.0
    fault: Exception | None = None
    refusals: int = 0
    left: list[dict[str, object]] = field(factory=list[dict[str, object]])
    held: bool = True
    entry: Entry | None = None
    is_alone: bool = False

    async def recorded(self) -> None:
        """Return at once."""

    def is_held(self) -> bool:
        """Whether others respect it."""
        return self.held

    async def release(self, *, complete, sent=True, floor=None, refusal=None, is_judged=False) -> None:
        """Record how it was released."""
        left = {"complete": complete, "sent": sent, "floor": floor, "refusal": refusal, "is_judged": is_judged}
        self.left.append(left)
        await asyncio.sleep(self.seconds)
        if self.fault is not None:
            raise self.fault


@define(eq=False)
class SharedLimiter:
    """Returns what it was given, then grants everything.

    Attributes:
        answers: Seconds for which there is certainly no room, errors, or leases.
        seconds: How long acquiring takes.
        asked: The arguments of each request.
        leases: What it granted.
        inside: How many calls are waiting.
    """

    answers: list[float | Wait | Exception | Lease] = field(factory=list["float | Wait | Exception | Lease"])
    seconds: float = 0.0
    asked: list[dict[str, object]] = field(factory=list[dict[str, object]])
    leases: list[Lease] = field(factory=list[Lease])
    inside: int = 0
    joined: list[bool] = field(factory=list[bool])
    left: Headroom = field(factory=lambda: Headroom((), ()))
    reopened: bool = False

    def headroom(self) -> Headroom:
        """Return what is left."""
        return self.left

    def reopen(self) -> None:
        """Note that it is called."""
        self.reopened = True

    def join(self, *, signs) -> None:
        """Note who joins."""
        self.joined.append(signs)

    def leave(self, *, signs) -> None:
        """Note who leaves."""
        self.joined.remove(signs)

    async def acquire(self, *, least_nonce, in_order, draft, **wishes) -> Lease | Wait:
        """Return or raise the next answer; calls are recorded afterwards."""
        self.asked.append({"in_order": in_order, **wishes})
        self.inside += 1
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.inside -= 1
        answer = self.answers.pop(0) if self.answers else Lease()
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            return Wait(answer, answer, reason="no room")
        if isinstance(answer, Wait):
            return answer
        if in_order:
            answer.nonce = least_nonce
        self.leases.append(answer)
        return answer


@define(eq=False)
class Records:
    """The content of the file.

    Attributes:
        rows: Pending calls, with the process that began them.
        made: Ids of what was created.
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
        records: The content of the file.
        process: Its name.
        dead: Whether the process died, and so writes no more.
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
        """Record what is about to be sent."""
        await self._write("begin", entry.intent.id)
        if self.dead:
            raise StateError("the process is dead")
        self.records.rows[entry.intent.id] = (entry, self.process)
        self.records.since = self.records.since or entry.intent.at

    async def settle(self, intent_id: str, *, known: str | None) -> None:
        """Delete a call whose outcome is known."""
        await self._write("settle", intent_id)
        if self.dead:
            return
        entry, _ = self.records.rows.pop(intent_id, (None, ""))
        if entry is not None and known is not None:
            self.records.made[known] = entry.intent.at

    async def doubt(self, intent_id: str, ended_at: datetime) -> None:
        """Record that it has ended."""
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
        """List the pending calls."""
        return self._all(server, key)

    def _all(self, server: str, key: str) -> tuple[Entry, ...]:
        self._check()
        dead = self.records.dead
        rows = [row for row in self.records.rows.values() if (row[0].server, row[0].key) == (server, key)]
        return tuple(evolve(e, is_under_way=e.ended_at is None and process not in dead) for e, process in rows)

    def matching(
        self, server: str, key: str, *, digest: str = "", named: str = "", intent_id: str = ""
    ) -> tuple[Entry, ...]:
        """List the pending calls of a digest, a name or an id."""
        asked = {digest, named, intent_id} - {""}
        return tuple(e for e in self._all(server, key) if asked & {e.digest, e.named, e.intent.id})

    def known(self, server: str, key: str, names: Collection[str], prefix: str) -> frozenset[str]:
        """Return which of *names* were created, and all that begins with *prefix*."""
        self._check()
        return frozenset(name for name in self.records.made if name in names or name.startswith(prefix))

    def since(self, server: str, key: str) -> datetime | None:
        """Return since when there are records."""
        self._check()
        return self.records.since

    def intents(self) -> list[Intent]:
        """List the intents of the pending calls."""
        return [entry.intent for entry, _ in self.records.rows.values()]


class Shared(MemoryState):
    """A state that another one may share."""

    def __init__(
        self, journal: Journal | None = None, limiter: SharedLimiter | None = None, *, like: MemoryState | None = None
    ) -> None:
        super().__init__()
        self._like = like
        self._journal = journal
        self._limiter = limiter

    def shared(self, server, key, make):
        """Share key lock and nonces with the other process, but no pending calls."""
        if self._like is None:
            return super().shared(server, key, make)
        theirs = self._like.shared(server, key, make)
        return super().shared(server, key, lambda: evolve(make(), key_lock=theirs.key_lock, counter=theirs.counter))

    def shared_limiter(self, limit, server, key):
        """Return the limiter."""
        return self._limiter

    @property
    def journal(self):
        """Return the journal."""
        return self._journal


def shared(*steps, answers=(), journal=None, entering=0.0, seconds=0.0, **options):
    """Build a client with a shared state and scripted answers; return it with its script, limiter and journal."""
    script, limiter = Script.of(*steps, seconds=seconds), SharedLimiter(list(answers), entering)
    journal = journal or Journal()
    return placing(script, state=Shared(journal, limiter), **options), script, limiter, journal


@asynccontextmanager
async def sharing(*steps, **options):
    """Yield what `shared` builds, and close the client."""
    client, script, limiter, journal = shared(*steps, **options)
    async with client:
        yield client, script, limiter, journal


def is_free(client):
    """Whether slots, key lock and connections are all released."""
    state, routes = client._session._config.state, client._session._destinations
    slots = [count.in_flight for limiter in routes._limiters for count in limiter._counts]
    return (
        not any(slots)
        and not any(connections.taken for connections in routes._connections.values())
        and not any(s.key_lock.taken for s in state._shared.values())
    )


async def failure(call):
    """Return what a call raised."""
    with pytest.raises(ExchangeError) as caught:
        await call
    return caught.value
