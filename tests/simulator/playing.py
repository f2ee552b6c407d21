"""What the tests of the played Bitex share: clients of both accounts, and the sum of all that is there."""

from contextlib import asynccontextmanager
from decimal import Decimal

from exchanges.bitex import Bitex
from exchanges.simulator import Simulator, Venue
from tests.simulator.calling import simulated

NOTHING = Decimal(0)


@asynccontextmanager
async def playing(seed: int = 0):
    """Play Bitex alone, with a client of the reseller and one of the ordinary customer."""
    async with (
        simulated(Venue.BITEX, seed=seed) as sim,
        Bitex(base_url=sim.base_url, limits=None, strict=True, **sim.account(Venue.BITEX)) as reseller,
        Bitex(base_url=sim.base_url, limits=None, strict=True, **sim.account(Venue.BITEX, 1)) as ordinary,
    ):
        yield sim, reseller, ordinary


def sums(sim: Simulator) -> tuple[Decimal, Decimal]:
    """Add up what everybody holds of either currency."""
    usd, btc = (sum(sim.bitex.holdings(currency).values(), NOTHING) for currency in ("usd", "btc"))
    return usd, btc
