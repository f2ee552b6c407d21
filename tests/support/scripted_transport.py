"""A transport that answers by script and keeps every request with its time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import httpx
from attrs import define, field, frozen

Step = httpx.Response | Exception | Callable[[httpx.Request], Any]


def answer(value: Any = None, status: int = 200, **headers: str) -> httpx.Response:
    """Return an answer in JSON; by default a good one of the fourth exchange."""
    body = json.dumps({"id": 1} if value is None else value)
    return httpx.Response(status, content=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def refusal(code: str, status: int = 400, **facts: Any) -> httpx.Response:
    """Return an answer in the error shape of the fourth exchange."""
    return answer({"error": f"no: {code}", "code": code, **facts}, status)


def html(status: int) -> httpx.Response:
    """Return the answer of a proxy before an exchange."""
    return httpx.Response(status, content=b"<html>one moment</html>", headers={"content-type": "text/html"})


@frozen
class Came:
    """One request."""

    at: float
    request: httpx.Request

    @property
    def nonce(self) -> int:
        """Its nonce, at the fourth exchange."""
        return int(self.request.headers["X-Nonce"])


@define(eq=False)
class Script(httpx.AsyncBaseTransport):
    """Answers with the steps in order, and repeats the last.

    Attributes:
        steps: Answers, exceptions to raise, or functions of the request that make either.
        seconds: How long each takes.
        open: Where given, no answer comes before it is set.
        came: What came so far.
        inside: How many are being answered.
        cancelled: How many were cancelled while being answered.
    """

    steps: list[Step]
    seconds: float = 0.0
    open: asyncio.Event | None = None
    came: list[Came] = field(factory=list[Came])
    inside: int = 0
    cancelled: int = 0
    most_inside: int = 0

    @classmethod
    def of(cls, *steps: Step, **options: Any) -> Script:
        """Create a script of *steps*; without any, each answer is good."""
        return cls(list(steps) or [lambda _: answer()], **options)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer by script."""
        await request.aread()
        step = self.steps[min(len(self.came), len(self.steps) - 1)]
        self.came.append(Came(asyncio.get_running_loop().time(), request))
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await asyncio.sleep(self.seconds)
            if self.open is not None:
                await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.inside -= 1
        made = step(request) if callable(step) else step
        if isinstance(made, Exception):
            raise made
        return httpx.Response(made.status_code, headers=made.headers, content=made.content)

    @property
    def nonces(self) -> list[int]:
        """The nonces in order of arrival."""
        return [c.nonce for c in self.came]

    def moments(self, since: float) -> list[float]:
        """The times of the requests, in seconds after *since*."""
        return [round(c.at - since, 6) for c in self.came]

    @property
    def paths(self) -> Iterable[str]:
        """Verb and path of each request."""
        return [f"{c.request.method} {c.request.url.path}" for c in self.came]
