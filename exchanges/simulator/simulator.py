"""The simulator: one server, the exchanges it plays, and the truth about what arrived."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Literal, overload

from exchanges.simulator.dispatch import Dispatcher
from exchanges.simulator.engine.snapshots import Lateness
from exchanges.simulator.faults.plan import FaultPlan
from exchanges.simulator.faults.points import FaultPoint, Faults, FaultShares
from exchanges.simulator.http.messages import HttpRequest, Reply
from exchanges.simulator.record import Deed, Seen, Venue
from exchanges.simulator.server import Listener
from exchanges.simulator.venues.bitex import Backstage, BitexPlay
from exchanges.simulator.venues.bitso import BitsoBackstage, BitsoPlay
from exchanges.simulator.venues.bitstamp import BitstampBackstage, BitstampPlay
from exchanges.simulator.venues.venue import Exchange, Key, Keys
from exchanges.simulator.webhooks import Deliver, to_loopback

__all__ = ["PLAYS", "Simulator", "serve", "simulate"]

PLAYS: dict[Venue, type[Exchange]] = {play.venue: play for play in (BitexPlay, BitsoPlay, BitstampPlay)}
DELAY_SECONDS = (0.0, 0.003)


class Simulator:
    """A server that plays exchanges; made by `simulate`.

    Args:
        venues: Whom it plays.
        seed: Where chance begins: the same requests at the same times get the same answers.
        limits: Whether too many requests are refused; they are counted in any case.
        plan: Decides which requests fail.
        clock: Wall clock in seconds since 1970; prices follow it, and all that takes time but limits.
    """

    def __init__(
        self, venues: tuple[Venue, ...], *, seed: int, limits: bool, plan: FaultPlan, clock: Callable[[], float]
    ) -> None:
        self.base_url = ""
        self._seed = seed
        self._clock = clock
        self._ahead_ms = 0
        self._plays = {venue: PLAYS[venue](seed, self._now_ms()) for venue in venues}
        self._dispatcher = Dispatcher(self._plays, plan, enforce_limits=limits, now_ms=self._now_ms)
        self._listener = Listener(self._dispatcher.receive, self._dispatcher.malformed)
        self.faults = plan.faults

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

    # What goes wrong

    @property
    def faults(self) -> Faults:
        """What goes wrong, and how often; may be set at any time, for all that comes later.

        What is not visible yet stays so until its time has come, unless nothing is to be late any more.
        """
        return self._dispatcher.plan.faults

    @faults.setter
    def faults(self, faults: Faults | FaultShares | None) -> None:
        faults = Faults.of(faults)
        self._dispatcher.plan.faults = faults
        self._listener.gate = self._dispatcher if faults.at or faults.idle_seconds else None
        for venue, play in self._plays.items():
            if not faults.late:
                play.lateness = None
            elif play.lateness is None:
                play.lateness = Lateness(f"{self._seed} {venue} late", faults.late_seconds)
            else:
                play.lateness.late_seconds = faults.late_seconds

    @property
    def hits(self) -> Counter[FaultPoint]:
        """How often what went wrong so far."""
        return Counter(self._dispatcher.hits)

    # What is true

    @property
    def calls(self) -> int:
        """How many requests arrived."""
        return self._dispatcher.calls

    @property
    def errors(self) -> int:
        """How many of them came to nothing."""
        return self._dispatcher.errors

    @property
    def requests(self) -> list[Seen]:
        """What arrived and what came of it, in the order of the answers."""
        return list(self._dispatcher.seen)

    @property
    def deeds(self) -> list[Deed]:
        """All that was created, changed or moved, in order, whatever the answers said."""
        return self._dispatcher.deeds

    @property
    def limits(self) -> tuple[str, ...]:
        """The names of the limits that requests were counted against."""
        return self._dispatcher.arrivals.limits

    def busiest(self, limit: str) -> tuple[int, int]:
        """Give the largest number of requests that arrived in one window of *limit*, and how many are allowed.

        Raises:
            KeyError: Nothing was counted against a limit of this name.
        """
        return self._dispatcher.arrivals.busiest(limit)

    def receive(self, request: HttpRequest, reply: Reply) -> None:
        """Take a request that comes by no socket; what goes wrong goes wrong as it would there.

        Args:
            request: Complete.
            reply: Called once, now or later, with the answer. Whoever gets it acts out its `sending`: what a client
                would see of it. There are no connections, so faults that befall these do not happen.
        """
        self._dispatcher.receive(request, reply)

    # Opening and closing

    async def start(self, host: str, port: int | None) -> None:
        """Listen, unless *port* is None."""
        if port is None:
            self.base_url = f"http://{host}"
            return
        port = await self._listener.start(host, port)
        self.base_url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def stop(self) -> None:
        """Answer what can be answered at once, drop the rest, close all connections."""
        try:
            await self._listener.stop()
        finally:
            for play in self._plays.values():
                await play.stop()
            self._dispatcher.stop()

    def _now_ms(self) -> int:
        return int(self._clock() * 1000) + self._ahead_ms


@asynccontextmanager
async def simulate(
    *venues: Venue,
    seed: int = 0,
    host: str = "127.0.0.1",
    port: int | None = 0,
    delay_seconds: tuple[float, float] = DELAY_SECONDS,
    limits: bool = True,
    clock: Callable[[], float] = time.time,
    faults: Faults | FaultShares | None = None,
    deliver: Deliver = to_loopback,
) -> AsyncGenerator[Simulator]:
    """Play exchanges on a server of one's own while the block lasts.

    Args:
        venues: Whom to play; none: all.
        seed: Where chance begins: the same requests at the same times get the same answers.
        host: Where to listen.
        port: Where to listen; 0: where there is room; None: nowhere, requests come by `Simulator.receive` alone.
        delay_seconds: Least and largest time for which a request lies about before it is looked at; (0, 0): none.
        limits: Whether too many requests are refused; they are counted in any case.
        clock: Wall clock in seconds since 1970; prices follow it.
        faults: What goes wrong, and how often; None: nothing does. See `Simulator.faults`.
        deliver: Carries what Bitex posts. Unless given, only what is addressed to http on a loopback address goes
            out; `Simulator.bitex` keeps all of it. `forward_to` makes one that posts to a server of your own.
    """
    plan = FaultPlan(seed, delay_seconds, Faults.of(faults))
    simulator = Simulator(venues or tuple(Venue), seed=seed, limits=limits, plan=plan, clock=clock)
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
    faults: Faults | FaultShares | None = None,
    ready: Callable[[Simulator], object] = lambda _: None,
) -> None:
    """Play exchanges until cancelled.

    Args:
        venues: Whom to play; none: all.
        seed: Where chance begins.
        host: Where to listen.
        port: Where to listen; 0: where there is room.
        faults: What goes wrong, and how often.
        ready: Called once when the server listens.
    """
    async with simulate(*venues, seed=seed, host=host, port=port, faults=faults) as simulator:
        ready(simulator)
        await asyncio.get_running_loop().create_future()
