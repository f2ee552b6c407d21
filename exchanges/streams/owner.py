"""What the parts of live channels need of those that hold them, so that none of them needs the whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from exchanges.endpoint import Endpoint
    from exchanges.streams.channel import BookRule, Channel, StreamApi
    from exchanges.streams.happenings import Event
    from exchanges.streams.host import Address, Host
    from exchanges.streams.keepers import Purpose
    from exchanges.streams.opening import Connection, Receiver

__all__ = ["Book", "Cancellable", "Carrier", "Owner"]


class Cancellable(Protocol):
    """Something that was asked for."""

    def cancel(self) -> None:
        """Wait for it no longer."""
        ...


class Book(Protocol):
    """A kept book, as the reads of order books see it.

    Attributes:
        unread: Why the last read of its order book gave nothing; None if it gave one.
    """

    rule: BookRule
    label: str
    arguments: Mapping[str, str]
    readers: list[Any]
    unread: str | None


class Carrier(Protocol):
    """A line, as its feeds see it.

    Attributes:
        host: The server.
        failure: Why there is no connection, or was none last.
    """

    host: str
    failure: str

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        ...

    def __len__(self) -> int:
        """Return how many channels it carries."""
        ...

    def remove(self, feed: Any) -> None:  # noqa: ANN401 - feeds know carriers, not the reverse
        """Carry a channel no longer for a feed."""
        ...

    def resubscribe(self, feed: Any, number: int) -> None:  # noqa: ANN401 - as above
        """Release a channel on one link, and ask for it again."""
        ...

    def wake(self) -> None:
        """Look at everything again."""
        ...


class Owner(Protocol):
    """A hub, as lines, feeds and streams see it."""

    @property
    def host(self) -> Host:
        """The client."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether all streams have ended."""
        ...

    def publish(self, event: Event) -> None:
        """Report an event."""
        ...

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something in a task that closing awaits."""
        ...

    def traded(self, api: StreamApi, arguments: Mapping[str, str]) -> None:
        """Report to the books of a market that something was traded in it."""
        ...

    def user(self, api: StreamApi, user_id: str) -> str:
        """Return the user that the first token of the client named; *user_id* if this is the first."""
        ...

    async def call(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as declared
        """Call an endpoint as any other caller of the client does."""
        ...

    async def connect(self, address: Address, receiver: Receiver) -> Connection:
        """Open a connection; raise `ConnectionFailed`."""
        ...

    def fetch(self, book: Book, purpose: Purpose, done: Callable[[Any, float], None]) -> Cancellable:
        """Read the order book of a feed when its turn has come."""
        ...

    async def join(
        self,
        channel: Channel,
        arguments: Mapping[str, str],
        options: Mapping[str, Any],
        reader: Any,  # noqa: ANN401 - what the feed of the channel expects
    ) -> Any:  # noqa: ANN401 - the feed
        """Add a reader to the feed of a channel, and wait until it can begin."""
        ...

    async def leave(self, feed: Any, reader: Any) -> None:  # noqa: ANN401 - as in `join`
        """Remove a reader; wait until nothing is left that nobody needs."""
        ...
