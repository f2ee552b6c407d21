"""What a call that is never repeated was to do, and how far it got. Values that outlive the call, and the process."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from attrs import field, frozen

__all__ = ["Intent", "Phase"]


def _new_id() -> str:
    return uuid4().hex


class Phase(StrEnum):
    """How far a request got; the values are phrases for messages."""

    MAYBE_SENT = "some of it may have left"
    SENT = "all of it was handed to the connection"
    ANSWERED = "an answer came that does not say"


@frozen
class Intent:
    """What a call was to do. Two calls that would do the same have different intents.

    Attributes:
        endpoint: Id of the endpoint.
        arguments: The arguments by name, as checked and rendered for the wire; secrets are left out.
        at: When the request was signed and handed to the connection (UTC).
        tag: What was put into a field that the exchange returns, so that what the call created can be identified; None
            if there is no such field, or if the caller set it.
        acting: What a view added to the call, such as the user that it acts for.
        id: Unique id.
        server: Exchange and address that it was sent to, such as ``bitso production``; empty if it was not recorded.
        account: Whose it is: a fingerprint of the key, never the key; empty if it was not recorded.
    """

    endpoint: str
    # Out of the hash, as a dict has none; the id is unique anyway.
    arguments: dict[str, str] = field(hash=False)
    at: datetime
    tag: str | None = None
    acting: dict[str, str] = field(factory=dict[str, str], hash=False)
    id: str = field(factory=_new_id)
    server: str = field(default="", kw_only=True)
    account: str = field(default="", kw_only=True)

    def __str__(self) -> str:
        """Return it as messages name it."""
        return f"{self.endpoint} at {self.at:%Y-%m-%d %H:%M:%S} UTC (intent {self.id[:8]})"
