"""The one way of a request: check, wait, draw the nonce, sign, send, judge, decode.

Theory. Waiting may be long and a nonce must not age, so the nonce is drawn and the request signed only with the grant
in hand. From the grant to the decoded answer everything runs in one task that the session owns: a caller that is
cancelled gets its `CancelledError` at once, while the request goes on to its answer or its deadline. So cancelling
never reaches httpx (whose pool it would poison), never opens a gap in the order of nonces, and the outcome of a money
call is learnt even when nobody waits for it.

Rules for editors:

1. Between the grant (with a shared state: the passage through its gate) and the start of the task there is no
   ``await``.
2. The grant is released in a ``finally`` inside the task: when the answer is complete and judged, or when the deadline
   has passed and the connection is closed.
3. Retries live in `Session.call` and nowhere else. `WRITE` and `MONEY` are never repeated.
4. Only exceptions of our own tree leave `Session.call`; what remains is cancellation.
"""

from __future__ import annotations

import asyncio
import logging
import random
import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import uuid4

import anyio
from attrs import define, field, frozen

from exchanges import errors
from exchanges.endpoint import Access, Api, Endpoint, Kind
from exchanges.endpoint.call import PreparedCall, prepare
from exchanges.errors import DecodeError, ExchangeError, Unavailable
from exchanges.http.request import Request
from exchanges.http.signing import Credentials, NoncePolicy, Stamp, unique_nonce
from exchanges.http.transport import Answer, Evidence, Lost
from exchanges.limits.limiter import Priority
from exchanges.limits.pacing import pace
from exchanges.outcomes.classify import Sent, cancelled, final_error, repeatable, transport_failure, without_traceback
from exchanges.outcomes.pending import PendingCall, PendingCalls
from exchanges.outcomes.response import interpret
from exchanges.session.admission import Hold, Say, admit
from exchanges.session.destinations import Destination, Destinations, SessionConfig

__all__ = ["Options", "Session", "View"]

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 30.0
BACKOFF_SECONDS = 0.25
PRIORITIES = {
    Kind.IDEMPOTENT: Priority.CANCEL,
    Kind.MONEY: Priority.MONEY,
    Kind.WRITE: Priority.MONEY,
    Kind.READ: Priority.READ,
}


@frozen(eq=False, repr=False)
class Options:
    """What may differ from view to view of one session.

    Attributes:
        timeout_seconds: Total per call, waiting included; None for the default of the endpoint or the session.
        private_fields: Put on every call whose access is PRIVATE.
    """

    timeout_seconds: float | None = None
    private_fields: Mapping[str, str] = field(factory=dict[str, str])


