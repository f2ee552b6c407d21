"""States on a real server whose clock stands still, or is that of the server."""

import json
from uuid import uuid4

from attrs import define, field

from exchanges.state import RedisState
from exchanges.state.redis import scripts

LEASE_SECONDS = 10.0**6
"""Longer than any test moves the clock: hosts die here when they are closed."""
PATIENT_SECONDS = 60.0
BEGAN = 1000.0


class StillClock:
    """The clock of a server and its hosts, which stands still unless it is moved."""

    def __init__(self, server, prefix):
        self._server, self._prefix = server, prefix
        self.now = BEGAN

    def __call__(self):
        return self._now

    @property
    def now(self):
        return self._now

    @now.setter
    def now(self, now):
        self._now = now
        self.set_server(now - BEGAN)

    def set_server(self, seconds):
        """Set the clock of the server alone."""
        self._server.ask("SET", f"{self._prefix}:clock", json.dumps(divmod(round(seconds * 1e6), 10**6)))


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

    def settle(self, *servers):
        """Let the states of servers be old, so that nothing rests."""
        run_id = self.server.ask("INFO", "server")["run_id"]
        for server in servers or ("fourth production", "elsewhere"):
            facts = {"run": run_id, "writes": 1, "high": 0, "offset": 0, "epoch": "old", "reason": "new"}
            facts["began"] = -round(LEASE_SECONDS * 2e6)
            self.server.ask("HSET", self.key("meta", server), *(part for pair in facts.items() for part in pair))


def stop_clocks(monkeypatch):
    """Let servers read a clock that tests set, and hosts live long."""
    constants = scripts.constants

    def still():
        return (
            constants()
            + "local function clock() return cjson.decode(redis.call('GET', KEYS[1]:match('^[^{]*') .. 'clock')) end\n"
        )

    monkeypatch.setattr(scripts, "constants", still)
    monkeypatch.setattr(scripts, "CLOCK", "clock()")
    monkeypatch.setattr(scripts, "LEASE_SECONDS", LEASE_SECONDS)
    be_patient(monkeypatch)


def be_patient(monkeypatch):
    """Let readers wait long: a busy machine is no fault of the server."""
    monkeypatch.setattr("exchanges.state.redis.host.READ_SECONDS", PATIENT_SECONDS)


async def settled(store):
    """Wait until what was posted to a store is done, but for calls that wait for a lease."""
    import asyncio

    async def done():
        others = [t for t in store.worker._tasks if t.get_coro().__name__ not in ("_acquire", "_outcome")]
        if others:
            await asyncio.wait(others)

    await asyncio.wrap_future(store.worker.ask(done))
