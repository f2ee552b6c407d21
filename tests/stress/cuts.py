"""Orders through a proxy that cuts the connection at every byte of request and answer, plainly and over TLS.

What is told of an order must be so: an order that is told as not sent was not executed, and one that is told as done
was, with the answer to that very order. Over TLS the bytes are those of the records, the handshake included.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from unittest.mock import patch

from attrs import define, field, frozen

from exchanges.errors import NotSent, OutcomeUnknown
from exchanges.http.answer import Evidence
from exchanges.state import MemoryState
from tests.stress.figures import Figure, Mechanisms
from tests.support.fourth import CREDENTIALS, Fourth
from tests.support.raw_server import Heard, RawServer, response, serving
from tests.support.tls_servers import secured, trusting

PROMISES = (6,)
ORDERS, QUICK_ORDERS = 10_000, 300
CLIENTS = 12
READ_BYTES = 65_536
AMOUNT = re.compile(rb"amount\D+([0-9]+)")
MECHANISMS: Mechanisms = {"evidence": lambda: patch.object(Evidence, "nothing_left", property(lambda _: True))}
"""Without it every failure counts as not sent, as with a client that knows nothing of its bytes."""


@frozen
class Cut:
    """Where a connection is cut.

    Attributes:
        is_answer: Whether the bytes of the server are counted, and not those of the client.
        after: How many bytes still pass.
        resets: Whether it ends with RST; otherwise with FIN.
    """

    is_answer: bool
    after: int
    resets: bool


@define(eq=False)
class Proxy:
    """A relay that cuts each connection where it is told to.

    Attributes:
        target: Port of the server.
        cuts: For the next connections; where none is left, nothing is cut.
        passed: Bytes of the last connection, by direction.
    """

    target: int
    cuts: Iterator[Cut]
    passed: dict[bool, int] = field(factory=dict[bool, int])
    tasks: set[asyncio.Task[Any]] = field(factory=set["asyncio.Task[Any]"])

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection."""
        task, cut = asyncio.current_task(), next(self.cuts, None)
        assert task is not None
        self.tasks.add(task)
        self.passed = {False: 0, True: 0}
        upstream, downstream = await asyncio.open_connection("127.0.0.1", self.target)
        ways = [
            asyncio.ensure_future(self._relay(source, sink, cut, is_answer=is_answer))
            for source, sink, is_answer in ((reader, downstream, False), (upstream, writer, True))
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            for end in (writer, downstream):
                _end(end, resets=cut is not None and cut.resets)
            self.tasks.discard(task)

    async def _relay(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, cut: Cut | None, *, is_answer: bool
    ) -> None:
        left = cut.after if cut is not None and cut.is_answer is is_answer else None
        while left != 0:
            try:
                data = await source.read(READ_BYTES if left is None else min(READ_BYTES, left))
                self.passed[is_answer] += len(data)
                sink.write(data)
                await sink.drain()
            except ConnectionError:
                return
            if not data:
                return
            left = None if left is None else left - len(data)


def _end(writer: asyncio.StreamWriter, *, resets: bool) -> None:
    if resets:
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
    else:
        writer.close()


@asynccontextmanager
async def relaying(target: int, cuts: Iterator[Cut]) -> AsyncIterator[tuple[Proxy, int]]:
    """Relay connections to the port *target*; yield the proxy and its port."""
    proxy = Proxy(target, cuts)
    listener = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    try:
        yield proxy, listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in list(proxy.tasks):
            task.cancel()
        if proxy.tasks:
            await asyncio.wait(proxy.tasks)


@define
class Count:
    """What was told of orders, and what is so.

    Attributes:
        executed: The orders that the server received whole.
        told: The number of orders, by what was told of them.
        false: What was told and is not so.
        not_sent: Orders that were told as not sent.
        places: At how many bytes a connection was cut.
    """

    executed: set[int] = field(factory=set[int])
    told: dict[str, int] = field(factory=dict[str, int])
    false: list[str] = field(factory=list[str])
    not_sent: list[int] = field(factory=list[int])
    places: int = 0

    async def execute(self, heard: Heard) -> None:
        """Execute the orders of one connection; the answer names the order, and is chunked every second time."""
        while True:
            found = AMOUNT.search((await heard.request()).partition(b"\r\n\r\n")[2])
            assert found is not None
            amount = int(found[1])
            self.executed.add(amount)
            body = b'{"id": %d}' % amount
            if amount % 2:
                await heard.say(response(body, b"Connection: close"))
            else:
                head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                await heard.say(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    async def order(self, client: Fourth, amount: int) -> None:
        """Place one order, and note what is told of it."""
        try:
            thing = await client.trading.create_order(amount=amount)
            told = "done"
            if thing.id != amount or amount not in self.executed:
                self.false.append(f"{amount} was told as done with {thing}")
        except NotSent:
            told = "not sent"
            self.not_sent.append(amount)
        except OutcomeUnknown:
            told = "unknown"
        self.told[told] = self.told.get(told, 0) + 1

    def judge(self) -> None:
        """Compare what was told as not sent with what was executed in the end."""
        self.false += [f"{n} was told as not sent" for n in self.not_sent if n in self.executed]


def _client(origin: str) -> Fourth:
    options: Any = {"limits": None, "state": MemoryState(), "ssl_context": trusting()}
    client = Fourth(base_url=origin, **CREDENTIALS, **options)
    # One connection for each order, so that each is cut where it should be.
    client._session._config.transport._pool._keeps_ready = False
    return client


def _every_byte(passed: dict[bool, int], orders: int) -> list[Cut]:
    """Return where to cut, evenly over all bytes if there are fewer *orders* than bytes."""
    places = [Cut(way, after, resets) for way in passed for after in range(passed[way] + 1) for resets in (True, False)]
    step = max(1, -(-len(places) // orders))
    return places[:: step | 1]  # odd, so that both endings occur


async def _play(serve: Callable[..., AbstractAsyncContextManager[RawServer]], scheme: str, orders: int) -> Count:
    count, numbers = Count(), itertools.count(1_000_000)
    async with serve(talk=count.execute) as server:
        async with relaying(server.port, iter(())) as (proxy, port), _client(f"{scheme}://127.0.0.1:{port}") as client:
            for _ in range(2):  # with either kind of answer
                await count.order(client, next(numbers))
            places = _every_byte(proxy.passed, orders)
        count.places = len({(cut.is_answer, cut.after) for cut in places})
        cuts = itertools.islice(itertools.cycle(places), orders)
        async with relaying(server.port, cuts) as (_, port):
            left = iter(range(orders))

            async def trade() -> None:
                async with _client(f"{scheme}://127.0.0.1:{port}") as client:
                    for _ in left:
                        await count.order(client, next(numbers))

            await asyncio.gather(*(trade() for _ in range(CLIENTS)))
    count.judge()
    return count


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Count the orders of which something is told that is not so."""
    orders = QUICK_ORDERS if quick or without else ORDERS
    kinds: Sequence[tuple[str, Any]] = (
        ("http", serving),
        ("https", lambda talk: secured(talk=talk)),
    )
    for scheme, serve in kinds:
        count = asyncio.run(_play(serve, scheme, orders // 2))
        told = ", ".join(f"{number:,} {what}" for what, number in sorted(count.told.items()))
        words = f"{orders // 2:,} orders over {scheme}, connections cut at {count.places:,} bytes ({told})"
        yield Figure(f"{words}: told what is not so", f"{len(count.false)}", "0", not count.false)
