"""Subscriptions: what is wanted of one connection, what was asked, and what the server confirmed. Pure.

Theory. A server may acknowledge by channel and refuse without saying what, so a refusal is attributed by elimination:
when as many channels are without an answer as refusals came without a name, it is those. Where that stays open until
the deadline, the channels in question are asked for again one at a time, so that the next refusal has one owner. While
other channels are confirmed a refusal may as well be about one of those, so only the deadline shows whose it is: if all
that was asked is acknowledged, it belongs to none of them.

Rules for editors:

1. Silence is no refusal. A channel that stays without an answer is asked for again, ever more rarely, and is never
   reported as refused.
2. An acknowledgement of a channel that was given up meanwhile changes nothing.
3. A channel that was asked for is given up at the server, too, also if it never answered: its answer may be lost.
4. A channel is asked for again only after the server has acknowledged, or not answered, that it was given up.
5. A channel that the server ends by itself is asked for again, ever more rarely if that goes on.
6. A refusal that names no channel, or is about the token, is final only if the next answer refuses the channel again:
   a server that fails inside writes the same words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum, auto

from attrs import define, frozen

from exchanges.streams.dialect import Ack, Refusal

__all__ = [
    "ACK_SECONDS",
    "Ask",
    "Confirmed",
    "Ended",
    "Outcome",
    "Refused",
    "RefusedOnce",
    "Subscriptions",
    "Unanswered",
]

ACK_SECONDS = 5.0
AGAIN_SECONDS = 1.0
"""How long a channel that was refused without a name waits until it is asked for again."""
TRIES = 2
MAX_RETRY_SECONDS = 60.0


@frozen
class Ask:
    """A channel to subscribe to, or to give up."""

    name: str
    is_subscribed: bool


@frozen
class Confirmed:
    """The server sends this channel from now on."""

    name: str


@frozen
class Refused:
    """The server refused this channel."""

    name: str
    refusal: Refusal


@frozen
class RefusedOnce:
    """The server refused the channel without its name, or the token; it is asked for again, with a fresh token."""

    name: str


@frozen
class Unanswered:
    """The server has not answered two requests for this channel, which is asked for ever again."""

    name: str


@frozen
class Ended:
    """The server sends this channel no longer, though nobody gave it up; it is asked for again."""

    name: str
    cause: str


Outcome = Confirmed | Ended | Refused | RefusedOnce | Unanswered


class _Stage(Enum):
    WANTED = auto()
    ASKED = auto()
    CONFIRMED = auto()
    UNWANTED = auto()
    LEAVING = auto()


@define(eq=False)
class _Channel:
    stage: _Stage = _Stage.WANTED
    is_wanted: bool = True
    tries: int = 0
    refusals: int = 0
    ends: int = 0
    confirmed_at: float = -math.inf
    due: float = -math.inf
    """When an answer is overdue; of a WANTED channel, when it is asked for."""


class Subscriptions:
    """The subscriptions of one connection."""

    def __init__(self) -> None:
        self._channels: dict[str, _Channel] = {}
        self._nameless: list[Refusal] = []
        self._unclaimed: list[Refusal] = []
        # Whether a refusal without a name may be about a channel that was confirmed when it came.
        self._is_open = False

    def __repr__(self) -> str:
        """Show how many channels are in each stage."""
        stages = [channel.stage.name.lower() for channel in self._channels.values()]
        return f"Subscriptions({', '.join(f'{stages.count(s)} {s}' for s in dict.fromkeys(stages))})"

    def want(self, name: str) -> None:
        """Ask for a channel."""
        self._channels.setdefault(name, _Channel()).is_wanted = True

    def release(self, name: str) -> None:
        """Release a channel."""
        channel = self._channels.get(name)
        if channel is None:
            return
        channel.is_wanted = False
        if channel.stage is _Stage.WANTED and not channel.tries:
            del self._channels[name]
        elif channel.stage is not _Stage.LEAVING:
            channel.stage = _Stage.UNWANTED

    def is_confirmed(self, name: str) -> bool:
        """Whether the server sends this channel."""
        channel = self._channels.get(name)
        return channel is not None and channel.stage is _Stage.CONFIRMED and channel.is_wanted

    @property
    def all_confirmed(self) -> bool:
        """Whether the server sends every channel that is wanted."""
        return all(c.stage is _Stage.CONFIRMED for c in self._channels.values() if c.is_wanted)

    def unclaimed(self) -> list[Refusal]:
        """Return the refusals that answer nothing that was asked, each once: they are about what was confirmed."""
        found, self._unclaimed = self._unclaimed, []
        return found

    @property
    def _is_settled(self) -> bool:
        """Whether the server sends channels, and owes no answer."""
        stages = {channel.stage for channel in self._channels.values()}
        return _Stage.CONFIRMED in stages and not stages & {_Stage.ASKED, _Stage.LEAVING}

    def is_asking(self, now: float) -> bool:
        """Whether any channel is to be asked for now."""
        return any(True for _ in self._askable(now))

    def outgoing(self, now: float, *, may_subscribe: bool = True) -> list[Ask]:
        """Return what to send now; it counts as sent. *may_subscribe*: whether channels may be asked for now."""
        asks = list[Ask]()
        for name, channel in self._channels.items():
            if channel.stage is _Stage.UNWANTED:
                channel.stage, channel.due = _Stage.LEAVING, now + ACK_SECONDS
                asks.append(Ask(name, is_subscribed=False))
        for name in list(self._askable(now)) if may_subscribe else ():
            channel = self._channels[name]
            channel.stage, channel.due, channel.tries = _Stage.ASKED, now + ACK_SECONDS, channel.tries + 1
            asks.append(Ask(name, is_subscribed=True))
        return asks

    def _askable(self, now: float) -> Iterator[str]:
        asked = [c for c in self._channels.values() if c.stage is _Stage.ASKED]
        # One that is asked for again must be alone on the way, so that a refusal without a name has one owner.
        if any(c.tries > 1 for c in asked):
            return
        due = [(n, c) for n, c in self._channels.items() if c.stage is _Stage.WANTED and c.due <= now]
        fresh = [name for name, channel in due if not channel.tries]
        yield from fresh
        if not fresh and not asked and due:
            yield due[0][0]

    def acknowledge(self, ack: Ack, now: float) -> list[Outcome]:
        """Record an acknowledgement; return what follows."""
        channel = self._channels.get(ack.name)
        if channel is None:
            return []
        if not ack.is_subscribed:
            if channel.stage is _Stage.CONFIRMED:
                return [self._ended(ack.name, channel, "the exchange ended the subscription", now)]
            if channel.stage is _Stage.LEAVING:
                self._left(ack.name, channel)
            return []
        if channel.stage is not _Stage.ASKED:
            return []  # late: it was given up, or confirmed before
        channel.stage, channel.due, channel.tries, channel.refusals = _Stage.CONFIRMED, math.inf, 0, 0
        channel.confirmed_at = now
        return [Confirmed(ack.name), *self._eliminate(now)]

    def refuse(self, refusal: Refusal, now: float) -> list[Outcome]:
        """Record a refusal; return what follows."""
        if refusal.name is None:
            self._nameless.append(refusal)
            self._is_open |= any(c.stage is _Stage.CONFIRMED for c in self._channels.values())
            return self._eliminate(now)
        channel = self._channels.get(refusal.name)
        if channel is not None and channel.stage is _Stage.CONFIRMED:
            return [self._ended(refusal.name, channel, "the exchange refused the channel after it confirmed it", now)]
        if channel is None or channel.stage is not _Stage.ASKED:
            return []
        return [self._refused(refusal.name, channel, refusal, now), *self._eliminate(now)]

    def _eliminate(self, now: float) -> list[Outcome]:
        """Attribute refusals without a name, if only their owners are without an answer."""
        asked = [(n, c) for n, c in self._channels.items() if c.stage is _Stage.ASKED]
        if not asked:
            # If something is being given up, it is of that.
            self._unclaimed += self._nameless if self._is_settled else ()
            self._nameless.clear()
            self._is_open = False
        if self._is_open and any(c.due > now for _, c in asked):
            return []
        leaving = any(c.stage is _Stage.LEAVING for c in self._channels.values())
        refusals = self._nameless
        is_one_kind = len({(r.code, r.is_unauthorized) for r in refusals}) == 1
        if not refusals or leaving or len(refusals) < len(asked) or not is_one_kind:
            return []
        self._nameless, self._is_open = [], False
        return [self._refused(name, c, r, now) for (name, c), r in zip(asked, refusals, strict=False)]

    def _refused(self, name: str, channel: _Channel, refusal: Refusal, now: float) -> Outcome:
        channel.refusals += 1
        is_doubtful = refusal.is_unauthorized or refusal.name is None
        if is_doubtful and channel.refusals == 1:
            channel.stage, channel.due = _Stage.WANTED, now if refusal.is_unauthorized else now + AGAIN_SECONDS
            # A new token may be asked for all channels at once; other channels are asked for alone.
            channel.tries = 0 if refusal.is_unauthorized else channel.tries
            return RefusedOnce(name)
        del self._channels[name]
        return Refused(name, refusal)

    def _ended(self, name: str, channel: _Channel, cause: str, now: float) -> Outcome:
        is_new = now - channel.confirmed_at >= MAX_RETRY_SECONDS
        channel.ends = 1 if is_new else channel.ends + 1
        rest = 0.0 if channel.ends == 1 else min(ACK_SECONDS * 2.0 ** min(channel.ends - 2, 16), MAX_RETRY_SECONDS)
        channel.stage, channel.due = _Stage.WANTED, now + rest
        return Ended(name, cause)

    def tick(self, now: float) -> list[Outcome]:
        """Stop waiting for answers that are overdue; return what follows."""
        outcomes = self._eliminate(now)
        for name, channel in list(self._channels.items()):
            if channel.due > now:
                continue
            if channel.stage is _Stage.LEAVING:
                self._left(name, channel)
            elif channel.stage is _Stage.ASKED:
                rest = min(ACK_SECONDS * 2 ** (channel.tries - TRIES), MAX_RETRY_SECONDS)
                channel.stage, channel.due = _Stage.WANTED, now + (rest if channel.tries >= TRIES else 0.0)
                if channel.tries == TRIES:
                    outcomes.append(Unanswered(name))
        return outcomes + self._eliminate(now)

    def next_tick(self, now: float) -> float:
        """Return when `tick` and `outgoing` are to be called at the latest; infinite if there is no such moment.

        What could be asked for already waits for something else: an answer, or a token.
        """
        return min((c.due for c in self._channels.values() if c.due > now), default=math.inf)

    def _left(self, name: str, channel: _Channel) -> None:
        if channel.is_wanted:
            channel.stage, channel.due, channel.tries = _Stage.WANTED, -math.inf, 0
        else:
            del self._channels[name]
