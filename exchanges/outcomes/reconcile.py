"""Whether a call whose outcome is unknown was executed: read the exchange's evidence, and claim no more than it proves.

Theory. A call that was executed has created something that the exchange's reads show, if not at once. A call that was
not executed may still be on its way. So three things must be known before "no trace" means anything:

- Nothing can arrive any more. Where nonces must increase, a later nonce that was accepted is a fence: the exchange
  refuses the earlier one from then on. Elsewhere nothing arrives later than 30 seconds after its connection was closed.
- Everything can be seen. Reads may show a state that is some seconds old, so they count only from a while after that.
- Nothing hides between two reads. An order that moves from one list to another during a round of reads may be in
  neither, so it takes two rounds, apart by as much as reads may be late.
- Where an order bears a client's id, moments prove nothing and are not needed: the waits of its API are in `absence`.
- Nothing hides behind a wrong moment. The clocks must have been compared, and all that was seen of them must agree.
  What matches in everything but its moment, and is off by no more than a zone or a day, leaves doubt.

And "it was executed" needs proof that nothing else can have created what was found: no call of ours that is known to
have created it, none that is still open, none from before our record began. What remains is several candidates, or
doubt, and is returned as such. Only the key and the server that the call was sent with show what came of it, so an
intent of another is refused. The record is that of this client and, with a journal, of all processes that share it;
somebody who trades on the same account by other means can place an order that looks the same.

Rules for editors: nothing is ever sent here but reads, and when in doubt a call stays unresolved.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from attrs import define, evolve, field, frozen

from exchanges.endpoint import Access, Endpoint
from exchanges.errors import DecodeError, ExchangeError, NotFound, UsageError
from exchanges.http.signing import NoncePolicy
from exchanges.intents import Intent
from exchanges.limits.windows import LOST_SECONDS
from exchanges.outcomes.absence import Look, judge
from exchanges.outcomes.history import name_of
from exchanges.outcomes.pending import PendingCalls
from exchanges.outcomes.search import LATE, Absence, Match, Matches, Query, Read, Search
from exchanges.outcomes.unresolved import Standing
from exchanges.outcomes.verdicts import Ambiguous, Incomplete, NoTrace, Reconciled, Verdict
from exchanges.outcomes.window import Now, Sent, Window, doubt_of, window_of

LATE_SECONDS = LATE.total_seconds()
PAUSE_SECONDS = 3.0
"""Between two rounds."""
MAX_PAUSE_SECONDS = 15.0
"""Between two rounds, where the wait is long."""
MAX_READS = 40
"""How many reads one round may take."""
TOO_LITTLE = (
    "the exchange's reads do not show enough to decide: not everything that such a call creates, or not far enough back"
)
TOO_EARLY = (
    "the exchange's reads do not agree yet, such as a trade whose order they do not show; they may be some seconds old"
)


Reader = Callable[[Read], Awaitable[Any]]


@define(eq=False)
class _Case:
    """One call, and what the rounds have shown so far. Moments are those of our clock, floats those of the loop's.

    Attributes:
        intent: What it was to do.
        digest: Equal for calls that would do the same; None if it was not recorded.
        sent: The call, by our clock.
        has_fence: Whether a read with a later nonce proves that it cannot arrive any more.
        quiet_at: When nothing can arrive any more.
        empty_at: When the first round that counts ended without a candidate.
        by_id: Whether the reads show what the call names, so that clocks do not matter.
        began: When the first round did.
        proof_at: When absence can be proven at the earliest, where the API says.
        misdated: What matched, by id, but for its moment.
    """

    intent: Intent
    digest: str | None
    sent: Sent
    has_fence: bool
    quiet_at: float
    by_id: bool
    began: float
    empty_at: float | None = None
    proof_at: float | None = None
    misdated: dict[str, Match] = field(factory=dict[str, Match])

    def is_beyond(self, deadline: float, now: float) -> bool:
        """Whether absence cannot be proven before *deadline*, and what was created would probably be shown *now*."""
        return self.proof_at is not None and self.proof_at > deadline and now >= self.began + LATE_SECONDS

    def pause_seconds(self, now: float) -> float:
        """Return how long to wait before the next round: longer where the wait is long, never beyond its end."""
        if self.proof_at is None:
            return PAUSE_SECONDS
        pause = min(max(PAUSE_SECONDS, (now - self.began) / 4), MAX_PAUSE_SECONDS)
        return min(pause, self.proof_at - now) if self.proof_at > now else pause


@frozen
class _Round:
    """The result of one round of reads.

    Attributes:
        candidates: What may match and is not known to belong to another call.
        complete: Whether the reads showed everything.
        unsettled: Whether the same reads may, a little later.
        window: When it was created if it was.
        max_skew: How far the exchange's clock may be from ours.
        names: What other calls are known to have created.
        rivals: The other calls that would be shown as the same and whose outcome is not known yet.
        began: When the first read was sent.
        ended: When the last was answered.
    """

    candidates: list[Match]
    complete: bool
    unsettled: bool
    window: Window
    max_skew: timedelta
    names: frozenset[str]
    rivals: list[Standing]
    began: float
    ended: float


class Reconciler:
    """Reconciles calls of one client.

    Args:
        calls: Its pending calls.
        read: Makes one read, as the account that the intent names.
    """

    def __init__(self, calls: PendingCalls, read: Reader) -> None:
        self._calls = calls
        self._read = read

    async def reconcile(self, intent: Intent, *, in_order: bool, timeout_seconds: float) -> Verdict:
        """Return what the evidence proves about a call.

        Args:
            intent: What it was to do.
            in_order: Whether its nonce, if it is known, must have been larger than all before.
            timeout_seconds: How long to read.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        known = await self._known(intent, timeout_seconds)
        if known is not None:
            return known
        search = self._calls.searches().get(intent.endpoint)
        if search is None:
            words = "no declared read shows what this call creates; look at the exchange, then dismiss it"
            return Incomplete(intent, f"{intent.endpoint}: {words}")
        case, is_final = self._case(intent, in_order=in_order, by_id=search.by_id), False
        verdict: Verdict = Incomplete(intent, "the time was over before the evidence was read; allow more time")
        while True:
            async with _until(deadline):
                verdict, is_final = await self._round(case, search)
            if is_final or loop.time() + PAUSE_SECONDS >= deadline or case.is_beyond(deadline, loop.time()):
                return verdict
            await asyncio.sleep(case.pause_seconds(loop.time()))

    async def _known(self, intent: Intent, timeout_seconds: float) -> Verdict | None:
        """Return the outcome that this client knows; wait for a call that is still in flight."""
        pending, entry = self._calls.pending(intent), self._calls.entry(intent)
        if pending is None:
            if entry is not None and entry.is_under_way:
                return Incomplete(intent, f"{intent}: it is still under way in another process; ask again later")
            return None
        if pending.standing is Standing.UNDER_WAY:
            async with _until(asyncio.get_running_loop().time() + timeout_seconds):
                await pending.landed.wait()
        if pending.standing is Standing.UNDER_WAY:
            return Incomplete(intent, f"{intent}: it is still under way; ask again when it has ended")
        if pending.standing is Standing.UNKNOWN:
            return None
        self._calls.resolve(intent, None)
        if pending.standing is Standing.NOT_EXECUTED:
            return NoTrace(intent)
        return Reconciled(intent, pending.value, pending.made_id)

    def _case(self, intent: Intent, *, in_order: bool, by_id: bool) -> _Case:
        """Collect what is recorded of a call."""
        now, calls = asyncio.get_running_loop().time(), self._calls
        pending, entry = calls.pending(intent), calls.entry(intent)
        # What nobody recorded, or another process, may have ended just now: the wait begins here.
        digest, nonce, ended_at, landed_at = None, None, None, now
        if pending is not None:
            digest, nonce, ended_at = pending.digest, pending.nonce, pending.ended_at
            landed_at = pending.landed_at or now
        elif entry is not None:
            digest, nonce, ended_at = entry.digest, entry.nonce, entry.ended_at
        zero, has_fence = None if pending is None else pending.zero, in_order and nonce is not None
        return _Case(intent, digest, Sent(intent, ended_at, zero), has_fence, landed_at + LOST_SECONDS, by_id, now)

    async def _round(self, case: _Case, search: Search) -> tuple[Verdict, bool]:
        """Read the evidence once; return as well whether reading it again is of no use."""
        intent, loop = case.intent, asyncio.get_running_loop()
        began = loop.time()
        window = window_of(self._calls.clock, case.sent, Now(self._calls.zero(), began), search.max_skew)
        try:
            matches = await self._search(search, self._query(case, window), case)
        except UsageError:
            raise
        except ExchangeError as error:
            return Incomplete(intent, f"the evidence could not be read: {error}"), False
        # First the calls in flight, then what is known: one that ends in between is in either.
        rivals = self._calls.rivals(intent, case.digest)
        names_of = self._calls.kinship.names
        shown = frozenset[str]().union(*(names_of(intent, match.id) for match in matches.candidates))
        names = self._calls.names(intent, shown, case.digest)
        # What is shown twice is one; of two rows of the same id the one that shows more counts.
        found = {m.id: m for m in sorted(matches.candidates, key=lambda m: (not m.misdated, m.sure))}
        others = [match for name, match in found.items() if names.isdisjoint(names_of(intent, name))]
        candidates = [match for match in others if window.takes(match)]
        case.misdated |= {match.id: match for match in others if match not in candidates}
        complete = matches.complete and (bool(others) or not matches.only_found)
        result = _Round(
            candidates, complete, matches.unsettled, window, search.max_skew, names, rivals, began, loop.time()
        )
        if candidates:
            self._calls.seen(intent).empty_at = None
            return self._judge_candidates(case, result, search.absence)
        return self._judge_absence(case, result, search.absence)

    def _query(self, case: _Case, window: Window) -> Query:
        error = getattr(self._calls.pending(case.intent), "error", None)
        return evolve(window.query(case.intent), made=getattr(error, "made", None))

    async def _search(self, search: Search, query: Query, case: _Case) -> Matches:
        """Read what the search wants to read, until it wants nothing more."""
        answers: dict[Read, Any] = {}
        while True:
            try:
                matches = search.find(query, answers)
            except Exception as fault:  # noqa: BLE001 - only errors of ours come out of here
                # Neither its words nor its cause: they may quote the answer.
                words = f"unexpected {type(fault).__name__} while reading the answer"
                raise DecodeError(words, endpoint=query.intent.endpoint) from None
            missing = [read for read in matches.more if read not in answers]
            if not missing:
                return matches
            if len(answers) + len(missing) > MAX_READS:
                return evolve(matches, more=(), complete=False)
            for read in missing:
                answers[read] = await self._answer(read, case)

    async def _answer(self, read: Read, case: _Case) -> Any:
        try:
            answer = await self._read(read)
        except NotFound as error:
            # No fence: a proxy may have answered, and the exchange not seen the nonce.
            return error
        if case.has_fence and _is_in_order(read.endpoint):
            now, seen = asyncio.get_running_loop().time(), self._calls.seen(case.intent)
            case.quiet_at = min(case.quiet_at, now)
            seen.fenced_at = now if seen.fenced_at is None else seen.fenced_at
        return answer

    def _judge_absence(self, case: _Case, result: _Round, rule: Absence | None) -> tuple[Verdict, bool]:
        intent = case.intent
        if not result.complete:
            return self._incomplete(intent, result)
        if self._calls.history.made_by(intent) is not None:
            return Incomplete(
                intent, f"{intent}: it was executed, as its answer showed; the reads do not show it"
            ), True
        if self._calls.seen(intent).is_named:
            words = f"{intent}: it was executed, as an event of the account showed; the reads do not show it yet"
            return Incomplete(intent, words, self._calls.now() + timedelta(seconds=LATE_SECONDS)), False
        if rule is not None:
            return self._judge_by_id(case, result, rule)
        # The second round must begin later than what the first one may have missed takes to show.
        if case.empty_at is not None and result.began >= case.empty_at + LATE_SECONDS:
            return self._conclude_absence(case, result), True
        if case.empty_at is None and result.began >= case.quiet_at + LATE_SECONDS:
            case.empty_at = result.ended
        left = max(case.quiet_at + LATE_SECONDS - result.ended, 0.0) if case.empty_at is None else 0.0
        reason = f"no trace so far, but one may still appear; allow {left + LATE_SECONDS:.0f} s more"
        return Incomplete(intent, reason, self._calls.now() + timedelta(seconds=left + LATE_SECONDS)), False

    def _incomplete(self, intent: Intent, result: _Round) -> tuple[Verdict, bool]:
        """Return that the reads did not show everything, and when they may."""
        if result.unsettled:
            return Incomplete(intent, TOO_EARLY, self._calls.now() + timedelta(seconds=LATE_SECONDS)), False
        return Incomplete(intent, TOO_LITTLE), True

    def _judge_by_id(self, case: _Case, result: _Round, rule: Absence) -> tuple[Verdict, bool]:
        """Return what it means that nothing bears the client's id."""
        intent, window = case.intent, result.window
        look = Look(result.began, result.ended, window.least_age, window.age)
        outlook = judge(rule, self._calls.seen(intent), look, has_fence=case.has_fence)
        if outlook.is_proof:
            return self._conclude_absence(case, result, by_client_id=True), True
        if outlook.never is not None:
            return Incomplete(intent, f"{intent}: nothing was found, which proves nothing: {outlook.never}"), True
        case.proof_at = result.ended + outlook.left_seconds
        certain = f"that there is none is certain in {outlook.left_seconds:.0f} s"
        reason = f"no trace so far, but one may still appear; {certain}"
        shows_in = LATE_SECONDS - window.least_age.total_seconds()  # reads may show what was created before that
        next_seconds = min(outlook.next_seconds, shows_in) if shows_in > 0 else outlook.next_seconds
        return Incomplete(intent, reason, self._calls.now() + timedelta(seconds=next_seconds)), False

    def _conclude_absence(self, case: _Case, result: _Round, *, by_client_id: bool = False) -> Verdict:
        """Return what it means that nothing was found twice: only if all clocks agree, that nothing is there."""
        intent, calls = case.intent, self._calls
        if case.misdated:
            return Ambiguous(intent, tuple(match.found for match in case.misdated.values()))
        zero = calls.zero()
        # A client's id is recognised whatever clocks show, and the age of a call of this process known by the loop's.
        is_timeless = case.by_id or (by_client_id and case.sent.zero is not None)
        doubt = None if is_timeless else calls.clock.doubt(intent.endpoint, zero, result.ended, result.max_skew)
        if doubt is None and case.sent.zero is None and not case.by_id:
            doubt = doubt_of(intent, result.max_skew)
        if doubt is not None:
            words = f"nothing was found, but it may be shown with another moment: {doubt.reason}"
            return Incomplete(intent, words, doubt.ends_at)
        calls.resolve(intent, None)
        return NoTrace(intent)

    def _judge_candidates(self, case: _Case, result: _Round, rule: Absence | None) -> tuple[Verdict, bool]:
        intent = case.intent
        (first, *others) = [match for match in result.candidates if self._is_marked(case, match)] or result.candidates
        if not others and (self._is_marked(case, first) or self._is_ours(case, result, first)):
            # What a cancel names is not its own: another one may name it as well.
            self._calls.resolve(intent, None if case.by_id else first.id)
            return Reconciled(intent, first.found, first.made or first.id), True
        if Standing.UNDER_WAY in result.rivals:
            return Incomplete(intent, "another call that would do the same is under way; ask again later"), False
        if not result.complete:
            return self._incomplete(intent, result)
        # What cannot be compared now may be when the reads show more of it.
        quiet_at = case.quiet_at if rule is None else case.began
        is_final = result.began >= quiet_at + LATE_SECONDS or all(match.sure for match in result.candidates)
        return Ambiguous(intent, tuple(match.found for match in result.candidates)), is_final

    def _is_marked(self, case: _Case, match: Match) -> bool:
        """Return whether it bears the tag of this call, or this call is known to have created it."""
        return match.tagged or self._calls.history.made_by(case.intent) == name_of(case.intent.endpoint, match.id)

    def _is_ours(self, case: _Case, result: _Round, match: Match) -> bool:
        """Return whether nothing but this call can have created it, by the record."""
        if not result.complete or result.rivals or not match.sure or match.at is None:
            return False
        # A call of ours that would be shown as the same and whose answer named no id may have created it.
        nameless = self._calls.kinship.nameless(case.intent, case.digest)
        if case.digest is None or any(name.startswith(nameless) for name in result.names):
            return False
        if not self._calls.is_open(case.intent):
            return False  # another process has resolved it, and its result is not known here
        # What was sent before the record began may have arrived some time after.
        zero = self._calls.zero() if case.sent.zero is None else case.sent.zero
        recorded_since = self._calls.recorded_since(zero) + timedelta(seconds=LOST_SECONDS)
        return match.at - result.window.clock.most >= recorded_since


@asynccontextmanager
async def _until(deadline: float) -> AsyncGenerator[None, None]:
    """End a block at *deadline*, on the clock of the loop."""
    limit = asyncio.timeout_at(deadline)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise


def _is_in_order(endpoint: Endpoint) -> bool:
    return endpoint.access is not Access.PUBLIC and endpoint.api.scheme.policy is NoncePolicy.STRICT
