"""Feeds: one channel that is subscribed to, and everybody who reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, get_args, get_origin

from exchanges.errors import DecodeError, ExchangeError, Unavailable
from exchanges.instrumentation.lines import Log
from exchanges.streams.delivery import MOST_BYTES, Gap, GapReason
from exchanges.streams.happenings import Lagged, Resynchronised
from exchanges.wire import Deviation, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from exchanges.streams.channel import CatchUp, Channel
    from exchanges.streams.dialect import Data
    from exchanges.streams.owner import Carrier, Owner

__all__ = ["Feed", "ItemFeed", "Reader"]

logger = Log(__name__)

REMEMBERED_KEYS = 1000
ANY_EVENT = "*"


class Feed:
    """One channel, for those who read it.

    Args:
        hub: Whose it is.
        line: What carries it.
        channel: The declaration.
        arguments: What fills its name.
    """

    def __init__(self, hub: Owner, line: Carrier, channel: Channel, arguments: Mapping[str, str]) -> None:
        self.hub, self.line, self.channel, self.arguments = hub, line, channel, arguments
        self.name = channel.name(arguments)
        self.label = f"{channel.id}({', '.join(arguments.values())})"
        self.readers: list[Any] = []
        self.error: ExchangeError | None = None
        self._changed = asyncio.Event()
        self._links: set[int] = set()
        self._is_unanswered = False

    def __repr__(self) -> str:
        """Show the channel and how many read it."""
        return f"Feed({self.label}, {len(self.readers)} readers{', live' * self.is_live})"

    @property
    def is_live(self) -> bool:
        """Whether the exchange sends the channel."""
        return bool(self._links)

    @property
    def is_ready(self) -> bool:
        """Whether a reader can begin."""
        return self.is_live

    def is_ready_on(self, number: int) -> bool:
        """Whether one link alone would do."""
        return number in self._links

    @property
    def cause(self) -> str | None:
        """Why a reader cannot begin; None if only the exchange's answer is missing."""
        return None

    def serves(self, options: Mapping[str, Any]) -> bool:  # noqa: ARG002 - items are the same for all
        """Whether a reader with these options can share it."""
        return True

    async def ready(self) -> None:
        """Wait until a reader can begin.

        Raises:
            ExchangeError: The exchange refused the channel, or has not answered.
        """
        while not self.is_ready:
            if self.error is not None:
                raise self.error
            if self._is_unanswered:
                words = f"{self.label}: the exchange has not acknowledged the subscription"
                raise Unavailable(words, endpoint=self.channel.id, host=self.line.host)
            self._changed.clear()
            await self._changed.wait()

    # What the line reports

    def confirmed(self, number: int) -> None:
        """Note that the exchange sends the channel on a link."""
        self._links.add(number)
        self._is_unanswered = False
        self._changed.set()

    def arrived(self, number: int, data: Data) -> None:
        """Handle data."""
        raise NotImplementedError

    def unreadable(self, number: int, cause: str) -> None:
        """Note that what a frame said is lost."""
        raise NotImplementedError

    def lost(self, number: int, cause: str) -> None:  # noqa: ARG002 - for books
        """Note that a link is gone."""
        self._links.discard(number)

    def traded(self) -> None:
        """Note that something was traded in the market of the channel."""

    def unanswered(self) -> None:
        """Note that the exchange does not answer; it is asked again."""
        self._is_unanswered = True
        self._changed.set()

    def refused(self, error: ExchangeError) -> None:
        """End for all readers with an error."""
        self.error = error
        self.line.remove(self)
        self._changed.set()

    def close(self) -> None:
        """End for all readers."""
        self._changed.set()


class Reader(Protocol):
    """What a feed of items puts them into."""

    @property
    def wants_backfill(self) -> bool:
        """Whether what was missed is to be read, and to come in its place."""
        ...

    def put(self, at: datetime, item: Any, size: int, /) -> bool:  # noqa: ANN401 - of the model that the channel declares
        """Add an item, of a frame of so many bytes; return whether the reader has begun to lag."""
        ...

    def gap(self, gap: Gap) -> None:
        """Add a gap."""
        ...

    def hold(self, gap: Gap) -> None:
        """Keep what comes back until the gap is filled, or is known to stay."""
        ...

    def fill(self, at: datetime, items: Collection[Any], key: Callable[[Any], str]) -> None:
        """Add what was missed."""
        ...

    def unfilled(self) -> None:
        """Add the gap that was held."""
        ...

    def end(self, error: Exception | None = None) -> None:
        """Add nothing more."""
        ...


