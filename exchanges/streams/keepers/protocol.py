"""What all keepers have in common: what they are told, and what can be read of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from exchanges.market_data import BookStatus
from exchanges.streams.keepers.actions import Action
from exchanges.streams.sides import Level

__all__ = ["Keeper"]

F_contra = TypeVar("F_contra", contravariant=True)
S_contra = TypeVar("S_contra", contravariant=True)


class Keeper(Protocol[F_contra, S_contra]):
    """Keeps an order book from the frames of a channel and from order books that are read.

    Moments *now* and *asked_at* are seconds of one monotonic clock.
    """

    # What happens

    def confirmed(self, now: float) -> tuple[Action, ...]:
        """Begin anew: the exchange has confirmed the subscription, and each frame from here on is handed over."""
        ...

    def frame(self, frame: F_contra, now: float) -> tuple[Action, ...]:
        """Apply a frame."""
        ...

    def unreadable(self, cause: str, now: float) -> tuple[Action, ...]:
        """Note that a frame of the channel could not be decoded: a change is lost."""
        ...

    def snapshot(self, snapshot: S_contra, asked_at: float, now: float) -> tuple[Action, ...]:
        """Use an order book that was read.

        Args:
            snapshot: What was read.
            asked_at: When the read was handed over, not later than it was sent.
            now: The present.
        """
        ...

    def failed(self, asked_at: float, now: float) -> tuple[Action, ...]:
        """Note that a read failed; the next one waits longer."""
        ...

    def doubt(self, cause: str, now: float) -> tuple[Action, ...]:
        """Require that a good book is compared before it can be read again: something else contradicts it."""
        ...

    def lost(self, cause: str, now: float) -> tuple[Action, ...]:
        """Note that the line is gone."""
        ...

    def closed(self, now: float) -> tuple[Action, ...]:
        """End for good."""
        ...

    def tick(self, now: float) -> tuple[Action, ...]:
        """Do what is due."""
        ...

    @property
    def next_tick(self) -> float | None:
        """When something is due; None if nothing is."""
        ...

    # What can be read

    @property
    def status(self) -> BookStatus:
        """Whether the book can be read, or why not."""
        ...

    @property
    def cause(self) -> str | None:
        """What made the book unreadable; None while it is good."""
        ...

    @property
    def bids(self) -> Sequence[Level]:
        """Offers to buy, highest price first, as they are when an item is read.

        Raises:
            BookUnknown: The book is not good; also on access to an item once it is not good any more.
        """
        ...

    @property
    def asks(self) -> Sequence[Level]:
        """Offers to sell, lowest price first; as `bids`."""
        ...

    @property
    def last_known(self) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Bids and asks as they were kept last, right or not; empty if nothing was ever kept."""
        ...

    @property
    def as_of(self) -> datetime | None:
        """The exchange's moment at which the book was as it is kept (UTC); None before there is one."""
        ...

    @property
    def received_at(self) -> datetime | None:
        """When the last frame, or the order book that replaced it, came (UTC); None before there is one."""
        ...

    @property
    def verified_at(self) -> datetime | None:
        """When the exchange's order book was last asked for that was found equal (UTC); None if none was yet."""
        ...

    @property
    def depth(self) -> int | None:
        """How many price levels of each side are kept; None for all."""
        ...

    @property
    def dropped_rows(self) -> int:
        """How many rows were dropped because their price, or in a whole book their amount, is not above zero."""
        ...
