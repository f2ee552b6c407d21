"""States on a real server whose clock stands still, or is that of the server."""

import asyncio
import json
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from unittest.mock import patch
from uuid import uuid4

from attrs import define, field

from exchanges.state import RedisState
from exchanges.state.redis import scripts

LEASE_SECONDS = 10.0**6
"""Longer than any test moves the clock: hosts die here when they are closed."""
PATIENT_SECONDS = 60.0
SHORT = {"servers.SAFETY": 0.2, "host.BEAT": 0.1}
"""What belongs to a short lease."""
BEGAN = 1000.0


class StillClock:
    """The clock of a server and its hosts, which stands still unless it is moved."""

    def __init__(self, server, prefix):
        self._server, self._prefix, self._ahead = server, prefix, 0.0
        self.now = BEGAN

    def __call__(self):
        return self._now

    @property
    def now(self):
        return self._now

    @now.setter
    def now(self, now):
        self._now = now
        seconds = round((now - BEGAN + self._ahead) * 1e6)
        self._server.ask("SET", f"{self._prefix}:clock", json.dumps(divmod(seconds, 10**6)))

    def set_server(self, seconds):
        """Set the clock of the server alone, so much ahead."""
        self._ahead += seconds
        self.now = self._now

    async def move(self, seconds, *states):
        """Move both clocks while *states* ask nothing, which then report that they live."""
        for state in states:
            await _until_quiet(state._store.host)
        self.now += seconds
        await beat(*states)


async def _until_quiet(host):
    """Wait until a host has reported what it holds: a clock of two parts must not be moved meanwhile."""

    async def quiet():
        while host._beat_now.is_set() or any(server.is_due for server in host._servers.values()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)

    await asyncio.wrap_future(host.thread.ask(quiet))


@define(eq=False)
class Shelf:
    """The states of one test, which share a prefix of their own."""

    server: object
    prefix: str = field(factory=lambda: f"test-{uuid4().hex}")
    options: dict = field(factory=dict)

    def open(self, **options):
        """Open the state, as another process does."""
        options = {"prefix": self.prefix, "timeout_seconds": PATIENT_SECONDS} | self.options | options
        return RedisState(options.pop("url", self.server.url), **options)

    def key(self, name, server="fourth production"):
        """Return the name of a key."""
        return f"{self.prefix}:{{{server}}}:{name}"

    def empty(self):
        """Delete everything but the clock."""
        if keys := self.server.ask("KEYS", f"{self.prefix}:{{*"):
            self.server.ask("DEL", *keys)

    def settle(self, *servers):
        """Set the states of servers back, so that nothing rests."""
        run_id = self.server.ask("INFO", "server")["run_id"]
        for server in servers or ("fourth production", "elsewhere"):
            facts = {
                "run": run_id,
                "writes": 1,
                "high": 0,
                "offset": 0,
                "epoch": "old",
                "reason": "new",
                "format": scripts.FORMAT,
            }
            facts["began"] = -round(LEASE_SECONDS * 2e6)
            self.server.ask("HSET", self.key("meta", server), *(part for pair in facts.items() for part in pair))


def stop_clocks(monkeypatch, lease_seconds=LEASE_SECONDS):
    """Set the clock of servers by hand, and allow hosts so long without a beat; tests beat by themselves."""
    constants = scripts.constants

    def still():
        return (
            constants()
            + "local function clock() return cjson.decode(redis.call('GET', KEYS[1]:match('^[^{]*') .. 'clock')) end\n"
        )

    monkeypatch.setattr(scripts, "constants", still)
    monkeypatch.setattr(scripts, "CLOCK", "clock()")
    monkeypatch.setattr(scripts, "LEASE_SECONDS", lease_seconds)
    monkeypatch.setattr("exchanges.state.redis.host.BEAT_SECONDS", 10.0**6)
    be_patient(monkeypatch)


@contextmanager
def short_lease(seconds: float) -> Generator[None]:
    """Declare hosts dead sooner."""
    with ExitStack() as stack:
        for name, value in (("scripts.LEASE", seconds), *SHORT.items()):
            stack.enter_context(patch(f"exchanges.state.redis.{name}_SECONDS", value))
        yield


async def beat(*states, server="fourth production"):
    """Report of hosts that they live."""
    for state in states:
        host = state._store.host
        await asyncio.wrap_future(host.thread.ask(partial(host.report, host.server(server))))


def be_patient(monkeypatch):
    """Allow readers a long wait: a busy machine is no fault of the server."""
    monkeypatch.setattr("exchanges.state.redis.host.READ_SECONDS", PATIENT_SECONDS)


async def settled(store):
    """Wait until what was posted to a store is done, but for calls that wait for a lease."""

    async def done():
        others = [t for t in store.worker._tasks if t.get_coro().__name__ not in ("_acquire", "_outcome")]
        if others:
            await asyncio.wait(others)

    await asyncio.wrap_future(store.worker.ask(done))
