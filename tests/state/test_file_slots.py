"""Slots of many processes, in any order of events: never more than N in any window.

Books are used directly, in virtual time: what the threads around them do is tested elsewhere.
"""

import math
import shutil
import tempfile
from pathlib import Path

import pytest
from attrs import define
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exchanges.limits.limit import Window
from exchanges.limits.windows import LOST_SECONDS
from exchanges.state.file import seals
from exchanges.state.file.database import Database
from exchanges.state.file.journal import FileJournal
from exchanges.state.file.locks import Locks, ProcessMarker
from exchanges.state.file.slots import SlotTable
from exchanges.state.leases import LeaseEnd, LeaseRecord, LeaseRequest

WINDOWS = (Window(2, 10.0), Window(3, 40.0))
PROCESSES = 3
ACCOUNT = ("server", "key")
QUICK = Path("/dev/shm")  # noqa: S108 - a folder in it is created safely


@define(eq=False)
class Process:
    """One process that uses the state, opened without threads."""

    database: Database
    marker: ProcessMarker
    slots: SlotTable

    @classmethod
    def start(cls, path, clock):
        locks = Locks(path.with_name("state.locks"))
        marker = ProcessMarker(locks)
        database = Database(path, locks)
        return cls(database, marker, SlotTable(database, marker, FileJournal(None, database, marker), clock))

    def die(self):
        """Release everything, as the kernel does."""
        self.marker._file.close()
        self.database.close()


@define(eq=False)
class Call:
    """One call: it can arrive at any moment from its start until its end, or until it is certainly lost."""

    process: Process
    record: LeaseRecord
    begin: float
    end: float = math.inf


class Machine(RuleBasedStateMachine):
    """Processes start, call, die and start again; the system boots again; time passes."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=QUICK if QUICK.is_dir() else None))
        self.path = self.folder / "state"
        self.boot_file, seals.BOOT = seals.BOOT, self.folder / "boot"
        self.boots = 0
        self.now = 50.0
        self.booted_at = 0.0
        self.calls = []
        self.in_flight = []
        self.nonces = []

    @initialize()
    def start_all(self):
        seals.BOOT.write_text("0")
        self.processes = [self._start() for _ in range(PROCESSES)]

    def _start(self):
        return Process.start(self.path, lambda: self.now - self.booted_at)

    def _kill(self, number):
        process = self.processes[number]
        process.die()
        for call in [call for call in self.in_flight if call.process is process]:
            self._end(call, self.now + LOST_SECONDS)

    def _end(self, call, moment):
        self.in_flight.remove(call)
        call.end = moment

    @rule(
        number=st.integers(0, PROCESSES - 1),
        leave_reserve=st.booleans(),
        windows=st.sampled_from([WINDOWS, WINDOWS, WINDOWS[::-1]]),
        now_ms=st.integers(0, 100),
    )
    def take(self, number, leave_reserve, windows, now_ms):
        process = self.processes[number]
        found = process.slots.acquire(LeaseRequest(((1, windows),), ACCOUNT, "test", leave_reserve, True, now_ms))
        if isinstance(found, LeaseRecord):
            self.nonces.append(found.nonce)
            call = Call(process, found, self.now)
            self.calls.append(call)
            self.in_flight.append(call)
        else:
            assert found.seconds > 0

    @precondition(lambda self: self.in_flight)
    @rule(pick=st.integers(0, 100), complete=st.booleans(), sent=st.sampled_from([True, True, True, False]))
    def leave(self, pick, complete, sent):
        call = self.in_flight[pick % len(self.in_flight)]
        floor = self.nonces[-1] + 5 if pick % 7 == 0 else None
        call.process.slots.add_end(LeaseEnd(call.record, complete, sent, floor))
        call.process.slots.write()
        if floor is not None:
            self.nonces.append(floor)
        self._end(call, self.now + (0 if complete else LOST_SECONDS))
        if not sent:
            self.calls.remove(call)

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 10.0, 10.002, 29.0, 41.0]))
    def pass_time(self, seconds):
        self.now += seconds

    @rule(number=st.integers(0, PROCESSES - 1))
    def die_and_come_again(self, number):
        self._kill(number)
        self.processes[number] = self._start()

    @rule(seconds=st.sampled_from([0.0, 5.0, 100.0]))
    def boot(self, seconds):
        for number in range(PROCESSES):
            self._kill(number)
        self.now += seconds
        self.booted_at = self.now
        self.boots += 1
        seals.BOOT.write_text(str(self.boots))
        self.now += 2.0
        self.processes = [self._start() for _ in range(PROCESSES)]

    @invariant()
    def no_window_is_over(self):
        for begin in {min(call.end, self.now) for call in self.calls}:
            for window in WINDOWS:
                inside = [c for c in self.calls if c.begin <= begin + window.per_seconds and c.end >= begin]
                assert len(inside) <= window.slots

    @invariant()
    def nonces_rise(self):
        assert self.nonces == sorted(set(self.nonces))

    def teardown(self):
        for process in getattr(self, "processes", ()):
            process.die()
        seals.BOOT = self.boot_file
        shutil.rmtree(self.folder)


TestSlots = pytest.mark.sweep(pytest.mark.filterwarnings("error")(Machine.TestCase))
TestSlots.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
