"""The path of a call: prepare, wait, nonce, sign, journal, send, interpret, release, in that order.

Theory. Waiting may be long and a nonce must not age, so the nonce is drawn and the request signed only when the permit
is held. From the permit to the interpreted answer everything runs in one task that the session owns: a caller that is
cancelled gets its `CancelledError` at once, while the request goes on to its answer or its deadline. So cancelling
costs no connection and opens no gap in the order of nonces, and the outcome of a money call is recorded even if nobody
waits for it.

Rules for editors:

1. Between the permit (with a shared state: the lease) and the start of the task there is no ``await``.
2. The permit is ended in a ``finally`` inside the task: when the answer is complete and interpreted, or when the
   deadline has passed and the connection is closed.
3. Retries are in `Session.call` and nowhere else. `WRITE` and `MONEY` are never repeated.
4. Only exceptions of our own tree leave `Session.call`, beside cancellation and errors in the code of a transport of
   the caller. Within, errors travel as `Result`: one that is never raised holds no frames.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import random
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

from exchanges import errors
from exchanges.endpoint import MONEY, READ, WRITE, Api, Endpoint, Kind
from exchanges.endpoint.call import PreparedCall
from exchanges.errors import DecodeError, ExchangeError, Unavailable
from exchanges.http.answer import Answer, Lost, Silent
from exchanges.http.signing import NONE, STRICT, Credentials, Scheme, Stamp, Verify, unordered_nonce
from exchanges.http.slices import in_slices
from exchanges.limits.limit import Limit
from exchanges.limits.pacing import pace
from exchanges.outcomes.attempt import Attempt, Result
from exchanges.outcomes.classify import cancelled, done_before, final_error, out_of_time, repeatable, transport_failure
from exchanges.outcomes.long_answers import cutter_of, interpret_in_steps, is_long
from exchanges.outcomes.pending import PendingCalls
from exchanges.outcomes.response import interpret
from exchanges.session.admission import Needs, admit, release, scope_of, too_late
from exchanges.session.config import Options, SessionConfig
from exchanges.session.destinations import Destination, Destinations
from exchanges.session.headroom import Limits
from exchanges.session.preparing import Preparer
from exchanges.session.raw import is_recorded, record
from exchanges.session.watches import end, watch

__all__ = ["Session"]

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 30.0
BACKOFF_SECONDS = 0.25


class Session:
    """One account at one exchange: connections, nonces, limits, pending calls."""

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._destinations = Destinations(config)
        self._tasks: dict[asyncio.Task[Any], Kind] = {}
        self._preparer = Preparer(config)
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        weakref.finalize(self, self._destinations.dropped).atexit = False

    def __repr__(self) -> str:
        """Show state, no secrets."""
        bypasses = ", tracers bypassed" * self._config.transport.bypasses_tracers
        in_flight = sum(not task.done() for task in self._tasks)
        return f"Session({self._config.server}, {in_flight} in flight{bypasses}{', closed' * self._closed})"

    @property
    def calls(self) -> PendingCalls:
        """The pending calls of the account."""
        return self._destinations.calls

    @property
    def credentials(self) -> Credentials | None:
        """What private calls are signed with."""
        return self._config.credentials

    def limits(self, declared: Iterable[Limit]) -> Limits:
        """Return what is left of the limits of the client's calls."""
        return Limits(self._destinations, declared, has_key=self._config.credentials is not None)

    def base_url(self, api: Api) -> str:
        """Return scheme, host and path prefix of *api*."""
        return self._destinations.base_url(api)

    def scheme(self, api: Api) -> Scheme:
        """Return what private calls of *api* are signed with."""
        return self._config.schemes.get(api.name, api.scheme)

    async def call(self, endpoint: Endpoint, arguments: Mapping[str, Any], options: Options) -> Any:
        """Call an endpoint, and repeat the call where that is safe.

        Raises:
            ExchangeError: See `exchanges.errors`.
        """
        try:
            loop, destination = self._enter(endpoint), self._destinations.find(endpoint)
            call = self._preparer.prepare(endpoint, arguments, options, destination.base_url)
        finally:
            # A task that waits, and an error of a state, show the locals of this frame; some arguments are secrets.
            arguments = {}
        began, default = loop.time(), self._config.timeout_seconds or endpoint.timeout_seconds or TIMEOUT_SECONDS
        deadline = began + (options.timeout_seconds or default)
        within = options.send_within_seconds or self._config.send_within_seconds
        send_by = math.inf if within is None or endpoint.kind is not MONEY else began + within
        if (paced := pace.get()) is not None:
            paced.note(destination.limiter)
        watching = watch(self._config.hooks, call, loop)
        attempts, doubtful, last, fresh, status, failure = 0, None, None, False, None, None
        try:
            while True:
                attempts += 1
                # A repetition must not take the last slots: they are for the cancels that may come.
                spare = last is not None and endpoint.kind is READ
                needs = Needs(deadline, send_by, spare, loop.time(), scope_of(call), watching)
                result = await self._attempt(call, destination, needs, fresh=fresh)
                if (error := result.error or done_before(call, result, doubtful)) is None:
                    status = result.status
                    break
                if error.may_have_executed or isinstance(error, Unavailable | DecodeError):
                    doubtful = error
                if isinstance(error.__cause__, Silent) and not fresh:
                    # Once per call, and beside the other attempts: no connection that is fresh is given up early.
                    attempts, fresh = attempts - 1, True
                if not repeatable(endpoint.kind, error, attempts) or not await self._pause(result, attempts, deadline):
                    # If there was no time for the repetition, the error of the attempt before is the one to raise.
                    if last is not None and out_of_time(error):
                        error = last
                    failure = destination.calls.signed(final_error(call, error, doubtful))
                    raise failure
                last = error
        finally:
            end(watching, status, failure)
        if endpoint.notice is not None:
            logger.warning("%s: %s", endpoint.id, endpoint.notice)
        return result.value

    async def aclose(self) -> None:
        """Refuse new calls, await money and writes to their deadline, cancel reads, close the connections.

        Raises:
            UsageError: Another event loop runs the calls of this client.
        """
        loop = self._loop
        if loop is not None and loop is not asyncio.get_running_loop() and not loop.is_closed():
            raise errors.UsageError("this client belongs to another event loop, which is open; close it there")
        self._closed = True
        if loop is None or not loop.is_closed():
            for task in [t for t, kind in self._tasks.items() if kind is READ]:
                task.cancel()
            self._destinations.turn_away()
        else:
            # Nothing ends the tasks of a loop that was closed by hand; what they sent is found unresolved.
            self._tasks.clear()
        while self._tasks:
            await asyncio.wait(list(self._tasks))
        await self._destinations.close()
        await self._config.transport.aclose()

    def _enter(self, endpoint: Endpoint) -> asyncio.AbstractEventLoop:
        """Return the loop; raise if this client cannot make calls in it, or no more."""
        loop = asyncio.get_running_loop()
        if self._closed:
            raise _closed(endpoint)
        if self._loop is not loop:
            if self._loop is not None:
                raise errors.UsageError(
                    f"{endpoint.id}: this client belongs to another event loop; create one client per loop",
                    endpoint=endpoint.id,
                )
            self._loop = loop
        return loop

    async def _attempt(self, call: PreparedCall, destination: Destination, needs: Needs, *, fresh: bool) -> Result:
        """Wait until *call* may be sent, and exchange it for an answer in a task that no caller can cancel."""
        watching = None if needs.watch is None else needs.watch.waiting()
        try:
            self._check(call, destination)
            attempt = await admit(
                call, destination, needs, check=self._check, next_nonce=lambda: self._next_nonce(destination)
            )
        except ExchangeError as error:
            return Result(error=error)
        attempt.fresh, attempt.watch, loop = fresh, watching, attempt.permit.loop
        attempt.evidence.send_by = needs.send_by
        # Not the task itself is awaited: it would be cancelled together with its caller.
        attempt.ended = loop.create_future()
        task = loop.create_task(self._exchange(attempt, destination), name=call.endpoint.id)
        self._tasks[task] = call.endpoint.kind
        attempt.on_done = functools.partial(_done, self._tasks, attempt)
        task.add_done_callback(attempt.on_done)
        try:
            await attempt.ended
        except asyncio.CancelledError:
            attempt.evidence.caller_gone = True  # as long as nothing was sent, nothing will be
            if attempt.pending is not None:
                destination.calls.keep_outcome(attempt.pending)
            raise
        return Result(error=cancelled(call, is_closed=self._closed)) if task.cancelled() else task.result()

    async def _pause(self, result: Result, attempts: int, deadline: float) -> bool:
        """Wait before the next attempt, with full jitter; return False if there must be none."""
        error = result.error
        if isinstance(error, errors.NonceRejected) or (error is not None and isinstance(error.__cause__, Silent)):
            return True  # a fresh nonce or connection needs no pause
        if isinstance(error, errors.RateLimited) and (result.refusal is not None or error.status is None):
            # A closed limiter is a pause; but if the exchange has named the moment, the caller decides.
            return result.refusal is not None and not result.refusal.is_explicit
        seconds = random.uniform(0, BACKOFF_SECONDS * 2**attempts)
        if asyncio.get_running_loop().time() + seconds >= deadline:
            return False
        await asyncio.sleep(seconds)
        return True

    # In a task of the session's own

    async def _exchange(self, attempt: Attempt, destination: Destination) -> Result:
        """Exchange an admitted call for its result: nonce, sign, journal, send, interpret, release."""
        result: Result | None = None
        try:
            self._sign(attempt, destination)
            if not attempt.call.endpoint.kind.is_once:
                result = await self._send(attempt, destination)
                return result
            pending = await destination.calls.begin(attempt)
            try:
                result = await self._send(attempt, destination)
            except BaseException:
                # A transport of the caller has an error in its code, and may have sent the request all the same. A
                # test that fails in a mock raises no `Exception`.
                error = transport_failure(attempt, None, "the transport raised an exception")
                destination.calls.end(pending, attempt, Result(error=error))
                raise
            # Recorded before the release below, which lets the next call go: it must see how this one ended.
            return destination.calls.end(pending, attempt, result)
        except ExchangeError as error:
            return Result(error=error)
        finally:
            if attempt.lease is None:
                attempt.permit.end(sent=attempt.sent, complete=attempt.complete)
            else:
                with suppress(asyncio.CancelledError):  # from outside: the result is returned all the same
                    await release(attempt)
            # Here, and not when the task is done: that would be a turn of the loop later.
            attempt.wake_caller()
            if result is not None and attempt.on_done is not None:  # nothing is left to do when it is done
                own = cast("asyncio.Task[Result]", asyncio.current_task())
                own.remove_done_callback(attempt.on_done)
                del self._tasks[own]
                attempt.on_done = None

    def _sign(self, attempt: Attempt, destination: Destination) -> None:
        """Draw the nonce and sign. What was checked before the call waited is checked again."""
        call, scheme, credentials = attempt.call, destination.scheme, self._config.credentials
        if self._closed:
            raise _closed(call.endpoint)
        if fault := self._config.transport.fault:
            raise errors.UsageError(f"{call}: {fault}; nothing was sent", endpoint=call.endpoint.id)
        policy = NONE if scheme is None else scheme.policy
        timestamp_ms = int(self._config.wall_clock() * 1000)
        if policy is STRICT:
            leased = None if attempt.lease is None else attempt.lease.nonce
            nonce = str(self._next_nonce(destination) if leased is None else leased)
        else:
            nonce = unordered_nonce(policy, timestamp_ms)
        attempt.stamp = Stamp(nonce, timestamp_ms)
        if scheme is None or credentials is None:
            attempt.request = call.render()
        else:
            attempt.request = scheme.sign(call, credentials, attempt.stamp)

    async def _send(self, attempt: Attempt, destination: Destination) -> Result:
        """Send, wait for the answer until the deadline, and interpret it."""
        call = attempt.call
        if attempt.pending is not None:
            # The second guard: while this call waited, or the journal was written, the same call may have become
            # unresolved. A call that is recorded must end with a result, so this one is not raised.
            try:
                destination.calls.guard(call, attempt.pending.intent)
            except ExchangeError as refusal:
                return Result(error=refusal)
        attempt.sent, sent_at = True, attempt.permit.loop.time()
        verify: Verify | None = getattr(destination.scheme, "verify", None)
        try:
            attempt.evidence.require_caller()
            attempt.note_sent()
            answer = await self._config.transport.send(
                attempt.request,
                attempt.evidence,
                max_bytes=call.endpoint.max_bytes,
                priority=call.endpoint.kind.priority,
                deadline=attempt.deadline,
                fresh=attempt.fresh,
                # A signature covers the whole body, and a recorded body is kept whole.
                cutter=None if verify is not None or is_recorded() else cutter_of(call.endpoint, self._config.wire),
            )
            attempt.complete = True
            attempt.note_answered(answer.status)
            record(self, call.endpoint.id, answer, attempt.permit.loop.time() - sent_at)
            destination.calls.hear(answer.headers, sent_at)
            result = attempt.result = await self._interpret(attempt, answer, verify, destination.calls)
        except Lost as failure:
            if attempt.evidence.is_late:
                return Result(error=too_late(call))
            return Result(error=transport_failure(attempt, failure))
        except asyncio.CancelledError:
            if call.endpoint.kind is READ:
                raise
            error = transport_failure(attempt, None, "its task was cancelled from outside, before the answer came")
            # What is proven not to be sent leaves no doubt, for a cancel either.
            return Result(error=final_error(call, error, error if error.may_have_executed else None))
        finally:
            if attempt.evidence.nothing_left:  # proven, so that its slots are free at once
                attempt.sent = False
            # What the server has reset cannot arrive any more.
            attempt.complete = attempt.complete or attempt.evidence.was_reset
        attempt.permit.is_judged = result.is_judged
        if result.refusal is not None and attempt.lease is None:
            # While the permit is held: the limiter is closed before the next call is granted one.
            attempt.permit.limiter.refuse(attempt.permit, result.refusal)
        if result.nonce_floor is not None:
            destination.counter.raise_to(result.nonce_floor)
        return result

    async def _interpret(self, attempt: Attempt, answer: Answer, verify: Verify | None, calls: PendingCalls) -> Result:
        """Interpret a complete answer, a long one in slices, so that others run meanwhile."""
        if verify is not None and (credentials := self._config.credentials) is not None:
            attempt.is_verified = verify(credentials, attempt.stamp, answer.headers, answer.body)
        if not is_long(answer):
            return calls.compared(attempt, answer, interpret(attempt, answer, self._config.wire))
        steps = interpret_in_steps(attempt, answer, self._config.wire)
        return calls.compared(attempt, answer, await in_slices(steps, attempt.deadline))

    # Checks and nonces

    def _check(self, call: PreparedCall, destination: Destination) -> None:
        """Raise if a call must not be sent: the client is closed, or the same call is unresolved."""
        if self._closed:
            raise _closed(call.endpoint)
        if call.endpoint.is_guarded:
            destination.calls.guard(call)

    def _next_nonce(self, destination: Destination) -> int:
        return destination.counter.draw(int(self._config.wall_clock() * 1000))


def _done(tasks: dict[asyncio.Task[Any], Kind], attempt: Attempt, task: asyncio.Task[Result]) -> None:
    """Forget a task that has ended. The session is not held: it may be dropped as soon as its callers are woken."""
    del tasks[task]
    attempt.on_done = None
    attempt.wake_caller()  # of a task that was cancelled before it started
    if not task.cancelled():
        task.exception()  # retrieved, as asyncio reports it otherwise if the caller is gone
    _release_unstarted(tasks, attempt)


def _release_unstarted(tasks: dict[asyncio.Task[Any], Kind], attempt: Attempt) -> None:
    """Release what is still held: a task that is cancelled before it starts never gets to its `finally`."""
    if not attempt.permit.held:
        return
    ending = asyncio.get_running_loop().create_task(release(attempt))
    tasks[ending] = WRITE  # closing awaits it
    ending.add_done_callback(tasks.pop)
    # Whoever cancelled that may cancel this.
    ending.add_done_callback(lambda _: _release_unstarted(tasks, attempt))


def _closed(endpoint: Endpoint) -> errors.UsageError:
    return errors.UsageError(f"{endpoint.id}: the client is closed; nothing was sent", endpoint=endpoint.id)
