"""Odd answers to every endpoint: how many are taken for done, rejected, not sent, or nothing there.

All of them are interpreted as the session does; a part is sent to clients, through a transport of the caller, a patched
httpx and own connections. What an endpoint declares is listed beside: `tests.support.odd_answers` has it by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any
from unittest.mock import patch

import httpx
from attrs import define, field

from exchanges import Bitex, Bitso, Bitstamp
from exchanges.errors import DecodeError, ExchangeError, Unavailable
from exchanges.http.answer import Answer
from exchanges.outcomes import classify
from exchanges.outcomes.classify import final_error
from exchanges.outcomes.error_table import ErrorTable
from exchanges.outcomes.response import interpret
from exchanges.state import MemoryState
from exchanges.wire.converter import wire
from exchanges.wire.evidence import Confirmation
from tests.stress.figures import Figure, Mechanisms
from tests.stress.tally import results
from tests.support.documented_answers import CALLS
from tests.support.hasty_loop import run_hasty
from tests.support.odd_answers import SPECIMENS, STATUSES, Odd, odd_answers, verdict
from tests.support.raw_server import Heard, response, serving

PROMISES = (13,)
QUICK_AMONG = 37
ANSWERS_APART = 7
VERDICTS = ("done", "rejected", "nothing there", "not sent", "an answer")
SENT_AMONG, QUICK_SENT_AMONG = 150, 4000
WORKERS = 2
CLIENTS: dict[str, Callable[..., Any]] = {"bitex": Bitex, "bitso": Bitso, "bitstamp": Bitstamp}
SIGNING = {"api_secret": "secret", "client_id": "7"}
WAYS = ("a transport of the caller", "a patched httpx", "own connections")
Found = list[tuple[str, str, str]]
"""Verdict, endpoint, name of the answer."""


# Mechanisms


def _by_status() -> AbstractContextManager[object]:
    """Believe the status 404, whoever sends it."""
    missing = classify.errors.NotFound
    problem = classify.problem_of_status

    def believed(status: int) -> classify.Problem:
        return classify.Problem(missing) if status == 404 else problem(status)

    return patch("exchanges.outcomes.response.problem_of_status", believed)


def _by_any_text() -> AbstractContextManager[object]:
    """Accept any text of an error as proof."""
    return patch.object(ErrorTable, "_by_texts", lambda *_: classify.errors.Rejected)


MECHANISMS: Mechanisms = {
    # Whatever is no other value counts as the confirmation.
    "confirmation": lambda: patch.object(Confirmation, "read", lambda *_, **__: None),
    "own words": _by_status,
    "known texts": _by_any_text,
    "empty body": lambda: patch("exchanges.outcomes.response.loads", lambda body: wire_loads(body or b"[]")),
}


def wire_loads(body: bytes) -> Any:
    """Parse JSON, whatever is patched."""
    from exchanges.wire.codecs import loads

    return loads(body)


# Interpreting


@define
class Count:
    """What odd answers were taken for.

    Attributes:
        pairs: How many were tried.
        verdicts: How many that are not declared were taken for something.
        declared: What is declared and was taken for it, by endpoint and answer.
        refused: Answers that are declared and were refused.
        found: Examples of `verdicts`.
    """

    pairs: int = 0
    verdicts: Counter[str] = field(factory=Counter[str])
    declared: set[tuple[str, str]] = field(factory=set[tuple[str, str]])
    refused: set[tuple[str, str]] = field(factory=set[tuple[str, str]])
    found: Found = field(factory=list[tuple[str, str, str]])

    def note(self, odd: Odd, error: ExchangeError | None) -> None:
        """Count one end of a call."""
        self.pairs += 1
        said = verdict(odd, error)
        pair = odd.specimen.id, odd.name
        if odd.is_declared:
            (self.declared if said else self.refused).add(pair)
        elif said is not None:
            self.verdicts[said] += 1
            self.found += [(said, odd.specimen.id, f"{odd.status} {odd.name}")][: 20 - len(self.found)]

    def add(self, other: Count) -> None:
        """Add another count to this one."""
        self.pairs += other.pairs
        self.verdicts += other.verdicts
        self.declared |= other.declared
        self.refused |= other.refused
        self.found += other.found


def interpreted(odd: Odd) -> ExchangeError | None:
    """Return the error of an answer to the only attempt at a call."""
    attempt = CALLS[odd.specimen.id]
    error = interpret(attempt, Answer(odd.status, {}, odd.body), wire()).error
    if error is None:
        return None
    is_doubtful = error.may_have_executed or isinstance(error, Unavailable | DecodeError)
    return final_error(attempt.call, error, error if is_doubtful else None)


def _count(share: int, among: int, without: str | None) -> Count:
    """Interpret one odd answer *among* so many."""
    count = Count()
    with MECHANISMS[without]() if without else nullcontext():
        for odd in sample(share, among):
            count.note(odd, interpreted(odd))
    return count


def sample(share: int, among: int) -> Iterator[Odd]:
    """Iterate over one *among* so many of the odd answers to all endpoints, without building the others."""
    steps = min(among, ANSWERS_APART)
    statuses = ((specimen, status) for specimen in SPECIMENS for status in STATUSES)
    for number, (specimen, status) in enumerate(statuses):
        if (number + share) % (among // steps) == 0:
            yield from islice(odd_answers(specimen, status), (number + share) % steps, None, steps)


# Sending


@define
class _Server:
    """What the next request is answered with, whichever way it comes."""

    odd: Odd | None = None

    def answer(self, *_: Any) -> httpx.Response:
        """Answer a request through httpx."""
        assert self.odd is not None
        return httpx.Response(self.odd.status, content=self.odd.body)

    async def answer_patched(self, *_: Any) -> httpx.Response:
        """Answer a request through a patched httpx."""
        return self.answer()

    async def talk(self, heard: Heard) -> None:
        """Answer the requests of one connection."""
        while True:
            await heard.request()
            assert self.odd is not None
            has_body = self.odd.status not in (204, 304)
            await heard.say(response(self.odd.body if has_body else b"", status=b"%d Odd" % self.odd.status))


async def _send(odds: list[Odd], way: str) -> Count:
    """Call a client for each odd answer."""
    served, count = _Server(), Count()
    transport = httpx.MockTransport(served.answer) if way == WAYS[0] else None
    patched = patch.object(httpx.AsyncHTTPTransport, "handle_async_request", served.answer_patched)
    with patched if way == WAYS[1] else nullcontext():
        async with serving(served.talk) as server:
            for odd in odds:
                served.odd = odd
                count.note(odd, await _error_of(odd, server.origin, transport))
    return count


async def _error_of(odd: Odd, origin: str, transport: httpx.MockTransport | None) -> ExchangeError | None:
    """Return the error of one call of a new client, to which nothing of another is known."""
    name, _, path = odd.specimen.id.partition(".")
    options: dict[str, Any] = {"limits": None, "state": MemoryState(), "timeout_seconds": 20.0, "api_key": "key"}
    options |= {} if name == "bitex" else SIGNING
    async with CLIENTS[name](base_url=origin, transport=transport, **options) as client:
        call: Any = client
        for part in path.split("."):
            call = getattr(call, part)
        try:
            await call(**odd.specimen.arguments)
        except ExchangeError as error:
            return error
        return None


def sent(odds: list[Odd], without: str | None = None) -> Count:
    """Send each odd answer in each way."""
    count = Count()
    with MECHANISMS[without]() if without else nullcontext(), patch("exchanges.session.session.BACKOFF_SECONDS", 0.0):
        for way in WAYS:
            count.add(run_hasty(_send(odds, way)))
    return count


# Figures


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Interpret every odd answer and send some, and list what is declared."""
    count = Count()
    shares = [(seed, QUICK_AMONG, without)] if quick else [(n, WORKERS, without) for n in range(WORKERS)]
    for part in results(_count, shares, spread=not quick, workers=WORKERS):
        count.add(part)
    yield from _figures(f"{count.pairs:,} odd answers to {len(SPECIMENS)} endpoints", count)
    some = sent(list(sample(seed, QUICK_SENT_AMONG if quick else SENT_AMONG)), without)
    yield from _figures(f"{some.pairs:,} of them sent to clients in {len(WAYS)} ways", some)
    yield Figure("declared answers that are refused", str(len(count.refused)), "0", not count.refused)
    listed = sorted({endpoint for endpoint, name in count.declared if name.startswith("[]")})
    yield Figure("declared: [] is a list without entries", f"{len(listed)} endpoints: {', '.join(listed)}")
    for endpoint, name in sorted(count.declared):
        if not name.startswith("[]"):
            yield Figure(f"declared: {endpoint}", name)


def _figures(about: str, count: Count) -> Iterator[Figure]:
    for name in VERDICTS:
        examples = [f"{endpoint}: {answer}" for said, endpoint, answer in count.found if said == name][:3]
        shown = f"{count.verdicts[name]:,} {examples or ''}".rstrip()
        yield Figure(f"{about}: taken for {name}", shown, "0", not count.verdicts[name])
