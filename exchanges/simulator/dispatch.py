"""Dispatch: from a received request to its answer and its entry in the record.

A request has three stages. On *arrival* it is routed, read and counted against its limit. Then it is *delayed* as the
fault plan says, so that concurrent requests may overtake each other. Then it is *executed*: all checks and all effects
happen in one step without awaiting, so that of two requests one is complete before the other begins.

The fault of a request is drawn when its head is read from a connection; without a connection, on arrival.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any

from attrs import define, evolve

from exchanges.endpoint import Api, Endpoint, Kind
from exchanges.instrumentation.lines import Log
from exchanges.limits.limit import Scope
from exchanges.simulator.engine.arithmetic import calculates
from exchanges.simulator.engine.rate_count import Arrivals
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.faults.effects import FaultEffect
from exchanges.simulator.faults.plan import NO_FAULT, DrawnFault, FaultPlan
from exchanges.simulator.faults.points import BEFORE_EXECUTING, FaultPoint
from exchanges.simulator.faults.stream_points import StreamFault
from exchanges.simulator.http.arguments import read_fields
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest, Reply
from exchanges.simulator.http.router import Match, Router
from exchanges.simulator.record import Deed, Seen, Venue
from exchanges.simulator.venues.calls import Claim, ParsedRequest, Result, is_private
from exchanges.simulator.venues.venue import Exchange

logger = Log(__name__)

MAX_SEEN = 200_000
"""Number of requests that the record keeps; the oldest are dropped first. Executed writes are all kept."""


@define
class _Received:
    """One received request, and what is known about it so far."""

    request: HttpRequest
    arrived_at: float
    exchange: Exchange | None = None
    match: Match | None = None
    parsed: ParsedRequest | None = None
    claim: Claim | None = None
    refused: Refused | None = None
    fault: DrawnFault = NO_FAULT

    @property
    def endpoint(self) -> Endpoint | None:
        """The declared endpoint, if there is one."""
        return None if self.match is None else self.match.endpoint


class Dispatcher:
    """Dispatches requests to the venues.

    Args:
        venues: The exchanges that are played.
        plan: Draws the fault and the delay of each request.
        enforce_limits: Whether requests above a limit are rejected; they are counted in any case.
        now_ms: Simulated clock, in milliseconds since 1970.
        strict: Whether what real servers overlook is refused; see `simulate`.

    Attributes:
        answered: Called behind each answer.
    """

    def __init__(
        self,
        venues: Mapping[Venue, Exchange],
        plan: FaultPlan,
        *,
        enforce_limits: bool,
        now_ms: Callable[[], int],
        strict: bool = False,
    ) -> None:
        self.calls = 0
        self.errors = 0
        self.arrivals = Arrivals()
        self.seen: deque[Seen] = deque(maxlen=MAX_SEEN)
        self.deeds: list[Deed] = []
        self.hits: Counter[FaultPoint | StreamFault] = Counter()
        self.plan = plan
        self.answered: Callable[[], None] = lambda: None
        self._venues = venues
        self._enforce_limits = enforce_limits
        self._now_ms = now_ms
        self._strict = strict
        aliases = {alias: own for venue in venues.values() for alias, own in venue.aliases.items()}
        endpoints = (endpoint for venue in venues.values() for endpoint in venue.endpoints())
        self._router = Router(endpoints, aliases=aliases, strict=strict)
        self._timers: set[asyncio.TimerHandle] = set()

    # The server's `Gate`

    @property
    def idle_seconds(self) -> float | None:
        """Time after an answer at which a connection is closed; None: never."""
        return self.plan.faults.idle_seconds

    def accept(self) -> DrawnFault:
        """Draw and count the fault of a new connection."""
        fault = self.plan.for_connection()
        if fault.point is not None:
            self.hits[fault.point] += 1
        return fault

    def begin(self, verb: str, path: str) -> DrawnFault:
        """Draw the fault of a request whose head has been read."""
        match = self._router.find(verb, path)
        return self.plan.for_request(None if match is None or match.endpoint is None else match.endpoint.kind)

    # One request

    @calculates
    def receive(self, request: HttpRequest, reply: Reply, fault: DrawnFault | None = None) -> None:
        """Receive a request and call *reply* once with its answer, now or later.

        Args:
            request: The complete request.
            reply: Called with the answer.
            fault: The fault that `begin` has drawn; None: it is drawn now.
        """
        received = self._arrive(request, fault)
        delay = self.plan.delay_seconds()
        if not delay:
            self._execute(received, reply)
            return

        def wake() -> None:
            self._timers.discard(timer)
            self._execute(received, reply)

        timer = asyncio.get_running_loop().call_later(delay, wake)
        self._timers.add(timer)

    def malformed(self, status: int) -> None:
        """Record a request that was not valid HTTP."""
        self.calls += 1
        self.errors += 1
        arrived_at = asyncio.get_running_loop().time()
        self.seen.append(Seen(arrived_at, None, None, "", "", None, None, status, "malformed request"))

    def stop(self) -> None:
        """Drop the requests that are still delayed."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # Arrival

    def _arrive(self, request: HttpRequest, fault: DrawnFault | None) -> _Received:
        """Route a request, read it and count it against its limit."""
        self.calls += 1
        received = _Received(request, asyncio.get_running_loop().time())
        received.match = match = self._router.find(request.verb, request.path, request.query)
        if match is None:
            return received
        received.exchange = self._venues[Venue(match.api.exchange)]
        kind = None if match.endpoint is None else match.endpoint.kind
        received.fault = self.plan.for_request(kind) if fault is None else fault
        if received.fault.point is FaultPoint.CLOSE_INSIDE_REQUEST:
            # The rest of the request was never read: it can neither be parsed nor counted.
            return received
        if match.endpoint is None:
            received.refused = Refused(Reason.WRONG_VERB if match.other_verb else Reason.NO_SUCH_PATH)
        else:
            self._read(received, received.exchange, match.endpoint, match.in_path)
        if not self._count(received, match.api) and self._enforce_limits:
            # The limit comes first at a real exchange, whatever else is wrong with the request.
            received.refused = Refused(Reason.TOO_MANY_REQUESTS)
        return received

    def _read(self, received: _Received, exchange: Exchange, endpoint: Endpoint, in_path: Mapping[str, str]) -> None:
        try:
            fields = read_fields(endpoint, received.request, takes_json=exchange.takes_json, strict=self._strict)
            received.parsed = ParsedRequest(endpoint, in_path, received.request, fields)
            if is_private(endpoint):
                received.claim = exchange.generations[endpoint.api.name].claim(received.parsed)
        except Refused as refused:
            # Raised on execution only: a malformed request counts against its limit too.
            received.refused = refused

    def _count(self, received: _Received, api: Api) -> bool:
        """Count an arrival and return whether it is within its limit."""
        limit = api.public_limit if received.endpoint is None else received.endpoint.limit
        claim, exchange = received.claim, received.exchange
        subject = received.request.address
        # A key that no account has is counted by address: otherwise every invented key had a limit of its own.
        if limit.scope is Scope.KEY and claim and exchange and claim.key in exchange.accounts:
            subject = claim.key
        if received.endpoint is not None and received.endpoint.exempt:
            return True
        # No early exit: all of them count the arrival, even one that an earlier one rejects.
        counted = [self.arrivals.arrive(part, subject, received.arrived_at) for part in limit.parts]
        return all(counted)

    # Execution

    @calculates
    def _execute(self, received: _Received, reply: Reply) -> None:
        effect = self._effect(received)
        if effect is not None and effect.point in BEFORE_EXECUTING:
            result, outcome = Result(effect.replacement()), effect.point.value
        else:
            result, outcome = self._answer(received)
            if effect is not None:
                result = evolve(result, answer=effect.apply_to(result.answer))
        # Before the reply: a test that has the answer finds the request in the record.
        self._record(received, result, outcome, None if effect is None else effect.point)
        reply(self._dated(result.answer))
        self.answered()

    def _dated(self, answer: HttpAnswer) -> HttpAnswer:
        """Return *answer* with the moment of the simulated clock as its ``Date``."""
        date = formatdate(self._now_ms() / 1000, usegmt=True)
        return evolve(answer, headers=(*answer.headers, ("Date", date)))

    def _effect(self, received: _Received) -> FaultEffect | None:
        """Return the effect of the fault of a request; None if there is none, or it does not apply."""
        exchange, match, point = received.exchange, received.match, received.fault.point
        if point is None or exchange is None or match is None:
            return None
        if point is FaultPoint.REFUSE_NONCE and (received.claim is None or received.claim.nonce is None):
            return None
        api = match.api
        return FaultEffect(
            point=point,
            drawn=received.fault,
            faults=self.plan.faults,
            request=received.request,
            refuse=lambda refused: exchange.refusal(api, refused),
            now=self._now_ms() / 1000,
        )

    def _answer(self, received: _Received) -> tuple[Result, str]:
        """Execute a request; return the result and its outcome in words."""
        match, exchange = received.match, received.exchange
        if match is None or exchange is None:
            return Result(HttpAnswer(404, b"no exchange has this path", "text/plain")), Reason.NO_SUCH_PATH.value
        refused = received.refused
        if refused is not None or received.parsed is None:
            refused = refused or Refused(Reason.NO_SUCH_PATH)
            return Result(exchange.refusal(match.api, refused)), str(refused)
        try:
            result = exchange.answer(received.parsed, received.claim, self._now_ms())
            return result, "ok" if result.executed else "not simulated"
        except Refused as refused_by_venue:
            return Result(exchange.refusal(match.api, refused_by_venue)), str(refused_by_venue)
        except Exception:
            # A bug of the simulator must reach the client as a status, or a test would hang until its timeout.
            logger.exception("bug in the simulator: %s %s", received.request.verb, received.request.path)
            return Result(HttpAnswer(500, b"bug in the simulator", "text/plain")), "broken"

    # The record

    def _record(self, received: _Received, result: Result, outcome: str, fault: FaultPoint | None) -> None:
        self.errors += outcome != "ok"
        if fault is not None:
            self.hits[fault] += 1
        claim, endpoint, parsed = received.claim, received.endpoint, received.parsed
        common: dict[str, Any] = {
            "venue": None if received.exchange is None else received.exchange.venue,
            "endpoint": None if endpoint is None else endpoint.id,
            "key": claim.fingerprint if claim else None,
            "nonce": claim.nonce if claim else None,
            "status": result.answer.status,
            "fault": fault,
        }
        seen = Seen(
            arrived_at=received.arrived_at,
            verb=received.request.verb,
            path=received.request.path,
            outcome=outcome,
            executed=result.executed,
            **common,
        )
        self.seen.append(seen)
        if result.executed and parsed is not None and parsed.endpoint.kind is not Kind.READ:
            deed = Deed(
                at=asyncio.get_running_loop().time(),
                at_ms=self._now_ms(),
                kind=parsed.endpoint.kind,
                arguments=parsed.texts(claim),
                acting_for=claim.acting_for if claim else None,
                id=result.created_id,
                **common,
            )
            self.deeds.append(deed)
