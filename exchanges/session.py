"""The one way of a request: check, wait, draw the nonce, sign, send, judge, decode.

Theory. Waiting may be long and a nonce must not age, so the nonce is drawn and the request signed only with the grant
in hand. From the grant to the decoded answer everything runs in one task that the session owns: a caller that is
cancelled gets its `CancelledError` at once, while the request goes on to its answer or its deadline. So cancelling
never reaches httpx (whose pool it would poison), never opens a gap in the order of nonces, and the outcome of a money
call is learnt even when nobody waits for it.

Rules for editors:

1. Between the grant and the start of the task there is no ``await``.
2. The grant is released in a ``finally`` inside the task: when the answer is complete and judged, or when the deadline
   has passed and the connection is closed.
3. Retries live in `Session.call` and nowhere else. `WRITE` and `MONEY` are never repeated.
4. Only exceptions of our own tree leave `Session.call`; what remains is cancellation.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from typing import Any, get_origin

import anyio
from attrs import evolve, field, frozen

from exchanges import errors
from exchanges.endpoint import Access, Api, Endpoint, Kind
from exchanges.errors import DecodeError, ExchangeError, OutcomeUnknown, Problem, Unavailable
from exchanges.ledger import Grant, Ledger, Priority
from exchanges.nonces import NoncePolicy, unique_nonce
from exchanges.polling import pace
from exchanges.request import Draft, Request, draft
from exchanges.routes import Route, Routes, Setup
from exchanges.signing import Credentials, Stamp
from exchanges.transport import Answer, Evidence, Lost
from exchanges.verdicts import (
    Sent,
    bare,
    doubted,
    ended,
    final,
    lockout_seconds,
    lost,
    problem_of_status,
    refused,
    repeatable,
)
from exchanges.wire import Deviation, Json, loads

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
        return await self.session.call(endpoint, arguments, self.options)


class Session:
    """One account at one exchange: connections, nonces, limits."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._routes = Routes(setup)
        self._tasks: dict[asyncio.Task[Any], Kind] = {}
        self._asked: dict[str, float] = {}
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        """Show state, no secrets."""
        return f"Session({self._setup.server}, {len(self._tasks)} in flight{', closed' * self._closed})"

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
        route = self._routes.find(endpoint)
        sketch = draft(endpoint, arguments, route.base_url)
        if endpoint.access is Access.PRIVATE and options.private_fields:
            sketch = sketch.adding(**options.private_fields)
        seconds = options.timeout_seconds or self._setup.timeout_seconds or endpoint.timeout_seconds or TIMEOUT_SECONDS
        began = loop.time()
        self._spare(sketch, began)
        outcome = "-"
        try:
            value, status = await self._repeat(sketch, route, began + seconds)
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
        self._routes.leave()
        await self._setup.transport.aclose()

    # The loop of attempts

    async def _repeat(self, sketch: Draft, route: Route, deadline: float) -> tuple[Any, int]:
        endpoint, attempt, doubtful, last = sketch.endpoint, 0, None, None
        if (paced := pace.get()) is not None:
            paced.note(route.ledger, endpoint.cost)
        while True:
            attempt += 1
            try:
                return await self._attempt(sketch, route, deadline)
            except ExchangeError as error:
                if error.may_have_executed or isinstance(error, Unavailable | DecodeError):
                    doubtful = error
                if not repeatable(endpoint.kind, error, attempt) or not await self._pause(error, attempt, deadline):
                    # Where the limit lets no repetition go in time, the attempt before is what there is to tell.
                    told = last if last is not None and isinstance(error, errors.RateLimitTimeout) else error
                    verdict = final(sketch, told, doubtful)
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

    async def _attempt(self, sketch: Draft, route: Route, deadline: float) -> tuple[Any, int]:
        endpoint = sketch.endpoint
        self._check_open(endpoint)  # again, for a repetition
        priority = PRIORITIES[endpoint.kind]
        try:
            grant = await route.ledger.acquire(route.lane, priority, cost=endpoint.cost, deadline=deadline)
        except errors.RateLimitTimeout as error:
            self._check_open(endpoint)
            raise errors.RateLimitTimeout(f"{endpoint.id} ({endpoint}): {error}", endpoint=endpoint.id) from None
        if self._closed:
            grant.give_back()
            self._check_open(endpoint)
        task = asyncio.create_task(self._exchange(sketch, grant, deadline), name=endpoint.id)
        self._tasks[task] = endpoint.kind
        task.add_done_callback(self._tasks.pop)
        task.add_done_callback(lambda _: grant.give_back())  # still held only if the task was ended before it began
        done: tuple[Any, int] = await _result(task, sketch)
        return done

    # One exchange of a request for an answer, in a task of the session's own

    async def _exchange(self, sketch: Draft, grant: Grant, deadline: float) -> tuple[Any, int]:
        answer = None
        try:
            stamp = self._stamp(sketch.endpoint)
            sent = Sent(sketch, stamp, self._sign(sketch, stamp), Evidence())
        except BaseException:
            grant.give_back()
            raise
        try:
            answer = await self._send(sent, deadline)
            # With the grant in hand: a refusal for too many requests closes the ledger before anybody else is let go.
            return self._settle(sent, answer, grant.ledger), answer.status
        finally:
            grant.release(complete=answer is not None or sent.evidence.nothing_left)

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
            raise lost(sent, failure)
        return answer

    def _stamp(self, endpoint: Endpoint) -> Stamp:
        now_ms = int(self._setup.wall_clock() * 1000)
        policy = NoncePolicy.NONE if endpoint.access is Access.PUBLIC else endpoint.api.scheme.policy
        if policy is NoncePolicy.NONE:
            return Stamp("", now_ms)
        if policy is NoncePolicy.UNIQUE:
            return Stamp(unique_nonce(), now_ms)
        return Stamp(str(self._routes.counter().draw(now_ms)), now_ms)

    def _sign(self, sketch: Draft, stamp: Stamp) -> Request:
        if sketch.endpoint.access is Access.PUBLIC or self._setup.credentials is None:
            return sketch.render()
        return sketch.endpoint.api.scheme.sign(sketch, self._setup.credentials, stamp)

    def _settle(self, sent: Sent, answer: Answer, ledger: Ledger) -> Any:
        """Judge and decode a complete answer, and nothing but an error of ours comes out of it."""
        try:
            return self._judge(sent, answer, ledger)
        except DecodeError as error:
            failure = doubted(sent, error)
        except ExchangeError as error:
            failure = error
        except Exception as fault:  # noqa: BLE001 - a reader that an answer takes by surprise must not hide an outcome
            words = f"{sent}: the answer took its reader by surprise ({type(fault).__name__})"
            failure = doubted(sent, DecodeError(words, endpoint=sent.endpoint.id))
        raise bare(failure)

    def _judge(self, sent: Sent, answer: Answer, ledger: Ledger) -> Any:
        endpoint, status = sent.endpoint, answer.status
        if 200 <= status < 300:
            rows = self._setup.wire.rows(answer.body, endpoint.answer)
            if rows is not None:
                return rows
        value, fault = _content(endpoint, answer)
        problem = None if fault else endpoint.api.read_problem(status, value)
        problem = problem or problem_of_status(status, is_json=fault is None)
        if problem is not None:
            raise self._refused(sent, answer, problem, ledger)
        return self._decode(endpoint, value, fault)

    def _decode(self, endpoint: Endpoint, value: Json, fault: Deviation | None) -> Any:
        try:
            if fault is not None:
                raise fault
            payload = endpoint.api.payload(value)
        except Deviation as deviation:
            raise DecodeError(f"{endpoint.id}: expected {deviation.expected}", endpoint=endpoint.id) from None
        return self._setup.wire.structure(payload, endpoint.answer, endpoint.id)

    def _refused(self, sent: Sent, answer: Answer, problem: Problem, ledger: Ledger) -> ExchangeError:
        """Remember what *problem* says of limits and nonces, and tell what it means."""
        api = sent.endpoint.api
        if issubclass(problem.kind, errors.RateLimited):
            seconds = lockout_seconds(problem, answer.headers.get("retry-after"), api.lockout_seconds)
            ledger.close(asyncio.get_running_loop().time() + seconds)
            problem = evolve(problem, retry_after_seconds=seconds)
        if problem.nonce_floor is not None:
            self._routes.counter().raise_to(problem.nonce_floor)
        return refused(sent, answer.status, problem)

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

    def _spare(self, sketch: Draft, now: float) -> None:
        """Warn of a call that the exchange asked not to make so soon again."""
        endpoint = sketch.endpoint
        if endpoint.rarely_seconds is None:
            return
        last, self._asked[sketch.path] = self._asked.get(sketch.path), now
        if last is not None and now - last < endpoint.rarely_seconds:
            logger.warning(
                "%s: asked again after %.0f s; the exchange allows a few in %.0f s and its answer changes no sooner",
                endpoint.id,
                now - last,
                endpoint.rarely_seconds,
            )

    def _check_open(self, endpoint: Endpoint) -> None:
        if self._closed:
            raise errors.UsageError(f"{endpoint.id}: the client is closed; nothing was sent", endpoint=endpoint.id)