class ItemFeed(Feed):
    """A channel whose items are all handed on, or a gap in their place."""

    def __init__(self, hub: Owner, line: Carrier, channel: Channel, arguments: Mapping[str, str]) -> None:
        super().__init__(hub, line, channel, arguments)
        self.readers: list[Reader] = []
        # Content and size of the frame, oldest first.
        self._known: dict[str, tuple[Any, int]] = {}
        self._known_bytes = 0
        self._chain: str | None = None
        self._last_at: datetime | None = None
        self._lost_since: datetime | None = None
        self._catch_up: CatchUp | None = None
        self._catching_up: asyncio.Task[None] | None = None

    def confirmed(self, number: int) -> None:
        """Note that the exchange sends the channel on a link; say what may be missing."""
        now, first = self.hub.host.now(), self._last_at is None
        super().confirmed(number)
        if first and self.channel.catch_up is not None:
            self._catch_up = self.channel.catch_up(self.hub.call, self.arguments, self.hub.host.now)
            self._start(self._begin(self._catch_up))
        since, self._lost_since, self._last_at = self._lost_since, None, now
        if since is not None:
            self._report(Gap(since, max(since, now), GapReason.RECONNECTED))

    def lost(self, number: int, cause: str) -> None:
        """Note that a link is gone; without another, items may be missing from the last one on."""
        super().lost(number, cause)
        if self.is_live or self._last_at is None:
            return
        self._lost_since = self._lost_since or self._last_at
        self._chain = None
        self._stop()

    def arrived(self, number: int, data: Data) -> None:
        """Hand the items of a frame to all readers."""
        # What trails after the subscription was given up, or comes before it was confirmed, is not promised.
        if number not in self._links:
            return
        try:
            items = self._items(data)
        except (Deviation, DecodeError) as error:
            self.unreadable(number, f"a frame that is not as documented ({error})")
            return
        at, size = self.hub.host.now(), len(data.whole) // max(1, len(items))
        for item in items:
            if self._is_new(item, item, size):
                if self.channel.moves_book:
                    self.hub.traded(self.channel.api, self.arguments)
                self._check_chain(item, at)
                if self._is_noted(item):
                    self._last_at = at
                    self._hand_on(at, item, size)
                else:
                    self.unreadable(number, "an item whose id is no number")

    def _items(self, data: Data) -> list[Any]:
        model = self.channel.events.get(data.event, self.channel.events.get(ANY_EVENT))
        if model is None:
            # What it says may be an item under another name.
            raise Deviation("an event that the documents show")
        value = loads(data.whole if self.channel.whole else data.body)
        items = self.hub.host.wire.structure(value, model, self.channel.id)
        return self._checked(list(items) if get_origin(model) is list and get_args(model) else [items])

    def _checked(self, items: list[Any]) -> list[Any]:
        """Return items that can be true; raise `Deviation` if one cannot, such as a trade at a price below zero."""
        fault_of = self.channel.fault
        if fault_of is not None:
            for item in items:
                if fault := fault_of(item):
                    raise Deviation(fault)
        return items

    def _is_new(self, item: Any, content: Any = None, size: int = 0) -> bool:  # noqa: ANN401 - of the declared model
        """Whether an item did not come before: two links bring it twice.

        *content* is what two frames of it have in common; None: it was read, and shows less than a frame. Another
        content under a known key is new: the exchange has begun to count anew, or has lied about one of them.
        """
        if self.channel.key is None:
            return True
        key = self.channel.key(item)
        if key is None:
            return True
        if key in self._known:
            before, _ = self._known[key]
            if content is None or before is None or content == before:
                return False
            at, self._chain = self.hub.host.now(), None
            self._report(Gap(self._last_at or at, at, GapReason.CHAIN_BROKEN))
        self._remember(key, content, size)
        return True

    def _remember(self, key: str, content: Any, size: int) -> None:  # noqa: ANN401 - of the declared model
        self._known_bytes += size - self._known.pop(key, (None, 0))[1]
        self._known[key] = content, size
        while len(self._known) > REMEMBERED_KEYS or (self._known_bytes > MOST_BYTES and len(self._known) > 1):
            self._known_bytes -= self._known.pop(next(iter(self._known)))[1]

    def _check_chain(self, item: Any, at: datetime) -> None:  # noqa: ANN401 - of the model that the channel declares
        if self.channel.chain is None:
            return
        own, before = self.channel.chain(item)
        # One that names nothing leaves the one before it as the last that is known.
        last, self._chain = self._chain, self._chain if own is None else own
        if last is not None and before is not None and before != last:
            self._report(Gap(self._last_at or at, at, GapReason.CHAIN_BROKEN))

    def _is_noted(self, item: Any) -> bool:  # noqa: ANN401 - of the model that the channel declares
        """Whether what is missed after an item can be read; not if its id has no place among others."""
        try:
            if self._catch_up is not None:
                self._catch_up.note(item)
        except ValueError:
            return False
        return True

    def _hand_on(self, at: datetime, item: Any, size: int) -> None:  # noqa: ANN401 - of the declared model
        self._settle(item)
        for reader in list(self.readers):
            if reader.put(at, item, size):
                self.hub.publish(Lagged(self.label))

    def _settle(self, item: Any) -> None:  # noqa: ANN401 - of the model that the channel declares
        if self.channel.client_id is not None and (client_id := self.channel.client_id(item)):
            self.hub.host.settle(client_id)

    def unreadable(self, number: int, cause: str) -> None:
        """Report that what a frame said is missing."""
        if number in self._links:
            at = self.hub.host.now()
            logger.warning("%s: %s", self.label, cause)
            self._report(Gap(self._last_at or at, at, GapReason.UNREADABLE))

    def refused(self, error: ExchangeError) -> None:
        """End for all readers with an error."""
        super().refused(error)
        self._stop()
        for reader in self.readers:
            reader.end(error)

    def close(self) -> None:
        """End for all readers."""
        super().close()
        self._stop()
        for reader in self.readers:
            reader.end()

    # What was missed

    def _report(self, gap: Gap) -> None:
        """Report what may be missing, or read it where that is wanted."""
        for reader in self.readers:
            if self._catch_up is not None and reader.wants_backfill:
                reader.hold(gap)
            else:
                reader.gap(gap)
        if self._catch_up is not None and (self.channel.is_reconciled or any(r.wants_backfill for r in self.readers)):
            self._catch_up.lost()
            self._start(self._read_missed(self._catch_up, gap))

    async def _begin(self, catch_up: CatchUp) -> None:
        with suppress(ExchangeError, ValueError):  # what cannot be read now is read, or reported missing, later
            await catch_up.begin()

    async def _read_missed(self, catch_up: CatchUp, gap: Gap) -> None:
        began, found, is_complete = self.hub.host.now(), list[Any](), True
        try:
            for step, delay in enumerate(catch_up.delays):
                # Answers may come from a cache that is older than the subscription.
                await asyncio.sleep(delay)
                items = await catch_up.missed(step)
                is_complete = is_complete and items is not None
                found += self._reconciled(self._checked(items or []))
        except (ExchangeError, ValueError, Deviation) as error:  # an id that is no number has no place among others
            shown = error if isinstance(error, ExchangeError) else type(error).__name__
            logger.warning("%s: what was missed cannot be read: %s", self.label, shown)
            is_complete = False
        at = self.hub.host.now()
        for reader in list(self.readers):
            if not is_complete:
                reader.unfilled()
            elif reader.wants_backfill:
                reader.fill(at, found, self._key_or_repr)
            if self.channel.is_reconciled and not is_complete:
                reader.gap(Gap(gap.since, at, GapReason.NOT_RECONCILED))
        if is_complete:
            self.hub.publish(Resynchronised(self.label, (at - began).total_seconds()))

    def _reconciled(self, items: list[Any]) -> list[Any]:
        """Return what did not come already; hand it on where that is done for every reader."""
        new = [item for item in items if self._is_new(item)]
        if self.channel.is_reconciled:
            at = self.hub.host.now()
            for item in new:
                self._settle(item)
                for reader in list(self.readers):
                    reader.put(at, item, 0)
        return new

    def _key_or_repr(self, item: Any) -> str:  # noqa: ANN401 - of the model that the channel declares
        key = None if self.channel.key is None else self.channel.key(item)
        return repr(item) if key is None else key

    def _start(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        self._stop()
        self._catching_up = self.hub.spawn(work, f"streams catch up {self.channel.id}")

    def _stop(self) -> None:
        if self._catching_up is not None:
            self._catching_up.cancel()
            self._catching_up = None
