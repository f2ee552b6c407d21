"""One attempt at a call: what it holds while it is sent, how it ended, and what is kept of it when it has ended.

Rule for editors: an `Attempt` is dropped with its task. What must live longer, until the caller knows the outcome, is
in its `PendingCall`, which holds neither the request nor its secrets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from attrs import field
from attrs.converters import optional

from exchanges.endpoint.call import PreparedCall
from exchanges.endpoint.tracebacks import strip
from exchanges.errors import ExchangeError, OutcomeUnknown
from exchanges.http.answer import Answer, Evidence
from exchanges.http.request import Request
from exchanges.http.signing import Stamp
from exchanges.instrumentation.hooks import AttemptWatch
from exchanges.intents import Intent
from exchanges.limits.lockouts import Refusal
from exchanges.limits.permits import Permit
from exchanges.limits.waiters import OVERTAKE_SECONDS
from exchanges.outcomes.drafts import Draft
from exchanges.outcomes.unresolved import OpenCall, Standing
from exchanges.state.protocols import Lease
from exchanges.values import define, frozen


def _stripped(error: ExchangeError) -> ExchangeError:
    return strip(error)


@frozen(eq=False, repr=False)
class Result:
    """How one attempt ended.

    Attributes:
        value: The decoded answer, if there is no error.
        error: What went wrong, without the frames behind it: it may be kept for long.
        status: HTTP status of the answer; None if none came.
        refusal: That the exchange refused the call because there were too many; None if it did not.
        is_judged: Whether the exchange itself has judged the call otherwise: done, or rejected with proof.
        nonce_floor: The largest nonce that the exchange says it has seen; None if it does not say.
    """

    value: Any = None
    error: ExchangeError | None = field(default=None, converter=optional(_stripped))
    status: int | None = None
    nonce_floor: int | None = None
    refusal: Refusal | None = None
    is_judged: bool = False


@define(eq=False)
class PendingCall:
    """One call, from its signature until its caller knows the outcome. That may take long: the request is not kept.

    Attributes:
        intent: What it is to do.
        digest: Equal for calls that would do the same.
        nonce: The nonce of the request, if the scheme has one.
        zero: What our clock showed, or would have shown, when that of the loop was zero: only ours is ever set.
        caller_gone: Whether its caller was cancelled.
        landed_at: When it ended, on the clock of the loop.
        value: What the exchange answered, if it was executed.
        error: What went wrong.
        made: The name under which the history knows what it made.
        made_id: Its id at the exchange; None if the answer shows none.
        is_lost: Whether an exception took its outcome.
        landed: Set when it has ended.
        loop: The loop that it runs in.
    """

    intent: Intent
    digest: str
    nonce: str | None
    zero: datetime
    caller_gone: bool = False
    landed_at: float = 0.0
    value: Any = None
    error: ExchangeError | None = None
    made: str | None = None
    made_id: str | None = None
    is_lost: bool = False
    landed: asyncio.Event = field(factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop = field(factory=asyncio.get_running_loop)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, even if our clock was set meanwhile."""
        return self.zero + timedelta(seconds=self.landed_at) if self.landed.is_set() else None

    @property
    def standing(self) -> Standing:
        """What is known of it."""
        if not self.landed.is_set():
            # The task of a closed loop never ends; the request may have been executed.
            return Standing.UNKNOWN if self.loop.is_closed() else Standing.UNDER_WAY
        if self.error is None:
            return Standing.UNKNOWN if self.is_lost else Standing.EXECUTED
        return Standing.UNKNOWN if self.error.may_have_executed else Standing.NOT_EXECUTED

    @property
    def is_open(self) -> bool:
        """Whether its caller does not know how it ended."""
        return self.caller_gone or self.standing is Standing.UNKNOWN

    def lose(self) -> None:
        """Note that an exception took its outcome, first of all: what describes that may fail as well."""
        self.is_lost = True
        self.landed_at = self.loop.time()
        self.landed.set()

    def shown(self) -> OpenCall:
        """Return what users see."""
        phase = self.error.phase if isinstance(self.error, OutcomeUnknown) else None
        return OpenCall(self.intent, self.standing, self.nonce, phase, self.ended_at, self.value, self.error)


