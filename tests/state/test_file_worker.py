"""The thread of a state in a file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from queue import SimpleQueue

import pytest

from exchanges.state.file import worker as module
from exchanges.state.file.worker import Posted, Worker, next_jobs

PATIENCE_SECONDS = 60.0


@pytest.fixture
def worker() -> Iterator[Worker]:
    """Run jobs, of which those that can wait do so for ever unless another one comes."""
    worker = Worker("test", "the test", lambda: None)
    yield worker
    worker.stop(lambda: None)


def test_what_can_wait_waits_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that can wait are done together with the next that cannot, and before it."""
    monkeypatch.setattr(module, "LATER_SECONDS", PATIENCE_SECONDS)
    posted = [Posted(lambda: None, can_wait=can_wait) for can_wait in (True, True, False, False)]
    jobs = SimpleQueue[Posted]()
    for job in posted:
        jobs.put(job)

    assert [next_jobs(jobs, None), next_jobs(jobs, None)] == [posted[:3], posted[3:]]


def test_what_can_wait_runs_without_another(worker: Worker) -> None:
    """A job that can wait does not need another one to run."""
    ran = threading.Event()
    worker.post_later(ran.set)

    assert ran.wait(PATIENCE_SECONDS)


def test_many_that_can_wait(monkeypatch: pytest.MonkeyPatch, worker: Worker) -> None:
    """Jobs that can wait do not put each other off for ever."""
    monkeypatch.setattr(module, "LATER_SECONDS", PATIENCE_SECONDS)
    ran = threading.Event()
    worker.post_later(ran.set)
    for _ in range(module.MOST_AT_ONCE - 1):
        worker.post_later(lambda: None)

    assert ran.wait(PATIENCE_SECONDS / 2)


def test_stopping_runs_what_can_wait(monkeypatch: pytest.MonkeyPatch, worker: Worker) -> None:
    """What can wait is done before the thread stops."""
    monkeypatch.setattr(module, "LATER_SECONDS", PATIENCE_SECONDS)
    ran: list[str] = []
    worker.post_later(partial(ran.append, "release"))
    worker.stop(partial(ran.append, "close"))

    assert ran == ["release", "close"]
