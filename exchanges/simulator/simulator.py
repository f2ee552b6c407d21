"""The simulator: one server, the exchanges that it simulates, and the record of what arrived."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, overload

from exchanges.simulator.dispatch import Dispatcher
from exchanges.simulator.engine.arithmetic import calculates
from exchanges.simulator.engine.book_log import BookState
from exchanges.simulator.engine.snapshots import StaleReads
from exchanges.simulator.faults.plan import FaultPlan
from exchanges.simulator.faults.points import FaultPoint, Faults, FaultShares
from exchanges.simulator.faults.stream_points import StreamFault
from exchanges.simulator.http.messages import HttpRequest, Reply
from exchanges.simulator.http.upgrade import upgrade_to
from exchanges.simulator.record import Deed, Seen, Venue
from exchanges.simulator.server import Listener
from exchanges.simulator.venues.bitex import BitexExchange
from exchanges.simulator.venues.bitso import BitsoExchange
from exchanges.simulator.venues.bitstamp import BitstampExchange
from exchanges.simulator.venues.calls import Key, Keys
from exchanges.simulator.venues.controls import BitexControls, BitsoControls, BitstampControls
from exchanges.simulator.venues.hub import Hub
from exchanges.simulator.venues.stream_faults import StreamFaults
from exchanges.simulator.venues.venue import Exchange
from exchanges.simulator.webhooks import Deliver, to_loopback

EXCHANGES: dict[Venue, type[Exchange]] = {
    exchange.venue: exchange for exchange in (BitexExchange, BitsoExchange, BitstampExchange)
}
DELAY_SECONDS = (0.0, 0.003)
_CONTROLS: dict[Venue, Callable[[Any, Callable[[], int]], BitexControls | BitsoControls | BitstampControls]] = {
    Venue.BITEX: BitexControls,
    Venue.BITSO: BitsoControls,
    Venue.BITSTAMP: BitstampControls,
}


def _venue(name: str) -> Venue:
    """Return a venue, which may be given as its text."""
    if name not in tuple(Venue):
        raise ValueError(f"unknown venue {name!r}; the venues are: {', '.join(Venue)}")
    return Venue(name)


class Simulator:
    """A server that simulates exchanges; created by `simulate`.

    Args:
        venues: What it simulates.
        seed: Seed of everything random: the same requests, the same time after the start, get the same answers.
        limits: Whether too many requests are rejected; they are counted in any case.
        plan: Decides which faults are injected.
        clock: Wall clock in seconds since 1970; everything that takes time follows it, but limits. Prices depend on the
            time since the start alone.
        strict: Whether what real servers overlook is refused; see `simulate`.
    """

    @calculates
    def __init__(
        self,
        venues: tuple[Venue | Literal["bitex", "bitso", "bitstamp"], ...],
        *,
        seed: int,
        limits: bool,
        plan: FaultPlan,
        clock: Callable[[], float],
        strict: bool = False,
    ) -> None:
        self.base_url = ""
        self._seed = seed
        self._clock = clock
        self._ahead_ms = 0
        # One start for all: venues of the same seed move together.
        started_ms = self._now_ms()
        self._exchanges = {venue: EXCHANGES[venue](seed, started_ms) for venue in map(_venue, venues)}
        for exchange in self._exchanges.values():
            exchange.strict = strict
        self._dispatcher = Dispatcher(self._exchanges, plan, enforce_limits=limits, now_ms=self._now_ms, strict=strict)
        streams = {venue: exchange.streams for venue, exchange in self._exchanges.items() if exchange.streams}
        self._hub = Hub(streams, self._now_ms, StreamFaults(plan, self._dispatcher.hits))
        self._dispatcher.answered = self._hub.run
        # Without an exchange that has sockets, a request for one is a request for a path that nobody has.
        upgrade = upgrade_to(self._hub) if streams else None
        self._listener = Listener(self._dispatcher.receive, self._dispatcher.malformed, upgrade)
        self.faults = plan.faults

    def __repr__(self) -> str:
        """Show where it listens and what it simulates."""
        return f"Simulator({self.base_url or 'closed'}: {', '.join(self._exchanges)}; {self.calls} calls)"

    @overload
    def account(self, venue: Literal[Venue.BITEX], number: int = 0) -> Key: ...
    @overload
    def account(self, venue: Literal[Venue.BITSO, Venue.BITSTAMP], number: int = 0) -> Keys: ...
    @overload
    def account(self, venue: Venue, number: int = 0) -> Key | Keys: ...
    def account(self, venue: Venue, number: int = 0) -> Key | Keys:
        """Return the credentials of an account at *venue*: keyword arguments for its client.

        Args:
            venue: One that is simulated here.
            number: Which account; each venue has two. At Bitex 0 is a reseller with history, 1 an ordinary account.

        Raises:
            ValueError: The venue is not simulated here.
        """
        return list(self._exchange(venue).accounts.values())[number].credentials

    @overload
    def controls(self, venue: Literal[Venue.BITEX]) -> BitexControls: ...
    @overload
    def controls(self, venue: Literal[Venue.BITSO]) -> BitsoControls: ...
    @overload
    def controls(self, venue: Literal[Venue.BITSTAMP]) -> BitstampControls: ...
    def controls(self, venue: Venue) -> BitexControls | BitsoControls | BitstampControls:
        """Return what a test can do at *venue* without its API: set prices, deposit money, fill orders.

        Raises:
            ValueError: The venue is not simulated here.
        """
        return _CONTROLS[venue](self._exchange(venue), self._now_ms)

    @property
    def bitex(self) -> BitexControls:
        """The same as ``controls(Venue.BITEX)``."""
        return self.controls(Venue.BITEX)

    @property
    def bitso(self) -> BitsoControls:
        """The same as ``controls(Venue.BITSO)``."""
        return self.controls(Venue.BITSO)

    @property
    def bitstamp(self) -> BitstampControls:
        """The same as ``controls(Venue.BITSTAMP)``."""
        return self.controls(Venue.BITSTAMP)

    def _exchange(self, venue: Venue) -> Exchange:
        if venue not in self._exchanges:
            raise ValueError(f"{venue} is not simulated here")
        return self._exchanges[venue]

    @calculates
    def advance(self, seconds: float) -> None:
        """Move the simulated clock forward, and run in order what is due by then. Limits keep to real time.

        Prices move; deposits, withdrawals, payments and conversions go through their states; orders go one state
        further, and trade if the market has reached them.
        """
        if seconds < 0:
            raise ValueError(f"time cannot go back by {-seconds} seconds")
        self._ahead_ms += round(seconds * 1000)
        for exchange in self._exchanges.values():
            exchange.pass_time(self._now_ms())

    @property
    def now(self) -> float:
        """The simulated clock, in seconds since 1970."""
        return self._now_ms() / 1000

    @property
    def venues(self) -> tuple[Venue, ...]:
        """What it simulates."""
        return tuple(self._exchanges)

    @calculates
    def book_at(
        self, venue: Venue, market: str, *, microtimestamp: int | None = None, sequence: int | None = None
    ) -> BookState:
        """Return what the book of a market really was.

        Args:
            venue: One that is simulated here.
            market: As the exchange writes it.
            microtimestamp: Microseconds since 1970; None: any.
            sequence: Of the last change; None: any. Without both, the book is the one of now.

        Raises:
            ValueError: The venue is not simulated here.
            KeyError: There is no such book.
            LookupError: That book is no longer, or not yet, known: changes are kept from the first one that somebody
                could see, and no more than 200,000 of them.
        """
        exchange = self._exchange(venue)
        if market not in exchange.engine.books:
            raise KeyError(market)
        log = exchange.engine.log(market, self._now_ms())
        return log.state_at(at_us=microtimestamp, sequence=sequence)

    # Faults

    @property
    def faults(self) -> Faults:
        """Which faults are injected, and how often; may be set at any time, for everything later.

        A write that is hidden stays hidden until its time has come, unless reads are no longer stale at all.
        """
        return self._dispatcher.plan.faults

    @faults.setter
    def faults(self, faults: Faults | FaultShares | None) -> None:
        faults = Faults.of(faults)
        self._dispatcher.plan.faults = faults
        self._listener.gate = self._dispatcher if faults.at or faults.idle_seconds else None
        for venue, exchange in self._exchanges.items():
            if not faults.late:
                exchange.stale_reads = None
            elif exchange.stale_reads is None:
                exchange.stale_reads = StaleReads(f"{self._seed} {venue} late", faults.late_seconds)
            else:
                # Kept, so that writes already hidden stay hidden for their time.
                exchange.stale_reads.late_seconds = faults.late_seconds

    @property
    def hits(self) -> Counter[FaultPoint | StreamFault]:
        """How often each fault was injected so far."""
        return Counter(self._dispatcher.hits)

    # The record

    @property
    def calls(self) -> int:
        """How many requests arrived."""
        return self._dispatcher.calls

    @property
    def errors(self) -> int:
        """How many of them were not executed."""
        return self._dispatcher.errors

    @property
    def requests(self) -> list[Seen]:
        """What arrived and what became of it, in the order of the answers."""
        return list(self._dispatcher.seen)

    @property
    def deeds(self) -> list[Deed]:
        """Everything that was created, changed or moved, in order, whatever the answers said."""
        return self._dispatcher.deeds

    @property
    def limits(self) -> tuple[str, ...]:
        """The names of the limits that requests were counted against."""
        return self._dispatcher.arrivals.limits

    def busiest(self, limit: str) -> tuple[int, int]:
        """Return the largest number of requests that arrived in one window of *limit*, and how many are allowed.

        Raises:
            KeyError: No request was counted against a limit of this name.
        """
        return self._dispatcher.arrivals.busiest(limit)

    def receive(self, request: HttpRequest, reply: Reply) -> None:
        """Receive a request without a socket; faults are injected as they would be there.

        Args:
            request: Complete.
            reply: Called once, now or later, with the answer. The caller applies its `sending`: what a client would see
                of it. There are no connections, so faults of connections are not injected.
        """
        self._dispatcher.receive(request, reply)

    # Starting and stopping

    async def start(self, host: str, port: int | None) -> None:
        """Listen, unless *port* is None."""
        if port is None:
            self.base_url = f"http://{host}"
            return
        port = await self._listener.start(host, port)
        self.base_url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def stop(self) -> None:
        """Answer what can be answered at once, drop the rest, and close all connections."""
        try:
            await self._listener.stop()
        finally:
            self._hub.stop()
            for exchange in self._exchanges.values():
                await exchange.stop()
            self._dispatcher.stop()

    def _now_ms(self) -> int:
        return int(self._clock() * 1000) + self._ahead_ms


@asynccontextmanager
async def simulate(
    *venues: Venue | Literal["bitex", "bitso", "bitstamp"],
    seed: int = 0,
    host: str = "127.0.0.1",
    port: int | None = 0,
    delay_seconds: tuple[float, float] = DELAY_SECONDS,
    limits: bool = True,
    clock: Callable[[], float] = time.time,
    faults: Faults | FaultShares | None = None,
    deliver: Deliver = to_loopback,
    strict: bool = False,
) -> AsyncGenerator[Simulator]:
    """Simulate exchanges on a server while the block lasts.

    Args:
        venues: What to simulate, as members of `Venue` or their texts; none: everything.
        seed: Seed of everything random: the same requests, the same time after the start, get the same answers.
        host: Where to listen.
        port: Where to listen; 0: any free port; None: nowhere, requests come by `Simulator.receive` alone.
        delay_seconds: Shortest and longest time between the arrival of a request and its execution; (0, 0): none.
        limits: Whether too many requests are rejected; they are counted in any case.
        clock: Wall clock in seconds since 1970; prices follow the time since the start.
        faults: Which faults are injected, and how often; None: none. See `Simulator.faults`.
        deliver: Carries what Bitex posts. Unless given, only what is addressed to http on a loopback address is sent;
            the controls of Bitex keep all of it. `forward_to` returns one that posts to a server of your own.
        strict: Whether what real servers overlook is refused: an argument that is unknown, or in capitals, a body
            without a content type, a path that differs by the slash at its end. Finds misspelled arguments.
    """
    plan = FaultPlan(seed, delay_seconds, Faults.of(faults))
    simulator = Simulator(venues or tuple(Venue), seed=seed, limits=limits, plan=plan, clock=clock, strict=strict)
    if Venue.BITEX in simulator.venues:
        simulator.controls(Venue.BITEX).deliver = deliver
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
    """Simulate exchanges until cancelled.

    Args:
        venues: What to simulate, as members of `Venue` or their texts; none: everything.
        seed: Seed of everything random.
        host: Where to listen.
        port: Where to listen; 0: any free port.
        faults: Which faults are injected, and how often.
        ready: Called once when the server listens.
    """
    async with simulate(*venues, seed=seed, host=host, port=port, faults=faults) as simulator:
        ready(simulator)
        await asyncio.get_running_loop().create_future()
