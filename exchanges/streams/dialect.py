"""Dialects: how an exchange's server is asked for channels, and what its frames say. Pure.

A dialect never decides what to do; it turns bytes into one of the messages below, and names of channels into frames.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
from attrs import field, frozen

__all__ = ["Ack", "Beat", "Data", "Dialect", "Frame", "Message", "Move", "Odd", "Refusal"]


@frozen
class Ack:
    """The server has subscribed to a channel, or unsubscribed from it."""

    name: str
    is_subscribed: bool


@frozen
class Refusal:
    """The server refused something.

    Attributes:
        name: The channel; None where the server does not say which.
        code: Its code as text; None if it has none.
        text: Its words, raw: an exchange may echo a secret.
        is_unauthorized: Whether it refused a token.
    """

    name: str | None
    code: str | None = None
    text: str = field(default="", repr=False)
    is_unauthorized: bool = False


@frozen
class Beat:
    """A sign of life without content."""


@frozen
class Move:
    """The server asks to connect again, because it is about to close this connection."""


class Data(msgspec.Struct, frozen=True, gc=False):  # built for every frame, in a fifth of the time of an attrs class
    """Data of a channel.

    Attributes:
        name: The channel.
        event: What happened, in the exchange's word; empty if it has none.
        body: The data as JSON.
        whole: The whole frame as JSON.
    """

    name: str
    event: str
    body: bytes
    whole: bytes

    def __repr__(self) -> str:
        """Show what it is about: the data may contain a secret."""
        return f"Data({self.name!r}, {self.event!r})"


@frozen
class Odd:
    """A frame that cannot be read: whatever it said is lost.

    Attributes:
        expected: What was expected.
        name: The channel that it is about; None if not even that can be read.
    """

    expected: str
    name: str | None = None


Message = Ack | Refusal | Beat | Move | Data | Odd


@frozen
class Frame:
    """A text frame to send. It may contain a token, so it is never shown."""

    text: bytes = field(repr=False)


class Dialect(Protocol):
    """What differs between the servers of exchanges."""

    def subscribe(self, name: str, token: str | None) -> Frame:
        """Return the frame that asks for a channel; *token* for a private one."""
        ...

    def unsubscribe(self, name: str) -> Frame:
        """Return the frame that gives a channel up."""
        ...

    def heartbeat(self) -> Frame | None:
        """Return the frame that the server answers with a `Beat`; None if there is none."""
        ...

    def read(self, frame: bytes) -> Message:
        """Read a text frame. It never raises."""
        ...
