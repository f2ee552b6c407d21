"""`client.raw()`: the answers to the calls of a block as they came, beside what the calls return."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from attrs import field

from exchanges.http.answer import Answer
from exchanges.values import frozen

__all__ = ["RawAnswer", "is_recorded", "record", "recording"]


@frozen(eq=False)
class RawAnswer:
    """One answer as it came, whatever it said.

    Attributes:
        endpoint: The id of the call, such as ``bitso.market.ticker``.
        status: The HTTP status.
        headers: By lower-case name.
        body: Its bytes, decompressed.
        seconds: From the first byte of the request to the last of the answer.
    """

    endpoint: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=lambda body: f"<{len(body)} bytes>")
    seconds: float


# By the client and not by the task alone: a block of one client must not show the answers of another.
_RECORDINGS: ContextVar[tuple[tuple[object, list[RawAnswer]], ...]] = ContextVar("recordings", default=())


@contextmanager
def recording(client: object) -> Generator[list[RawAnswer]]:
    """Record the answers to the calls that a client makes in this block, and in tasks that it starts."""
    answers: list[RawAnswer] = []
    token = _RECORDINGS.set((*_RECORDINGS.get(), (client, answers)))
    try:
        yield answers
    finally:
        _RECORDINGS.reset(token)


def is_recorded() -> bool:
    """Return whether a block records answers."""
    return bool(_RECORDINGS.get())


def record(client: object, endpoint: str, answer: Answer, seconds: float) -> None:
    """Add an answer to what the blocks around its call have recorded."""
    for recorded, answers in _RECORDINGS.get():
        if recorded is client:
            answers.append(RawAnswer(endpoint, answer.status, answer.headers, answer.body, seconds))
