"""What is reported about connections and channels, beside what they bring."""

from __future__ import annotations

from attrs import frozen

__all__ = [
    "AuditFailed",
    "Connected",
    "Disconnected",
    "Event",
    "Lagged",
    "Moved",
    "Refused",
    "Resynchronised",
    "Subscribed",
]


@frozen
class Connected:
    """A connection is open.

    Attributes:
        host: The server.
    """

    host: str


@frozen
class Disconnected:
    """A connection ended, or could not be opened.

    Attributes:
        host: The server.
        reason: Why.
        retry_in_seconds: When the next attempt begins.
    """

    host: str
    reason: str
    retry_in_seconds: float


@frozen
class Moved:
    """The exchange asked to connect again, and all channels have moved to another connection.

    Attributes:
        host: The server.
    """

    host: str


@frozen
class Subscribed:
    """The exchange sends a channel from now on.

    Attributes:
        channel: Its name.
    """

    channel: str


@frozen
class Refused:
    """The exchange refused a channel.

    Attributes:
        channel: Its name.
        text: The exchange's words, made safe to show.
    """

    channel: str
    text: str


@frozen
class Resynchronised:
    """A book became readable again, or a channel complete.

    Attributes:
        channel: Its name.
        seconds: How long that took.
    """

    channel: str
    seconds: float


@frozen
class AuditFailed:
    """A book that could be read differed from that of the exchange.

    Attributes:
        channel: Its name.
        differences: What differed.
    """

    channel: str
    differences: str


@frozen
class Lagged:
    """A reader is too slow, and items are being dropped; reported once until it has caught up.

    Attributes:
        channel: Its name.
    """

    channel: str


Event = Connected | Disconnected | Moved | Subscribed | Refused | Resynchronised | AuditFailed | Lagged
