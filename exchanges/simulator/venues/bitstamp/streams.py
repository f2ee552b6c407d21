"""Bitstamp's sockets: public and private channels in its envelope, and its answers to what it cannot read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, TypeAlias

from exchanges.simulator.engine.book_log import BookChange, BookState
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.orders import OrderState
from exchanges.simulator.engine.prices import Level, Trade
from exchanges.simulator.faults.stream_points import StreamFault
from exchanges.simulator.venues.bitstamp.events import FIRST_ID, event_id, name_of
from exchanges.simulator.venues.bitstamp.frames import inexact, moment_of, price_text, text
from exchanges.simulator.venues.bitstamp.private_streams import (
    ACCOUNT_FEEDS,
    MARKET_FEEDS,
    PREFIX,
    Tokens,
    parse_private,
)
from exchanges.simulator.venues.bitstamp.trading import TradingHandlers, shown_id
from exchanges.simulator.venues.feeds import BookFeed, Feed, MarketFeed, TradesFeed, plays
from exchanges.simulator.venues.stream_faults import Client, Frame, StreamFaults
from exchanges.simulator.venues.streams import UNREADABLE, Streams
from exchanges.wire import Json

MAX_FRAME_BYTES = 512
MAX_CHANNELS = 1024
TOP = 100
"""Levels a side of the channel that shows the whole book each time."""
PING_MS = 54_000
TOO_BIG = 1009
UNAUTHORIZED = 4009
PERPETUAL = "-perp"
FUNDING_SECONDS = 8 * 3600

Levels: TypeAlias = Sequence[Level]


def _data(event: str, data: Json, **more: Json) -> Frame:
    return {"data": data, "event": event, **more}


@plays("live_trades", "bitstamp.streams.trades")
class LiveTradesFeed(TradesFeed):
    """Trades as they happen."""

    def show(self, trade: Trade, now_ms: int) -> Frame:  # noqa: ARG002 - the frame has the moment of the trade alone
        """Return the frame of a trade."""
        return _data("trade", _trade(trade))


def _trade(trade: Trade) -> Json:
    maker, taker = (
        FIRST_ID + order if owned else order
        for order, owned in zip((trade.maker, trade.taker), trade.owned, strict=True)
    )
    return {
        "id": trade.id,
        "timestamp": str(trade.at_ms // 1000),
        "amount": inexact(trade.amount),
        "amount_str": text(trade.amount),
        "price": trade.price.normalize(),
        "price_str": price_text(trade.price),
        "type": int(trade.buyer_waited),
        "microtimestamp": str(trade.at_ms * 1000),
        "buy_order_id": maker if trade.buyer_waited else taker,
        "sell_order_id": taker if trade.buyer_waited else maker,
    }


class _BookFeed(BookFeed):
    """Frames of a book in Bitstamp's form."""

    def show(self, before: BookState, now: BookState) -> Iterable[Frame]:
        """Return the frame for a change of the book."""
        data = self.sides(before, now)
        return [_data("data", {**moment_of(now.at_us), **data})] if data else []

    @abstractmethod
    def sides(self, before: BookState, now: BookState) -> Frame:
        """Return both sides of the frame for a change of the book; nothing for no frame."""


@plays("order_book", "bitstamp.streams.order_book")
class OrderBookFeed(_BookFeed):
    """The best hundred levels of each side, whole each time."""

    period_ms = 200

    def sides(self, before: BookState, now: BookState) -> Frame:  # noqa: ARG002 - nothing depends on what was shown
        """Return all of them."""
        return {"bids": _rows(now.bids[:TOP]), "asks": _rows(now.asks[:TOP])}


@plays("diff_order_book", "bitstamp.streams.diff_order_book")
class DiffOrderBookFeed(_BookFeed):
    """The levels that differ from those of the frame before."""

    period_ms = 400

    def sides(self, before: BookState, now: BookState) -> Frame:
        """Return the differences; what came and went in between is not among them."""
        bids, asks = _changed(before.bids, now.bids), _changed(before.asks, now.asks)
        return {"bids": bids, "asks": asks} if bids or asks else {}


def _rows(levels: Levels) -> list[Json]:
    return [[price_text(level.price), text(level.amount)] for level in levels]


def _changed(before: Levels, now: Levels) -> list[Json]:
    old = {level.price: level.amount for level in before}
    rows: list[Json] = [
        [price_text(level.price), text(level.amount)] for level in now if old.pop(level.price, None) != level.amount
    ]
    return rows + [[price_text(price), text(Decimal(0))] for price in old]


