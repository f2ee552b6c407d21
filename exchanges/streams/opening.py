"""What opens connections, without the library that does it: that is an extra, and imported when it is first needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TypeAlias

from exchanges.errors import UsageError

if TYPE_CHECKING:
    from exchanges.streams.dialect import Frame
    from exchanges.streams.host import Address

__all__ = ["Connect", "Connection", "ConnectionFailed", "Receiver", "load_connect"]


class ConnectionFailed(Exception):
    """No connection could be opened; the message says why."""


class Receiver(Protocol):
    """What is told what a connection receives. It is called synchronously, and must not raise."""

    def received(self, frame: bytes) -> None:
        """Handle a text frame."""
        ...

    def alive(self) -> None:
        """Note a frame of any kind."""
        ...

    def garbled(self, reason: str) -> None:
        """Note a frame that is no text."""
        ...

    def closed(self, reason: str) -> None:
        """Note that nothing more will come."""
        ...


class Connection(Protocol):
    """An open connection."""

    def write(self, frame: Frame) -> None:
        """Write a frame, unless the connection is closing."""
        ...

    def write_ping(self) -> None:
        """Write a ping."""
        ...

    async def leave(self) -> None:
        """Send a close frame, wait half a second for the answer, then abort."""
        ...


Connect: TypeAlias = "Callable[[Address, Receiver], Awaitable[Connection]]"
"""Opens a connection; raises `ConnectionFailed`."""


def load_connect() -> Connect:
    """Return what opens connections.

    Raises:
        UsageError: websockets is not installed.
        ConnectionFailed: Its files cannot be read now.
    """
    try:
        connect: Connect = import_module("exchanges.streams.connection").connect
    except ImportError:
        words = "streams need websockets: pip install 'aioexchanges[streams]'; nothing was sent"
        raise UsageError(words) from None
    except OSError as error:
        raise ConnectionFailed(f"websockets could not be loaded ({error.strerror or type(error).__name__})") from None
    return connect
