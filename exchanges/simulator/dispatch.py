"""How a request is received: the truth about what arrived, and what came of it.

A request passes through three moments. When it *arrives* it is counted against its limit. Then it lies about for as
long as its fate says, so that requests under way together may overtake each other. Then it is *settled*: checked and
carried out in one go, so that of two requests the one settled first is wholly before the other.

What goes wrong was decided before: when the head of a request was read from a connection, or else on its arrival.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping

from attrs import define, evolve

from exchanges.endpoint import Api, Endpoint, Kind
from exchanges.limits.limit import Scope
from exchanges.simulator.engine.rate_count import Arrivals
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.faults.effects import Trouble
from exchanges.simulator.faults.plan import POLITE, Fate, Fates
from exchanges.simulator.faults.points import BEFORE_EXECUTING, FaultPoint
from exchanges.simulator.http.arguments import read_fields
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest, Reply
from exchanges.simulator.http.router import Match, Router
from exchanges.simulator.record import Deed, Seen, Venue
from exchanges.simulator.venues.venue import Asked, Claim, Done, Exchange, is_private

__all__ = ["Reception"]

logger = logging.getLogger(__name__)

REMEMBERED = 200_000
"""How many requests the record holds; older ones make room. Deeds are all kept."""


@define
class _Visit:
    """One request on its way through the exchange."""

    request: HttpRequest
    arrived_at: float
    exchange: Exchange | None = None
    match: Match | None = None
    asked: Asked | None = None
    claim: Claim | None = None
    refused: Refused | None = None
    fate: Fate = POLITE

    @property
    def kind(self) -> Kind | None:
        """Of what is asked, if that is declared."""
        return None if self.match is None or self.match.endpoint is None else self.match.endpoint.kind


class Reception:
    """Receives requests for the exchanges that are played.

    Args:
        plays: The exchanges.
        fates: Decides what becomes of each request.
        refuses: Whether too many requests are refused; they are counted in any case.
        now_ms: Simulated clock, in milliseconds since 1970.
    """

    def __init__(
        self, plays: Mapping[Venue, Exchange], fates: Fates, *, refuses: bool, now_ms: Callable[[], int]
    ) -> None:
        self.calls = 0
        self.errors = 0
        self.arrivals = Arrivals()
        self.seen: deque[Seen] = deque(maxlen=REMEMBERED)
        self.deeds: list[Deed] = []
        self.hits: Counter[FaultPoint] = Counter()
        self.fates = fates
        self._plays = plays
        self._refuses = refuses
        self._now_ms = now_ms
        self._router = Router(e for play in plays.values() for e in play.endpoints())
        self._timers: set[asyncio.TimerHandle] = set()

    # What a server asks before a request is there

    @property
    def idle_seconds(self) -> float | None:
        """How long after an answer a connection is closed."""
        return self.fates.faults.idle_seconds

    def accept(self) -> Fate:
        """Decide the fate of a connection that was made."""
        fate = self.fates.of_connection()
        if fate.fault is not None:
            self.hits[fate.fault] += 1
        return fate

    def begin(self, verb: str, path: str) -> Fate:
        """Decide the fate of a request whose head was read."""
        match = self._router.find(verb, path)
        return self.fates.of_request(None if match is None or match.endpoint is None else match.endpoint.kind)

    # One request

    def receive(self, request: HttpRequest, reply: Reply) -> None:
        """Take a request; *reply* is called once, now or later, with what becomes of its answer."""
        visit = self._arrive(request)
        delay = self.fates.delay_seconds()
        if not delay:
            self._settle(visit, reply)
            return

        def wake() -> None:
            self._timers.discard(timer)
            self._settle(visit, reply)

        timer = asyncio.get_running_loop().call_later(delay, wake)
        self._timers.add(timer)

    def malformed(self, status: int) -> None:
        """Take note of what was no request."""
        self.calls += 1
        self.errors += 1
        arrived_at = asyncio.get_running_loop().time()
        self.seen.append(Seen(arrived_at, None, None, "", "", None, None, status, "malformed request"))

    def stop(self) -> None:
        """Give up what was not settled."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # Within

    def _arrive(self, request: HttpRequest) -> _Visit:
        """Find out what is asked by whom, and count it."""
        self.calls += 1
        visit = _Visit(request, asyncio.get_running_loop().time())
        visit.match = match = self._router.find(request.verb, request.path)
        if match is None:
            return visit
        visit.exchange = self._plays[Venue(match.api.exchange)]
        visit.fate = self.fates.of_request(visit.kind) if request.fate is None else request.fate
        if visit.fate.fault is FaultPoint.CLOSE_INSIDE_REQUEST:
            return visit
        if match.endpoint is None:
            visit.refused = Refused(Reason.WRONG_VERB if match.other_verb else Reason.NO_SUCH_PATH)
        else:
            self._read(visit, visit.exchange, match.endpoint, match.in_path)
        if not self._count(visit, match.api, match.endpoint) and self._refuses:
            visit.refused = Refused(Reason.TOO_MANY_REQUESTS)
        return visit

    def _read(self, visit: _Visit, exchange: Exchange, endpoint: Endpoint, in_path: Mapping[str, str]) -> None:
        try:
            visit.asked = Asked(endpoint, in_path, visit.request, read_fields(endpoint, visit.request))
            if is_private(endpoint):
                visit.claim = exchange.claim(visit.asked)
        except Refused as refused:
            visit.refused = refused

    def _count(self, visit: _Visit, api: Api, endpoint: Endpoint | None) -> bool:
        """Count an arrival; say whether it is within its limit. Nobody's key counts as an address."""
        limit = api.public_limit if endpoint is None else endpoint.limit
        subject = visit.request.address
        if limit.scope is Scope.KEY and visit.claim and visit.exchange and visit.claim.key in visit.exchange.accounts:
            subject = visit.claim.key
        return self.arrivals.arrive(limit, subject, visit.arrived_at)

    def _settle(self, visit: _Visit, reply: Reply) -> None:
        trouble = self._trouble(visit)
        if trouble is not None and trouble.point in BEFORE_EXECUTING:
            done, outcome = Done(trouble.in_place()), trouble.point.value
        else:
            done, outcome = self._answer(visit)
            if trouble is not None:
                done = evolve(done, answer=trouble.tampered(done.answer))
        self._remember(visit, done, outcome, None if trouble is None else trouble.point)
        reply(done.answer)

    def _trouble(self, visit: _Visit) -> Trouble | None:
        """Make out what goes wrong; None where it cannot."""
        exchange, match, point = visit.exchange, visit.match, visit.fate.fault
        if point is None or exchange is None or match is None:
            return None
        if point is FaultPoint.REFUSE_NONCE and (visit.claim is None or visit.claim.nonce is None):
            return None
        api = match.api
        return Trouble(
            point=point,
            fate=visit.fate,
            faults=self.fates.faults,
            request=visit.request,
            refuse=lambda refused: exchange.refusal(api, refused),
            now=self._now_ms() / 1000,
        )

    def _answer(self, visit: _Visit) -> tuple[Done, str]:
        match, exchange = visit.match, visit.exchange
        if match is None or exchange is None:
            return Done(HttpAnswer(404, b"no exchange has this path", "text/plain")), Reason.NO_SUCH_PATH.value
        refused = visit.refused
        if refused is not None or visit.asked is None:
            refused = refused or Refused(Reason.NO_SUCH_PATH)
            return Done(exchange.refusal(match.api, refused)), str(refused)
        try:
            done = exchange.answer(visit.asked, visit.claim, self._now_ms())
            return done, "ok" if done.executed else "not simulated"
        except Refused as late:
            return Done(exchange.refusal(match.api, late)), str(late)
        except Exception:
            logger.exception("a fault of the simulator itself: %s %s", visit.request.verb, visit.request.path)
            return Done(HttpAnswer(500, b"a fault of the simulator itself", "text/plain")), "broken"

    def _remember(self, visit: _Visit, done: Done, outcome: str, fault: FaultPoint | None) -> None:
        self.errors += outcome != "ok"
        if fault is not None:
            self.hits[fault] += 1
        match, claim = visit.match, visit.claim
        self.seen.append(
            Seen(
                arrived_at=visit.arrived_at,
                venue=None if visit.exchange is None else visit.exchange.venue,
                endpoint=match.endpoint.id if match and match.endpoint else None,
                verb=visit.request.verb,
                path=visit.request.path,
                key=claim.fingerprint if claim else None,
                nonce=claim.nonce if claim else None,
                status=done.answer.status,
                outcome=outcome,
                fault=fault,
                executed=done.executed,
            )
        )
        if done.executed and visit.asked is not None and visit.kind is not Kind.READ:
            self.deeds.append(self._deed(visit.asked, claim, done, fault))

    def _deed(self, asked: Asked, claim: Claim | None, done: Done, fault: FaultPoint | None) -> Deed:
        return Deed(
            at=asyncio.get_running_loop().time(),
            at_ms=self._now_ms(),
            venue=Venue(asked.endpoint.api.exchange),
            endpoint=asked.endpoint.id,
            kind=asked.endpoint.kind,
            key=claim.fingerprint if claim else None,
            arguments=asked.words(claim),
            nonce=claim.nonce if claim else None,
            acting_for=claim.acting_for if claim else None,
            id=done.made,
            status=done.answer.status,
            fault=fault,
        )