async def _result(task: asyncio.Task[Any], sketch: Draft) -> Any:
    """Wait for *task* without ever cancelling it; nobody need ask for its result when the waiting is cancelled."""
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake(_: asyncio.Task[Any]) -> None:
        if not waiter.done():
            waiter.set_result(None)

    task.add_done_callback(wake)
    try:
        await waiter
    except asyncio.CancelledError:
        task.add_done_callback(_forsaken)
        raise
    if task.cancelled():
        raise ended(sketch)
    return task.result()


def _text(body: bytes) -> tuple[Json, Deviation | None]:
    try:
        return body.decode(), None
    except UnicodeDecodeError:
        return None, Deviation("text in UTF-8")


def _content(endpoint: Endpoint, answer: Answer) -> tuple[Json, Deviation | None]:
    """Read the body as what it is declared to be."""
    if endpoint.text and answer.status < 300:
        return _text(answer.body)
    if endpoint.api.blank_lists and get_origin(endpoint.answer) is list and answer.status == 200 and not answer.body:
        return [], None
    return _json(answer.body)


def _json(body: bytes) -> tuple[Json, Deviation | None]:
    try:
        return loads(body), None
    except Deviation as deviation:
        return None, deviation


def _forsaken(task: asyncio.Task[Any]) -> None:
    """Say, now that the caller is gone, what became of a call that matters."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, OutcomeUnknown):
        logger.warning("%s: the caller was cancelled; %s", task.get_name(), error)
