"""How calmly everything comes back: many books that lose their line at once (S11), servers that close at once (S12)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from exchanges.limits.limit import Limit, Scope, Window
from exchanges.limits.limiter import Connections, Lane, Limiter, Priority
from exchanges.market_data import BookStatus
from exchanges.streams.fetches import Fetches
from exchanges.streams.keepers import DiffBook, Fetch, OrdersFrame, OrdersSnapshot, SequencedBook
from exchanges.streams.liveness import Backoff
from tests.stress.arrivals import largest
from tests.stress.figures import Figure, Mechanisms
from tests.support.virtual_time import run

PROMISES = ("S11", "S12")
BOOKS = 54
WINDOW = Window(60, 60.0)
ORDERS = Window(300, 60.0)
READ_EVERY = 6.0
ORDER_EVERY = 0.5
CLIENTS, QUICK_CLIENTS = 2_000, 200
SECONDS = 600.0


def _all(*patches: tuple[str, Any]) -> Callable[[], AbstractContextManager[object]]:
    def enter() -> ExitStack:
        stack = ExitStack()
        for target, replacement in patches:
            stack.enter_context(patch(target, replacement))
        return stack

    return enter


MECHANISMS: Mechanisms = {
    "spreading": _all(("exchanges.streams.fetches.Fetches._due", lambda _, fetching, now: now)),
    "backoff": _all(("exchanges.streams.liveness.Backoff.next_wait", lambda _: 0.0)),
    "backoff reset": _all(("exchanges.streams.liveness.LIVED_SECONDS", 0.0)),
    "backoff of reads": _all(*((f"exchanges.streams.keepers.{m}.delay_of", lambda _: 0.0) for m in ("kept", "diff"))),
}


def _wall(moment: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Play all of them."""
    yield from run(_Hub().play())
    yield _reconnects(random.Random(seed), QUICK_CLIENTS if quick else CLIENTS)
    yield _reads()


# Many books at once (S11)


class _Hub:
    """The owner of the fetches: 54 books of one address, and a program that goes on meanwhile."""

    def __init__(self) -> None:
        self.public = Limiter(Limit("public", (WINDOW,), Scope.ADDRESS))
        self.private = Limiter(Limit("private", (ORDERS,), Scope.KEY))
        self.lane = Lane(Connections(16))
        self.host = SimpleNamespace(per_second=lambda _: WINDOW.slots / WINDOW.per_seconds)
        self.arrivals = list[float]()
        self.tasks = set[asyncio.Task[None]]()
        self.waits: dict[Priority, list[float]] = {Priority.READ: [], Priority.MONEY: []}
        self.good_at = dict[int, float]()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Start a task."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def call(self, endpoint: object, arguments: object) -> object:
        """Read an order book, as every other read."""
        await self.sent(self.public, Priority.READ)
        return OrdersSnapshot(7, 10**15, [("a", Decimal(1), Decimal(1))], [("b", Decimal(2), Decimal(1))])

    async def sent(self, limiter: Limiter, priority: Priority) -> float:
        """Send a request; return how long it waited."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        permit = await limiter.acquire(self.lane, priority, deadline=began + SECONDS)
        waited = loop.time() - began
        if limiter is self.public:
            self.arrivals.append(loop.time())
        await asyncio.sleep(0.2)
        permit.end(sent=True, complete=True)
        return waited

    async def programs(self, limiter: Limiter, priority: Priority, every: float) -> None:
        """Call now and then."""
        while True:
            await asyncio.sleep(every)
            self.waits[priority].append(await self.sent(limiter, priority))

    async def play(self) -> list[Figure]:
        """Begin all books at once."""
        loop = asyncio.get_running_loop()
        fetches: Any = Fetches(self)  # type: ignore[arg-type]  # as much of an owner as they need
        for number in range(BOOKS):
            book = SequencedBook(
                f"book {number}", lambda moment: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)
            )
            rule = SimpleNamespace(seed=None, seed_arguments=lambda _: None)
            feed = SimpleNamespace(rule=rule, arguments=None, label=book.name, readers=[None])
            self.act(fetches, feed, number, book, book.confirmed(loop.time()))
            # What the exchange changes last before the order book is read: without a frame none is believed.
            self.act(fetches, feed, number, book, book.frame(OrdersFrame(7, 10**15, ()), loop.time()))
        began = loop.time()
        others = [
            loop.create_task(self.programs(self.public, Priority.READ, READ_EVERY)),
            loop.create_task(self.programs(self.private, Priority.MONEY, ORDER_EVERY)),
        ]
        await asyncio.sleep(150.0)
        for task in others:
            task.cancel()
        fetches.close()
        fullest = largest(self.arrivals, WINDOW.per_seconds)
        last = max(self.good_at.values(), default=began + SECONDS) - began
        reads, orders = max(self.waits[Priority.READ]), max(self.waits[Priority.MONEY])
        about = f"{BOOKS} books lose their line at once"
        return [
            Figure(
                f"{about}: all are good again",
                f"{len(self.good_at)} of them, the last after {last:.0f} s; at most {fullest} reads in a minute",
                f"all within 70 s, at most {WINDOW.slots}",
                len(self.good_at) == BOOKS and last <= 70.0 and fullest <= WINDOW.slots,
                "S11",
            ),
            Figure(f"{about}: how long an order waits", f"{orders:.2f} s at most", "0 s", orders == 0.0, "S11"),
            Figure(
                f"{about}: how long a read of the program waits",
                f"{reads:.2f} s at most",
                "<= 5 s",
                reads <= 5.0,
                "S11",
            ),
        ]

    def act(self, fetches: Any, feed: Any, number: int, book: SequencedBook, actions: Any) -> None:
        """Carry out what a book asks for."""
        loop = asyncio.get_running_loop()

        def done(answer: Any, asked_at: float) -> None:
            now = loop.time()
            self.act(
                fetches,
                feed,
                number,
                book,
                book.snapshot(answer, asked_at, now) if answer else book.failed(asked_at, now),
            )

        for action in actions:
            if isinstance(action, Fetch):
                fetches.ask(feed, action.purpose, done)
        if book.status is BookStatus.GOOD:
            self.good_at.setdefault(number, loop.time())


# How long callers wait (S12)


def _reconnects(chance: random.Random, clients: int) -> Figure:
    """Accept and close every connection at once; count the attempts of the last five minutes."""
    late, most = 0, 0
    for _ in range(clients):
        backoff, now, mine = Backoff(draw=chance.uniform), 0.0, 0
        while now < SECONDS and mine <= SECONDS:
            now += backoff.next_wait() + 0.1
            backoff.lived(0.1)
            mine += now > SECONDS / 2
        late, most = late + mine, max(most, mine)
    each = late / clients / (SECONDS / 2) * 30
    return Figure(
        "a server accepts and closes for ten minutes: attempts of a client in 30 s, in the end",
        f"{each:.1f} on average, {most} at most in five minutes",
        "<= 1",
        each <= 1,
        "S12",
    )


def _reads() -> Figure:
    """Fail every read of an order book for ten minutes."""
    book = DiffBook("test", _wall)
    now, reads = 0.0, 0
    actions = book.confirmed(now)
    while now < SECONDS and reads <= SECONDS:
        if any(isinstance(action, Fetch) for action in actions):
            reads += 1
            actions = book.failed(now, now + 0.1)
            continue
        now = max(now, book.next_tick or SECONDS)
        actions = book.tick(now)
    return Figure(
        "order books cannot be read for ten minutes: reads of one book", f"{reads}", "<= 20", reads <= 20, "S12"
    )
