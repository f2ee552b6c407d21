"""What a host knows of the state of one server of an exchange.

Theory. A server of a state can lose writes: it is restarted with an older file, a replica takes its place, somebody
empties it, its clock is set. A host notices by three numbers that it sends with every step: the run id of the server,
the write counter that it saw last, and the latest moment that it can be by its own clock. The script that notices
first begins a new epoch. For `LEASE_SECONDS` nothing is granted then, in which every host that lives reports its calls
in flight, its last nonces and its open calls; for one window of each limit nothing is granted that counts against it.

A lease is good as long as its host is heard of, which the host computes from the moment before it asked: others cannot
take it for dead sooner.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from attrs import define, field, frozen

from exchanges.instrumentation.lines import Log
from exchanges.limits.permits import LATE_SECONDS
from exchanges.state.entries import text_of
from exchanges.state.leases import LeaseRecord, LeaseWaiter
from exchanges.state.redis import scripts

logger = Log(__name__)

SAFETY_SECONDS = 1.0
"""How long before others may take a host for dead it stops sending: clocks run at different speeds."""
LONGEST_SECONDS = 86_400.0
MOST_SETTLED = 1_000
"""How many calls a host remembers to have settled."""

_REASONS = {
    "restarted": "its server was restarted or replaced, and may have lost its last writes",
    "older": "its server has lost writes",
    "emptied": "its server was emptied",
    "stepped": "the clock of its server was set forward",
    "evicted": "its server was one that may delete keys when its memory is full (maxmemory-policy)",
}


@define(eq=False)
class Held:
    """A lease that this host holds.

    Attributes:
        id: By which the server knows it.
        fence: Its fencing number.
        record: What was granted.
        waiter: To whom.
        until: When it is ended if nobody has released it, on the clock of the host.
        locks: Whether it holds the key lock.
        is_lost: Whether the server has forgotten it, or others have ended it.
    """

    id: str
    fence: str
    record: LeaseRecord
    waiter: LeaseWaiter
    until: float
    locks: bool
    is_lost: bool = False


@frozen
class Said:
    """The answer of a script.

    Attributes:
        what: In one word.
        now: The moment, in seconds on the clock of the state.
        values: What else.
        sent_at: When it was asked, on the clock of the host.
    """

    what: str
    now: float
    values: Sequence[Any]
    sent_at: float


@frozen
class OpenCall:
    """A call that this host has recorded in the journal.

    Attributes:
        account: Whose it is.
        written: What was written of it.
        at: When it was to be sent, in microseconds since 1970.
        marks: By what it is found.
        ended_at: When it ended with an unknown outcome; empty if it has not ended.
    """

    account: str
    written: str
    at: int
    marks: list[str]
    ended_at: str = ""


@define(eq=False)
class Server:
    """One server of an exchange, as this host knows it.

    Attributes:
        root: What all its keys begin with.
        held: The leases of this host, by id.
        nonces: The last nonces of this host, by account.
        calls: The open calls of this host that are in the journal, by id.
        begun: The ids of calls that are being recorded.
        settled: The calls that this host has settled last, by id: whose they were, what they made, and when.
        signers: How many clients of this host can cancel, by limit.
        left: Limits of which the last such client has left.
        good_until: Until when others respect the leases, on the clock of the host.
        is_due: Whether a new epoch has begun, to which nothing was reported yet.
        epoch: Changes when writes were lost.
    """

    root: str
    name: str
    held: dict[str, Held] = field(factory=dict[str, Held])
    nonces: dict[str, int] = field(factory=dict[str, int])
    calls: dict[str, OpenCall] = field(factory=dict[str, "OpenCall"])
    begun: set[str] = field(factory=set[str])
    settled: dict[str, tuple[str, str, str]] = field(factory=dict[str, "tuple[str, str, str]"])
    signers: Counter[int] = field(factory=Counter[int])
    left: set[int] = field(factory=set[int])
    good_until: float = 0.0
    is_due: bool = False
    epoch: str = ""
    _seen: int = 0
    _now: int = -1
    _at: float = 0.0

    def arguments(self, host: str, run_id: str, request: Mapping[str, Any], now: float) -> tuple[str, ...]:
        """Return the arguments of a script that is asked *now*, on the clock of the host."""
        latest = -1 if self._now < 0 else self._now + scripts.microseconds(now - self._at)
        return host, run_id, self.epoch, str(self._seen), str(latest), json.dumps(request)

    def note(self, answer: list[object], sent_at: float, where: str) -> Said:
        """Read an answer, and record what it shows of the server."""
        epoch, writes, now, reason, began, what, *values = cast("list[Any]", _text(answer))
        if self.epoch not in ("", epoch):
            self._lost(reason, where, (int(now) - int(began)) / 1e6)
        if epoch != self.epoch:
            self._seen = 0
        self.epoch, self._seen = epoch, max(self._seen, int(writes))
        # From the moment before it was asked, so that a slow answer never makes the server look too far ahead.
        self._now, self._at = int(now), sent_at
        return Said(what, int(now) / 1e6, values, sent_at)

    def lives(self, said: Said) -> None:
        """Record that the server has heard of this host."""
        self.good_until = max(self.good_until, said.sent_at + scripts.LEASE_SECONDS - SAFETY_SECONDS)

    def lose(self) -> None:
        """Record that others have ended what this host holds."""
        for held in self.held.values():
            held.is_lost = True

    def settle(self, intent_id: str, account: str, known: str) -> None:
        """Record that a call is settled: an older copy of the server's data shows it as open."""
        call = self.calls.pop(intent_id, None)
        self.settled[intent_id] = account, known, "" if call is None else str(call.at)
        if len(self.settled) > MOST_SETTLED:
            del self.settled[next(iter(self.settled))]

    def forget(self, settled: Collection[str]) -> None:
        """Forget calls that other hosts have settled: they must not be reported as open after a loss."""
        for intent_id in settled:
            if intent_id in self.calls and self.calls[intent_id].ended_at:
                del self.calls[intent_id]

    def report(self, now: float, *, ends: bool) -> dict[str, Any]:
        """Return what this host reports: everything that it holds where a new epoch has begun.

        Args:
            now: The moment, on the clock of the host.
            ends: Whether it ends.
        """
        report: dict[str, Any] = {
            "ends": ends,
            "signers": [str(place) for place, number in self.signers.items() if number > 0],
            "left": [str(place) for place in self.left],
            "leases": [],
            "nonces": [],
            "calls": [],
            "begun": [],
            "settled": [],
            "is_due": self.is_due,
            "at": text_of(datetime.now(UTC)),
        }
        if self.is_due:
            report["leases"] = [_reported(held, now) for held in self.held.values()]
            report["nonces"] = [[account, str(nonce)] for account, nonce in self.nonces.items()]
            calls = self.calls.items()
            report["calls"] = [[c.account, i, c.written, str(c.at), c.ended_at, c.marks] for i, c in calls]
            report["begun"] = list(self.begun)
            report["settled"] = [[account, i, *outcome] for i, (account, *outcome) in self.settled.items()]
        return report

    def _lost(self, reason: str, where: str, seconds: float) -> None:
        self.is_due, self.good_until = True, 0.0
        self.lose()
        at = datetime.now(UTC) - timedelta(seconds=seconds)
        logger.error(
            "the state of %s at %s: %s, at %s UTC. Its limits rest one window, and nonces rise above the last of "
            "every host. Calls that hosts began shortly before and that have died since may be missing in the journal: "
            "check them at the exchange. Calls that were settled since an older copy was written may be open in it "
            "again: reconcile them",
            self.name,
            where,
            _REASONS.get(reason, reason),
            f"{at:%Y-%m-%d %H:%M:%S}",
        )


def _reported(held: Held, now: float) -> list[Any]:
    request = held.record.request
    seconds = scripts.microseconds(min(max(held.until - now, 0.0) + LATE_SECONDS, LONGEST_SECONDS))
    return [held.id, held.fence, seconds, account_of(request.account) if held.locks else "", places_of(held.record)]


def account_of(account: tuple[str, str]) -> str:
    """Return what the keys of an account end with: the fingerprint of its key."""
    return account[1] or "-"


def places_of(record: LeaseRecord) -> list[str]:
    """Return the limits in which a lease has slots."""
    return [str(place) for place, windows in record.request.parts if windows]


def _text(answer: object) -> object:
    if isinstance(answer, bytes):
        return answer.decode(errors="backslashreplace")  # of another program, which is then found unreadable
    return [_text(part) for part in cast("list[object]", answer)] if isinstance(answer, list) else answer
