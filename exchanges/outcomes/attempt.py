"""One attempt at a call, from its signature on."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property

from attrs import field, frozen

from exchanges.endpoint.call import PreparedCall
from exchanges.http.request import Request
from exchanges.http.signing import Stamp
from exchanges.http.transport import Evidence
from exchanges.intents import Intent

__all__ = ["Sent"]


@frozen(eq=False, repr=False)
class Sent:
    """A request that was signed and is handed to the transport.

    Attributes:
        call: What it is for.
        stamp: What it was signed with.
        request: Its bytes.
        evidence: Whether any of it has left.
    """

    call: PreparedCall
    stamp: Stamp
    request: Request
    evidence: Evidence = field(factory=Evidence)

    @cached_property
    def intent(self) -> Intent:
        """What it is to do; built once, as every intent has a name of its own."""
        return self.call.intent(datetime.fromtimestamp(self.stamp.timestamp_ms / 1000, UTC))
