"""The simulator: one server, the exchanges it plays, and the truth about what arrived.

A request passes through three moments. When it *arrives* it is counted against its limit. Then it lies about for as
long as its fate says, so that requests under way together may overtake each other. Then it is *settled*: checked and
carried out in one go, so that of two requests the one settled first is wholly before the other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Literal, overload

from attrs import define

from exchanges.endpoint import Api, Endpoint
from exchanges.limits import Scope
from exchanges.simulator.arguments import read_fields
from exchanges.simulator.bitex import Backstage, BitexPlay
from exchanges.simulator.bitso import BitsoBackstage, BitsoPlay
from exchanges.simulator.bitstamp import BitstampBackstage, BitstampPlay
from exchanges.simulator.counting import Arrivals
from exchanges.simulator.exchange import Asked, Claim, Exchange, Key, Keys, is_private
from exchanges.simulator.fates import Fates
from exchanges.simulator.faults import Fault, Refused
from exchanges.simulator.posting import Deliver, to_loopback
from exchanges.simulator.routes import Match, Router
from exchanges.simulator.server import HttpAnswer, HttpRequest, Listener, Reply
from exchanges.simulator.truth import Seen, Venue

__all__ = ["PLAYS", "Simulator", "serve", "simulate"]

logger = logging.getLogger(__name__)

PLAYS: dict[Venue, type[Exchange]] = {play.venue: play for play in (BitexPlay, BitsoPlay, BitstampPlay)}
DELAY_SECONDS = (0.0, 0.003)
REMEMBERED = 200_000
"""How many requests the record holds; older ones make room."""


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


class Simulator:
    """A server that plays exchanges; made by `simulate`.

    Args:
        venues: Whom it plays.
        seed: Where chance begins: the same requests at the same times get the same answers.
        limits: Whether too many requests are refused; they are counted in any case.
        fates: Decides what becomes of each request.
        clock: Wall clock in seconds since 1970; prices follow it, and all that takes time but limits.
    """

    def __init__(
        self, venues: tuple[Venue, ...], *, seed: int, limits: bool, fates: Fates, clock: Callable[[], float]
    ) -> None:
        self.base_url = ""
        self.calls = 0
        self.errors = 0
        self._clock = clock
        self._ahead_ms = 0
        self._fates = fates
        self._refuses = limits
        self._arrivals = Arrivals()
        self._record: deque[Seen] = deque(maxlen=REMEMBERED)
        self._timers: set[asyncio.TimerHandle] = set()
        self._plays = {venue: PLAYS[venue](seed, self._now_ms()) for venue in venues}
        self._router = Router(e for play in self._plays.values() for e in play.endpoints())
        self._listener = Listener(self._receive, self._malformed)

    def __repr__(self) -> str:
        """Show where it listens and whom it plays."""
        return f"Simulator({self.base_url or 'closed'}: {', '.join(self._plays)}; {self.calls} calls)"

    @overload
    def account(self, venue: Literal[Venue.BITEX], number: int = 0) -> Key: ...
    @overload
    def account(self, venue: Literal[Venue.BITSO, Venue.BITSTAMP], number: int = 0) -> Keys: ...
    @overload
    def account(self, venue: Venue, number: int = 0) -> Key | Keys: ...
    def account(self, venue: Venue, number: int = 0) -> Key | Keys:
        """Give the credentials of an account at *venue*: keyword arguments for its client.

        Args:
            venue: One that is played.
            number: Which account; each venue has two. At Bitex 0 is a reseller with a past, 1 an ordinary customer.
        """
        if venue not in self._plays:
            raise ValueError(f"{venue} is not played here")
        return list(self._plays[venue].accounts.values())[number].credentials

    @property
    def bitex(self) -> Backstage:
        """What happens at Bitex without its API: coins are sent, staff decides, callbacks go out."""
        play = self._plays.get(Venue.BITEX)
        if not isinstance(play, BitexPlay):
            raise ValueError("bitex is not played here")  # noqa: TRY004 - the caller's choice of venues is wrong
        return Backstage(play, self._now_ms)

    @property
    def bitso(self) -> BitsoBackstage:
        """What happens at Bitso without its API: deposits come, conversions fail."""
        play = self._plays.get(Venue.BITSO)
        if not isinstance(play, BitsoPlay):
            raise ValueError("bitso is not played here")  # noqa: TRY004 - the caller's choice of venues is wrong
        return BitsoBackstage(play, self._now_ms)

    @property
    def bitstamp(self) -> BitstampBackstage:
        """What happens at Bitstamp without its API: deposits come."""
        play = self._plays.get(Venue.BITSTAMP)
        if not isinstance(play, BitstampPlay):
            raise ValueError("bitstamp is not played here")  # noqa: TRY004 - the caller's choice of venues is wrong
        return BitstampBackstage(play, self._now_ms)

    def advance(self, seconds: float) -> None:
        """Move the simulated clock, and let happen in order what is due by then. Limits keep to real time.

        Prices move, deposits, withdrawals, payments and conversions go through their states, orders go on by one stage
        and trade with strangers who came to meet them.
        """
        if seconds < 0:
            raise ValueError("time does not go back")
        self._ahead_ms += round(seconds * 1000)
        for play in self._plays.values():
            play.pass_time(self._now_ms())

    @property
    def venues(self) -> tuple[Venue, ...]:
        """Whom it plays."""
        return tuple(self._plays)

    @property
    def requests(self) -> list[Seen]:
        """What arrived and what came of it, in the order of the answers."""
        return list(self._record)

    @property
    def limits(self) -> tuple[str, ...]:
        """The names of the limits that requests were counted against."""
        return self._arrivals.limits

    def busiest(self, limit: str) -> tuple[int, int]:
        """Give the largest number of requests that arrived in one window of *limit*, and how many are allowed.

        Raises:
            KeyError: Nothing was counted against a limit of this name.
        """
        return self._arrivals.busiest(limit)

    # Opening and closing

    async def start(self, host: str, port: int) -> None:
        """Listen."""
        port = await self._listener.start(host, port)
        self.base_url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def stop(self) -> None:
        """Answer what can be answered at once, drop the rest, close all connections."""
        try:
            await self._listener.stop()
        finally:
            for play in self._plays.values():
                await play.stop()
            for timer in self._timers:
                timer.cancel()
            self._timers.clear()

    # One request

    def _receive(self, request: HttpRequest, reply: Reply) -> None:
        visit = self._arrive(request)
        delay = self._fates.next().delay_seconds
        if not delay:
            self._settle(visit, reply)
            return

        def wake() -> None:
            self._timers.discard(timer)
            self._settle(visit, reply)

        timer = asyncio.get_running_loop().call_later(delay, wake)
        self._timers.add(timer)

    def _malformed(self, status: int) -> None:
        self.calls += 1
        self.errors += 1
        arrived_at = asyncio.get_running_loop().time()
        self._record.append(Seen(arrived_at, None, None, "", "", None, None, status, "malformed request"))

    def _arrive(self, request: HttpRequest) -> _Visit:
        """Find out what is asked by whom, and count it."""
        self.calls += 1
        visit = _Visit(request, asyncio.get_running_loop().time())
        visit.match = match = self._router.find(request.verb, request.path)
        if match is None:
            return visit
        visit.exchange = self._plays[Venue(match.api.exchange)]
        if match.endpoint is None:
            visit.refused = Refused(Fault.WRONG_VERB if match.other_verb else Fault.NO_SUCH_PATH)
        else:
            self._read(visit, visit.exchange, match.endpoint, match.in_path)
        if not self._count(visit, match.api, match.endpoint) and self._refuses:
            visit.refused = Refused(Fault.TOO_MANY_REQUESTS)
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
        return self._arrivals.arrive(limit, subject, visit.arrived_at)

    def _settle(self, visit: _Visit, reply: Reply) -> None:
        answer, outcome = self._answer(visit)
        self.errors += outcome != "ok"
        match = visit.match
        self._record.append(
            Seen(
                arrived_at=visit.arrived_at,
                venue=None if visit.exchange is None else visit.exchange.venue,
                endpoint=match.endpoint.id if match and match.endpoint else None,
                verb=visit.request.verb,
                path=visit.request.path,
                key=visit.claim.fingerprint if visit.claim else None,
                nonce=visit.claim.nonce if visit.claim else None,
                status=answer.status,
                outcome=outcome,
            )
        )
        reply(answer)

    def _answer(self, visit: _Visit) -> tuple[HttpAnswer, str]:
        match, exchange = visit.match, visit.exchange
        if match is None or exchange is None:
            return HttpAnswer(404, b"no exchange has this path", "text/plain"), Fault.NO_SUCH_PATH.value
        refused = visit.refused
        if refused is not None or visit.asked is None:
            refused = refused or Refused(Fault.NO_SUCH_PATH)
            return exchange.refusal(match.api, refused), str(refused)
        try:
            answer = exchange.answer(visit.asked, visit.claim, self._now_ms())
            return answer, "ok" if answer.status < 400 else "not simulated"
        except Refused as late:
            return exchange.refusal(match.api, late), str(late)
        except Exception:
            logger.exception("a fault of the simulator itself: %s %s", visit.request.verb, visit.request.path)
            return HttpAnswer(500, b"a fault of the simulator itself", "text/plain"), "broken"

    def _now_ms(self) -> int:
        return int(self._clock() * 1000) + self._ahead_ms


@asynccontextmanager
async def simulate(
    *venues: Venue,
    seed: int = 0,
    host: str = "127.0.0.1",
    port: int = 0,
    delay_seconds: tuple[float, float] = DELAY_SECONDS,
    limits: bool = True,
    clock: Callable[[], float] = time.time,
    deliver: Deliver = to_loopback,
) -> AsyncGenerator[Simulator]:
    """Play exchanges on a server of one's own while the block lasts.

    Args:
        venues: Whom to play; none: all.
        seed: Where chance begins: the same requests at the same times get the same answers.
        host: Where to listen.
        port: Where to listen; 0: where there is room.
        delay_seconds: Least and largest time for which a request lies about before it is looked at; (0, 0): none.
        limits: Whether too many requests are refused; they are counted in any case.
        clock: Wall clock in seconds since 1970; prices follow it.
        deliver: Carries what Bitex posts. Unless given, only what is addressed to http on a loopback address goes
            out; `Simulator.bitex` keeps all of it. `forward_to` makes one that posts to a server of your own.
    """
    simulator = Simulator(
        venues or tuple(Venue), seed=seed, limits=limits, fates=Fates(seed, delay_seconds), clock=clock
    )
    if Venue.BITEX in simulator.venues:
        simulator.bitex.deliver = deliver
    await simulator.start(host, port)
    try:
        yield simulator
    finally:
        await simulator.stop()


async def serve(
    *venues: Venue,
    seed: int = 0,
    host: str = "127.0.0.1",
    port: int = 8080,
    ready: Callable[[Simulator], object] = lambda _: None,
) -> None:
    """Play exchanges until cancelled.

    Args:
        venues: Whom to play; none: all.
        seed: Where chance begins.
        host: Where to listen.
        port: Where to listen; 0: where there is room.
        ready: Called once when the server listens.
    """
    async with simulate(*venues, seed=seed, host=host, port=port) as simulator:
        ready(simulator)
        await asyncio.get_running_loop().create_future()
