"""What became of a call whose outcome is unknown: read the exchange's evidence, and say no more than it proves.

Theory. A call that was executed has made something that the exchange's reads show, if not at once. A call that was not
executed may still be on its way. So three things must be known before "no trace" means anything:

- Nothing can arrive any more. Where nonces must increase, a later nonce that was accepted is a fence: the earlier one
  would be refused from then on. Elsewhere nothing arrives later than 30 seconds after its connection was given up.
- Everything can be seen. Reads may show a state that is some seconds old, so they count only from a while after that.
- Nothing hides between two reads. An order that moves from one list to another while we look may be in neither, so it
  takes two looks, apart by as much as reads may be late.

And "here it is" needs that nothing else can have made what was found: not a call of ours that is known to have made
it, not one that is still open, not one from before our record began. What remains is several candidates, or doubt, and
is told as such. The record is that of this client and, with a journal, of all processes that share it; who trades on
the same account by other means can place what looks the same.

Nothing is ever sent here but reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import anyio
from attrs import define, evolve, field, frozen

from exchanges.endpoint import Access, Endpoint
from exchanges.errors import DecodeError, ExchangeError, NotFound, UsageError
from exchanges.intents import Intent
from exchanges.limits.nonces import NoncePolicy
from exchanges.limits.windows import LOST_SECONDS
from exchanges.outcomes.history import ClockOffset, name_of, nameless
from exchanges.outcomes.pending import PendingCalls
from exchanges.outcomes.search import Match, Matches, Query, Read, Search
from exchanges.outcomes.unresolved import Standing

__all__ = ["Ambiguous", "Incomplete", "NoTrace", "Reconciled", "Reconciler", "Verdict"]

LATE_SECONDS = 12.0
"""How old the state may be that a read shows; a little is added."""
PAUSE_SECONDS = 3.0
READINGS = 40
"""How many reads one look may take."""
SHORT = "the exchange's reads do not show enough to tell: not all that such a call makes, or not far enough back"


@frozen
class Reconciled:
    """It was executed.

    Attributes:
        intent: What the call was to do.
        found: What it made: the model that a read shows, or that the call itself was answered with.
    """

    intent: Intent
    found: object = field(repr=False)


@frozen
class NoTrace:
    """It was not executed, and will not be.

    Attributes:
        intent: What the call was to do.
    """

    intent: Intent


@frozen
class Ambiguous:
    """The exchange holds what the call may have made, but other calls may have made it as well. It stays unresolved.

    Attributes:
        intent: What the call was to do.
        candidates: What was found, as the reads show it; what certainly belongs to other calls is left out.
    """

    intent: Intent
    candidates: tuple[object, ...] = field(repr=False)


@frozen
class Incomplete:
    """The evidence could not be read whole, or the exchange offers none. It stays unresolved.

    Attributes:
        intent: What the call was to do.
        reason: What is missing, and what to do.
    """

    intent: Intent
    reason: str


Verdict: TypeAlias = Reconciled | NoTrace | Ambiguous | Incomplete

Ask = Callable[[Read], Awaitable[Any]]


@define(eq=False)
class _Case:
    """One call, and what the looks have shown so far. Moments are those of our clock, numbers those of the loop's.

    Attributes:
        intent: What it was to do.
        digest: The same for calls that would do the same; None where nobody wrote it down.
        ended_at: When it was given up.
        zero: What our clock showed when that of the loop stood at zero.
        has_fence: Whether a read with a later nonce shows that it cannot arrive any more.
        quiet_at: When nothing can arrive any more.
        empty_at: When the first look that counts ended without a trace.
    """

    intent: Intent
    digest: str | None
    ended_at: datetime
    zero: datetime
    has_fence: bool
    quiet_at: float
    empty_at: float | None = None


@frozen
class _Looked:
    """What one look came to.

    Attributes:
        candidates: What may be it and is not known to be of another call.
        complete: Whether the reads showed everything.
        sought: What was looked for.
        clock: How far the exchange's clock was taken to be from ours.
        names: What other calls are known to have made.
        rivals: The other calls that would do the same and of which nobody knows yet how they end.
        began: When the first read was made.
        ended: When the last was answered.
    """

    candidates: list[Match]
    complete: bool
    sought: Query
    clock: ClockOffset
    names: frozenset[str]
    rivals: list[Standing]
    began: float
    ended: float


class Reconciler:
    """Finds out what became of calls of one client.

    Args:
        calls: The book of its calls.
        ask: Makes one read, as the account that the intent names.
    """

    def __init__(self, calls: PendingCalls, ask: Ask) -> None:
        self._calls = calls
        self._ask = ask

    async def reconcile(self, intent: Intent, *, in_order: bool, timeout_seconds: float) -> Verdict:
        """Find out what became of a call.

        Args:
            intent: What it was to do.
            in_order: Whether its nonce, if it is known, must have been larger than all before.
            timeout_seconds: How long to look.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        told = await self._told(intent, timeout_seconds)
        if told is not None:
            return told
        search = self._calls.searches().get(intent.endpoint)
        if search is None:
            return Incomplete(intent, f"{intent.endpoint}: the exchange has no read that shows what this call makes")
        case, is_final = self._open(intent, in_order=in_order), False
        verdict: Verdict = Incomplete(intent, "the time was up before the evidence was read; look for longer")
        while True:
            with anyio.move_on_after(deadline - loop.time()):
                verdict, is_final = await self._look(case, search)
            if is_final or loop.time() + PAUSE_SECONDS >= deadline:
                return verdict
            await asyncio.sleep(PAUSE_SECONDS)

    async def _told(self, intent: Intent, timeout_seconds: float) -> Verdict | None:
        """Take what this client was told; wait for a call that is still under way."""
        pending, entry = self._calls.pending(intent), self._calls.entry(intent)
        if pending is None:
            if entry is not None and entry.is_under_way:
                return Incomplete(intent, f"{intent}: it is still under way in another process; ask again later")
            return None
        if pending.standing is Standing.UNDER_WAY:
            with anyio.move_on_after(timeout_seconds):
                await pending.landed.wait()
        if pending.standing is Standing.UNDER_WAY:
            return Incomplete(intent, f"{intent}: it is still under way; ask again when it has ended")
        if pending.standing is Standing.UNKNOWN:
            return None
        self._calls.resolve(intent, None)
        return Reconciled(intent, pending.value) if pending.standing is Standing.EXECUTED else NoTrace(intent)

    def _open(self, intent: Intent, *, in_order: bool) -> _Case:
        """Gather what is written down of a call. What nobody wrote down may have ended just now."""
        now, calls = asyncio.get_running_loop().time(), self._calls
        pending, entry = calls.pending(intent), calls.entry(intent)
        if pending is not None:
            digest, nonce, ended_at, landed_at = (
                pending.digest,
                pending.nonce,
                pending.ended_at,
                pending.landed_at or now,
            )
        elif entry is not None:
            digest, nonce, ended_at, landed_at = entry.digest, entry.nonce, entry.ended_at, now
        else:
            digest, nonce, ended_at, landed_at = None, None, None, now
        zero = calls.zero() if pending is None else pending.zero
        has_fence = in_order and nonce is not None
        return _Case(intent, digest, ended_at or calls.now(), zero, has_fence, landed_at + LOST_SECONDS)

    async def _look(self, case: _Case, search: Search) -> tuple[Verdict, bool]:
        """Look once; say whether looking again is of no use."""
        intent, loop = case.intent, asyncio.get_running_loop()
        began, clock = loop.time(), self._calls.history.clock(intent.endpoint, case.zero, search.max_skew)
        until = case.ended_at + timedelta(seconds=LOST_SECONDS) + clock.most
        age = case.zero + timedelta(seconds=began) - intent.at
        sought = Query(intent, intent.at + clock.least, until, age)
        try:
            traces = await self._search(search, sought, case)
        except UsageError:
            raise
        except ExchangeError as error:
            return Incomplete(intent, f"the evidence could not be read: {error}"), False
        # First who is under way, then what is known: one that ends in between is in either.
        rivals, names = self._calls.rivals(intent, case.digest), self._calls.names(intent)
        candidates = [t for t in traces.candidates if name_of(intent.endpoint, t.id) not in names]
        looked = _Looked(candidates, traces.complete, sought, clock, names, rivals, began, loop.time())
        return self._found(case, looked) if candidates else self._nothing(case, looked)

    async def _search(self, search: Search, sought: Query, case: _Case) -> Matches:
        seen: dict[Read, Any] = {}
        while True:
            try:
                traces = search.find(sought, seen)
            except Exception as fault:  # noqa: BLE001 - only errors of ours come out of here
                words = f"an answer took its reader by surprise ({type(fault).__name__})"
                raise DecodeError(words, endpoint=sought.intent.endpoint) from None
            missing = [reading for reading in traces.more if reading not in seen]
            if not missing:
                return traces
            if len(seen) + len(missing) > READINGS:
                return evolve(traces, more=(), complete=False)
            for reading in missing:
                try:
                    seen[reading] = await self._ask(reading)
                except NotFound as error:
                    seen[reading] = error
                else:
                    if case.has_fence and _is_in_order(reading.endpoint):
                        case.quiet_at = min(case.quiet_at, asyncio.get_running_loop().time())

    def _nothing(self, case: _Case, looked: _Looked) -> tuple[Verdict, bool]:
        intent = case.intent
        if not looked.complete:
            return Incomplete(intent, SHORT), True
        if self._calls.history.made_by(intent) is not None:
            return Incomplete(intent, f"{intent}: it was executed, as its answer told; the reads do not show it"), True
        if case.empty_at is not None and looked.began >= case.empty_at + LATE_SECONDS:
            self._calls.resolve(intent, None)
            return NoTrace(intent), True
        if case.empty_at is None and looked.began >= case.quiet_at + LATE_SECONDS:
            case.empty_at = looked.ended
        left = max(case.quiet_at + LATE_SECONDS - looked.ended, 0.0) if case.empty_at is None else 0.0
        reason = f"no trace so far, but it could still come to light; look for {left + LATE_SECONDS:.0f} s more"
        return Incomplete(intent, reason), False

    def _found(self, case: _Case, looked: _Looked) -> tuple[Verdict, bool]:
        intent = case.intent
        (first, *others) = [t for t in looked.candidates if self._is_marked(case, t)] or looked.candidates
        if not others and (self._is_marked(case, first) or self._is_ours(case, looked, first)):
            self._calls.resolve(intent, first.id)
            return Reconciled(intent, first.found), True
        if Standing.UNDER_WAY in looked.rivals:
            return Incomplete(intent, "another call that would do the same is under way; ask again later"), False
        if not looked.complete:
            return Incomplete(intent, SHORT), True
        # What cannot be compared now may be when the reads show more of it.
        is_final = looked.began >= case.quiet_at + LATE_SECONDS or all(t.sure for t in looked.candidates)
        return Ambiguous(intent, tuple(t.found for t in looked.candidates)), is_final

    def _is_marked(self, case: _Case, trace: Match) -> bool:
        """Whether it bears the tag of this call, or this call is known to have made it."""
        return trace.tagged or self._calls.history.made_by(case.intent) == name_of(case.intent.endpoint, trace.id)

    def _is_ours(self, case: _Case, looked: _Looked, trace: Match) -> bool:
        """Whether nothing but this call can have made it, by the record."""
        if (
            not looked.complete
            or looked.rivals
            or not trace.sure
            or trace.at is None
            or not looked.sought.fits(trace.at)
        ):
            return False
        if case.digest is None or nameless(looked.names, case.intent.endpoint, case.digest):
            return False
        if not self._calls.is_open(case.intent):
            return False  # another process found what became of it, and we do not know what
        # What was sent before the record began may have arrived a while after.
        recorded_since = self._calls.recorded_since(case.zero) + timedelta(seconds=LOST_SECONDS)
        return trace.at - looked.clock.most >= recorded_since


def _is_in_order(endpoint: Endpoint) -> bool:
    return endpoint.access is not Access.PUBLIC and endpoint.api.scheme.policy is NoncePolicy.STRICT
