"""Bitstamp's private channels: the tokens that open them, and what an account is told."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from decimal import Decimal
from typing import TypeAlias

from exchanges.bitstamp import OrderEventKind
from exchanges.simulator.engine.prices import hashed
from exchanges.simulator.engine.snapshots import Shared
from exchanges.simulator.faults.stream_points import Place, StreamFault
from exchanges.simulator.venues.bitstamp.events import FIRST_ID, LoggedEvent
from exchanges.simulator.venues.bitstamp.frames import inexact, moment_of, price_text, text
from exchanges.simulator.venues.bitstamp.trading import TradingHandlers
from exchanges.simulator.venues.feeds import Feed, plays
from exchanges.simulator.venues.stream_faults import Frame, StreamFaults
from exchanges.wire import Json

VALID_SECONDS = 60
ANY_PRICE = Decimal(999_999_999)
"""Shown as the price of a market order to buy."""


class Tokens(Shared):
    """Secrets that open private channels for a minute.

    Args:
        seed: Of the secrets.

    Attributes:
        faults: Draws which tokens are bad.
    """

    def __init__(self, seed: int) -> None:
        self.faults = StreamFaults()
        self._seed = seed
        self._issued: dict[str, tuple[int, int]] = {}
        self._users: dict[str, object] = {}

    def issue(self, owner: int, now_ms: int) -> str:
        """Return a new token of an account."""
        number = len(self._issued)
        token = "".join(f"{hashed(self._seed, owner, number, half):016x}" for half in range(2))
        drawn = self.faults.draw(Place.TOKEN)
        if drawn is not None:
            self.faults.struck(drawn[0])
            now_ms -= 2000 * VALID_SECONDS * (drawn[0] is StreamFault.EXPIRED_TOKEN)
            owner = {StreamFault.REFUSE_TOKEN: -1, StreamFault.FOREIGN_TOKEN: owner + 1}.get(drawn[0], owner)
        self._issued[token] = owner, now_ms
        return token

    def admits(self, token: str, owner: int, user: object, now_ms: int) -> bool:
        """Return whether a token opens the channels of an account on the connection *user*."""
        whose, issued_ms = self._issued.get(token, (-1, 0))
        # One connection may subscribe to several channels with it, another one needs a token of its own.
        is_his = self._users.setdefault(token, user) is user
        return whose == owner and is_his and now_ms - issued_ms <= VALID_SECONDS * 1000


class PrivateFeed(Feed):
    """A feed of one account.

    Args:
        trading: Knows the events of orders.
        owner: Of the account.
        market: Its name; empty where the channel is for all.
    """

    def __init__(self, trading: TradingHandlers, owner: int, market: str) -> None:
        self.trading = trading
        self.owner = owner
        self.market = market
        self._position = len(trading.logged)

    def frames(self, now_ms: int) -> Iterable[Frame]:  # noqa: ARG002 - events are due as they happen
        """Return what happened since the last call."""
        new, self._position = self.trading.logged[self._position :], len(self.trading.logged)
        for logged in new:
            if (logged.owner, logged.symbol) == (self.owner, self.market) and (frame := self.show(logged)):
                yield frame

    @abstractmethod
    def show(self, logged: LoggedEvent) -> Frame:
        """Return the frame of an event; nothing for no frame."""


@plays("my_orders", "bitstamp.streams.my_orders")
class MyOrdersFeed(PrivateFeed):
    """What happens to the orders of the account."""

    def show(self, logged: LoggedEvent) -> Frame:
        """Return the event."""
        shown = logged.shown
        is_created = shown.event is OrderEventKind.ORDER_CREATED
        amount = Decimal(0) if logged.is_market and is_created else shown.data.amount
        data: dict[str, Json] = {
            "id": shown.data.id,
            "id_str": shown.data.id,
            "order_type": int(shown.data.order_type),
            "order_subtype": 2 if logged.is_market else 0,
            **moment_of(int(shown.data.microtimestamp.timestamp()) * 1_000_000 + shown.data.microtimestamp.microsecond),
            "amount": inexact(amount),
            "amount_str": text(amount),
            "amount_traded": text(logged.traded),
            "amount_at_create": text(shown.data.amount_at_create or Decimal(0)),
            "price": _price(logged).normalize(),
            "price_str": price_text(_price(logged)),
            "is_liquidation": False,
            "trade_account_id": 0,
        }
        data["datetime"] = data.pop("timestamp")
        if shown.data.client_order_id is not None:
            data["client_order_id"] = shown.data.client_order_id
        return {
            "data": data,
            "event": str(shown.event),
            "event_id": shown.event_id,
            "pre_event_id": logged.before or "0" * len(shown.event_id),
            "order_source": "orderbook",
            "trade_account_id": 0,
        }


def _price(logged: LoggedEvent) -> Decimal:
    if not logged.is_market:
        return Decimal(logged.shown.data.price)
    if logged.movement is not None:
        return logged.movement.price
    return ANY_PRICE if int(logged.shown.data.order_type) == 0 else Decimal(0)


@plays("my_trades", "bitstamp.streams.my_trades")
class MyTradesFeed(PrivateFeed):
    """The trades of the account."""

    def show(self, logged: LoggedEvent) -> Frame:
        """Return the trade of an event."""
        movement, shown = logged.movement, logged.shown.data
        if movement is None:
            return {}
        data: dict[str, Json] = {
            "id": movement.id,
            "order_id": str(FIRST_ID + movement.order_id),
            "amount": text(logged.traded),
            "price": price_text(movement.price),
            "fee": f"{movement.fee:f}",
            "side": "sell" if int(shown.order_type) else "buy",
            "microtimestamp": str(movement.at_ms * 1000),
            "trade_account_id": 0,
        }
        if shown.client_order_id is not None:
            data["client_order_id"] = shown.client_order_id
        return {"data": data, "event": "trade"}


@plays("live_order_trades", "bitstamp.streams.live_order_trades")
class LiveOrderTradesFeed(MyTradesFeed):
    """The trades of the account once more, under another name."""


class SilentFeed(PrivateFeed):
    """Spot markets have nothing to say here; a test can send something."""

    def show(self, logged: LoggedEvent) -> Frame:  # noqa: ARG002 - whatever happens
        """Return nothing."""
        return {}


@plays("live_trades", "bitstamp.streams.self_trades")
class SelfTradesFeed(SilentFeed):
    """Trades of the account with itself."""


@plays("my_settlements", "bitstamp.streams.my_settlements")
class MySettlementsFeed(SilentFeed):
    """Settlements of perpetuals."""


@plays("my_liquidations", "bitstamp.streams.my_liquidations")
class MyLiquidationsFeed(SilentFeed):
    """Margin calls."""


@plays("my_token_settlements", "bitstamp.streams.my_token_settlements")
class MyTokenSettlementsFeed(SilentFeed):
    """Settlements of tokenised securities."""


MARKET_FEEDS: tuple[type[PrivateFeed], ...] = (MyOrdersFeed, MyTradesFeed, LiveOrderTradesFeed, SelfTradesFeed)
ACCOUNT_FEEDS: tuple[type[PrivateFeed], ...] = (MySettlementsFeed, MyLiquidationsFeed, MyTokenSettlementsFeed)
Parsed: TypeAlias = tuple[type[PrivateFeed], str, int]
PREFIX = "private-"


def parse_private(name: str) -> Parsed | None:
    """Return feed, market and account that a private channel names; None if there is no such family."""
    body, _, number = name.removeprefix(PREFIX).rpartition("-")
    if not (number.isascii() and number.isdigit()):
        return None
    for feed in ACCOUNT_FEEDS:
        if body == feed.family:
            return feed, "", int(number)
    family, _, market = body.rpartition("_")
    found = next((feed for feed in MARKET_FEEDS if feed.family == family), None)
    return None if found is None else (found, market, int(number))
