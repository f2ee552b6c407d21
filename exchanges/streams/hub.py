"""The hub: the lines, feeds and tasks of one client's live channels."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from exchanges.endpoint import Access
from exchanges.errors import ExchangeError, InvalidRequest, NotSent, Unavailable, UsageError
from exchanges.instrumentation.lines import Log
from exchanges.streams.channel import Channel, Delivery, StreamApi
from exchanges.streams.feeds import Feed, ItemFeed
from exchanges.streams.fetches import Fetches
from exchanges.streams.happenings import Disconnected, Event, Listener
from exchanges.streams.opening import Connect, Connection, Receiver, load_connect
from exchanges.streams.runner import Line

if TYPE_CHECKING:
    from exchanges.endpoint import Endpoint
    from exchanges.streams.host import Address, Host
    from exchanges.streams.keepers import Purpose
    from exchanges.streams.owner import Book, Cancellable

__all__ = ["Hub"]

logger = Log(__name__)

READ_SECONDS = 30.0


class Hub:
    """What the live channels of one client share. Created when the first of them is opened.

    Args:
        host: The client.
        connect: Opens connections; None for what is installed.
    """

    def __init__(self, host: Host, connect: Connect | None = None) -> None:
        self.host = host
        self._connect = connect
        self._lines: list[Line] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing: set[asyncio.Task[Any]] = set()
        self._listeners: weakref.WeakSet[Listener] = weakref.WeakSet()
        self._markets: dict[str, frozenset[str]] = {}
        self._users: dict[str, str] = {}
        self._closed = False
        self._fetches = Fetches(self)

    def __repr__(self) -> str:
        """Show the lines."""
        return f"Hub({self._lines})"

    @property
    def is_closed(self) -> bool:
        """Whether all streams have ended."""
        return self._closed

    # Readers

    async def join(
        self,
        channel: Channel,
        arguments: Mapping[str, str],
        options: Mapping[str, Any],
        reader: Any,  # noqa: ANN401
    ) -> Feed:
        """Add a reader to the feed of a channel, and wait until it can begin.

        Raises:
            ExchangeError: It cannot; see `Stream.__aenter__`.
        """
        self._connect = self._connect or load_connect()
        self.host.check()
        if self._closed:
            raise UsageError(f"{channel.id}: the client is closed; nothing was sent", endpoint=channel.id)
        feed: Feed | None = None
        seconds = options.get("timeout_seconds") or self.host.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._check_market(channel, arguments)
                feed = self._feed(channel, arguments, options)
                feed.readers.append(reader)
                await feed.ready()
        except TimeoutError:
            late = self._late(channel, feed, seconds)
            await self._undo(feed, reader)
            raise late from None
        except Exception:
            await self._undo(feed, reader)
            raise
        except asyncio.CancelledError:
            if feed is not None:
                self._release(feed, reader)
            raise
        return feed

    async def leave(self, feed: Feed, reader: Any) -> None:  # noqa: ANN401 - what the feed expects
        """Remove a reader; wait until nothing is left that nobody needs."""
        closing = self._release(feed, reader)
        if closing is not None:
            # Not cancelled with the caller: a line that is half closed would leave a socket.
            await asyncio.shield(closing)

    async def _undo(self, feed: Feed | None, reader: Any) -> None:  # noqa: ANN401 - what the feed expects
        if feed is not None:
            await self.leave(feed, reader)

    def _release(self, feed: Feed, reader: Any) -> asyncio.Task[None] | None:  # noqa: ANN401 - what the feed expects
        if reader in feed.readers:
            feed.readers.remove(reader)
        if not feed.readers:
            feed.line.remove(feed)
            feed.close()
        line = next((line for line in self._lines if line is feed.line), None)
        if line is None or len(line):
            return None
        self._lines.remove(line)
        task = self.spawn(line.aclose(), "streams close")
        self._closing.add(task)
        return task

    def _late(self, channel: Channel, feed: Feed | None, seconds: float) -> ExchangeError:
        host = None if feed is None else feed.line.host
        if feed is None:
            asked = "" if channel.api.markets is None else f" ({channel.api.markets.endpoint.id})"
            words = f"{channel.id}: the list of markets{asked} could not be read within {seconds:g} s"
        elif not feed.line.is_connected:
            words = f"{feed.label}: no connection within {seconds:g} s: {feed.line.failure}"
            return NotSent(words, endpoint=channel.id, host=host)
        else:
            cause = f": {feed.cause}" if feed.cause else ""
            words = f"{feed.label}: could not be read within {seconds:g} s{cause}"
        words += "; try again, or allow more time (timeout_seconds)"
        return Unavailable(words, endpoint=channel.id, host=host)

    def _feed(self, channel: Channel, arguments: Mapping[str, str], options: Mapping[str, Any]) -> Feed:
        """Return the feed of a channel, a new one if nobody reads it yet."""
        name, is_private = channel.name(arguments), channel.access is not Access.PUBLIC
        lines = [
            line
            for line in self._lines
            if line.api is channel.api and line.is_private is is_private and not line.is_over
        ]
        line = next((line for line in lines if name in line), None)
        if line is not None:
            for feed in line.feeds(name):
                if feed.channel is channel and feed.error is None and feed.serves(options):
                    return feed
        line = line or next((line for line in lines if len(line) < channel.api.max_channels), None)
        if line is None:
            line = Line(self, channel.api, is_private=is_private)
            self._lines.append(line)
        feed = self._new_feed(line, channel, arguments, options)
        line.add(feed)
        return feed

    def _new_feed(self, line: Line, channel: Channel, arguments: Mapping[str, str], options: Mapping[str, Any]) -> Feed:
        if channel.delivery is not Delivery.KEPT:
            return ItemFeed(self, line, channel, arguments)
        from exchanges.streams.book_feeds import BookFeed  # noqa: PLC0415 - who reads no books needs no keepers

        return BookFeed(self, line, channel, arguments, options)

    async def _check_market(self, channel: Channel, arguments: Mapping[str, str]) -> None:
        """Raise if there is no such market, where the server would be silent about it for ever.

        Raises:
            InvalidRequest: There is none.
        """
        rule = channel.api.markets
        if rule is None or rule.argument not in arguments:
            return
        market = arguments[rule.argument]
        if market not in self._markets.get(channel.api.name, ()):
            # Read again for a name that is not known: a market may be new.
            self._markets[channel.api.name] = frozenset(rule.symbols(await self.call(rule.endpoint, {})))
        if market not in self._markets[channel.api.name]:
            words = f"{channel.id}: {rule.endpoint.id} shows no market {market}; nothing was subscribed to"
            raise InvalidRequest(words, endpoint=channel.id)

    # Events

    def publish(self, event: Event) -> None:
        """Report an event, once to the log and to everybody who iterates over events."""
        write = logger.warning if isinstance(event, Disconnected) else logger.info
        write("%s", event)
        for listener in tuple(self._listeners):
            listener.put(event)

    def listen(self, listener: Listener) -> None:
        """Report events from now on, as long as the listener is not dropped."""
        if self._closed:
            listener.end()
        self._listeners.add(listener)

    # Work

    async def connect(self, address: Address, receiver: Receiver) -> Connection:
        """Open a connection.

        Raises:
            ConnectionFailed: It could not be opened.
        """
        self._connect = self._connect or load_connect()
        return await self._connect(address, receiver)

    async def call(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as declared
        """Call an endpoint as any other caller of the client does."""
        return await self.host.call(endpoint, arguments, READ_SECONDS)

    def user(self, api: StreamApi, user_id: str) -> str:
        """Return the user that the first token of the client named; *user_id* if this is the first."""
        return self._users.setdefault(api.name, user_id)

    def traded(self, api: StreamApi, arguments: Mapping[str, str]) -> None:
        """Report to the books of a market that something was traded in it."""
        for line in self._lines:
            if line.api is api:
                for feed in line.feeds():
                    if feed.arguments == arguments:
                        feed.traded()

    def fetch(self, book: Book, purpose: Purpose, done: Callable[[Any, float], None]) -> Cancellable:
        """Read the order book of a feed when its turn has come."""
        return self._fetches.ask(book, purpose, done)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something in a task that closing awaits."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._closing.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            logger.error("%s: unexpected %s", task.get_name(), type(fault).__name__)

    async def aclose(self) -> None:
        """End all streams; no task and no socket remains."""
        self._closed = True
        self._fetches.close()
        lines, self._lines = self._lines, []
        for line in lines:
            for feed in line.feeds():
                feed.close()
        for listener in tuple(self._listeners):
            listener.end()
        for task in self._tasks - self._closing:
            task.cancel()
        await asyncio.gather(*(line.aclose() for line in lines))
        while self._tasks:
            await asyncio.wait(self._tasks)
