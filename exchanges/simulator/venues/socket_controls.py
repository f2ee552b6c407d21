"""What a test can do to the sockets of a simulated exchange."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from exchanges.simulator.engine.arithmetic import with_exact_methods
from exchanges.simulator.venues.stream_faults import Client, Frame
from exchanges.simulator.venues.streams import Streams


class Cut(StrEnum):
    """How a socket ends."""

    CLOSE = "close"
    """With a frame of the protocol, which the client answers."""
    HANG_UP = "hang up"
    """The connection ends without a frame."""
    RESET = "reset"
    """The connection breaks."""
    FREEZE = "freeze"
    """The connection stays open, and nothing comes or is read any more."""


@with_exact_methods
class SocketControls:
    """The sockets of one exchange; see `Controls.sockets`.

    Args:
        streams: The sockets.
        run: Sends what is due by now.
    """

    def __init__(self, streams: Streams, run: Callable[[], None]) -> None:
        self._streams = streams
        self._run = run

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"SocketControls({self.count} sockets, {sum(self.subscriptions.values())} subscriptions)"

    @property
    def count(self) -> int:
        """How many sockets are open, frozen ones included."""
        return len(self._streams.clients)

    @property
    def opened(self) -> int:
        """How many sockets were ever opened."""
        return self._streams.opened

    @property
    def subscriptions(self) -> Counter[str]:
        """How many sockets are subscribed to each channel, by its name."""
        return Counter(name for client in self._streams.clients.values() for name in client.names)

    @property
    def asked(self) -> Counter[str]:
        """How many subscriptions to each channel were ever confirmed."""
        return Counter(self._streams.asked)

    @property
    def most_on_one(self) -> int:
        """How often the same channel is subscribed to on one socket at most; above 1 a client subscribes twice."""
        return max((count for client in self._streams.clients.values() for count in client.names.values()), default=0)

    def cut(self, how: Cut = Cut.RESET) -> int:
        """End all sockets; return how many there were."""
        clients = tuple(self._streams.clients.values())
        for client in clients:
            _ENDINGS[how](client)
        return len(clients)

    def mute(self) -> None:
        """Send nothing more on the sockets that are open, but answers to pings."""
        for client in self._streams.clients.values():
            client.is_mute = True

    def stop_beats(self) -> None:
        """Send no signs of life on the sockets that are open, and answer no heartbeats."""
        for client in self._streams.clients.values():
            client.beats = False

    def ignore_pings(self) -> None:
        """Leave pings unanswered on the sockets that are open."""
        for client in self._streams.clients.values():
            client.socket.ignore_pings()

    def kill_channel(self, name: str) -> None:
        """Send nothing more of a channel to those who are subscribed; their sockets live."""
        for client in self._streams.clients.values():
            if name in client.names:
                client.dead.add(name)

    def drop_next(self, name: str, count: int = 1) -> None:
        """Lose the next frames of a channel, for all who are subscribed."""
        self._streams.dropped[name] += count

    def ask_to_move(self, cut_after_seconds: float | None = None) -> None:
        """Ask all clients for a new connection, as Bitstamp does before maintenance; end theirs a while later."""
        self._streams.ask_to_move(None if cut_after_seconds is None else round(1000 * cut_after_seconds))

    def refuse(self, status: int | None) -> None:
        """Refuse new sockets with a status; None: accept them again."""
        self._streams.refused = status

    def publish(self, name: str, frame: Frame) -> None:
        """Send a frame to all who are subscribed to a channel, in its envelope: *frame* has at least ``data``."""
        self._run()
        self._streams.broadcast(name, frame)


_ENDINGS: dict[Cut, Callable[[Client], None]] = {
    Cut.CLOSE: lambda client: client.socket.close(),
    Cut.HANG_UP: lambda client: client.socket.hang_up(),
    Cut.RESET: lambda client: client.socket.reset(),
    Cut.FREEZE: lambda client: client.socket.freeze(),
}
