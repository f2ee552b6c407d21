"""Many concurrent signed calls over real sockets to a server that refuses any nonce that does not increase."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from unittest.mock import patch

from attrs import frozen

from exchanges.bitso import Bitso
from exchanges.bitstamp import Bitstamp
from exchanges.limits.limiter import KeyLock
from exchanges.simulator import Venue, simulate
from exchanges.state import MemoryState
from tests.stress.figures import Figure, Mechanisms

PROMISES = (1,)
CALLS = 5_000
QUICK_CALLS = 60
REFUSED = "wrong nonce"


class OpenKeyLock(KeyLock):
    """A key lock that any number of calls hold at once."""

    @property
    def taken(self) -> bool:
        """Return whether it is held: never."""
        return False


@frozen
class Count:
    """The results of one run, by venue.

    Attributes:
        calls: How many calls were begun.
        failed: How many ended in an error.
        arrived: Requests that the server saw.
        refused: Those of which it refused the nonce.
    """

    calls: int
    failed: int
    arrived: int
    refused: int


async def play(calls: int, seed: int) -> dict[str, Count]:
    """Send *calls* signed calls to each of two exchanges, all at once."""
    async with simulate(Venue.BITSTAMP, Venue.BITSO, seed=seed, limits=False) as simulator:
        options = {
            "base_url": simulator.base_url,
            "limits": None,
            "state": MemoryState(),
            "timeout_seconds": 600.0,
        }
        async with (
            Bitstamp(**simulator.account(Venue.BITSTAMP), **options) as bitstamp,
            Bitso(**simulator.account(Venue.BITSO), **options) as bitso,
        ):
            asked = {
                Venue.BITSTAMP: (bitstamp.v1.account.balance,),
                Venue.BITSO: (bitso.v2.account.balance, bitso.account.balance),  # one key, two generations
            }
            ends = await asyncio.gather(
                *(asks[n % len(asks)]() for n in range(calls) for asks in asked.values()), return_exceptions=True
            )
        counts = {}
        for number, venue in enumerate(asked):
            seen = [r for r in simulator.requests if r.venue is venue]
            failed = sum(isinstance(end, BaseException) for end in ends[number :: len(asked)])
            counts[str(venue)] = Count(calls, failed, len(seen), sum(r.outcome == REFUSED for r in seen))
        return counts


MECHANISMS: Mechanisms = {"key lock": lambda: patch("exchanges.session.destinations.KeyLock", OpenKeyLock)}


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count the refused nonces."""
    calls = QUICK_CALLS if quick else CALLS
    for venue, count in asyncio.run(play(calls, seed)).items():
        yield Figure(
            f"{venue}: {calls:,} concurrent signed calls arrive with increasing nonces",
            f"{count.refused} refused nonces in {count.arrived:,} requests, {count.failed} calls failed",
            "0 refused, 0 failed",
            (count.refused, count.failed, count.arrived) == (0, 0, calls),
        )
