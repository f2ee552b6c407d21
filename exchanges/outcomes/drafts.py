"""What the journal is to say of a call, drafted before its nonce is known: a state may record it with the lease."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from attrs import evolve, field

from exchanges.endpoint.call import PreparedCall
from exchanges.http.signing import STRICT, NoncePolicy, Stamp, unordered_nonce
from exchanges.intents import Intent
from exchanges.outcomes.clocks import ExchangeClock
from exchanges.outcomes.journal_view import JournalView
from exchanges.outcomes.kinship import Kinship
from exchanges.state.protocols import Entry
from exchanges.values import define

CLOCK_STEP = timedelta(seconds=1)
"""By how much our clock and that of the loop may part while a call waits; exchanges allow a stamp more than that."""


@define(eq=False)
class Draft:
    """The entry of one call, but for its nonce and its moment.

    Called with the nonce that was leased, it returns the entry. A state does that in a thread of its own, maybe long
    after the draft was written, so only values and the clock of the loop are read then.

    Attributes:
        intent: What the call is to do; its moment means nothing yet.
        digest: Equal for calls that would do the same.
        named: The client's id that it bears; empty if it bears none.
        policy: What its scheme requires of nonces.
        loop: In which it runs.
        zero: What our clock showed, or would have shown, when that of the loop was zero.
        stamp: What it is to be signed with; set with the entry.
        entry: What is recorded; None before.
    """

    intent: Intent
    digest: str
    named: str
    policy: NoncePolicy
    loop: asyncio.AbstractEventLoop
    zero: datetime
    stamp: Stamp = field(init=False, repr=False)
    entry: Entry | None = field(default=None, init=False)

    @classmethod
    def of(
        cls,
        call: PreparedCall,
        view: JournalView,
        clock: ExchangeClock,
        kinship: Kinship,
        *,
        policy: NoncePolicy,
        zero: datetime,
    ) -> Draft:
        """Return the draft of a call that this loop makes."""
        known = clock.known(call.endpoint.id, zero)
        intent = evolve(call.intent(zero), server=view.server, account=view.key, clock=known)
        return cls(intent, call.digest, kinship.client_id(intent), policy, asyncio.get_running_loop(), zero)

    def is_outdated(self, zero: datetime) -> bool:
        """Whether our clock was set since, or the host slept, given what it showed at zero as it is set now."""
        return self.entry is not None and abs(zero - self.zero) > CLOCK_STEP

    def __call__(self, nonce: int | None) -> Entry:
        """Return the entry of the call, to be sent now."""
        timestamp_ms = (self.zero + timedelta(seconds=self.loop.time()) - _EPOCH) // timedelta(milliseconds=1)
        text = str(nonce) if self.policy is STRICT else unordered_nonce(self.policy, timestamp_ms)
        return self.with_stamp(Stamp(text, timestamp_ms))

    def with_stamp(self, stamp: Stamp) -> Entry:
        """Return the entry of the call, to be signed with *stamp*."""
        intent = evolve(self.intent, at=_EPOCH + timedelta(milliseconds=stamp.timestamp_ms))
        self.stamp = stamp
        self.entry = Entry(intent.server, intent.account, intent, stamp.nonce or None, self.digest, named=self.named)
        return self.entry


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