@frozen(eq=False, repr=False)
class View:
    """A session with options: what areas call."""

    session: Session
    options: Options

    async def call(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Any:
        """Carry one call through."""
        answer = self.session.call(endpoint, arguments, self.options)
        del arguments  # some are secrets, and a traceback may show locals
        try:
            return await answer
        except ExchangeError as error:
            raise without_traceback(error) from error.__cause__


@define(eq=False, repr=False)
class _Way:
    """One attempt, from the grant to the answer.

    Attributes:
        call: What is called.
        hold: What it holds while it is on its way.
        deadline: On the clock of the loop.
        flight: What the book says of it; only calls that are never repeated are in it.
        forsaken: Whether its caller is gone.
    """

    call: PreparedCall
    hold: Hold
    deadline: float
    pending: PendingCall | None = None
    caller_gone: bool = False


class Session:
    """One account at one exchange: connections, nonces, limits."""

    def __init__(self, setup: SessionConfig) -> None:
        self._setup = setup
        self._routes = Destinations(setup)
        self._calls: PendingCalls | None = None
        self._tasks: dict[asyncio.Task[Any], Kind] = {}
        self._asked: dict[str, float] = {}
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        weakref.finalize(self, self._routes.dropped).atexit = False

    def __repr__(self) -> str:
        """Show state, no secrets."""
        return f"Session({self._setup.server}, {len(self._tasks)} in flight{', closed' * self._closed})"

    @property
    def calls(self) -> PendingCalls:
        """The book of calls that are never repeated."""
        if self._calls is None:
            self._calls = self._routes.open_book()
        return self._calls

    @property
    def credentials(self) -> Credentials | None:
        """What private calls are signed with."""
        return self._setup.credentials

    def base_url(self, api: Api) -> str:
        """Find scheme, host and path prefix of *api*."""
        return self._routes.base_url(api)

    async def call(self, endpoint: Endpoint, arguments: Mapping[str, Any], options: Options) -> Any:
        """Carry one call through, repeating it where that is safe.

        Raises:
            ExchangeError: See `exchanges.errors`.
        """
        loop = self._enter(endpoint)
        credentials = self._setup.credentials
        call = prepare(
            endpoint,
            arguments,
            self.base_url(endpoint.api),
            acting=options.private_fields if endpoint.access is Access.PRIVATE else {},
            tag=f"aio-{uuid4().hex[:16]}" if endpoint.kind.is_once else None,
            secrets=() if credentials is None else credentials.secrets,
        )
        del arguments  # as in `View.call`
        route = self._routes.find(endpoint)
        seconds = options.timeout_seconds or self._setup.timeout_seconds or endpoint.timeout_seconds or TIMEOUT_SECONDS
        began = loop.time()
        self._spare(call, began)
        outcome = "-"
        try:
            value, status = await self._repeat(call, route, began + seconds)
            outcome = str(status)
        except ExchangeError as error:
            outcome = f"{error.status or '-'} {type(error).__name__}"
            raise
        else:
            return value
        finally:
            if logger.isEnabledFor(logging.INFO):
                logger.info("%s %s %s %.0f ms", endpoint.verb, endpoint.id, outcome, (loop.time() - began) * 1000)

    async def aclose(self) -> None:
        """Refuse new calls, await money and writes to their deadline, end reads, close the connections."""
        self._closed = True
        for task in [t for t, kind in self._tasks.items() if kind is Kind.READ]:
            task.cancel()
        self._routes.turn_away()
        while self._tasks:
            await asyncio.wait(list(self._tasks))
        if self._calls is not None:
            await self._calls.written()
        self._routes.leave()
        await self._setup.transport.aclose()

    # The loop of attempts

    async def _repeat(self, call: PreparedCall, route: Destination, deadline: float) -> tuple[Any, int]:
        endpoint, attempt, doubtful, last = call.endpoint, 0, None, None
        if (paced := pace.get()) is not None:
            paced.note(route.limiter)
        while True:
            attempt += 1
            try:
                return await self._attempt(call, route, deadline)
            except ExchangeError as error:
                if error.may_have_executed or isinstance(error, Unavailable | DecodeError):
                    doubtful = error
                if not repeatable(endpoint.kind, error, attempt) or not await self._pause(error, attempt, deadline):
                    # Where the limit lets no repetition go in time, the attempt before is what there is to tell.
                    told = last if last is not None and isinstance(error, errors.RateLimitTimeout) else error
                    verdict = final_error(call, told, doubtful)
                    raise verdict from verdict.__cause__
                last = error

    async def _pause(self, error: ExchangeError, attempt: int, deadline: float) -> bool:
        """Wait before the next attempt, with full jitter; False if the deadline does not allow one."""
        if isinstance(error, errors.NonceRejected | errors.RateLimited):
            return True  # a fresh nonce needs no pause, and a closed ledger is one
        seconds = random.uniform(0, BACKOFF_SECONDS * 2**attempt)
        if asyncio.get_running_loop().time() + seconds >= deadline:
            return False
        await asyncio.sleep(seconds)
        return True

    async def _attempt(self, call: PreparedCall, route: Destination, deadline: float) -> tuple[Any, int]:
        endpoint = call.endpoint
        hold = await admit(
            call, route, PRIORITIES[endpoint.kind], deadline, Say(lambda: self._check(call), self._next_nonce)
        )
        way = _Way(call, hold, deadline)
        task = asyncio.create_task(self._exchange(way), name=endpoint.id)
        self._tasks[task] = endpoint.kind
        task.add_done_callback(self._tasks.pop)
        task.add_done_callback(lambda _: self._clear(way))
        done: tuple[Any, int] = await self._result(task, way)
        return done

    # One exchange of a request for an answer, in a task of the session's own

    async def _exchange(self, way: _Way) -> tuple[Any, int]:
        try:
            if not way.call.endpoint.kind.is_once:
                return await self._carry(self._prepare(way), way)
            return await self._carry_once(self._prepare(way), way)
        finally:
            with suppress(asyncio.CancelledError):  # from outside: what was learnt is told all the same
                await way.hold.let_go(way.call)

    def _clear(self, way: _Way) -> None:
        """See to it that nothing is held where the task was ended before it began."""
        if way.hold.permit.held:
            task = asyncio.get_running_loop().create_task(way.hold.let_go(way.call))
            self._tasks[task] = Kind.WRITE  # closing awaits it
            task.add_done_callback(self._tasks.pop)

    def _prepare(self, way: _Way) -> Sent:
        if fault := self._setup.transport.fault:
            words = f"{way.call}: {fault}; nothing was sent"
            raise errors.UsageError(words, endpoint=way.call.endpoint.id)
        stamp = self._stamp(way)
        return Sent(way.call, stamp, self._sign(way.call, stamp), Evidence())

    async def _carry_once(self, sent: Sent, way: _Way) -> tuple[Any, int]:
        """Carry through what is never repeated, and note how it ends."""
        way.pending = pending = await self.calls.begin(sent)
        value, status, error = None, 0, None
        try:
            if way.caller_gone:
                raise cancelled(way.call)
            self.calls.guard(way.call)  # again: the journal took its time
            value, status = await self._carry(sent, way)
        except ExchangeError as failed:
            error = failed
        error = self.calls.end(pending, sent, value, error)
        if error is not None:
            raise error
        return value, status

    async def _carry(self, sent: Sent, way: _Way) -> tuple[Any, int]:
        hold = way.hold
        hold.handed_over = True
        try:
            answer = await self._send(sent, way.deadline)
        except asyncio.CancelledError:
            if sent.endpoint.kind is Kind.READ:
                raise
            error = transport_failure(sent, None, "its task was cancelled from outside, before the answer came")
            raise final_error(sent.call, error, error) from None
        finally:
            hold.is_complete = sent.evidence.nothing_left
        hold.is_complete = True
        said = interpret(sent, answer, self._setup.wire)
        if said.closed_seconds is not None:
            # With the grant in hand: the ledger closes before anybody else is let go.
            hold.closed_seconds = said.closed_seconds
            hold.permit.limiter.close(asyncio.get_running_loop().time() + said.closed_seconds)
        if said.nonce_floor is not None:
            hold.nonce_floor = said.nonce_floor
            self._routes.counter().raise_to(said.nonce_floor)
        if said.error is not None:
            del answer  # which a traceback would keep
            raise said.error
        return said.value, answer.status

    async def _send(self, sent: Sent, deadline: float) -> Answer:
        endpoint, answer, failure = sent.endpoint, None, None
        try:
            with anyio.move_on_after(deadline - asyncio.get_running_loop().time()):
                answer = await self._setup.transport.send(
                    sent.request, sent.evidence, max_bytes=endpoint.max_bytes, careful=endpoint.kind is not Kind.READ
                )
        except Lost as lost_on_the_way:
            failure = lost_on_the_way.bare()
        if answer is None:
            raise transport_failure(sent, failure)
        return answer

    def _stamp(self, way: _Way) -> Stamp:
        endpoint, now_ms = way.call.endpoint, int(self._setup.wall_clock() * 1000)
        policy = NoncePolicy.NONE if endpoint.access is Access.PUBLIC else endpoint.api.scheme.policy
        if policy is NoncePolicy.NONE:
            return Stamp("", now_ms)
        if policy is NoncePolicy.UNIQUE:
            return Stamp(unique_nonce(), now_ms)
        passage = way.hold.passage
        if passage is not None and passage.nonce is not None:
            return Stamp(str(passage.nonce), now_ms)
        return Stamp(str(self._next_nonce()), now_ms)

    def _next_nonce(self) -> int:
        return self._routes.counter().draw(int(self._setup.wall_clock() * 1000))

    def _sign(self, call: PreparedCall, stamp: Stamp) -> Request:
        credentials = self._setup.credentials
        if credentials is None or call.endpoint.access is Access.PUBLIC:
            return call.render()
        return call.endpoint.api.scheme.sign(call, credentials, stamp)

    # What a call needs

    def _enter(self, endpoint: Endpoint) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        self._check_open(endpoint)
        if self._loop is not loop:
            if self._loop is not None:
                raise errors.UsageError(
                    f"{endpoint.id}: this client belongs to another event loop; make one client per loop",
                    endpoint=endpoint.id,
                )
            self._loop = loop
        if endpoint.access is not Access.PUBLIC:
            self._routes.require_credentials(endpoint)
        return loop

    def _spare(self, call: PreparedCall, now: float) -> None:
        """Warn of a call that the exchange asked not to make so soon again."""
        endpoint = call.endpoint
        if endpoint.rarely_seconds is None:
            return
        last, self._asked[call.path] = self._asked.get(call.path), now
        if last is not None and now - last < endpoint.rarely_seconds:
            logger.warning(
                "%s: asked again after %.0f s; the exchange allows a few in %.0f s and its answer changes no sooner",
                endpoint.id,
                now - last,
                endpoint.rarely_seconds,
            )

    def _check(self, call: PreparedCall) -> None:
        """Refuse what must not go (any more): while this call waited, others closed the client or became unresolved."""
        self._check_open(call.endpoint)
        if call.endpoint.kind is Kind.MONEY:
            self.calls.guard(call)

    def _check_open(self, endpoint: Endpoint) -> None:
        if self._closed:
            raise errors.UsageError(f"{endpoint.id}: the client is closed; nothing was sent", endpoint=endpoint.id)

    async def _result(self, task: asyncio.Task[Any], way: _Way) -> Any:
        """Wait for *task* without ever cancelling it; nobody need ask for its result when the waiting is cancelled."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake(_: asyncio.Task[Any]) -> None:
            if not waiter.done():
                waiter.set_result(None)

        task.add_done_callback(wake)
        try:
            await waiter
        except asyncio.CancelledError:
            way.caller_gone = True  # as long as nothing has left, nothing will
            if way.pending is not None:
                self.calls.keep_outcome(way.pending)
            task.add_done_callback(_forsaken)
            raise
        if task.cancelled():
            raise cancelled(way.call)
        return task.result()


def _forsaken(task: asyncio.Task[Any]) -> None:
    """Take note of an error that nobody waits for any more; of a call that matters the book has taken care."""
    if not task.cancelled():
        task.exception()
