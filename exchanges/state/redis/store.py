"""How calls acquire and release their leases at a Redis server.

Rules for editors: everything here runs in the loop of the state's own thread, except `headroom`, `holds` and `close`.
A lease that was granted is released once: by its holder, by a caller that was cancelled with it, or here, if nobody was
left to receive it, its loop is closed, or its holder is late. What the server may have granted without an answer is
released by its id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from functools import partial
from secrets import token_hex
from typing import Any

from attrs import define, field, frozen

from exchanges.errors import ExchangeError
from exchanges.instrumentation.lines import Log
from exchanges.limits.reasons import used_up
from exchanges.limits.waits import LOOK_SECONDS, Wait
from exchanges.state import closures
from exchanges.state.entries import Unreadable
from exchanges.state.leases import LeaseEnd, LeaseRecord, LeaseRequest, LeaseWaiter
from exchanges.state.protocols import Entry, Headroom
from exchanges.state.redis import scripts
from exchanges.state.redis.address import Address
from exchanges.state.redis.host import Host
from exchanges.state.redis.journal import RedisJournal
from exchanges.state.redis.link import LinkFailed, unreadable
from exchanges.state.redis.lockouts import Closed, shifted
from exchanges.state.redis.servers import LONGEST_SECONDS, Held, Said, Server, account_of, places_of
from exchanges.state.redis.wakes import Wakes

logger = Log(__name__)

LEAST_SECONDS = 0.001


@define(eq=False)
class _Seen:
    """The lockouts of a limit as a call has read them, and as it leaves them if it is granted a lease.

    Attributes:
        key: Where they are.
        version: What was read.
        body: What is written in its place.
        refusals: How many refusals there were in a row.
        tries: What the call tries.
    """

    key: str
    version: str = ""
    body: str = ""
    refusals: int = 0
    tries: dict[str, float] = field(factory=dict[str, float])

    def read(self, said: Said, request: LeaseRequest, host: str) -> Wait | None:
        """Read them; return how long they do not admit the call.

        Raises:
            RateLimited: The exchange has named an end.
            LinkFailed: They cannot be read.
        """
        self.version, written, alive = said.values
        closed = _closed(self.key, written, said.now, alive)
        if (wait := closures.wait(closed.lockouts, request, said.now)) is not None:
            return wait
        self.refusals, self.tries = closures.enter(closed.lockouts, request, said.now)
        closed.hosts |= dict.fromkeys(self.tries, host)
        self.body = closed.write()
        return None


@frozen(eq=False)
class Granting:
    """One lease that is asked for: by which id, for whom, and what was read of lockouts."""

    id: str
    waiter: LeaseWaiter
    seen: _Seen


class RedisStore:
    """The connection to one state.

    Args:
        address: Of the Redis server.
        prefix: What all keys begin with.
        seconds: How long a step may take.
        clock: Monotonic clock in seconds that counts the time in which the host is suspended.
    """

    def __init__(self, address: Address, prefix: str, seconds: float, clock: Callable[[], float]) -> None:
        self.host = Host(address, prefix, seconds, clock, self._sweep)
        self.slow = f"the state at {self.host.where.replace('{', '{{').replace('}', '}}')} gave no lease within {{}}"
        self.worker = self.host.thread
        self.journal = RedisJournal(self.host)
        self._wakes = Wakes(self.host.link, self.host.channel)
        self._leases: dict[LeaseRecord, tuple[Server, Held]] = {}

    def close(self) -> None:
        """Close the connections, after what was posted is written."""
        self.worker.stop(self._close)

    def acquire(self, waiter: LeaseWaiter) -> None:
        """Answer *waiter*, after it has acquired the key lock if it needs one."""
        self.worker.start(partial(self._acquire, waiter))

    def overtake(self, waiter: LeaseWaiter) -> None:
        """Serve a call that has waited long enough for the key lock, without it."""
        self._wakes.overtake(waiter)

    def give_up(self, waiter: LeaseWaiter) -> None:
        """Leave the line for the key lock."""
        self._wakes.wake(account_of(waiter.request.account))

    def release(self, end: LeaseEnd) -> None:
        """Release a lease; a second time does nothing. What cannot be written now is written later."""
        if end.record in self._leases:
            server, held = self._leases.pop(end.record)
            self.worker.start(partial(self._release, server, held, end))

    def holds(self, record: LeaseRecord) -> bool:
        """Whether others still respect a lease, from any thread."""
        found = self._leases.get(record)
        return (
            found is not None and not found[1].is_lost and self.host.clock() < min(found[0].good_until, found[1].until)
        )

    def add_signers(self, request: LeaseRequest, number: int) -> None:
        """Count clients of this process that can cancel."""
        server = self.host.server(request.account[0])
        server.signers[request.place] += number
        if server.signers[request.place] > 0:
            server.left.discard(request.place)
        else:
            server.left.add(request.place)
        self.worker.start(partial(self.host.report, server))

    def reopen(self, request: LeaseRequest) -> None:
        """Forget the lockouts of a limit."""
        self.worker.start(partial(self._reopen, request))

    def headroom(self, request: LeaseRequest) -> Headroom:
        """Return what is left, from any thread."""
        said = self.host.read(request.account[0], {"what": "headroom", "account": "", **_parts(request)})
        values = [said.what, *said.values]
        try:
            lockouts = _closed(_key(self.host.server(request.account[0]), request), values[0], said.now).lockouts
        except LinkFailed as error:
            raise self.host.failed(error) from None
        seconds = time.monotonic() - said.now
        return Headroom(
            tuple(int(free) for free in values[1::2]),
            tuple(int(wait) / 1e6 if wait else None for wait in values[2::2]),
            tuple(shifted(lockout, seconds) for lockout in lockouts if not lockout.is_over(said.now)),
        )

    async def _acquire(self, waiter: LeaseWaiter) -> None:
        server, lease_id = self.host.server(waiter.request.account[0]), token_hex(8)
        try:
            answer = await self._granted(server, lease_id, waiter)
            if isinstance(answer, LeaseRecord) and answer.entry is not None:
                await self._record_call(answer, answer.entry, waiter)
                waiter.finish()
        except LinkFailed as error:
            # It may have been granted all the same.
            if error.was_asked:
                self._drop(server, lease_id, waiter)
            waiter.answer(self.host.failed(error))
        except ExchangeError as error:
            waiter.answer(error)
        except Exception as error:
            logger.exception("internal error in the state at %s", self.host.where)
            self._drop(server, lease_id, waiter)
            waiter.answer(self.host.failed(f"failed ({type(error).__name__})"))
        else:
            # Recorded before the caller hears of it: a caller that is gone by now cannot release it.
            if not waiter.answer(answer) and isinstance(answer, LeaseRecord):
                self.release(LeaseEnd(answer, complete=True, sent=False))

    def _drop(self, server: Server, lease_id: str, waiter: LeaseWaiter) -> None:
        """Release what may have been granted, and recorded, but reaches nobody."""
        if (held := server.held.get(lease_id)) is not None:
            self.release(LeaseEnd(held.record, complete=True, sent=False))
        else:
            end = _nothing(waiter.request)
            self.host.owe(server, lease_id, partial(self._end, server, lease_id, end, leaves_line=True))

    async def _record_call(self, record: LeaseRecord, entry: Entry, waiter: LeaseWaiter) -> None:
        """Record the call of a lease in the journal; release the lease if that fails.

        Raises:
            StateError: Nothing may be sent.
        """
        problem = await self.journal.record(entry, waiter.loop)
        if problem is not None:
            self.release(LeaseEnd(record, complete=True, sent=False))
            raise self.host.failed(problem)

    async def _granted(self, server: Server, lease_id: str, waiter: LeaseWaiter) -> LeaseRecord | Wait:
        """Ask until the lease is granted, or there is no room.

        Raises:
            LinkFailed: The server was not asked, or did not answer.
            RateLimited: The exchange has closed the limit and named the end.
        """
        request, account = waiter.request, account_of(waiter.request.account)
        seconds = scripts.microseconds(min(request.lease_seconds, LONGEST_SECONDS))
        asked = {
            "id": lease_id,
            "account": account,
            "in_order": request.in_order,
            "is_cancel": request.is_cancel,
            "leave_reserve": request.leave_reserve,
            "seconds": seconds,
            **_parts(request),
        }
        seen = _Seen(_key(server, request))
        with self._wakes.waiting(waiter, account) as wakes:
            while True:
                overtakes = wakes.overtakes  # may change before the answer comes
                least = max(request.least_nonce, server.nonces.get(account, -1) + 1)
                said = await self.host.ask(
                    server,
                    "acquire",
                    asked
                    | {"overtakes": overtakes, "least_nonce": str(least), "closed": seen.version, "body": seen.body},
                )
                waiter.waits_for_key = said.what == "locked"
                if said.what == "granted":
                    return self._record(server, Granting(lease_id, waiter, seen), said, locks=not overtakes)
                if said.what == "closed":
                    if (wait := seen.read(said, request, self.host.name)) is not None:
                        return wait
                elif said.what != "locked":
                    return _wait(said)
                elif not waiter.is_waiting:
                    await self._end(server, lease_id, _nothing(request), leaves_line=True)
                    return Wait(LEAST_SECONDS, 0.0)  # to nobody
                else:
                    await wakes.wait(scripts.POLL_SECONDS)

    def _record(self, server: Server, granting: Granting, said: Said, *, locks: bool) -> LeaseRecord:
        """Record a lease that was granted."""
        fence, digits, is_new = said.values
        waiter, seen = granting.waiter, granting.seen
        request, nonce = waiter.request, int(digits) if digits else None
        entry = None if waiter.draft is None else waiter.draft(nonce)
        record = LeaseRecord(request, (), nonce, said.now, seen.refusals, seen.tries, entry)
        until = self.host.clock() + request.lease_seconds
        if is_new:
            server.lose()  # the server had not heard of this host for too long
        server.lives(said)
        held = Held(granting.id, fence, record, waiter, until, request.in_order and locks)
        server.held[held.id] = held
        self._leases[record] = server, held
        if nonce is not None:
            server.nonces[account_of(request.account)] = nonce
        return record

    async def _release(self, server: Server, held: Held, end: LeaseEnd) -> None:
        server.held.pop(held.id, None)
        if not end.sent and end.record.entry is not None:
            await self.journal.remove(end.record.entry.intent.id)
        try:
            await self._end(server, held.id, end)
        except LinkFailed as error:
            logger.error("%s; what has ended will be written later", self.host.failed(error))  # noqa: TRY400 - a traceback shows locals
            self.host.owe(server, held.id, partial(self._end, server, held.id, end))

    async def _end(self, server: Server, lease_id: str, end: LeaseEnd, *, leaves_line: bool = False) -> None:
        """Release a lease by its id.

        Raises:
            LinkFailed: The server was not asked, or did not answer.
        """
        record = end.record
        asked = {
            "id": lease_id,
            "account": account_of(record.request.account),
            "place": str(record.request.place),
            "places": places_of(record),
            "is_sent": end.sent,
            "is_complete": end.complete,
            "is_refused": end.refusal is not None,
            "floor": "" if end.floor is None else str(end.floor),
            "leaves_line": leaves_line,
        }
        closed, body = "unread", ""
        while True:
            said = await self.host.ask(server, "release", asked | {"closed": closed, "body": body})
            if said.what != "closed":
                return
            closed, written = said.values
            known = _closed(_key(server, record.request), written, said.now)
            closures.leave(known.lockouts, end, said.now)
            body = known.write()

    async def _reopen(self, request: LeaseRequest) -> None:
        server = self.host.server(request.account[0])
        try:
            await self.host.ask(server, "reopen", {"place": str(request.place)})
        except LinkFailed as error:
            logger.error("%s; the limit was not reopened", self.host.failed(error))  # noqa: TRY400 - a traceback shows locals

    def _sweep(self, server: Server) -> None:
        """Release leases that nobody else will."""
        now = self.host.clock()
        for held in list(server.held.values()):
            if now >= held.until or held.waiter.loop.is_closed():
                self.release(LeaseEnd(held.record, complete=False))

    async def _close(self) -> None:
        await self._wakes.close()
        await self.host.close()


def _parts(request: LeaseRequest) -> dict[str, Any]:
    """Return the windows of a call as the scripts read them."""
    parts = [
        [str(place), [[w.slots, scripts.microseconds(w.per_seconds), w.reserve] for w in windows]]
        for place, windows in request.parts
    ]
    return {"place": str(request.place), "parts": parts}


def _key(server: Server, request: LeaseRequest) -> str:
    return f"{server.root}closed:{request.place}"


def _closed(key: str, written: str, now: float, alive: Collection[str] | None = None) -> Closed:
    try:
        return Closed.read(written, now, alive)
    except Unreadable as error:
        raise LinkFailed(unreadable(key, str(error))) from None


def _nothing(request: LeaseRequest) -> LeaseEnd:
    return LeaseEnd(LeaseRecord(request, (), None, 0.0), complete=True, sent=False)


def _wait(said: Said) -> Wait:
    """Return for how long there is no room."""
    seconds = int(said.values[0]) / 1e6
    if said.what == "full":
        certain = int(said.values[1]) / 1e6
        return Wait(max(min(seconds, LOOK_SECONDS), LEAST_SECONDS), certain, reason=used_up(certain))
    words = f"the state is new, or has lost writes, and grants nothing for {seconds:.1f} s"
    return Wait(max(min(seconds, LOOK_SECONDS), LEAST_SECONDS), seconds, reason=words)
