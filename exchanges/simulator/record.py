"""What really happened: the record that tests compare a client's own account with."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from exchanges.endpoint import Kind
from exchanges.simulator.faults.points import FaultPoint

__all__ = ["Deed", "Seen", "Venue"]


class Venue(StrEnum):
    """An exchange that the simulator plays."""

    BITEX = "bitex"
    BITSO = "bitso"
    BITSTAMP = "bitstamp"


@frozen
class Seen:
    """One request, as the server saw it.

    Attributes:
        arrived_at: On the clock of the event loop, in seconds: when the last byte of the request was there.
        venue: Whose path it was; None for nobody's.
        endpoint: Id of the declared endpoint; None for an unknown path or verb.
        verb: HTTP verb; empty for what was no HTTP.
        path: Without the query, which may hold a key.
        key: Fingerprint of the key that it named; None without one.
        nonce: The nonce that it bore; None without one.
        status: HTTP status of the answer, whether it arrived or not; 0 if there was none.
        outcome: ``ok``, or in a few words why not.
        fault: What went wrong; None if nothing did.
        executed: Whether it was carried out.
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
    """One request that was to change something, and was carried out, whatever became of its answer.

    Attributes:
        at: On the clock of the event loop, in seconds.
        at_ms: On the simulated clock, in milliseconds since 1970.
        venue: Who did it.
        endpoint: Id of the declared endpoint.
        kind: Whether it created something, moved money, or may be repeated.
        key: Fingerprint of the key that asked for it.
        arguments: What it asked for: declared names with the text that travelled. Secrets are left out.
        nonce: The nonce that it bore; None without one.
        acting_for: Id of the user for whom a reseller asked; None for the key's own account.
        id: Of what it made or changed, where the answer names one.
        status: HTTP status of the answer, whether it arrived or not.
        fault: What went wrong afterwards; None if nothing did.
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
