"""A line: channels that share a connection, which is opened again whenever it ends.

One task opens the connection, keeps it alive and asks for what is wanted; frames do not pass through it. When the
exchange asks to connect again, a second link is opened first, and the first is dropped some time after the second
carries everything, so that nothing is missed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from exchanges.endpoint.tracebacks import strip
from exchanges.errors import (
    AuthenticationFailed,
    ExchangeError,
    InvalidRequest,
    RateLimited,
    Rejected,
    UsageError,
    quotable,
)
from exchanges.instrumentation.lines import Log
from exchanges.redaction import redacted
from exchanges.streams.dialect import Data
from exchanges.streams.happenings import Connected, Disconnected, Moved, Refused, Subscribed
from exchanges.streams.link import Link, Token
from exchanges.streams.liveness import Backoff
from exchanges.streams.opening import ConnectionFailed
from exchanges.streams.subscriptions import Confirmed, Ended, Outcome, Unanswered
from exchanges.streams.subscriptions import Refused as RefusedChannel

if TYPE_CHECKING:
    from exchanges.endpoint import Endpoint
    from exchanges.streams.channel import StreamApi
    from exchanges.streams.feeds import Feed
    from exchanges.streams.owner import Owner

__all__ = ["Line"]

logger = Log(__name__)

BACKOFF_SECONDS = 30.0
PRIVATE_BACKOFF_SECONDS = 5.0
TOKEN_SECONDS = 10.0
REMEMBERED_TOKENS = 10
"""How many are searched for in what the exchange writes."""
MOVE_SECONDS = 30.0
"""How long two links are kept at most, if the exchange does not drop the first."""
OVERLAP_SECONDS = 2.0
"""How long the first link is kept once the second carries everything: its last frames may still be on the way."""


class Line:
    """Channels of one server that share a connection.

    Args:
        hub: Whose it is.
        api: The server.
        is_private: Whether its channels need a token.
    """

    def __init__(self, hub: Owner, api: StreamApi, *, is_private: bool) -> None:
        self._hub, self.api, self.is_private = hub, api, is_private
        self._loop = asyncio.get_running_loop()
        self._feeds: dict[str, list[Feed]] = {}
        self._links: list[Link] = []
        self._numbers = iter(range(1, 2**62))
        self._backoff = Backoff(PRIVATE_BACKOFF_SECONDS if is_private else BACKOFF_SECONDS)
        self._woken = asyncio.Event()
        self._token: Token | None = None
        self._used_tokens: deque[Token] = deque(maxlen=REMEMBERED_TOKENS)
        self._fetching: asyncio.Task[None] | None = None
        self._replaced_at: float | None = None
        self._moving: asyncio.Task[None] | None = None
        self._others: set[asyncio.Task[None]] = set()
        self._token_backoff = Backoff(PRIVATE_BACKOFF_SECONDS)
        self._move_backoff = Backoff(PRIVATE_BACKOFF_SECONDS)
        self.failure = "no connection yet"
        self.host = urlsplit(api.url).netloc
        self._task = self._loop.create_task(self._run(), name=f"streams {api.exchange}")

    def __repr__(self) -> str:
        """Show what it carries."""
        kind = "private" if self.is_private else "public"
        return f"Line({self.host}, {kind}, {len(self)} channels, {self._links})"

    def __len__(self) -> int:
        """Return how many channels it carries."""
        return len(self._feeds)

    # What is wanted

    def __contains__(self, name: str) -> bool:
        """Whether it carries a channel."""
        return name in self._feeds

    def feeds(self, name: str | None = None) -> Iterator[Feed]:
        """Iterate over the feeds of a channel, or of all."""
        lists = list(self._feeds.values()) if name is None else [self._feeds.get(name, [])]
        yield from [feed for feeds in lists for feed in feeds]

    @property
    def is_over(self) -> bool:
        """Whether its task has ended, which only a bug can do: nothing more can be carried."""
        return self._task.done()

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return bool(self._links)

    def add(self, feed: Feed) -> None:
        """Carry a channel for a feed; one that is carried already is not asked for again."""
        is_new = feed.name not in self._feeds
        self._feeds.setdefault(feed.name, []).append(feed)
        for link in self._links:
            if is_new:
                link.subscriptions.want(feed.name)
            elif link.subscriptions.is_confirmed(feed.name):
                feed.confirmed(link.number)
        self.wake()

    def remove(self, feed: Feed) -> None:
        """Carry a channel no longer for a feed; the last one gives it up."""
        feeds = self._feeds.get(feed.name, [])
        if feed in feeds:
            feeds.remove(feed)
        if not feeds:
            self._feeds.pop(feed.name, None)
            for link in self._links:
                link.subscriptions.release(feed.name)
            self.wake()

    def resubscribe(self, feed: Feed, number: int) -> None:
        """Release a channel on one link, and ask for it again: it is dead though the link lives."""
        for link in self._links:
            if link.number == number:
                link.subscriptions.release(feed.name)
                link.subscriptions.want(feed.name)
                # The feed that asks knows; what the others missed, nobody does.
                for other in [other for other in self.feeds(feed.name) if other is not feed]:
                    other.lost(number, "the channel was subscribed to again")
        self.wake()

    def wake(self) -> None:
        """Look at everything again."""
        self._woken.set()

    async def aclose(self) -> None:
        """Close the connection; no task and no socket remains."""
        tasks = [task for task in (self._task, self._fetching, self._moving) if task is not None]
        for task in tasks:
            task.cancel()
        links, self._links = self._links, []
        try:
            # Closed at the same time: each has half a second.
            await asyncio.gather(*(link.leave() for link in links), *tasks, return_exceptions=True)
        finally:
            while self._others:
                await asyncio.wait(self._others)

    # The task

    async def _run(self) -> None:
        reason: str | None = None
        try:
            while True:
                self._links.append(await self._open(reason))
                reason = await self._serve()
        except asyncio.CancelledError:
            raise
        except Exception as fault:  # noqa: BLE001 - nobody awaits this task: its readers must be told
            logger.error("streams of %s: unexpected %s", self.host, type(fault).__name__)  # noqa: TRY400 - no values
            for feed in self.feeds():
                feed.refused(ExchangeError(f"{feed.label}: the stream ended: unexpected {type(fault).__name__}"))

    async def _open(self, reason: str | None) -> Link:
        """Return an open link, however long that takes."""
        while True:
            wait = self._backoff.next_wait()
            if reason is not None:
                self.failure = reason
                self._hub.publish(Disconnected(self.host, reason, wait))
            await asyncio.sleep(wait)
            try:
                return await self._connect()
            except (ConnectionFailed, ExchangeError) as error:
                reason = str(error)

    async def _connect(self) -> Link:
        address = await self._hub.host.address(self.api)
        self.host = urlsplit(address.url).netloc
        link = Link(next(self._numbers), self.api.dialect, self.api.liveness, self)
        opened = await self._hub.connect(address, link)
        link.open(opened)
        for name in self._feeds:
            link.subscriptions.want(name)
        self._hub.publish(Connected(self.host))
        return link

    async def _serve(self) -> str:
        """Keep the links until none is left; return how the last one ended."""
        last = ""
        while self._links:
            self._woken.clear()
            for link in list(self._links):
                last = self._turn(link) or last
            timer = self._loop.call_at(min((link.next_tick for link in self._links), default=0.0), self.wake)
            try:
                await self._woken.wait()
            finally:
                timer.cancel()
        if self._moving is not None:
            self._moving.cancel()
            self._moving = None
        return last

    def _turn(self, link: Link) -> str | None:
        """Do what is due on one link; return how it ended, if it has."""
        if link.end is None:
            self.answered(link, link.tick())
        if link.end is not None:
            reason = redacted(link.end, self._secrets)
            self._drop(link, reason)
            return reason
        needs_token = self.is_private and link.subscriptions.is_asking(self._loop.time())
        if needs_token and self._token is None:
            self._fetch_token()
        link.ask(self._token if needs_token else None, is_private=self.is_private)
        if needs_token:
            # Each token is used at once, for everything that waits, and never again. A link that asks for nothing
            # leaves it to the one that replaces it.
            self._token = None
        if link.must_move and self._moving is None and len(self._links) == 1:
            self._moving = self._loop.create_task(self._move(), name="streams move")
        if link is self._links[0] and len(self._links) > 1 and self._is_replaced():
            self._drop(link, "moved")
            self._hub.publish(Moved(self.host))
        return None

    @property
    def _secrets(self) -> tuple[str, ...]:
        """What an exchange may echo, and nothing may show."""
        return (*self._hub.host.secrets(), *(token.token for token in self._used_tokens))

    def _drop(self, link: Link, reason: str) -> None:
        self._links.remove(link)
        self._replaced_at = None
        for backoff in (self._backoff, self._move_backoff):
            backoff.lived(self._loop.time() - link.opened_at)
        for feed in self.feeds():
            feed.lost(link.number, reason)
        self._spawn(link.leave())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work, name="streams")
        self._others.add(task)
        task.add_done_callback(self._others.discard)

    # Moving

    async def _move(self) -> None:
        """Open a second link beside the one that the exchange is about to close."""
        while True:
            # One for all moves: a server may ask again on each new connection.
            await asyncio.sleep(self._move_backoff.next_wait())
            with suppress(ConnectionFailed, ExchangeError):
                self._links.append(await self._connect())
                break
        self._moving = None
        self.wake()
        # What is not carried over by then is carried over by the ordinary way of a link that ends.
        self._loop.call_later(MOVE_SECONDS, self.wake)

    def _is_replaced(self) -> bool:
        newer, now = self._links[-1], self._loop.time()
        if now >= newer.opened_at + MOVE_SECONDS:
            return True
        if not newer.subscriptions.all_confirmed or not all(feed.is_ready_on(newer.number) for feed in self.feeds()):
            self._replaced_at = None
        elif self._replaced_at is None:
            self._replaced_at = now
            self._loop.call_later(OVERLAP_SECONDS, self.wake)
        return self._replaced_at is not None and now >= self._replaced_at + OVERLAP_SECONDS

    # Tokens

    def _fetch_token(self) -> None:
        if self._fetching is None:
            self._fetching = self._loop.create_task(self._get_token(), name="streams token")

    async def _get_token(self) -> None:
        endpoint = self.api.token
        try:
            if endpoint is not None:
                await asyncio.sleep(self._token_backoff.next_wait())
                token: Token = await self._hub.host.call(endpoint, {}, TOKEN_SECONDS)
                self._used_tokens.append(token)
                self._check_user(endpoint, token)
                self._token = token
                self._token_backoff = Backoff(PRIVATE_BACKOFF_SECONDS)
        except RateLimited as error:
            self.failure = str(error)
        except (Rejected, UsageError) as error:
            for feed in self.feeds():
                feed.refused(strip(error))
        except ExchangeError as error:
            self.failure = str(error)
        finally:
            self._fetching = None
            self.wake()

    def _check_user(self, endpoint: Endpoint, token: Token) -> None:
        """Raise if a token is of another user than those before it: events of others would pass for own ones.

        Raises:
            AuthenticationFailed: It is.
        """
        user = token.user_id
        if not (user.isascii() and user.isdigit()) or self._hub.user(self.api, user) != user:
            words = f"{endpoint.id}: the token names another user than the first one of this key, or none"
            raise AuthenticationFailed(f"{words}; nothing was subscribed to", endpoint=endpoint.id, host=self.host)

    # What links report

    def arrived(self, link: Link, data: Data) -> None:
        """Hand data to the feeds of its channel."""
        for feed in self._feeds.get(data.name, ()):
            feed.arrived(link.number, data)

    def unreadable(self, link: Link, name: str | None, cause: str) -> None:
        """Note that what a frame said is lost; if nobody knows of which channel, of each."""
        logger.warning("%s: %s was received", self.host, cause)
        for feed in self.feeds(name):
            feed.unreadable(link.number, cause)

    def answered(self, link: Link, outcomes: list[Outcome]) -> None:
        """Hand what the server answered to the feeds of the channels."""
        for outcome in outcomes:
            if isinstance(outcome, Ended):
                logger.warning("%s: %s: %s", self.host, outcome.name, outcome.cause)
            for feed in self.feeds(outcome.name):
                if isinstance(outcome, Confirmed):
                    feed.confirmed(link.number)
                elif isinstance(outcome, Ended):
                    feed.lost(link.number, outcome.cause)
                elif isinstance(outcome, RefusedChannel):
                    feed.refused(self._refusal(feed, outcome))
                elif isinstance(outcome, Unanswered):
                    feed.unanswered()
            if isinstance(outcome, Confirmed):
                self._hub.publish(Subscribed(outcome.name))

    def _refusal(self, feed: Feed, outcome: RefusedChannel) -> ExchangeError:
        refusal = outcome.refusal
        text = quotable(refusal.text, self._secrets)
        code = None if refusal.code is None else quotable(refusal.code, self._secrets)
        self._hub.publish(Refused(feed.label, text))
        kind = AuthenticationFailed if refusal.is_unauthorized else InvalidRequest
        words = f"{feed.label}: the exchange refused the channel: {text}"
        return kind(words, endpoint=feed.channel.id, host=self.host, code=code, text=text)
