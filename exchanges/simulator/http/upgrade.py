"""Requests for a WebSocket: recognised with h11, handed over to `websockets` where that is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import h11

from exchanges.simulator.http.messages import HttpAnswer

if TYPE_CHECKING:
    from exchanges.simulator.http.websocket import Receiver, Socket

MISSING = b"WebSockets are not available here: install the extra with pip install 'aioexchanges[streams]'"


class Endable(Protocol):
    """A connection, as the listener knows it."""

    def end(self) -> None:
        """Close the connection now, or after the pending answer."""
        ...

    def abort(self) -> None:
        """Close the connection without sending what is buffered."""
        ...


class Upgrade(Protocol):
    """Hands a connection over to a new WebSocket."""

    def __call__(
        self,
        head: h11.Request,
        more: bytes,
        transport: asyncio.Transport,
        address: str,
        lost: Callable[[Socket], None],
    ) -> Socket | HttpAnswer:
        """Return the socket, or the answer where there is none."""
        ...


def upgrade_to(receiver: Receiver) -> Upgrade:
    """Return what creates sockets for *receiver*."""

    def upgrade(
        head: h11.Request,
        more: bytes,
        transport: asyncio.Transport,
        address: str,
        lost: Callable[[Socket], None],
    ) -> Socket | HttpAnswer:
        create = _socket_class()
        if create is None:
            return HttpAnswer(501, MISSING, "text/plain")
        target = head.target.decode("ascii")
        if (refusal := receiver.refusal(target)) is not None:
            return refusal
        socket = create(receiver, transport, target, address, lost)
        if delay_seconds := receiver.delay_seconds:
            asyncio.get_running_loop().call_later(delay_seconds, socket.start, _render(head), more)
        else:
            socket.start(_render(head), more)
        return socket

    return upgrade


def _socket_class() -> type[Socket] | None:
    # With the first socket, not with the simulator: who uses none needs no extra, and does not wait for its import.
    try:
        found: type[Socket] = import_module("exchanges.simulator.http.websocket").Socket
    except ImportError:
        return None
    return found


def _render(head: h11.Request) -> bytes:
    """Render a head that h11 has parsed as the bytes that it was, up to the case of names."""
    lines = [b"%b %b HTTP/1.1" % (head.method, head.target), *(b"%b: %b" % header for header in head.headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"