@plays("live_orders", "bitstamp.streams.live_orders")
class LiveOrdersFeed(MarketFeed):
    """What happens to the orders in the book, each event with the id of the one before it."""

    def __init__(self, engine: Engine, market: str, now_ms: int) -> None:
        super().__init__(engine, market, now_ms)
        log = engine.log(market, now_ms)
        self._sequence, self._before = log.sequence, event_id(log.state().at_us, log.sequence)

    def frames(self, now_ms: int) -> Iterable[Frame]:
        """Return the events since the last call."""
        for number, change in enumerate(self.engine.log(self.market, now_ms).since(self._sequence)):
            self._sequence = change.sequence
            before, self._before = self._before, event_id(change.at_us, change.sequence + number)
            yield {
                **_data(_event_of(change), self._show(change)),
                "event_id": self._before,
                "pre_event_id": before,
                "order_source": "orderbook",
            }

    def _show(self, change: BookChange) -> Json:
        order, is_filled = change.order, False
        at_create = order.amount
        if order.owned:
            own = self.engine.orders[order.id]
            is_filled, at_create = own.state is OrderState.FILLED, own.amount
        held = Decimal(0) if change.before is None else change.before.amount
        left = Decimal(0) if is_filled and change.after is None else order.amount
        traded = held - left if change.after is None or change.before is not None else Decimal(0)
        data: dict[str, Json] = {
            "id": shown_id(order),
            "id_str": str(shown_id(order)),
            "order_type": int(order.side is Side.SELL),
            "order_subtype": 0,
            "amount": inexact(left),
            "amount_str": text(left),
            "amount_traded": text(max(traded, Decimal(0))),
            "amount_at_create": text(at_create),
            "price": order.price.normalize(),
            "price_str": price_text(order.price),
            "is_liquidation": False,
        }
        moment = moment_of(change.at_us)
        return {**data, "datetime": moment["timestamp"], "microtimestamp": moment["microtimestamp"]}


def _event_of(change: BookChange) -> str:
    if change.after is None:
        return "order_deleted"
    return "order_created" if change.before is None else "order_changed"