@define(eq=False, repr=False)
class Attempt:
    """One request for a call, from its admission until its outcome is known.

    Attributes:
        call: What it is for.
        permit: Slots, key lock and connection.
        deadline: On the clock of the loop.
        lease: What is held of a shared state; None if nothing is shared.
        draft: Its entry in the journal, if that was recorded with the lease.
        stamp: What it is signed with; set by the signature.
        request: Its bytes; set by the signature.
        intent: What it is to do; set when it is recorded, for a call that is never repeated.
        evidence: Whether any of it has left.
        pending: Its record, for a call that is never repeated.
        fresh: Whether it needs a new connection, as that of the attempt before is probably dead.
        sent: Whether the transport got the request, and it is not proven that nothing was sent.
        complete: Whether a complete answer came.
        is_verified: Whether the exchange signed the answer; None where it bears no signature.
        result: What the answer said; None without one.
        ended: What its caller awaits; set before its task starts.
        is_signed: Whether it has its stamp and its request.
        sent_at: When the transport got the request, on the clock of the loop.
        answer: The complete answer, if its task is only to interpret it.
        task: What runs it; None if it needs no task.
        outcome: How it ended without a task; set when it has.
        on_done: What is called when its task is done; None if nothing is left to do then.
        watch: What observes it; None if nobody does.
    """

    call: PreparedCall
    permit: Permit
    deadline: float
    lease: Lease | None = None
    draft: Draft | None = None
    stamp: Stamp = field(init=False)
    request: Request = field(init=False)
    intent: Intent = field(init=False)
    evidence: Evidence = field(factory=Evidence)
    pending: PendingCall | None = None
    fresh: bool = False
    is_verified: bool | None = None
    sent: bool = False
    complete: bool = False
    result: Result | None = None
    ended: asyncio.Future[None] | None = None
    is_signed: bool = False
    sent_at: float = 0.0
    answer: Answer | None = None
    task: asyncio.Task[Result] | None = None
    outcome: Result = field(init=False)
    on_done: Callable[[asyncio.Task[Result]], None] | None = None
    watch: AttemptWatch | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that no error about it may show."""
        return (*self.call.known_secrets, *self.request.secrets)

    def refusals(self, scope: str) -> int:
        """Return how many refusals of too many calls there were in a row before this attempt."""
        if self.lease is not None:
            return self.lease.refusals
        return self.permit.limiter.refusals(scope, self.permit.since)

    @property
    def was_overtaken(self) -> bool:
        """Whether a later nonce of the same key may have arrived before this one."""
        if self.permit.was_overtaken or self.lease is None:
            return self.permit.was_overtaken
        # The holder of a key lock that another process has passed hears nothing of it. The clock of the loop stands
        # still while its host is suspended; then the lease is lost.
        is_old = self.permit.loop.time() - self.permit.since >= OVERTAKE_SECONDS
        return is_old or not self.lease.is_held()

    def note_sent(self) -> None:
        """Report to observers that it is handed to the connection."""
        if self.watch is not None:
            self.watch.sent()

    def note_answered(self, status: int) -> None:
        """Report its whole answer to observers."""
        if self.watch is not None:
            self.watch.answered(status)

    def fail(self, error: BaseException) -> None:
        """End the waiting of the caller, who may be gone, with an error in our own code or that of a hook."""
        if self.ended is not None and not self.ended.done():
            self.ended.set_exception(error)
            self.ended.exception()  # retrieved, as asyncio reports it otherwise if the caller is cancelled now

    def wake_caller(self) -> None:
        """End the waiting of the caller, who may be gone."""
        if self.ended is not None and not self.ended.done():
            self.ended.set_result(None)


class Watcher(Protocol):
    """What is told of calls whose outcome is unknown."""

    def doubted(self, intent: Intent) -> None:
        """Note that the outcome of a call has become unknown."""
        ...
