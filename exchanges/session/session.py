"""The path of a call: prepare, wait for the permit, attempt, and attempt again where that is safe.

What happens between permit and release is in `exchanges.session.attempts`.

Rules for editors:

1. Between the permit (with a shared state: the lease) and the beginning of the attempt there is no ``await``.
2. Retries are in `Session.call` and nowhere else. `WRITE` and `MONEY` are never repeated.
3. Only exceptions of our own tree leave `Session.call`, beside cancellation and errors in the code of a transport of
   the caller. Within, errors travel as `Result`: one that is never raised holds no frames.
"""

from __future__ import annotations

import asyncio
import math
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

from exchanges import errors
from exchanges.endpoint import MONEY, READ, Api, Endpoint
from exchanges.endpoint.call import PreparedCall
from exchanges.errors import DecodeError, ExchangeError, Unavailable
from exchanges.http.answer import Silent
from exchanges.http.signing import Credentials, Scheme
from exchanges.instrumentation.lines import Log
from exchanges.limits.limit import Limit
from exchanges.limits.pacing import pace
from exchanges.outcomes.attempt import Result
from exchanges.outcomes.classify import done_before, failed_unsent, final_error, out_of_time, repeatable
from exchanges.outcomes.pending import PendingCalls
from exchanges.session.admission import Needs, admit, admit_now, scope_of
from exchanges.session.attempts import Attempts, closed
from exchanges.session.config import Options, SessionConfig
from exchanges.session.destinations import Destination, Destinations
from exchanges.session.headroom import Limits
from exchanges.session.preparing import Preparer
from exchanges.session.watches import end, watch

__all__ = ["Session"]

logger = Log(__name__)

TIMEOUT_SECONDS = 30.0
BACKOFF_SECONDS = 0.25


