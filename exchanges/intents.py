"""What a call that is never repeated was to do, and how far it got. Values that outlive the call, and the process."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from attrs import field

from exchanges.values import frozen

__all__ = ["ClockOffset", "Intent", "Phase", "is_intent"]


def _new_id() -> str:
    return uuid4().hex


class Phase(StrEnum):
    """How far a request got; the values are phrases for messages."""

    MAYBE_SENT = "some of it may have left"
    SENT = "all of it was handed to the connection"
    ANSWERED = "an answer came that does not say"


@frozen
class ClockOffset:
    """How far the exchange's clock is ahead of ours.

    Attributes:
        least: At least by this.
        most: At most by this.
    """

    least: timedelta
    most: timedelta

    def moved(self, by: timedelta) -> ClockOffset:
        """Return the offset for a clock of ours that is set back *by* that much."""
        return ClockOffset(self.least + by, self.most + by)

    def joined(self, other: ClockOffset) -> ClockOffset:
        """Return the bounds if either may hold."""
        return ClockOffset(min(self.least, other.least), max(self.most, other.most))

    def is_within(self, skew: timedelta) -> bool:
        """Whether the clocks may be as near to each other as that."""
        return self.least <= skew and self.most >= -skew

    def __str__(self) -> str:
        """Return it as messages name it."""
        return f"{self.least.total_seconds():.0f} to {self.most.total_seconds():.0f} s"


@frozen
class Intent:
    """What a call was to do. Two calls that would do the same have different intents.

    Attributes:
        endpoint: Id of the endpoint; of one that is not declared with verb and path, as in ``bitso.request POST /new``.
        arguments: The arguments by name, as checked and rendered for the wire; secrets are left out.
        at: When the request was signed and handed to the connection (UTC).
        tag: What was put into a field that the exchange returns, so that what the call created can be identified; None
            if there is no such field, or if the caller set it.
        acting: What a view added to the call, such as the user that it acts for.
        id: Unique id.
        server: Exchange and address that it was sent to, such as ``bitso production``; empty if it was not recorded.
        account: Whose it is: a fingerprint of the key, never the key; empty if it was not recorded.
        clock: How far the exchange's clock was from ours when it was sent, by all answers of the day before; None if
            none had shown it.
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
    clock: ClockOffset | None = field(default=None, kw_only=True, eq=False)

    @property
    def is_undeclared(self) -> bool:
        """Whether it is of `Client.request`: a call of which the library knows nothing but its kind."""
        return " " in self.endpoint

    def __str__(self) -> str:
        """Return it as messages name it."""
        return f"{self.endpoint} at {self.at:%Y-%m-%d %H:%M:%S} UTC (intent {self.id[:8]})"


_TEXTS, _OBJECTS = ("endpoint", "id", "server", "account"), ("arguments", "acting")


def is_intent(value: object) -> bool:
    """Whether *value* is an intent with fields of their types: a program may have built it, or changed a stored one."""
    if type(value) is not Intent or type(value.at) is not datetime or value.at.tzinfo is None:
        return False
    objects = [getattr(value, name) for name in _OBJECTS]
    if not all(type(fields) is dict for fields in objects):
        return False
    texts = [getattr(value, name) for name in _TEXTS]
    texts += [text for fields in objects for pair in fields.items() for text in pair]
    is_clock = value.clock is None or type(value.clock) is ClockOffset
    return is_clock and all(type(text) is str for text in texts) and (value.tag is None or type(value.tag) is str)
