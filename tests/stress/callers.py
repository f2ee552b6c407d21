"""Callers that place orders, what each of them learns, and what was executed.

Each caller does what the documentation allows: they repeat what was not sent, and nothing else. Some lose patience and
are cancelled, some repeat what they must not.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import count
from typing import Any

from attrs import define, field

from exchanges.client import Client
from exchanges.endpoint import Kind
from exchanges.errors import NotSent, OutcomeUnknown, RateLimitTimeout, Rejected, UnresolvedOutcome, UsageError
from exchanges.outcomes.unresolved import Standing
from exchanges.simulator import Deed, Simulator, Venue
from tests.stress.naive import Failed, NaiveClient
from tests.stress.orders import KINDS, Mark, Order, mark_of, place, prepare
from tests.stress.tally import Tally

TRIES = 3
HASTY = 0.06
PATIENCE_SECONDS = 0.03
AGAIN = 0.3


class Told(StrEnum):
    """What the caller of an order knows at the end."""

    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    OTHER = "something else"


@define(eq=False)
class Floor:
    """One simulator and the callers that trade at it.

    Attributes:
        simulator: Where.
        left: How many orders are still to be placed.
        chance: Decides who places what, and who loses patience.
        tally: What came of it.
        told: What was told of each order, and by which client.
        answers: What was answered to those that were done.
    """

    simulator: Simulator
    left: int
    chance: random.Random
    tally: Tally = field(factory=Tally)
    told: dict[Mark, tuple[Told, Client | None]] = field(factory=dict)
    answers: dict[Mark, object] = field(factory=dict)
    _numbers: Iterator[int] = field(factory=count)

    async def _orders(self, venue: Venue, client: Client | None) -> Any:
        """Yield orders until there are none left."""
        while self.left > 0:
            endpoint, make = self.chance.choice(list(KINDS[venue].items()))
            order = await prepare(client, endpoint, make(next(self._numbers)))
            if order is not None:
                self.left -= 1
                yield order

    async def call(self, venue: Venue, client: Client) -> None:
        """Place orders with a client of the library."""
        async for order in self._orders(venue, client):
            told = await self._told(client, order, hasty=self.chance.random() < HASTY)
            if told in (Told.UNKNOWN, Told.CANCELLED) and self.chance.random() < AGAIN:
                told = await self._told_again(client, order, told)
            self.told[order.mark] = told, client

    async def call_naively(self, venue: Venue, client: NaiveClient) -> None:
        """Place orders with a plain client."""
        async for order in self._orders(venue, None):
            try:
                self.answers[order.mark] = await client.place(order)
                self.told[order.mark] = Told.DONE, None
            except Failed:
                self.told[order.mark] = Told.NOT_DONE, None

    async def _told(self, client: Client, order: Order, *, hasty: bool) -> Told:
        """Place an order, again if it was not sent; return what its caller knows."""
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(self.chance.random() ** 2 * PATIENCE_SECONDS if hasty else None):
                    self.answers[order.mark] = await place(client, order)
                return Told.DONE
            except TimeoutError:
                return Told.CANCELLED
            except NotSent:
                continue
            except OutcomeUnknown as unknown:
                if unknown.intent not in client.unresolved:
                    self.tally.note("unlisted", unknown)
                return Told.UNKNOWN
            except (Rejected, RateLimitTimeout, UsageError) as error:
                if isinstance(error, RateLimitTimeout):
                    client.limits.reopen()  # a lockout would outlast the orders that are left
                return Told.NOT_DONE
            except Exception as error:  # noqa: BLE001 - counted
                self.tally.note("other", repr(error))
                return Told.OTHER
        return Told.NOT_DONE

    async def _told_again(self, client: Client, order: Order, before: Told) -> Told:
        """Place the same order again, which must be refused after an unknown outcome."""
        self.tally.note(f"again after {before}")
        try:
            self.answers[order.mark] = await place(client, order)
            told = Told.DONE
        except OutcomeUnknown:
            told = Told.UNKNOWN
        except UnresolvedOutcome:
            return before
        except Exception as error:  # noqa: BLE001 - what was not sent again is as it was
            if before is Told.UNKNOWN:
                self.tally.note("let through", repr(error))
            return before
        if before is Told.UNKNOWN:
            self.tally.note("let through", order.endpoint)
        return told

    # Afterwards

    def judge(self) -> Tally:
        """Compare what callers know with what was executed."""
        deeds: dict[Mark, list[Deed]] = defaultdict(list)
        for deed in self.simulator.deeds:
            if deed.kind is Kind.MONEY:
                deeds[mark_of(deed.endpoint, deed.arguments)].append(deed)
        for mark, (told, client) in self.told.items():
            done = deeds.get(mark, [])
            self.tally.note("orders")
            self.tally.note(told)
            faults = f"{mark[0]} ({', '.join(str(deed.fault or 'no fault') for deed in done) or 'not executed'})"
            if len(done) > 1:
                self.tally.note("twice", faults)
            if fault := self._fault(mark, told, client, done):
                self.tally.note(fault, faults)
        self.tally.points.update(map(str, self.simulator.hits.elements()))
        return self.tally

    def _fault(self, mark: Mark, told: Told, client: Client | None, done: Sequence[Deed]) -> str | None:
        """Return what is wrong with the report on an order."""
        match told:
            case Told.NOT_DONE:
                return "denied" if done else None
            case Told.DONE if not done:
                return "invented"
            case Told.DONE:
                return None if client is None or _is_of(self.answers[mark], mark, done[0]) else "of another"
            case Told.CANCELLED if client is not None:
                return None if _keeps(client, mark, len(done)) else "kept wrong"
            case Told.UNKNOWN:
                self.tally.note("unknown and done" if done else "unknown and not done")
        return None


def _is_of(answer: Any, mark: Mark, deed: Deed) -> bool:
    """Return whether an answer is the one to this order: it repeats the arguments and has the id of the new order."""
    told = getattr(answer, "amount", None) or getattr(answer, "quantity", None)
    number = getattr(answer, "id", None) or getattr(answer, "oid", None)
    return told in (None, mark[1]) and (number is None or str(number) == deed.id)


def _keeps(client: Client, mark: Mark, executed: int) -> bool:
    """Return whether a client is right about an order whose caller was cancelled."""
    calls = [call for intent, call in client.unresolved.items() if mark_of(intent.endpoint, intent.arguments) == mark]
    standings = [call.standing for call in calls]
    sure, unsure = standings.count(Standing.EXECUTED), standings.count(Standing.UNKNOWN)
    return Standing.UNDER_WAY not in standings and sure <= executed <= sure + unsure
