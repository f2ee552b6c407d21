"""How others join the order book that they read with the frames of changes: small models, for comparison.

None of them knows whether its book is right, so each is readable from its first order book on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from exchanges.bitstamp.models.market import PriceLevel
from exchanges.errors import BookUnknown
from exchanges.market_data import BookStatus
from exchanges.streams.keepers import Action, Fetch, LevelsFrame, LevelsSnapshot, Purpose
from exchanges.streams.keepers.kept import EPOCH

FETCH = (Fetch(Purpose.SEED),)


class Rule:
    """What the rules have in common: a book without a status."""

    def __init__(self) -> None:
        self.book: tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]] | None = None
        self.at = 0
        self.kept: list[LevelsFrame] = []
        self.joined = False
        self.next_tick: float | None = None

    def confirmed(self, now: float) -> tuple[Action, ...]:
        """Begin to keep frames."""
        self.kept, self.joined = [], False
        return ()

    def frame(self, frame: LevelsFrame, now: float) -> tuple[Action, ...]:
        """Apply a frame, or keep it."""
        if self.joined:
            self.apply(frame)
            return ()
        self.kept.append(frame)
        return self.waited(now)

    def waited(self, now: float) -> tuple[Action, ...]:
        """Return what is to be done after a frame was kept."""
        return ()

    def snapshot(self, snapshot: LevelsSnapshot, asked_at: float, now: float) -> tuple[Action, ...]:
        """Join an order book with the frames that were kept."""
        self.book = (
            {level.price: level.amount for level in snapshot.bids},
            {level.price: level.amount for level in snapshot.asks},
        )
        self.at, self.joined = snapshot.at, True
        for frame in self.after(snapshot):
            self.apply(frame)
        return ()

    def after(self, snapshot: LevelsSnapshot) -> list[LevelsFrame]:
        """Return the kept frames that are applied to *snapshot*."""
        return []

    def apply(self, frame: LevelsFrame) -> None:
        """Apply a frame."""
        assert self.book is not None
        self.at = max(self.at, frame.at)
        for side, rows in zip(self.book, (frame.bids, frame.asks), strict=True):
            for price, amount in rows:
                if Decimal(amount):
                    side[Decimal(price)] = Decimal(amount)
                else:
                    side.pop(Decimal(price), None)

    def failed(self, asked_at: float, now: float) -> tuple[Action, ...]:
        """Read again."""
        return FETCH

    def lost(self, cause: str, now: float) -> tuple[Action, ...]:
        """Keep the book as it is."""
        return ()

    def unreadable(self, cause: str, now: float) -> tuple[Action, ...]:
        """Ignore what could not be decoded."""
        return ()

    def tick(self, now: float) -> tuple[Action, ...]:
        """Read, if it is time."""
        if self.next_tick is not None and self.next_tick <= now:
            self.next_tick = None
            return FETCH
        return ()

    def _side(self, *, is_bids: bool) -> list[PriceLevel]:
        if self.book is None:
            raise BookUnknown("not begun", book_status=BookStatus.SYNCING)
        return [PriceLevel(*row) for row in sorted(self.book[not is_bids].items(), reverse=is_bids)]

    @property
    def bids(self) -> list[PriceLevel]:
        """Offers to buy."""
        return self._side(is_bids=True)

    @property
    def asks(self) -> list[PriceLevel]:
        """Offers to sell."""
        return self._side(is_bids=False)

    @property
    def as_of(self) -> datetime:
        """Moment of the book."""
        return EPOCH + timedelta(microseconds=self.at)


class ReadFirst(Rule):
    """Reads the order book, then subscribes, and applies whatever comes."""

    def confirmed(self, now: float) -> tuple[Action, ...]:
        """Read; the subscription is confirmed only after that."""
        super().confirmed(now)
        self.subscribed = float("inf")
        return FETCH

    def frame(self, frame: LevelsFrame, now: float) -> tuple[Action, ...]:
        """Apply a frame of the later subscription."""
        return super().frame(frame, now) if now >= self.subscribed else ()

    def snapshot(self, snapshot: LevelsSnapshot, asked_at: float, now: float) -> tuple[Action, ...]:
        """Subscribe."""
        self.subscribed = now + 0.2
        return super().snapshot(snapshot, asked_at, now)


class EqualMoments(Rule):
    """ccxt.pro's rule: read after six frames; apply from that of the same moment on, or drop all that were kept."""

    def waited(self, now: float) -> tuple[Action, ...]:
        """Read after the sixth frame."""
        return FETCH if len(self.kept) == 6 else ()

    def after(self, snapshot: LevelsSnapshot) -> list[LevelsFrame]:
        """Apply those after the one of the same moment; none if there is none."""
        for index, frame in enumerate(self.kept):
            if frame.at == snapshot.at:
                return self.kept[index + 1 :]
        return []


class WholeSeconds(Rule):
    """cryptofeed's rule: read after five seconds; apply what is newer, in whole seconds."""

    def confirmed(self, now: float) -> tuple[Action, ...]:
        """Read later."""
        super().confirmed(now)
        self.next_tick = now + 5.0
        return ()

    def after(self, snapshot: LevelsSnapshot) -> list[LevelsFrame]:
        """Apply those of a later second."""
        return [frame for frame in self.kept if frame.at // 10**6 > snapshot.at // 10**6]