@plays("funding_rate", "bitstamp.streams.funding_rate")
class FundingRateFeed(MarketFeed):
    """The rate of a perpetual, every second."""

    def __init__(self, engine: Engine, market: str, now_ms: int) -> None:
        super().__init__(engine, market.removesuffix(PERPETUAL), now_ms)

    def frames(self, now_ms: int) -> Iterable[Frame]:
        """Return the rates since the last call."""
        first, self.seen_ms = self.seen_ms // 1000 + 1, now_ms
        for second in range(first, now_ms // 1000 + 1):
            price = self.engine.market(self.market).price(second * 1000)
            yield _data(
                "funding_rate_saved",
                {
                    "market": f"{name_of(self.engine.market(self.market).spec)}-PERP",
                    "mark_price": price_text(price),
                    # Quirk: the index price may carry the tail of a float (seen in frames).
                    "index_price": f"{price}000000003",
                    "funding_rate": "0.0001",
                    "timestamp": str(second),
                    "next_funding_time": str((second // FUNDING_SECONDS + 1) * FUNDING_SECONDS),
                },
            )


_FEEDS: tuple[type[MarketFeed], ...] = (
    LiveTradesFeed,
    OrderBookFeed,
    DiffOrderBookFeed,
    LiveOrdersFeed,
    FundingRateFeed,
)


class BitstampStreams(Streams):
    """Bitstamp's sockets.

    Args:
        engine: Whose books and orders are shown.
        trading: Knows the events of orders.
        tokens: Opens private channels.
    """

    feeds = (*_FEEDS, *MARKET_FEEDS, *ACCOUNT_FEEDS)
    _families: ClassVar[Mapping[str, type[MarketFeed]]] = {feed.family: feed for feed in _FEEDS}

    def __init__(self, engine: Engine, trading: TradingHandlers, tokens: Tokens) -> None:
        super().__init__(engine)
        self._trading = trading
        self._tokens = tokens

    def use(self, faults: StreamFaults) -> None:
        """Draw what fails from *faults*."""
        super().use(faults)
        self._tokens.faults = faults

    def receive(self, client: Client, message: Json, now_ms: int) -> None:
        """Answer a message."""
        if client.received_bytes > MAX_FRAME_BYTES:
            client.socket.close(TOO_BIG, f"max frame length of {MAX_FRAME_BYTES} has been exceeded")
        elif message == UNREADABLE:
            client.send(_error("Incorrect JSON format."))
        else:
            self._handle(client, message if isinstance(message, dict) else {}, now_ms)

    def _handle(self, client: Client, message: Frame, now_ms: int) -> None:
        event, data = message.get("event"), message.get("data")
        fields = data if isinstance(data, dict) else {}
        name = fields.get("channel")
        if event == "bts:heartbeat":
            client.beat(_control("bts:heartbeat", "", {"status": "success"}))
        elif event not in ("bts:subscribe", "bts:unsubscribe") or not isinstance(name, str) or not name:
            client.send(_error("Bad subscription string."))
        elif event == "bts:unsubscribe":
            self.unsubscribe(client, name)
            client.send(_control("bts:unsubscription_succeeded", name))
        elif not self._has(name):
            client.send(_error("Invalid channel provided."))
        elif name.startswith(PREFIX) and not self._is_admitted(client, name, fields.get("auth"), now_ms):
            client.send(_error("Connection is unauthorized.", UNAUTHORIZED))
        elif len(client.names) >= MAX_CHANNELS and name not in client.names:
            # Quirk: one channel too many ends the connection without a word (documented, not seen).
            client.socket.hang_up()
        else:
            self.admit(client, name, now_ms)

    def refuse(self, client: Client, now_ms: int) -> None:  # noqa: ARG002 - refusals have no moment
        """Refuse something without a name."""
        client.send(_error("Bad subscription string."))

    def confirm(self, client: Client, name: str, now_ms: int) -> None:  # noqa: ARG002 - confirmations have no moment
        """Confirm a subscription."""
        client.send(_control("bts:subscription_succeeded", name))

    def distort(self, fault: StreamFault, name: str, frame: Frame) -> Frame | None:
        """Return a frame of a book as a fault changes it."""
        data = frame["data"]
        if not isinstance(data, dict) or not isinstance(bids := data.get("bids"), list):
            return None
        family, _, market = name.rpartition("_")
        if fault is StreamFault.EMPTY_SIDE:
            return {**frame, "data": {**data, "asks": []}}
        if fault is StreamFault.ZERO_PRICE:
            return {**frame, "data": {**data, "bids": [*bids, ["0", text(Decimal(1))]]}}
        if fault is StreamFault.CROSS_BOOK:
            price = 2 * self.engine.market(market).price(self.at_ms)
            bid: Json = [price_text(price), text(Decimal(1))]
            return {**frame, "data": {**data, "bids": [bid, *bids] if family == OrderBookFeed.family else [*bids, bid]}}
        return None

    def _has(self, name: str) -> bool:
        """Return whether the family of a channel exists, and its market is written in lower case."""
        is_known = (
            parse_private(name) is not None if name.startswith(PREFIX) else name.rpartition("_")[0] in self._families
        )
        return is_known and name == name.lower() and "/" not in name

    def _is_admitted(self, client: Client, name: str, token: Json, now_ms: int) -> bool:
        parsed = parse_private(name)
        return parsed is not None and self._tokens.admits(str(token), parsed[2], client, now_ms)

    def feed(self, name: str, now_ms: int) -> Feed | None:
        """Create the feed of a channel."""
        if name.startswith(PREFIX):
            parsed = parse_private(name)
            return None if parsed is None else parsed[0](self._trading, parsed[2], parsed[1])
        family, _, market = name.rpartition("_")
        found = self._families[family]
        if found is FundingRateFeed:
            is_known = market.endswith(PERPETUAL) and market.removesuffix(PERPETUAL) in self.engine.books
        else:
            is_known = market in self.engine.books
        # Quirk: an unknown market is confirmed like any other, and stays silent (seen on the live server).
        return found(self.engine, market, now_ms) if is_known else None

    def wrap(self, name: str, frame: Frame) -> Frame:
        """Return a frame of a channel in the envelope."""
        return {"data": frame["data"], "channel": name, **frame}

    def move(self) -> Frame:
        """Return the frame that asks for a new connection."""
        return {"data": None, "channel": "", "event": "bts:request_reconnect"}

    def beat(self, client: Client, before_ms: int, now_ms: int) -> None:
        """Send a ping every 54 seconds."""
        if client.beats and (now_ms - client.opened_ms) // PING_MS > (before_ms - client.opened_ms) // PING_MS:
            client.socket.ping()


def _control(event: str, channel: str, data: Json = None) -> Frame:
    return {"data": {} if data is None else data, "channel": channel, "event": event}


def _error(message: str, code: int | None = None) -> Frame:
    return _control("bts:error", "", {"code": code, "message": message})