class Session:
    """One account at one exchange: connections, nonces, limits, pending calls."""

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._destinations = Destinations(config)
        self._attempts = Attempts(config)
        self._preparer = Preparer(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        # Not before the last attempt has ended, though nobody may hold the session any more.
        weakref.finalize(self._attempts, self._destinations.dropped).atexit = False

    def __repr__(self) -> str:
        """Show state, no secrets."""
        bypasses = ", tracers bypassed" * self._config.transport.bypasses_tracers
        in_flight, closing = self._attempts.in_flight, ", closed" * self._attempts.is_closed
        return f"Session({self._config.server}, {in_flight} in flight{bypasses}{closing})"

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
            loop, destination, call = self._prepare(endpoint, arguments, options)
        finally:
            # A task that waits shows the locals of this frame; some arguments are secrets.
            arguments = {}
        began, default = loop.time(), self._config.timeout_seconds or endpoint.timeout_seconds or TIMEOUT_SECONDS
        deadline = began + (options.timeout_seconds or default)
        within = options.send_within_seconds or self._config.send_within_seconds
        send_by = math.inf if within is None or endpoint.kind is not MONEY else began + within
        if (paced := pace.get()) is not None:
            paced.note(destination.limiter)
        watching = watch(self._config.hooks, call, loop)
        attempts, doubtful, last, fresh, status, failure = 0, None, None, options.fresh, None, None
        try:
            while True:
                attempts += 1
                # A repetition must not take the last slots: they are for the cancels that may come.
                spare = last is not None and endpoint.kind is READ
                moment = began if last is None else loop.time()
                needs = Needs(deadline, send_by, spare, moment, scope_of(call), watching)
                result = await self._attempt(call, destination, needs, fresh=fresh)
                error = result.error if doubtful is None else result.error or done_before(call, result, doubtful)
                if error is None:
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
            if watching is not None:
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
        self._attempts.is_closed = True
        if loop is None or not loop.is_closed():
            self._attempts.give_up_reads()
            self._destinations.turn_away()
        else:
            self._attempts.forget()
        await self._attempts.ended()
        await self._destinations.close()
        await self._config.transport.aclose()

    def _prepare(
        self, endpoint: Endpoint, arguments: Mapping[str, Any], options: Options
    ) -> tuple[asyncio.AbstractEventLoop, Destination, PreparedCall]:
        """Return the loop, where a call is sent, and the call."""
        try:
            loop = asyncio.get_running_loop()
            if loop is not self._loop or self._attempts.is_closed:
                self._enter(endpoint, loop)
            destination = self._destinations.find(endpoint)
            return loop, destination, self._preparer.prepare(endpoint, arguments, options, destination.base_url)
        except ExchangeError:
            raise
        except Exception as fault:
            # Of a state, or of this machine; what a traceback shows of it includes the locals of this frame.
            raise failed_unsent(endpoint, endpoint.id, fault) from fault
        finally:
            arguments = {}

    def _enter(self, endpoint: Endpoint, loop: asyncio.AbstractEventLoop) -> None:
        """Record the loop of the first call; raise if this client cannot make calls in *loop*, or no more."""
        if self._attempts.is_closed:
            raise closed(endpoint)
        if self._loop is not None:
            raise errors.UsageError(
                f"{endpoint.id}: this client belongs to another event loop; create one client per loop",
                endpoint=endpoint.id,
            )
        self._loop = loop

    async def _attempt(self, call: PreparedCall, destination: Destination, needs: Needs, *, fresh: bool) -> Result:
        """Wait until *call* may be sent, and exchange it for an answer, whatever becomes of the caller meanwhile."""
        watching = None if needs.watch is None else needs.watch.waiting()
        try:
            # What the journal says is looked at when the lease is granted, or if the call has to wait.
            self._check(call, destination, is_alone=destination.shared_limiter is not None)
            attempt = admit_now(call, destination, needs) or await admit(
                call, destination, needs, check=self._check, wall_clock=self._config.wall_clock
            )
        except ExchangeError as error:
            return Result(error=error)
        except Exception as fault:  # noqa: BLE001 - nothing was sent, whatever it is
            return Result(error=failed_unsent(call.endpoint, str(call), fault, call.known_secrets))
        attempt.fresh, attempt.watch, loop = fresh, watching, attempt.permit.loop
        attempt.evidence.send_by = needs.send_by
        # Nothing is awaited that runs the attempt: it would be cancelled together with its caller.
        attempt.ended = loop.create_future()
        self._attempts.begin(attempt, destination)
        try:
            await attempt.ended
        except asyncio.CancelledError:
            attempt.evidence.caller_gone = True  # as long as nothing was sent, nothing will be
            if attempt.pending is not None:
                destination.calls.keep_outcome(attempt.pending)
            raise
        return self._attempts.result(attempt)

    async def _pause(self, result: Result, attempts: int, deadline: float) -> bool:
        """Wait before the next attempt, with full jitter; return False if there must be none."""
        error = result.error
        if isinstance(error, errors.NonceRejected) or (error is not None and isinstance(error.__cause__, Silent)):
            return True  # a fresh nonce or connection needs no pause
        if isinstance(error, errors.RateLimited) and (result.refusal is not None or error.status is None):
            # A closed limiter is a pause; but if the exchange has named the moment, the caller decides.
            return result.refusal is not None and not result.refusal.is_explicit
        import random  # noqa: PLC0415 - few calls are repeated

        seconds = random.uniform(0, BACKOFF_SECONDS * 2**attempts)
        if asyncio.get_running_loop().time() + seconds >= deadline:
            return False
        await asyncio.sleep(seconds)
        return True

    def _check(self, call: PreparedCall, destination: Destination, *, is_alone: bool = False) -> None:
        """Raise if a call must not be sent: the client is closed, or the same call is unresolved."""
        if self._attempts.is_closed:
            raise closed(call.endpoint)
        if call.endpoint.is_guarded:
            destination.calls.guard(call, is_alone=is_alone)
