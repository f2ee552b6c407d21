"""What every test starts from."""

from datetime import UTC, datetime

import pytest

from exchanges.state import PROCESS, MemoryState


@pytest.fixture(autouse=True)
def _fresh_process_state(monkeypatch):
    """Start each test with empty limiters, counters and pending calls.

    The kernel hands out ephemeral ports again: a server of one test may have the URL of a server of an earlier one,
    whose unresolved orders would block the calls of the later test.
    """
    # The object is imported by name in several places, so its contents are replaced, not the object.
    for name, value in vars(MemoryState()).items():
        monkeypatch.setattr(PROCESS, name, value)


@pytest.fixture
def noon(monkeypatch):
    """Stop the clock that `Retry-After` is compared with; return its moment."""
    moment = datetime(2025, 6, 1, 12, tzinfo=UTC)

    class StoppedClock(datetime):
        @classmethod
        def now(cls, _=None):
            return moment

    for module in ("limits.reasons", "outcomes.classify", "outcomes.response"):
        monkeypatch.setattr(f"exchanges.{module}.datetime", StoppedClock)
    return moment
