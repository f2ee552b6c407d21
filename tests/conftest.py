"""What every test starts from."""

import decimal
import gc
import os
import sys
from collections import Counter
from datetime import UTC, datetime

import pytest

from exchanges.state import PROCESS, MemoryState

MEASURED_CASES = 4
"""How many cases of one test are measured by coverage."""


def pytest_configure(config):
    """Measure coverage only in the processes that run tests.

    Not in the one that hands them out, and not in programs that tests start: what they run is run by other tests too.
    """
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        _stop_measuring()
    else:
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


def pytest_collection_modifyitems(items):
    """Mark all but the first cases of a test as ``sweep``: coverage is rarely more with the others, the time is."""
    numbers = Counter()
    for item in items:
        name = item.nodeid.partition("[")[0]
        numbers[name] += 1
        if numbers[name] > MEASURED_CASES:
            item.add_marker("sweep")


def pytest_collection_finish():
    """Keep what collecting has made out of every further run of the garbage collector."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Run tests marked as ``sweep`` without measuring coverage, which doubles their time."""
    tracer = _stop_measuring() if item.get_closest_marker("sweep") else None
    try:
        return (yield)
    finally:
        if tracer is not None:
            sys.settrace(tracer)


def _stop_measuring():
    """Stop the tracer of coverage in this thread and return it; a debugger stays."""
    tracer = sys.gettrace()
    if not type(tracer).__module__.startswith("coverage"):
        return None
    sys.settrace(None)
    return tracer


@pytest.fixture(autouse=True)
def _fresh_process_state():
    """Start each test with empty limiters, counters and pending calls.

    The kernel hands out ephemeral ports again: a server of one test may have the URL of a server of an earlier one,
    whose unresolved orders would block the calls of the later test.
    """
    if PROCESS._limiters or PROCESS._shared:
        # The object is imported by name in several places, so its contents are replaced, not the object.
        vars(PROCESS).update(vars(MemoryState()))


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


@pytest.fixture
def strange_context():
    """Set a decimal context in which hardly anything can be calculated."""
    every = [trap for trap in decimal.getcontext().traps if trap is not decimal.FloatOperation]
    with decimal.localcontext(decimal.Context(prec=3, Emax=9, Emin=-9, traps=every)):
        yield
