"""The attempts of one session that are under way: nonce, sign, journal, send, interpret, release, in that order.

Theory. Waiting may be long and a nonce must not age, so the nonce is drawn and the request signed only when the permit
is held. From then on no caller decides what becomes of it: one who is cancelled gets their `CancelledError` at once,
while the request goes on to its answer or its deadline. So cancelling costs no connection and opens no gap in the order
of nonces, and the outcome of a money call is recorded even if nobody waits for it.

Therefore an attempt runs in a task that the session owns. A read for which a connection of our own is idle needs none:
all that it waits for is its answer, and the connection calls back with that. This spares the task and two turns of the
event loop. Whatever has to wait for anything else continues in a task.

Rules for editors:

1. The permit is ended in a ``finally``: when the answer is complete and interpreted, or when the deadline has passed
   and the connection is closed.
2. The caller awaits a future of its own, as it is cancelled together with the caller.
3. What a read raises that has no task goes to its caller: asyncio would take it for a failure of the connection.
4. An exception of any class becomes a result, so that nothing between the first byte and the verdict takes an outcome
   with it. What goes on to the caller, once the call is listed as unresolved, are errors in the code of a transport of
   the caller, whose author wants to see them, and what ends the program or the task.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import Any, cast

from exchanges import errors
from exchanges.endpoint import READ, WRITE, Endpoint, Kind
from exchanges.errors import ExchangeError
from exchanges.http.answer import Answer, GivenUp, Lost
from exchanges.http.signing import NONE, STRICT, Stamp, Verify, unordered_nonce
from exchanges.http.slices import in_slices
from exchanges.instrumentation.lines import Log
from exchanges.outcomes.attempt import Attempt, PendingCall, Result
from exchanges.outcomes.classify import cancelled, failed, final_error, is_of_transport, transport_failure
from exchanges.outcomes.long_answers import cutter_of, interpret_in_steps, is_long
from exchanges.outcomes.response import interpret
from exchanges.session.admission import end_permit, release, too_late
from exchanges.session.config import SessionConfig
from exchanges.session.destinations import Destination
from exchanges.session.raw import is_recorded, record

__all__ = ["Attempts", "closed"]

logger = Log(__name__)

Tasks = dict[asyncio.Task[Any], Kind]


class Attempts:
    """Exchanges admitted calls for their results.

    Args:
        config: Of the session.

    Attributes:
        tasks: Those that run attempts, or release what they held.
        reads: The attempts that have no task, and what gives them up.
        is_closed: Whether nothing more is sent.
    """

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self.tasks: Tasks = {}
        self.reads: dict[Attempt, Callable[[Lost], None]] = {}
        self.is_closed = False

    @property
    def in_flight(self) -> int:
        """How many are under way."""
        return len(self.reads) + sum(not task.done() for task in self.tasks)

    def begin(self, attempt: Attempt, destination: Destination) -> None:
        """Send what was admitted, and set ``attempt.ended`` when it has ended."""
        if not self._send_now(attempt, destination):
            self._start(attempt, destination)

    def result(self, attempt: Attempt) -> Result:
        """Return how an attempt has ended."""
        if (task := attempt.task) is None:
            return attempt.outcome
        if task.cancelled():
            if attempt.pending is not None and attempt.pending.is_lost:
                return Result(error=attempt.pending.error)
            return Result(error=cancelled(attempt.call, is_closed=self.is_closed))
        return task.result()

    def give_up_reads(self) -> None:
        """End all reads, whose callers get `ReadFailed`."""
        for give_up in list(self.reads.values()):
            give_up(GivenUp("the client was closed"))
        for task in [task for task, kind in self.tasks.items() if kind is READ]:
            task.cancel()

    def forget(self) -> None:
        """Forget all: nothing ends them where the loop was closed by hand; what they sent is found unresolved."""
        self.tasks.clear()
        self.reads.clear()

    async def ended(self) -> None:
        """Wait until none is under way."""
        while self.tasks:
            await asyncio.wait(list(self.tasks))

    # Reads that need no task

    def _send_now(self, attempt: Attempt, destination: Destination) -> bool:
        """Send a read over an idle connection; return False if it needs a task."""
        endpoint = attempt.call.endpoint
        if endpoint.kind is not READ or endpoint.has_rows or attempt.fresh or attempt.lease is not None:
            return False
        # As a task would be in: `raw` and observers read variables of their caller.
        context = copy_context()
        try:
            if destination.scheme is None:
                self._stamp(attempt, destination)
                attempt.request = attempt.call.unsigned
            else:
                self._sign(attempt, destination)
            attempt.sent, attempt.sent_at = True, attempt.permit.loop.time()
            give_up = self._config.transport.send_now(
                attempt.request,
                attempt.evidence,
                max_bytes=endpoint.max_bytes,
                began=attempt.sent_at,
                deadline=attempt.deadline,
                on_end=lambda answer: context.run(self._land, attempt, destination, answer),
            )
        except ExchangeError as error:
            self._end(attempt, Result(error=error))
            return True
        except Lost as failure:
            self._end(attempt, self._lost(attempt, failure))
            return True
        except Exception as fault:  # noqa: BLE001 - rule 4
            self._note_evidence(attempt)
            self._end(attempt, Result(error=failed(attempt, fault)))
            return True
        except BaseException:
            attempt.permit.end(sent=attempt.sent)
            raise
        if give_up is None:
            attempt.sent = False
            return False
        self.reads[attempt] = give_up
        attempt.note_sent()
        return True

    def _land(self, attempt: Attempt, destination: Destination, answer: Answer | Lost) -> None:
        """Interpret what came of a read that has no task, and release what it held."""
        del self.reads[attempt]
        if isinstance(answer, Answer) and is_long(answer):
            attempt.answer = answer
            self._start(attempt, destination)
            return
        try:
            if isinstance(answer, Lost):
                outcome = self._lost(attempt, answer)
            else:
                self._hear(attempt, destination, answer)
                result = interpret(attempt, answer, self._config.wire)
                outcome = self._conclude(attempt, destination, destination.calls.compared(attempt, answer, result))
        except Exception as fault:  # noqa: BLE001 - rule 4
            self._end(attempt, Result(error=failed(attempt, fault)))
        except BaseException as error:
            attempt.permit.end(sent=attempt.sent, complete=attempt.complete)
            attempt.fail(error)
            raise
        else:
            self._end(attempt, outcome)

    @staticmethod
    def _end(attempt: Attempt, outcome: Result) -> None:
        attempt.outcome = outcome
        attempt.permit.end(sent=attempt.sent, complete=attempt.complete)
        attempt.wake_caller()

    # In a task of the session's own

    def _start(self, attempt: Attempt, destination: Destination) -> None:
        call, loop = attempt.call, attempt.permit.loop
        attempt.task = task = loop.create_task(self._exchange(attempt, destination), name=call.endpoint.id)
        self.tasks[task] = call.endpoint.kind
        attempt.on_done = functools.partial(_done, self.tasks, attempt)
        task.add_done_callback(attempt.on_done)

    async def _exchange(self, attempt: Attempt, destination: Destination) -> Result:
        """Exchange an admitted call for its result: nonce, sign, journal, send, interpret, release."""
        result: Result | None = None
        try:
            if not attempt.is_signed:
                self._sign(attempt, destination)
            if not attempt.call.endpoint.kind.is_once:
                result = await self._send(attempt, destination)
                return result
            pending = await destination.calls.begin(attempt)
            try:
                result = await self._send(attempt, destination)
                # Recorded before the release below, which lets the next call go: it must see how this one ended.
                return destination.calls.end(pending, attempt, result)
            except BaseException as fault:
                pending.lose()
                # A test that fails in a mock raises no `Exception`.
                is_raised = not isinstance(fault, Exception) or is_of_transport(attempt)
                words, result = "the transport raised an exception", None
                error = transport_failure(attempt, None, words) if is_raised else failed(attempt, fault)
                self._record(pending, attempt, destination, error)
                if is_raised:
                    raise
                result = Result(error=error)
                return result
        except ExchangeError as error:
            return Result(error=error)
        except Exception as fault:
            if is_of_transport(attempt):
                raise
            return Result(error=failed(attempt, fault))
        finally:
            if attempt.lease is None:
                end_permit(attempt)
            else:
                with suppress(asyncio.CancelledError):  # from outside: the result is returned all the same
                    await release(attempt)
            # Here, and not when the task is done: that would be a turn of the loop later.
            attempt.wake_caller()
            if result is not None and attempt.on_done is not None:  # nothing is left to do when it is done
                own = cast("asyncio.Task[Result]", asyncio.current_task())
                own.remove_done_callback(attempt.on_done)
                del self.tasks[own]
                attempt.on_done = None

    @staticmethod
    def _record(pending: PendingCall, attempt: Attempt, destination: Destination, error: ExchangeError) -> None:
        """Record an outcome that an exception took; what fails here must not take it again."""
        pending.error = error
        try:
            destination.calls.end(pending, attempt, Result(error=error))
        except Exception as fault:  # noqa: BLE001 - the call is listed already
            words = "%s: unexpected %s while its outcome was recorded"
            logger.error(words, attempt.call, type(fault).__name__)  # noqa: TRY400 - a traceback shows locals

    async def _send(self, attempt: Attempt, destination: Destination) -> Result:
        """Send, wait for the answer until the deadline, and interpret it."""
        call = attempt.call
        if attempt.pending is not None:
            # The second guard: while this call waited, or the journal was written, the same call may have become
            # unresolved. A call that is recorded must end with a result, so this one is not raised.
            try:
                is_alone = attempt.lease is not None and attempt.lease.is_alone
                destination.calls.guard(call, attempt.pending.intent, is_alone=is_alone)
            except ExchangeError as refusal:
                return Result(error=refusal)
        try:
            answer = attempt.answer or await self._receive(attempt, destination)
            self._hear(attempt, destination, answer)
            return self._conclude(attempt, destination, await self._interpret(attempt, destination, answer))
        except Lost as failure:
            return self._lost(attempt, failure)
        except asyncio.CancelledError:
            self._note_evidence(attempt)
            if call.endpoint.kind is READ:
                raise
            error = transport_failure(attempt, None, "its task was cancelled from outside, before the answer came")
            # What is proven not to be sent leaves no doubt, for a cancel either.
            return Result(error=final_error(call, error, error if error.may_have_executed else None))
        except BaseException:
            self._note_evidence(attempt)
            raise

    async def _receive(self, attempt: Attempt, destination: Destination) -> Answer:
        attempt.sent, attempt.sent_at = True, attempt.permit.loop.time()
        endpoint, verify = attempt.call.endpoint, getattr(destination.scheme, "verify", None)
        attempt.evidence.require_caller()
        attempt.note_sent()
        return await self._config.transport.send(
            attempt.request,
            attempt.evidence,
            max_bytes=endpoint.max_bytes,
            priority=endpoint.kind.priority,
            deadline=attempt.deadline,
            fresh=attempt.fresh,
            # A signature covers the whole body, and a recorded body is kept whole.
            cutter=None if verify is not None or is_recorded() else cutter_of(endpoint, self._config.wire),
        )

    async def _interpret(self, attempt: Attempt, destination: Destination, answer: Answer) -> Result:
        """Interpret a complete answer, a long one in slices, so that others run meanwhile."""
        if is_long(answer):
            result = await in_slices(interpret_in_steps(attempt, answer, self._config.wire), attempt.deadline)
        else:
            result = interpret(attempt, answer, self._config.wire)
        return destination.calls.compared(attempt, answer, result)

    # Steps of both

    def _sign(self, attempt: Attempt, destination: Destination) -> None:
        """Draw the nonce and sign."""
        call, scheme, credentials = attempt.call, destination.scheme, self._config.credentials
        self._stamp(attempt, destination)
        attempt.is_signed = True
        if scheme is None or credentials is None:
            attempt.request = call.render()
        else:
            attempt.request = scheme.sign(call, credentials, attempt.stamp)

    def _stamp(self, attempt: Attempt, destination: Destination) -> None:
        """Draw the nonce. What was checked before the call waited is checked again."""
        call, scheme = attempt.call, destination.scheme
        if self.is_closed:
            raise closed(call.endpoint)
        if fault := self._config.transport.fault:
            raise errors.UsageError(f"{call}: {fault}; nothing was sent", endpoint=call.endpoint.id)
        if attempt.draft is not None:  # it is recorded already
            attempt.stamp = attempt.draft.stamp
            return
        policy = NONE if scheme is None else scheme.policy
        timestamp_ms = int(self._config.wall_clock() * 1000)
        if policy is STRICT:
            leased = None if attempt.lease is None else attempt.lease.nonce
            nonce = str(destination.counter.draw(timestamp_ms) if leased is None else leased)
        else:
            nonce = unordered_nonce(policy, timestamp_ms)
        attempt.stamp = Stamp(nonce, timestamp_ms)

    def _hear(self, attempt: Attempt, destination: Destination, answer: Answer) -> None:
        """Record a complete answer, and whether the exchange signed it."""
        attempt.complete = True
        attempt.note_answered(answer.status)
        if is_recorded():
            record(self._config, attempt.call.endpoint.id, answer, attempt.permit.loop.time() - attempt.sent_at)
        destination.calls.hear(answer.headers, attempt.sent_at)
        scheme = destination.scheme  # None for public calls, and to ask None for an attribute takes long
        verify: Verify | None = None if scheme is None else getattr(scheme, "verify", None)
        if verify is not None and (credentials := self._config.credentials) is not None:
            attempt.is_verified = verify(credentials, attempt.stamp, answer.headers, answer.body)

    def _conclude(self, attempt: Attempt, destination: Destination, result: Result) -> Result:
        """Note what an answer says about the limit, the nonces and its connection, and return it."""
        attempt.result, attempt.permit.is_judged = result, result.is_judged
        # A second copy that comes late would be believed of the next call: a refusal fits all calls, a bare yes all of
        # its kind. A signature is over the nonce of one call.
        if result.value is None and not attempt.is_verified and (give_up := attempt.evidence.give_up) is not None:
            give_up()
        if result.refusal is not None and attempt.lease is None:
            # While the permit is held: the limiter is closed before the next call is granted one.
            attempt.permit.limiter.refuse(attempt.permit, result.refusal)
        if result.nonce_floor is not None:
            destination.counter.raise_to(result.nonce_floor)
        return result

    def _lost(self, attempt: Attempt, failure: Lost) -> Result:
        """Return what it means that no complete answer came."""
        self._note_evidence(attempt)
        if isinstance(failure, GivenUp):
            return Result(error=cancelled(attempt.call, is_closed=self.is_closed))
        if attempt.evidence.is_late:
            return Result(error=too_late(attempt.call))
        return Result(error=transport_failure(attempt, failure))

    @staticmethod
    def _note_evidence(attempt: Attempt) -> None:
        """Record what the connection knows of an attempt without a complete answer."""
        if attempt.evidence.nothing_left:  # proven, so that its slots are free at once
            attempt.sent = False
        # What the server has reset cannot arrive any more.
        attempt.complete = attempt.complete or attempt.evidence.was_reset


def closed(endpoint: Endpoint) -> errors.UsageError:
    """Return what calls of a closed client raise."""
    return errors.UsageError(f"{endpoint.id}: the client is closed; nothing was sent", endpoint=endpoint.id)


def _done(tasks: Tasks, attempt: Attempt, task: asyncio.Task[Result]) -> None:
    """Forget a task that has ended. The session is not held: it may be dropped as soon as its callers are woken."""
    del tasks[task]
    attempt.on_done = None
    attempt.wake_caller()  # of a task that was cancelled before it started
    if not task.cancelled():
        task.exception()  # retrieved, as asyncio reports it otherwise if the caller is gone
    _release_unstarted(tasks, attempt)


def _release_unstarted(tasks: Tasks, attempt: Attempt) -> None:
    """Release what is still held: a task that is cancelled before it starts never gets to its `finally`."""
    if not attempt.permit.held:
        return
    ending = asyncio.get_running_loop().create_task(release(attempt))
    tasks[ending] = WRITE  # closing awaits it
    ending.add_done_callback(tasks.pop)
    # Whoever cancelled that may cancel this.
    ending.add_done_callback(lambda _: _release_unstarted(tasks, attempt))
