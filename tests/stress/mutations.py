"""Documented answers changed by chance, a million of them, read as an answer to each endpoint and as callbacks."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import attrs
import msgspec
from attrs import define, field

from exchanges.bitex.callbacks import Callbacks
from exchanges.errors import CallbackRejected
from exchanges.http.answer import Answer
from exchanges.outcomes.attempt import Attempt
from exchanges.outcomes.response import interpret
from exchanges.wire import codecs
from exchanges.wire.converter import wire
from tests.stress.figures import Figure, Mechanisms
from tests.stress.tally import results
from tests.support.documented_answers import CALLS, SPECIMENS, UNEXPECTED
from tests.support.mutations import STATUSES, Seed, mutated

PROMISES = (11,)
BODIES = 1_000_000
QUICK_BODIES = 15_000
BODIES_WITHOUT = 40_000
WORKERS = 2
CALLBACKS_AMONG = 20
MOST_DEPTH = codecs.MAX_DEPTH + 16  # what models stand in, and the documents within them

KEY = "key"
CALLBACKS = Callbacks([KEY])
HEADERS = {"Webhook-Auth": hashlib.sha256(KEY.encode()).hexdigest()}
REFUSALS = (
    *(b"", b"false", b'"error"', b'{"error":"nonce must be greater than 1700000000000"}', b'{"message":"Not found."}'),
    *(b'{"error":{"code":104,"message":"Invalid Nonce or Invalid Credentials"}}', b'[{"error":"Invalid nonce"},{}]'),
    *(
        b'{"success":false,"error":{"code":"0301","message":"Unknown order book"}}',
        b'{"success":false,"amount":["no"]}',
    ),
    *(b'{"errors":[{"code":"1","title":"no","detail":"no","source":{"pointer":"/data/attributes/amount"}}]}',),
    *(b'{"status":"error","reason":{"__all__":["You have only 0 BTC"]},"response_code":"400.009"}', b"<html></html>"),
    *(b'{"status":"error","reason":"no","code":"API0004"}', b'{"errors":[{"field":"a","message":"b","code":"400.1"}]}'),
)
POSTS = (
    b'{"echo":"hello"}',
    b'{"data":{"id":"1","type":"kyc_profiles","attributes":{"accepted_usage_tier":"micro"}}}',
    *(b'{"api_key":"key","payment":%s}' % s.answer for s in SPECIMENS if s.id == "bitex.payments.payment"),
    *(s.answer for s in SPECIMENS if s.id == "bitex.concierge.work_order_request"),
)
WAITS = (
    "",
    "7",
    "-1",
    "1e9",
    "9" * 400,
    "inf",
    "nan",
    "Wed, 21 Oct 2015 07:28:00 GMT",
    "Mon, 32 Foo 99999 25:61:61 +9999",
)


# Mechanisms


class _StandardParser:
    """The JSON parser of the standard library."""

    def decode(self, body: bytes) -> object:
        """Read JSON."""
        return json.loads(body, parse_float=Decimal)


MECHANISMS: Mechanisms = {
    "door": lambda: patch.object(codecs, "_DECODER", _StandardParser()),
    "bounds": lambda: patch.object(codecs, "_DECODER", msgspec.json.Decoder(float_hook=Decimal)),
    "depth": lambda: patch.object(codecs, "_is_deep", lambda _: False),
}


# Counting


@define
class Count:
    """The results of reading bodies.

    Attributes:
        ends: The number of errors by class, and of values as ``value``.
        foreign: Exceptions that are none of the library's, with their bodies.
        unexpected: Bodies whose reader raised such an exception, which the library then converted.
        wrong: Values that are not exact or not bounded.
    """

    ends: Counter[str] = field(factory=Counter[str])
    foreign: list[str] = field(factory=list[str])
    unexpected: list[str] = field(factory=list[str])
    wrong: list[str] = field(factory=list[str])

    def add(self, other: Count) -> None:
        """Add another count to this one."""
        self.ends += other.ends
        for name in ("foreign", "unexpected", "wrong"):
            getattr(self, name).extend(getattr(other, name))


def _fault(value: Any, depth: int = 0) -> str | None:
    """Return what is wrong with *value*; None if nothing is."""
    if depth > MOST_DEPTH:
        return "too deep"
    if isinstance(value, Decimal):
        return None if value.is_finite() and value == codecs.BOUNDS.copy().plus(value) else "a number out of bounds"
    if isinstance(value, float):
        return "a float"
    inside: Iterable[Any] = ()
    if attrs.has(type(value)):
        inside = [getattr(value, a.name) for a in attrs.fields(type(value))]
    elif isinstance(value, Mapping):
        inside = value.values()
    elif isinstance(value, list | tuple):
        inside = value
    return next((fault for part in inside if (fault := _fault(part, depth + 1))), None)


@define(eq=False)
class Reading:
    """Reads bodies and counts the results."""

    count: Count = field(factory=Count)

    def answer(self, attempt: Attempt, answer: Answer) -> None:
        """Read an answer as the session does."""
        try:
            said = interpret(attempt, answer, wire())
        except BaseException as error:  # noqa: BLE001 - whether there is any is the question
            self.count.foreign.append(
                f"{type(error).__name__}: {attempt.call.endpoint.id} {answer.status} {answer.body[:200]!r}"
            )
            return
        if said.error is None:
            self.value(said.value, f"{attempt.call.endpoint.id} {answer.body[:200]!r}")
            return
        self.count.ends[type(said.error).__name__] += 1
        if UNEXPECTED in str(said.error):
            self.count.unexpected.append(f"{attempt.call.endpoint.id} {answer.status} {answer.body[:200]!r}")

    def post(self, body: bytes) -> None:
        """Read a callback, as a payment and as everything else."""
        for read in (CALLBACKS.payment, lambda raw: CALLBACKS.webhook(HEADERS, raw)):
            try:
                update = read(body)
            except CallbackRejected:
                self.count.ends["CallbackRejected"] += 1
            except BaseException as error:  # noqa: BLE001 - as above
                self.count.foreign.append(f"{type(error).__name__}: callback {body[:200]!r}")
            else:
                self.value(update, f"callback {body[:200]!r}")

    def value(self, value: Any, what: str) -> None:
        """Count a value, and check the numbers in it."""
        self.count.ends["value"] += 1
        try:
            fault = _fault(value)
        except ArithmeticError:
            fault = "a number out of bounds"
        if fault:
            self.count.wrong.append(f"{fault}: {what}")


def _count(bodies: int, seed: int, worker: int, without: str | None) -> Count:
    """Read *bodies* mutated bodies."""
    chance = random.Random(f"{seed} {worker}")
    reading = Reading()
    calls = [(CALLS[specimen.id], Seed.of(specimen.answer)) for specimen in SPECIMENS]
    refusals = [Seed.of(body) for body in REFUSALS]
    others = [*(seed for _, seed in calls), *refusals]
    posts = [Seed.of(post) for post in POSTS]
    with MECHANISMS[without]() if without else nullcontext():
        for number in range(bodies):
            if number % CALLBACKS_AMONG == 0:
                reading.post(mutated(chance.choice(posts), others, chance))
                continue
            sent, documented = chance.choice(calls)
            status = chance.choice(STATUSES)
            is_refusal = chance.random() < (0.1 if status < 300 else 0.8)
            body = mutated(chance.choice(refusals) if is_refusal else documented, others, chance)
            reading.answer(sent, Answer(status, {"retry-after": chance.choice(WAITS)}, body))
    return reading.count


# Figures


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Read all bodies in two processes, or a few in this one."""
    bodies = QUICK_BODIES if quick else BODIES
    if without:  # a few show it, and are slow: without bounds a number of a few bytes takes seconds
        bodies = min(bodies, BODIES_WITHOUT)
    workers = 1 if quick else WORKERS
    shares = [(bodies // workers, seed, worker, without) for worker in range(workers)]
    count = Count()
    for counted in results(_count, shares, spread=not quick, workers=workers):
        count.add(counted)
    ours = sum(n for name, n in count.ends.items() if name != "value")
    about = f"{bodies:,} mutated bodies for {len(CALLS)} endpoints and callbacks"
    yield Figure(
        f"{about}: a value or an error of ours",
        f"{len(count.foreign)} others; {count.ends['value']:,} values, {ours:,} errors{_first(count.foreign)}",
        "0 others",
        not count.foreign,
    )
    yield Figure(
        f"{about}: no reader raises an unexpected exception",
        f"{len(count.unexpected)} did{_first(count.unexpected)}",
        "0",
        not count.unexpected,
    )
    yield Figure(
        f"{about}: values are exact and bounded",
        f"{len(count.wrong)} of {count.ends['value']:,} are not{_first(count.wrong)}",
        "0",
        not count.wrong,
    )


def _first(cases: list[str]) -> str:
    return f" (such as {cases[0]})" if cases else ""
