"""A transport that brings requests to a simulator without a socket, for tests in virtual time.

What goes wrong with an answer is acted out as httpx would tell it: an exception where the connection is closed, silence
where nothing comes.
"""

import asyncio
from collections.abc import Iterator
from itertools import repeat
from random import Random
from typing import Self

import httpx

from exchanges.simulator import Simulator
from exchanges.simulator.http.delivery import PADDING, WRONG_LENGTH_BYTES, Sending, SendMode
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest

__all__ = ["InProcess"]

ADDRESS = "127.0.0.1"
MOMENT_SECONDS = 0.001
"""Between two pieces of a body that never ends."""


class InProcess(httpx.AsyncBaseTransport):
    """Carries requests to *simulator*.

    Args:
        simulator: Made with ``port=None``, or any other.
        way_seconds: Least and largest time that a request, and its answer, are on their way.
        seed: Where chance begins.
    """

    def __init__(self, simulator: Simulator, way_seconds: tuple[float, float] = (0.0, 0.0), seed: int = 0) -> None:
        self.simulator = simulator
        self.way_seconds = way_seconds
        self.chance = Random(seed)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = b"".join([part async for part in request.stream])
        await self._travel()
        arrived: asyncio.Future[HttpAnswer] = asyncio.get_running_loop().create_future()
        headers = {name.lower(): value for name, value in request.headers.raw}
        target = request.url.raw_path.decode("ascii")
        self.simulator.receive(
            HttpRequest(verb=request.method, target=target, headers=headers, body=body, address=ADDRESS),
            lambda answer: None if arrived.done() else arrived.set_result(answer),
        )
        answer = await arrived
        await self._travel()
        return await _acted_out(answer)

    async def _travel(self) -> None:
        if self.way_seconds[1]:
            await asyncio.sleep(self.chance.uniform(*self.way_seconds))


async def _acted_out(answer: HttpAnswer) -> httpx.Response:
    match answer.sending.mode:
        case SendMode.CLOSED | SendMode.CUT_IN_HEAD:
            raise _broken(answer.sending)
        case SendMode.SILENT:
            await asyncio.get_running_loop().create_future()
    headers = [("Content-Type", answer.content_type), *answer.headers]
    return httpx.Response(answer.status, headers=headers, stream=_Body(answer))


def _broken(sending: Sending) -> httpx.TransportError:
    return httpx.ReadError("reset") if sending.abrupt else httpx.RemoteProtocolError("closed")


class _Body(httpx.AsyncByteStream):
    """A body that comes as it is sent. No generator: whoever stops reading leaves nothing to be finished."""

    def __init__(self, answer: HttpAnswer) -> None:
        self._pieces = _pieces(answer)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        for pause_seconds, piece in self._pieces:
            if pause_seconds:
                await asyncio.sleep(pause_seconds)
            return piece
        raise StopAsyncIteration


def _pieces(answer: HttpAnswer) -> Iterator[tuple[float, bytes]]:
    """Yield the pieces of a body, each with the pause before it."""
    body, sending = answer.body, answer.sending
    match sending.mode:
        case SendMode.CUT_IN_BODY:
            yield 0.0, body[: round(len(body) * sending.share)]
            raise _broken(sending)
        case SendMode.LENGTH_TOO_LARGE:
            yield 0.0, body
            raise _broken(sending)
        case SendMode.LENGTH_TOO_SMALL:
            yield 0.0, body[:-WRONG_LENGTH_BYTES]
        case SendMode.DRIPPED:
            yield from ((sending.pause_seconds, body[i : i + 1]) for i in range(len(body)))
        case SendMode.ENDLESS:
            yield 0.0, body
            yield from repeat((MOMENT_SECONDS, PADDING))
        case _:
            yield 0.0, body
