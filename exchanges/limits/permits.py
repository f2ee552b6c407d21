"""What a call waits for, and the permit that it gets: values that a limiter grants and takes back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Protocol

from attrs import Factory, field

from exchanges.limits.lockouts import Refusal
from exchanges.limits.windows import Slots
from exchanges.values import define, frozen

RESERVED_CONNECTIONS = 2
LATE_SECONDS = 5.0
"""How long after its deadline a call is given up that has not ended its permit."""
NOTHING: Mapping[str, float] = MappingProxyType({})


class Priority(IntEnum):
    """Order in which waiters are served."""

    CANCEL = 0
    MONEY = 1
    READ = 2


# To look a member up in its enum costs CPython 3.11 a quarter of a microsecond.
CANCEL, MONEY, READ = IN_ORDER = tuple(Priority)


class Grantor(Protocol):
    """A limiter, as the permits see it that it has granted."""

    def end(self, permit: Permit, *, sent: bool, complete: bool) -> None:
        """Release what *permit* holds."""
        ...

    def refusals(self, scope: str, sent_at: float) -> int:
        """Return how many refusals in a row there were before a call that was sent at *sent_at*."""
        ...

    def refuse(self, permit: Permit, refusal: Refusal) -> None:
        """Close the limit, or a part of it."""
        ...

    def wake_waiters(self) -> None:
        """Grant what can be granted now."""
        ...


@define(eq=False, repr=False)
class KeyLock:
    """Allows one signed request in flight per key, whatever limiters its clients use."""

    holder: Permit | None = None
    limiters: set[Grantor] = field(factory=set["Grantor"])

    @property
    def taken(self) -> bool:
        """Whether a call holds it. A permit that outlived its event loop does not count."""
        return self.holder is not None and not self.holder.loop.is_closed()

    def pass_to(self, permit: Permit) -> None:
        """Pass the lock to the call of *permit*, and note that it overtakes the one that holds it now."""
        if self.holder is not None:
            self.holder.was_overtaken = True
        self.holder = permit


def reserved_connections(most: int) -> int:
    """Return how many of *most* connections only cancels take; at least one is left for other calls."""
    return min(RESERVED_CONNECTIONS, most - 1)


@define(eq=False)
class Connections:
    """The connections of one client.

    Attributes:
        most: How many there are.
        taken: How many are in use.
        limiters: Those with calls that may wait for one.
        for_all: How many any call may take; the others are for cancels.
    """

    most: int
    taken: int = 0
    limiters: set[Grantor] = field(factory=set["Grantor"], repr=False)
    for_all: int = field(
        init=False,
        repr=False,
        default=Factory(lambda self: self.most - reserved_connections(self.most), takes_self=True),
    )

    def has_room(self, priority: Priority) -> bool:
        """Whether a call may take one now; the reserved ones are for cancels."""
        return self.taken < (self.most if priority is CANCEL else self.for_all)


@frozen(eq=False, repr=False)
class Lane:
    """What a call needs beside the limiter.

    Attributes:
        connections: Of its client.
        key_lock: Of its key, where nonces must arrive in order.
        slots: Where it needs a slot; None: in every window of the limit, empty for a call that is exempt.
    """

    connections: Connections
    key_lock: KeyLock | None = None
    slots: tuple[Slots, ...] | None = None

    @property
    def late_at(self) -> float:
        """When the call that holds the key lock is late; infinity if none does."""
        holder = None if self.key_lock is None else self.key_lock.holder
        return math.inf if holder is None else holder.until

    def end_late(self, now: float) -> bool:
        """End the permit of a call that holds the key lock and is late; return whether there was one."""
        if self.key_lock is None or self.key_lock.holder is None or now < self.late_at:
            return False
        holder = self.key_lock.holder
        holder.end(sent=True)
        if self.key_lock.holder is holder:  # what ended its task may have struck while it ended its permit
            self.key_lock.holder = None
        return True


@define(eq=False)
class Permit:
    """A slot in every window, a key lock if needed and a connection, held until `end`.

    Attributes:
        since: When it was granted.
        loop: Of the call.
        until: When others end it: an exception in any line can end a task for which nobody ends its permit.
        slots: Where it holds a slot.
        number: The place of the call in the order of arrival.
        scope: The part of the limit that the call belongs to, such as a market; empty if it has none.
        held: Whether it has not ended.
        tries: The lockouts that the call tries, by scope, with the moment of the try before.
        was_overtaken: Whether a cancel passed its key lock, so that its nonce may arrive too late.
        is_judged: Whether the exchange itself has judged the call, other than by a refusal of too many calls.
    """

    limiter: Grantor = field(repr=False)
    lane: Lane = field(repr=False)
    since: float
    loop: asyncio.AbstractEventLoop = field(repr=False)
    until: float = math.inf
    slots: tuple[Slots, ...] = field(default=(), repr=False)
    number: int = field(default=0, repr=False)
    scope: str = ""
    held: bool = True
    tries: Mapping[str, float] = NOTHING
    was_overtaken: bool = False
    is_judged: bool = False

    def end(self, *, sent: bool, complete: bool = False) -> None:
        """Release everything, once.

        Args:
            sent: Whether anything may have been sent; otherwise the slots are free at once.
            complete: Whether nothing of the call can still arrive; otherwise the slots cool longer.
        """
        held, self.held = self.held, False
        # One that outlived its event loop releases nothing: the limiter counts it as lost.
        if held and not self.loop.is_closed():
            self.limiter.end(self, sent=sent, complete=complete)
