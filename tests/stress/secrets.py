"""Canaries as key, secret, client id, password, document: every failure, and every sink that may show them.

A check is one sink of one failure: one text, or many, in which nothing of a canary and nothing of a signature may be
left. See `tests.support.secrets`, `tests.support.leak_scenarios` and `tests.support.leak_sinks`.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from unittest.mock import patch

import httpx
from attrs import define, field

from exchanges import errors
from tests.stress.figures import Figure, Mechanisms
from tests.stress.stream_secrets import RAISED
from tests.support import secrets as canaries
from tests.support import virtual_time
from tests.support.echoing_servers import answered
from tests.support.failing_parts import broken
from tests.support.leak_misuse import misused
from tests.support.leak_scenarios import CALLS, Failure, play
from tests.support.leak_sinks import SINKS, Scene, chains, leaks
from tests.support.leak_sockets import wired

PROMISES = (12,)


MECHANISMS: Mechanisms = {
    "redaction": lambda: patch.object(errors, "redacted", lambda text, _: text),
    "no tracebacks": lambda: patch("exchanges.endpoint.areas.strip"),
}
TREE = set(errors.__all__) - {"ExchangeError"} - RAISED
"""Those of streams are looked at in stage stream_secrets."""
FEW = ("bitex read", "bitex password", "bitso read", "bitso v2 money", "bitstamp money", "bitstamp v1 cancel")
WIRED = (*FEW, "bitex money", "bitso conversion", "bitstamp v1 money", "bitex document")
EVERY = 4
"""Each call is run with one in this many spellings, and the calls of an exchange together with all of them."""


@define(eq=False)
class Count:
    """The results of the failures of one exchange.

    Attributes:
        failures: How many there were.
        shown: Checks that showed a secret.
        examples: What showed, and where.
        raised: The classes of what was raised.
    """

    failures: int = 0
    shown: int = 0
    examples: dict[str, str] = field(factory=dict[str, str])
    raised: Counter[str] = field(factory=Counter[str])

    def add(self, failure: Failure, scene: Scene) -> None:
        """Search all sinks of one scene."""
        self.failures += 1
        self.raised.update(type(error).__name__ for error in chains(scene))
        for sink, found in leaks(scene).items():
            self.shown += 1
            self.examples.setdefault(sink, f"{failure.name}: {', '.join(found)}")


def failures(*, quick: bool, seed: int) -> list[Failure]:
    """Choose the failures."""
    names = FEW if quick else tuple(CALLS)
    found = list(misused())
    for number, name in enumerate(names):
        for place, spelling in enumerate(canaries.SPELLINGS):
            if not place or (not quick and (place + number + seed) % EVERY == 0):
                found += answered(name, CALLS[name], spelling)
    for name in FEW[::2] if quick else CALLS:
        found += broken(name, CALLS[name])
    for name in FEW[::2] if quick else WIRED:
        found += wired(name, CALLS[name])
    return _some(found, seed) if quick else found


def _some(found: list[Failure], seed: int) -> list[Failure]:
    """Keep all failures in virtual time, and a few of those on real sockets."""
    real = [m for m in found if m.real]
    return [m for m in found if not m.real] + random.Random(seed).sample(real, 8)


async def _play(chosen: Iterable[Failure], counts: dict[str, Count]) -> None:
    for failure in chosen:
        counts.setdefault(failure.exchange, Count()).add(failure, await play(failure))


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Run the failures and search every sink."""
    counts: dict[str, Count] = {}
    chosen = failures(quick=quick, seed=seed)
    virtual_time.run(_play((m for m in chosen if not m.real), counts))
    asyncio.run(_play((m for m in chosen if m.real), counts))
    for exchange, count in counts.items():
        examples = "; ".join(f"{sink}: {what}" for sink, what in list(count.examples.items())[:2])
        yield Figure(
            f"{exchange}: {count.failures:,} failures x {len(SINKS)} sinks show no secret",
            f"{count.shown:,} of {count.failures * len(SINKS):,} do" + (f": {examples}" if examples else ""),
            "0",
            count.shown == 0,
        )
    raised = TREE & {name for count in counts.values() for name in count.raised}
    missing = f"; not {', '.join(sorted(TREE - raised))}" if TREE - raised else ""
    yield Figure("classes of errors looked at", f"{len(raised)} of {len(TREE)}{missing}", "all", raised == TREE)
    shown = leaks(asyncio.run(naive()))
    yield Figure("a plain httpx client, refused once", f"{len(shown)} of {len(SINKS)} sinks show the key")


async def naive() -> Scene:
    """Send a call as most programs do: with the key in the URL, `raise_for_status` and every logger enabled."""
    scene = Scene()

    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"error": f"Invalid API key {request.url}"})

    with scene.played():
        async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
            answer = await client.get("https://a.example/orders", params={"api_key": canaries.API_KEY})
            logging.getLogger(__name__).debug("answered: %s", answer.text)
            answer.raise_for_status()
    return scene
