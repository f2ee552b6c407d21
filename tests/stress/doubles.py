"""Calls to a server that sends every answer twice: none may get the answer to the call before it.

Plainly, over TLS with both answers in one segment, and over TLS with the second one behind it: in a segment of its own,
or cut within its record, so that a part of it waits in the TLS layer until the next request.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from attrs import define, field

from exchanges.errors import ExchangeError
from exchanges.http.answer_reader import AnswerReader
from exchanges.http.connection import Connection
from exchanges.http.records import TlsRecords
from exchanges.state import MemoryState
from tests.stress.figures import Figure, Mechanisms
from tests.support.fourth import CREDENTIALS, Fourth
from tests.support.own_connections import Records, by_records
from tests.support.raw_server import Heard, response, serving
from tests.support.tls_servers import trusting

PROMISES = (9,)
CALLS, QUICK_CALLS = 1_000, 60
LAYOUTS = ("plain", "TLS, one segment", "TLS, two segments")
HEAD_BYTES = 5
NAMED = re.compile(rb"/orders/([0-9]+)/cancel|/things/([0-9]+)|amount\D+([0-9]+)")


def _unchecked() -> ExitStack:
    """Reuse every connection that is open, whatever waits on it."""
    stack = ExitStack()
    stack.enter_context(patch.object(Connection, "is_quiet", lambda self: self.is_open))
    stack.enter_context(patch.object(AnswerReader, "allows_reuse", property(lambda _: True)))
    stack.enter_context(patch.object(TlsRecords, "has_input", property(lambda _: False)))
    return stack


MECHANISMS: Mechanisms = {"surplus": _unchecked}


@define
class Count:
    """The results of all calls.

    Attributes:
        calls: How many were made.
        answered: How many were answered.
        false: How many got the answer to another call.
        connections: How many were made.
    """

    calls: int = 0
    answered: int = 0
    false: int = 0
    connections: int = 0
    failures: set[str] = field(factory=set[str])

    async def call(self, client: Fourth, number: int) -> None:
        """Send a read, a cancel or an order, whose answer names it."""
        self.calls += 1
        try:
            if number % 3 == 0:
                thing = await client.market.thing(str(number))
            elif number % 3 == 1:
                thing = await client.trading.cancel(number)
            else:
                thing = await client.trading.create_order(amount=number)
            self.answered += 1
            self.false += thing.id != number
        except ExchangeError as error:
            self.failures.add(type(error).__name__)


def _answer_to(request: bytes) -> bytes:
    """Return the answer that names what was asked for."""
    found = NAMED.search(request)
    assert found is not None
    return response(b'{"id": %b}' % next(part for part in found.groups() if part))


async def _plainly(heard: Heard) -> None:
    held = b""
    for number in range(1_000_000):
        answer = _answer_to(await heard.request())
        # Every other time the second answer is cut, so that its rest comes with the answer to the next call.
        cut = len(answer) // 2 if number % 2 else len(answer)
        await heard.say(held + answer + answer[:cut])
        held = answer[cut:]


def _over_tls(layout: str) -> Any:
    async def talk(heard: Heard, records: Records) -> None:
        held = b""
        for number in range(1_000_000):
            answer = _answer_to(await _request(records))
            first, second = records.records(answer), records.records(answer)
            if layout == LAYOUTS[1]:
                await heard.say(held + first + second)
                continue
            cut = HEAD_BYTES + number % 8 if number % 2 else len(second)
            await heard.say(held + first)
            await asyncio.sleep(0)
            await heard.say(second[:cut])
            held = second[cut:]

    return by_records(talk)


async def _request(records: Records) -> bytes:
    """Read one request, body and all."""
    head, _, body = (await records.request()).partition(b"\r\n\r\n")
    length = re.search(rb"content-length: ([0-9]+)", head.lower())
    if length is not None and len(body) < int(length[1]):
        await records.fill()
        body += records.layer.read(65_536)
    return head + b"\r\n\r\n" + body


async def _play(layout: str, calls: int) -> Count:
    count, options = Count(), dict[str, Any](limits=None, state=MemoryState(), timeout_seconds=20.0)
    talk = _plainly if layout == LAYOUTS[0] else _over_tls(layout)
    async with serving(talk) as server:
        origin = server.origin if layout == LAYOUTS[0] else server.origin.replace("http:", "https:")
        async with Fourth(base_url=origin, ssl_context=trusting(), **CREDENTIALS, **options) as client:
            for number in range(1, calls + 1):
                await count.call(client, number)
        count.connections = server.connections
    return count


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count the calls that get the answer to another one."""
    calls = QUICK_CALLS if quick or without else CALLS
    for layout in LAYOUTS:
        count = asyncio.run(_play(layout, calls))
        failures = f", {sorted(count.failures)}" * bool(count.failures)
        words = f"{count.calls:,} calls answered twice ({layout}), {count.answered:,} answered{failures}"
        yield Figure(f"{words}: told the answer to another", f"{count.false:,}", "0", not count.false)
        yield Figure(f"{words}: answered", f"{count.answered:,}", f"{calls:,}", count.answered == calls)
