"""What really happened: the record that tests compare a client's own account with."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

__all__ = ["Seen", "Venue"]


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
        status: HTTP status of the answer.
        outcome: ``ok``, or in a few words why not.
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
