"""The record of the simulator: what it received and what it executed. Tests compare a client's results with it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from exchanges.endpoint import Kind
from exchanges.simulator.faults.points import FaultPoint


class Venue(StrEnum):
    """An exchange that can be simulated."""

    BITEX = "bitex"
    BITSO = "bitso"
    BITSTAMP = "bitstamp"


@frozen
class Seen:
    """One request, as the server received it.

    Attributes:
        arrived_at: When its last byte was received, in seconds on the clock of the event loop.
        venue: The exchange whose prefix the path has; None for any other path.
        endpoint: Id of the declared endpoint; None for an unknown path or verb.
        verb: HTTP verb; empty if the request was not valid HTTP.
        path: The path without the query, which may hold a key.
        key: Fingerprint of the API key in the request; None without one.
        nonce: The nonce in the request; None without one.
        status: HTTP status of the answer, whether it arrived or not; 0 if none was sent.
        outcome: ``ok``, or the reason of the failure in a few words.
        fault: The fault that hit it; None without one.
        executed: Whether it was executed.
    """

    arrived_at: float
    venue: Venue | None
    endpoint: str | None
    verb: str
    path: str
    key: str | None
    nonce: str | None
    status: int
    outcome: str
    fault: FaultPoint | None = None
    executed: bool = False


@frozen
class Deed:
    """One write that was executed, whatever became of its answer.

    Attributes:
        at: When it was executed, in seconds on the clock of the event loop.
        at_ms: When it was executed, in milliseconds since 1970 on the simulated clock.
        venue: The exchange that executed it.
        endpoint: Id of the declared endpoint.
        kind: Kind of the endpoint; never READ.
        key: Fingerprint of the API key that signed it.
        arguments: The arguments by declared name, as the text that was received. Secrets are left out.
        nonce: The nonce in the request; None without one.
        acting_for: Id of the user for whom a reseller called; None for the key's own account.
        id: Id of the object that was created or changed; None if the answer names none.
        status: HTTP status of the answer, whether it arrived or not.
        fault: The fault that hit its answer; None without one.
    """

    at: float
    at_ms: int
    venue: Venue
    endpoint: str
    kind: Kind
    key: str | None
    arguments: Mapping[str, str] = field(repr=False)
    nonce: str | None
    acting_for: str | None
    id: str | None
    status: int
    fault: FaultPoint | None
