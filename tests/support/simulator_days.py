"""What the tests of the simulated exchanges share: clients of their accounts, and the sum of all holdings."""

from contextlib import asynccontextmanager
from decimal import ROUND_DOWN, Decimal
from random import Random
from typing import Any

from exchanges.bitex import Bitex
from exchanges.bitso import Bitso
from exchanges.bitstamp import Bitstamp
from exchanges.simulator import Simulator, Venue
from tests.support.simulator_calls import NOW, simulated

NOTHING = Decimal(0)
SATOSHI = Decimal("0.00000001")
STILL: dict[str, Any] = {"limits": None, "clock": lambda: NOW}


def down(amount: Decimal) -> Decimal:
    """Round down to the smallest amount that is transferred."""
    return amount.quantize(SATOSHI, rounding=ROUND_DOWN)


@asynccontextmanager
async def playing(seed: int = 0):
    """Simulate Bitex alone, with a client of the reseller and one of the ordinary account."""
    async with (
        simulated(Venue.BITEX, seed=seed) as sim,
        Bitex(base_url=sim.base_url, limits=None, strict=True, **sim.account(Venue.BITEX)) as reseller,
        Bitex(base_url=sim.base_url, limits=None, strict=True, **sim.account(Venue.BITEX, 1)) as ordinary,
    ):
        yield sim, reseller, ordinary


def sums(sim: Simulator) -> tuple[Decimal, Decimal]:
    """Return the sum of all holdings of each currency."""
    usd, btc = (sum(sim.bitex.holdings(currency).values(), NOTHING) for currency in ("usd", "btc"))
    return usd, btc


@asynccontextmanager
async def playing_bitso(seed: int = 0):
    """Simulate Bitso alone, with clients of both accounts, on whose clocks no quote ever expires."""
    async with (
        simulated(Venue.BITSO, seed=seed) as sim,
        Bitso(base_url=sim.base_url, strict=True, **STILL, **sim.account(Venue.BITSO)) as bitso,
        Bitso(base_url=sim.base_url, strict=True, **STILL, **sim.account(Venue.BITSO, 1)) as other,
    ):
        yield sim, bitso, other


@asynccontextmanager
async def playing_bitstamp(seed: int = 0):
    """Simulate Bitstamp alone, with clients of both accounts, whose clocks agree with its own: it refuses others."""
    async with simulated(Venue.BITSTAMP, seed=seed) as sim:
        options = {"base_url": sim.base_url, "strict": True, "limits": None, "clock": lambda: sim.now}
        async with (
            Bitstamp(**options, **sim.account(Venue.BITSTAMP)) as bitstamp,
            Bitstamp(**options, **sim.account(Venue.BITSTAMP, 1)) as other,
        ):
            yield sim, bitstamp, other


class Walk:
    """A random walk by the clients of both accounts; a subclass takes its steps."""

    def __init__(self, sim: Simulator, clients: list[Any], seed: int) -> None:
        self.sim, self.clients, self.chance = sim, clients, Random(seed)

    def amount(self, most: int) -> Decimal:
        """Draw an amount between a hundredth of *most* and *most*."""
        return Decimal(self.chance.randrange(10**8 * most // 100, 10**8 * most)).scaleb(-8)

    async def wait(self, _: object = None) -> None:
        """Advance the clock by up to two hours."""
        self.sim.advance(self.chance.choice([1, 60, 1800, 7200]))
