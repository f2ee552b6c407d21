"""The thread of a state in a file."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from exchanges.state.file import worker as module
from exchanges.state.file.worker import Worker

PATIENCE_SECONDS = 60.0


@pytest.fixture
def worker() -> Iterator[Worker]:
    """Run jobs, and look every moment whether something was left behind."""
    worker = Worker("test", "the test", lambda: 0.01)
    yield worker
    worker.stop(lambda: None)


async def test_what_can_wait_waits_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that can wait are done together with the next that cannot, and before it."""
    monkeypatch.setattr(module, "LATER_SECONDS", PATIENCE_SECONDS)
    worker, ran = Worker("test", "the test", lambda: None), list[int]()
    for number in range(3):
        worker.post_later(partial(ran.append, number))
    before = ran[:]
    await worker.run(partial(ran.append, 3))
    worker.stop(lambda: None)

    assert ([], [0, 1, 2, 3]) == (before, ran)


async def test_what_can_wait_runs_without_another(worker: Worker) -> None:
    """A job that can wait does not need another one to run."""
    assert await asyncio.wait_for(worker.run(lambda: 5, can_wait=True), PATIENCE_SECONDS) == 5


def test_what_can_wait_runs_without_a_loop(worker: Worker) -> None:
    """Where no loop runs a job that can wait is done at once."""
    ran = threading.Event()
    worker.post_later(ran.set)

    assert ran.wait(PATIENCE_SECONDS)


def test_a_loop_that_is_closed_at_once(monkeypatch: pytest.MonkeyPatch, worker: Worker) -> None:
    """What can wait is done though its loop was closed before, by the thread, which looks now and then."""
    monkeypatch.setattr(module, "LATER_SECONDS", PATIENCE_SECONDS)
    ran = [threading.Event(), threading.Event()]
    worker.run_blocking(lambda: None)

    async def leave() -> None:
        for event in ran:
            worker.post_later(event.set)

    asyncio.run(leave())

    assert all(event.wait(PATIENCE_SECONDS) for event in ran)


def test_stopping_runs_what_can_wait(monkeypatch: pytest.MonkeyPatch, worker: Worker) -> None:
    """What can wait is done before the thread stops."""
    monkeypatch.setattr(module, "LATER_SECONDS", PATIENCE_SECONDS)
    ran: list[str] = []

    async def leave() -> None:
        worker.post_later(partial(ran.append, "release"))

    asyncio.run(leave())
    worker.stop(partial(ran.append, "close"))

    assert ran == ["release", "close"]
