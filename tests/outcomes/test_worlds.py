"""Many random worlds, searched for a verdict of `reconcile` that is wrong."""

import asyncio
import random

import pytest

from exchanges import Ambiguous, Incomplete, NoTrace, Reconciled, Standing
from exchanges.errors import ExchangeError, OutcomeUnknown, UnresolvedOutcome
from tests.support.lagging_exchange import ANSWERED, Fate, Lagging, begin, placing
from tests.support.shared_state import Journal, Records, Shared
from tests.support.virtual_time import elapsed, run

pytestmark = pytest.mark.sweep


def drawn_lag(chance):
    """Draw how late each read is: not at all, a little, or by the most that is allowed."""
    return lambda: chance.choice([0.0, chance.uniform(0, 10), 10.0])


def fates(chance, number):
    """Draw fates: answered, at once or late; or broken off, and executed before, after or never."""
    for _ in range(number):
        breaks = chance.choice([0.01, 1.0, 5.0])
        arrives = chance.choice([None, 0.0, chance.uniform(0, breaks), breaks + chance.uniform(0, 29.9)])
        yield chance.choice([ANSWERED, Fate(chance.uniform(0, 20)), *[Fate(arrives, breaks)] * 4])


class World:
    """One client at one exchange, and the verdicts it got."""

    def __init__(self, seed):
        self.chance = chance = random.Random(seed)
        self.exchange = Lagging(
            list(fates(chance, 30)),
            skew=chance.uniform(-299, 299),
            lag=drawn_lag(chance),
            lives=lambda: chance.choice([0.0, 1e6, chance.uniform(0, 40)]),
        )
        self.wrong = []
        self.verdicts = []
        self.dead = None

    async def call(self, client, calls):
        """Send an order that may look like others; reconcile it later if its outcome is unknown."""
        chance = self.chance
        await asyncio.sleep(chance.choice([0, chance.uniform(0, 100)]))
        if client is self.dead:
            return
        try:
            await chance.choice(calls)(client, chance.choice([3, 3, 4]))
        except UnresolvedOutcome as error:
            call = client.unresolved.get(error.intent)
            if chance.random() < 0.3 and call is not None and call.standing is not Standing.UNDER_WAY:
                client.unresolved.dismiss(error.intent)
        except OutcomeUnknown as error:
            await self.reconcile(client, error)
        except ExchangeError:
            pass

    async def reconcile(self, client, error):
        """Reconcile once or twice, and compare with the truth when nothing can arrive any more."""
        chance = self.chance
        await asyncio.sleep(chance.choice([0, chance.uniform(0, 60)]))
        if client is self.dead:
            return
        verdicts = [
            await client.reconcile(error.intent, timeout_seconds=chance.choice([5, 40, 90, 120]))
            for _ in range(chance.choice([1, 1, 2]))
        ]
        await asyncio.sleep(60)
        deed = self.exchange.made(error.nonce)
        for verdict in verdicts:
            self.verdicts.append(type(verdict))
            if isinstance(verdict, NoTrace) and deed is not None:
                self.wrong.append((verdict, deed))
            if isinstance(verdict, Reconciled) and (deed is None or verdict.found.id != deed.id):
                self.wrong.append((verdict, deed))

    def send_earlier_orders(self):
        """Schedule early orders of a process that used the key before and was killed."""
        for path in ("bought", "placed", "noted"):
            for at in (0.0, self.chance.uniform(0, 30)):
                if self.chance.random() < 0.3:
                    body = {"amount": "3", "price": "5"}
                    asyncio.get_running_loop().call_later(at, self.exchange.do, path, body)

    async def run(self):
        """Run all calls of the world."""
        chance = self.chance
        self.send_earlier_orders()
        async with placing(self.exchange) as client:
            if chance.random() < 0.7:
                self.exchange.fates[:0] = [ANSWERED, ANSWERED]
                await begin(client, chance.choice([0, 40, 500]))
                self.exchange.step = chance.choice([0.0, chance.uniform(-7200, 7200)])
            calls = chance.choice([MANY, MANY[:1], MANY[1:2], MANY[3:]])
            await asyncio.gather(*(self.call(client, calls) for _ in range(chance.choice([1, 3, 8]))))


MANY = [
    lambda c, amount: c.orders.buy(amount=amount, price=5),
    lambda c, amount: c.v9.neworders.buy(amount=amount, price=5),
    lambda c, amount: c.orders.place(amount=amount, price=5),
    lambda c, amount: c.orders.note(amount=amount, price=5),
    lambda c, amount: c.orders.tip(amount=amount),
]


class SharedWorld(World):
    """Two processes that share a journal; the first may be killed while it waits for answers."""

    async def run(self):
        """Run the calls of both, and let the second reconcile what the first left behind."""
        chance, exchange, records = self.chance, self.exchange, Records()
        first = Shared(Journal(records, "one", seconds=chance.choice([0.0, 0.01])))
        second = Shared(Journal(records, "two", seconds=chance.choice([0.0, 0.01])), like=first)
        self.send_earlier_orders()
        async with placing(exchange, state=first) as one, placing(exchange, state=second) as two:
            exchange.fates[:0] = [ANSWERED] * 4
            await begin(one, chance.choice([5, 400]))
            if chance.random() < 0.7:
                await begin(two, elapsed() + chance.choice([0, 40]))
            calls = chance.choice([MANY, MANY[:1], MANY[1:2], MANY[3:]])
            tasks = [asyncio.create_task(self.call(c, calls)) for _ in range(chance.choice([1, 3])) for c in (one, two)]
            if chance.random() < 0.5:
                await asyncio.sleep(chance.uniform(0, 60))
                first.journal.dead = True
                records.dead.add("one")
                self.dead = one
                await self.clear(two)
            await asyncio.gather(*tasks)
            await self.clear(two)

    async def clear(self, client):
        """Reconcile everything that is unresolved."""
        for intent, call in list(client.unresolved.items()):
            error = OutcomeUnknown("found", intent=intent, nonce=call.nonce)
            if call.standing is Standing.UNKNOWN:
                await self.reconcile(client, error)


PART = 20
# Sixty worlds in every run, 420 in `nox -s stress`.
PARTS = [
    pytest.param(kind, first, marks=[pytest.mark.stress] * (first >= few), id=f"{kind.__name__}-{first}")
    for kind, few, number in ((World, 40, 300), (SharedWorld, 20, 120))
    for first in range(0, number, PART)
]


@pytest.mark.parametrize(("kind", "first"), PARTS)
def test_no_verdict_is_wrong(kind, first):
    """In worlds that are late, skewed and lossy, and whose processes are killed, no verdict is wrong."""
    verdicts = {Incomplete} if kind is SharedWorld else set()
    for seed in range(first, first + PART):
        world = kind(seed)
        run(world.run())
        verdicts.update(world.verdicts)

        assert (seed, []) == (seed, world.wrong)

    assert {Reconciled, NoTrace, Ambiguous, Incomplete} == verdicts
