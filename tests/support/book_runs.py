"""A keeper between a market, its channel and its endpoint, in virtual time, with faults; compared after every step."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from exchanges.errors import BookUnknown
from exchanges.market_data import BookStatus
from exchanges.streams.keepers import Change, DiffBook, Fetch, OrdersFrame, Resubscribe, SequencedBook, Turned
from exchanges.streams.keepers.frames import OrdersSnapshot
from tests.support.book_cases import DEPTH, FAULTS, KEEPERS, SETTINGS, ZERO, Case, Seen
from tests.support.book_lies import false_levels, false_levels_read, false_orders, false_orders_read
from tests.support.book_venues import BEGIN, Cache, Diffs, Market, Numbered, Wholes, top

FLASHES = 0.01
ON_FRAMES = frozenset(FAULTS[4:16])
ON_READS = frozenset(FAULTS[16:])


def wall(moment: float) -> datetime:
    """Return the moment of the wall clock."""
    return ZERO + timedelta(seconds=moment)


class Run:
    """One keeper and its market."""

    def __init__(self, case: Case, seed: object, make: Callable[[], Any] | None = None) -> None:
        self.case = case
        self.chance = random.Random(str(seed))
        self.now = 0.0
        self.order = count()
        self.events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        settings = case.settings or SETTINGS[case.kind]
        self.make = make or (lambda: KEEPERS[case.kind]("test", wall, settings))
        self.keeper = self.make()
        self.successor: Any = None
        self.seen = Seen(seconds=case.seconds)
        self.market: Any = Numbered(self.chance) if case.kind == "numbered" else Market(self.chance)
        self.channel: Any = None
        self.cache: Any = self.market
        if case.kind != "numbered":
            self.channel = Diffs(self.market) if case.kind == "diff" else Wholes(self.market, DEPTH)
            self.cache = Cache(self.market)
        self.line = 0  # each connection has a number; what was sent on another one does not arrive
        self.subscribed: dict[int, float] = {}
        self.arrival = 0.0
        self.ticks: dict[int, float] = {}
        self.pending_faults: list[str] = []
        self.read_faults: list[str] = []
        self.kept_reads: list[OrdersSnapshot] = []
        self.lines: dict[int, Any] = {}
        self.honest = self.honest_reads = 0
        self.lied_at = -5.0
        self.base: object = None
        self.truths: dict[int, int] = {}  # by the number of an order book that lies
        self.held: Any = None
        self.sent: list[Any] = []
        self.checked_at = 0.0
        self.was_good = self.was_wrong = False
        self.wrong_since: float | None = None

    # Time

    def at(self, moment: float, what: Callable[..., None], *args: Any) -> None:
        """Schedule an action."""
        heapq.heappush(self.events, (max(moment, self.now), next(self.order), what, args))

    def run(self) -> Seen:
        """Play the case."""
        case, chance = self.case, self.chance
        self.at(0.0, self.connect, self.keeper)
        self.at(0.01, self.change)
        if self.channel is not None:
            self.at(chance.random() * case.interval, self.broadcast)
        for _ in range(case.faults):
            self.at(3.0 + chance.random() * (case.seconds - 8.0), self.strike, chance.choice(case.kinds))
        for _ in range(case.losses):
            self.at(5.0 + chance.random() * (case.seconds - 60.0), self.strike, "lost")
        while self.events and self.events[0][0] < case.seconds:
            self.now, _, what, args = heapq.heappop(self.events)
            what(*args)
        self.now = case.seconds
        self.observe()
        return self.seen

    # The exchange

    def change(self) -> None:
        """Change the market."""
        rate = self.case.rate
        self.at(self.now + self.chance.expovariate(rate), self.change)
        if self.channel is None:
            self.send(self.market.step(self.now))
            return
        change = self.market.step(self.now)
        if self.chance.random() < FLASHES:
            self.at(self.now + self.chance.uniform(0.02, 0.5), self.market_back, change)

    def market_back(self, change: Any) -> None:
        """Change a level back."""
        self.market.back(change, self.now)

    def broadcast(self) -> None:
        """Send what has changed."""
        self.at(self.now + self.case.interval * self.chance.uniform(0.7, 1.3), self.broadcast)
        frame = self.channel.frame()
        if frame is not None:
            self.send(frame)

    def send(self, frame: Any) -> None:
        """Send a frame to whoever is subscribed, perhaps with a fault."""
        if self.pending_faults and self.pending_faults[0] == "lost":
            self.pending_faults.pop(0)
            self.seen.faults["lost"] += 1
            return
        if not self.subscribed:
            return
        frames, fault = [frame], None
        self.honest -= 1
        if self.pending_faults and self.honest < 0 and self.may_lie():
            fault = self.pending_faults.pop(0)
            self.honest = 2
            frames = self.spoilt(frame, fault)
        if self.held is not None and fault is None:
            frames = [frame, self.held]
            self.held = None
        self.sent = [*self.sent[-9:], frame]
        self.arrival = max(self.arrival, self.now + self.chance.uniform(0.03, 0.12))
        for line, since in self.subscribed.items():
            if since <= self.now:
                for one in frames:
                    self.at(self.arrival, self.arrive, line, one)

    def may_lie(self) -> bool:
        """Keep lies apart: those that support each other are the truth to whoever hears them."""
        apart = self.now - self.lied_at > 5.0
        if apart:
            self.lied_at = self.now
        return apart

    def spoilt(self, frame: Any, fault: str) -> list[Any]:
        """Return what is sent in place of a frame."""
        self.seen.faults[fault] += 1
        old = [self.chance.choice(self.sent)] if self.sent else []
        simple = {"drop": ["a frame could not be decoded"], "double": [frame, frame], "double old": [frame, *old]}
        if fault == "back" and self.successor is not None:
            return [frame]  # who has seen no frame before cannot know that a moment is an old one
        if fault in simple:
            return simple[fault]
        if fault == "reorder":
            self.held = frame
            return []
        if isinstance(frame, OrdersFrame):
            return false_orders(frame, fault, self.chance, self.market)
        last = self.sent[-1] if self.sent else None
        return false_levels(frame, fault, self.chance, self.market, last=last, is_whole=self.case.kind == "whole")

    def strike(self, fault: str) -> None:
        """Cause a fault."""
        if fault in ON_FRAMES or fault == "lost":
            self.pending_faults.append(fault)
        elif fault in ON_READS:
            self.read_faults.append(fault)
        else:
            self.seen.faults[fault] += 1
            getattr(self, fault)()

    # The line

    def connect(self, keeper: Any) -> None:
        """Connect and subscribe."""
        self.line += 1
        line = self.line
        self.lines[line] = keeper
        self.subscribed[line] = self.now
        self.arrival = max(self.arrival, self.now + 0.08)
        self.at(self.arrival, self.acknowledged, line)

    def acknowledged(self, line: int) -> None:
        """Confirm the subscription."""
        if line in self.lines:
            self.did(self.lines[line], self.lines[line].confirmed(self.now))

    def arrive(self, line: int, frame: Any) -> None:
        """Hand a frame over."""
        keeper = self.lines.get(line)
        if keeper is None:
            return
        if isinstance(frame, str):
            self.did(keeper, keeper.unreadable(frame, self.now))
        else:
            self.did(keeper, keeper.frame(frame, self.now))

    def kill(self) -> None:
        """Break all lines; connect again."""
        for line, keeper in list(self.lines.items()):
            del self.lines[line], self.subscribed[line]
            if keeper is self.keeper:
                self.did(keeper, keeper.lost("the connection was reset", self.now))
        self.successor = None
        self.at(self.now + self.chance.choice([0.0, 0.5, 2.0]), self.connect, self.keeper)

    def freeze(self) -> None:
        """Hold up everything for some time, and then deliver it."""
        self.arrival = max(self.arrival, self.now) + self.chance.uniform(0.5, 8.0)

    def dead(self) -> None:
        """Stop a channel that stays subscribed, until somebody notices or the line breaks."""
        for line in self.subscribed:
            self.subscribed[line] = self.now + 1e9
        self.at(self.now + 100.0, self.revive, self.line)

    def revive(self, line: int) -> None:
        """Break a line whose channel is still dead."""
        if line in self.subscribed and self.subscribed[line] > self.now:
            self.kill()

    def move(self) -> None:
        """Follow another line, and then drop the old one."""
        if self.successor is not None or self.keeper not in self.lines.values():
            return
        self.successor = self.make()
        self.connect(self.successor)
        self.at(self.now + self.chance.uniform(1.0, 6.0), self.cut, self.keeper)

    def cut(self, old: Any) -> None:
        """Break the old line."""
        if self.successor is not None and self.keeper is old:
            self.swap()

    def swap(self) -> None:
        """Replace the keeper by its successor."""
        for line, keeper in list(self.lines.items()):
            if keeper is self.keeper:
                del self.lines[line], self.subscribed[line]
        self.keeper, self.successor = self.successor, None

    def is_older(self, keeper: Any) -> bool:
        """Whether a successor would have the book step back, or be another of the same moment."""
        ours = self.keeper
        if ours.as_of is None or keeper.as_of > ours.as_of:
            return False
        return keeper.as_of < ours.as_of or keeper.last_known != ours.last_known

    def resubscribe(self, keeper: Any) -> None:
        """Subscribe again on the same line."""
        for line, owner in list(self.lines.items()):
            if owner is keeper:
                del self.lines[line], self.subscribed[line]
                self.at(self.now + 0.1, self.connect_if, keeper)

    def connect_if(self, keeper: Any) -> None:
        """Connect, if the keeper is still one."""
        if keeper in (self.keeper, self.successor) and keeper not in self.lines.values():
            self.connect(keeper)

    # The endpoint

    def read(self, keeper: Any, asked_at: float) -> None:
        """Answer a read."""
        self.seen.reads += 1
        self.honest_reads -= 1
        lies = self.read_faults and self.honest_reads < 0 and self.may_lie()
        fault = self.read_faults.pop(0) if lies else ""
        self.honest_reads = 2 if fault else self.honest_reads
        self.seen.faults[fault] += bool(fault)
        wait = self.chance.uniform(0.04, 0.2) + (self.chance.uniform(3.0, 20.0) if fault == "read late" else 0.0)
        answer = None if fault == "read fails" else self.answer(fault)
        self.at(self.now + wait, self.answered, keeper, asked_at, answer)

    def answer(self, fault: str) -> Any:
        """Return an order book, perhaps with a fault."""
        made = self.cache.read(self.now)
        if not isinstance(made, OrdersSnapshot):
            return false_levels_read(made, fault, self.chance, self.market)
        if fault == "read old" and self.kept_reads:
            return self.chance.choice(self.kept_reads)
        self.kept_reads = [*self.kept_reads[-3:], made]
        read = false_orders_read(made, fault, self.chance)
        if fault == "read future":
            self.truths[read.sequence] = made.sequence
        return read

    def answered(self, keeper: Any, asked_at: float, answer: Any) -> None:
        """Hand an answer over."""
        if keeper not in (self.keeper, self.successor):
            return
        if answer is None:
            self.did(keeper, keeper.failed(asked_at, self.now))
        else:
            self.did(keeper, keeper.snapshot(answer, asked_at, self.now))

    # The runner

    def did(self, keeper: Any, actions: tuple[Any, ...]) -> None:
        """Carry out actions, and compare."""
        for action in actions:
            if isinstance(action, Fetch):
                self.at(self.now + self.chance.uniform(0.02, 0.08), self.read, keeper, self.now)
            elif isinstance(action, Resubscribe):
                self.resubscribe(keeper)
            elif isinstance(action, Turned) and keeper is self.keeper:
                self.seen.turns[f"{action.status.value}: {action.cause}"] += 1
            else:
                assert isinstance(action, Change | Turned)
        if keeper is self.successor and keeper.status is BookStatus.GOOD and not self.is_older(keeper):
            self.swap()
        if isinstance(keeper, DiffBook):
            self.begun(keeper)
        due = keeper.next_tick
        if due is not None and due < self.ticks.get(id(keeper), float("inf")):
            self.ticks[id(keeper)] = due
            self.at(due, self.tick, keeper, due)
        self.observe()

    def begun(self, keeper: DiffBook) -> None:
        """Compare a book that has just begun, whether it can be read or not."""
        if keeper._base is None or keeper._base is self.base:
            return
        self.base = keeper._base
        self.seen.bases += 1
        ours = tuple({level.price: level.amount for level in side} for side in keeper.last_known)
        self.seen.wrong_bases += self.market.book(keeper._at) != ours

    def tick(self, keeper: Any, due: float) -> None:
        """Call the keeper at its time."""
        if self.ticks.get(id(keeper)) == due:
            del self.ticks[id(keeper)]
        if keeper in (self.keeper, self.successor):
            self.did(keeper, keeper.tick(self.now))

    # Comparing

    def observe(self) -> None:
        """Compare a readable book with the true one at its moment."""
        seen, passed = self.seen, self.now - self.checked_at
        self.checked_at = self.now
        seen.good_seconds += passed * self.was_good
        seen.wrong_seconds += passed * self.was_wrong
        keeper = self.keeper
        try:
            bids, asks = keeper.bids, keeper.asks
        except BookUnknown:
            self.was_good = False
            self.mark(wrong=False)
            return
        if seen.first_good is None:
            seen.first_good = self.now
        self.was_good = True
        seen.checks += 1
        numbered = self.case.kind == "numbered"
        if keeper.as_of is None:
            seen.wrong += 1
            self.mark(wrong=True)
            return
        at = self.number_of(keeper) if numbered else round((keeper.as_of - ZERO) / timedelta(microseconds=1)) + BEGIN
        true = self.market.book(at)
        if self.case.kind == "whole":
            expected = [top(true[0], DEPTH, is_bids=True), top(true[1], DEPTH, is_bids=False)]
        else:
            expected = [sorted(true[0].items(), reverse=True), sorted(true[1].items())]
        wrong = expected != [[(level.price, level.amount) for level in side] for side in (bids, asks)]
        if not numbered:
            seen.stalest = max(seen.stalest, self.now - (at - BEGIN) / 1e6)
        if wrong and len(seen.examples) < 3:
            seen.examples.append(f"{self.now:.2f} s")
        seen.wrong += wrong
        self.mark(wrong=wrong)

    def number_of(self, keeper: SequencedBook) -> int:
        """Return the true number of a book, whatever number an order book claimed that no frame has reached yet."""
        number = keeper.sequence or 0
        return number if number <= self.market.sequence else self.truths.get(number, number)

    def mark(self, *, wrong: bool) -> None:
        """Note since when the book is wrong."""
        if wrong and self.wrong_since is None:
            self.wrong_since = self.now
        if self.wrong_since is not None:
            self.seen.longest_wrong = max(self.seen.longest_wrong, self.now - self.wrong_since)
        if not wrong:
            self.wrong_since = None
        self.was_wrong = wrong


def play(case: Case, seed: object, make: Callable[[], Any] | None = None) -> Seen:
    """Play one case."""
    return Run(case, seed, make).run()
