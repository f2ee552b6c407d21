"""Bitstamp's sockets: public and private channels in its envelope, and its answers to what it cannot read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, TypeAlias

from exchanges.simulator.engine.book_log import BookState
from exchanges.simulator.engine.prices import Level, Trade
from exchanges.simulator.venues.bitstamp.trading import FIRST_ID
from exchanges.simulator.venues.streams import UNREADABLE, BookFeed, Client, Feed, Frame, MarketFeed, Streams, plays
from exchanges.wire import Json

MAX_FRAME_BYTES = 512
MAX_CHANNELS = 1024
TOP = 100
"""Levels a side of the channel that shows the whole book each time."""
PING_MS = 54_000
TOO_BIG = 1009
_TAIL = Decimal("0.000000000000000001")

Side: TypeAlias = Sequence[Level]


def _text(amount: Decimal) -> str:
    return f"{amount:.8f}"


def _price(price: Decimal) -> str:
    """Show a price without the zeros at its end, which REST does show."""
    return f"{price.normalize():f}"


def _inexact(amount: Decimal) -> Decimal:
    """Show a number as a float would be: sometimes with a tail that is not there."""
    # Quirk: a number beside its text may be inexact (seen in frames).
    return amount + _TAIL if int(amount.scaleb(8)) % 4 == 0 else amount.normalize()


def _moment(at_us: int) -> dict[str, Json]:
    return {"timestamp": str(at_us // 1_000_000), "microtimestamp": str(at_us)}


def _data(event: str, data: Json, **more: Json) -> Frame:
    return {"data": data, "event": event, **more}


@plays("bitstamp.streams.trades", "live_trades")
class TradesFeed(MarketFeed):
    """Trades as they happen."""

    def frames(self, now_ms: int) -> Iterable[Frame]:
        """Return the trades since the last call."""
        since_ms, self.seen_ms = self.seen_ms, now_ms
        for trade in reversed(self.engine.book(self.market).trades(since_ms, now_ms)):
            yield _data("trade", _trade(trade))


def _trade(trade: Trade) -> Json:
    maker, taker = (
        FIRST_ID + order if owned else order
        for order, owned in zip((trade.maker, trade.taker), trade.owned, strict=True)
    )
    return {
        "id": trade.id,
        "timestamp": str(trade.at_ms // 1000),
        "amount": _inexact(trade.amount),
        "amount_str": _text(trade.amount),
        "price": trade.price.normalize(),
        "price_str": _price(trade.price),
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
        return [_data("data", {**_moment(now.at_us), **data})] if data else []

    @abstractmethod
    def sides(self, before: BookState, now: BookState) -> Frame:
        """Return both sides of the frame for a change of the book; nothing for no frame."""


@plays("bitstamp.streams.order_book", "order_book")
class OrderBookFeed(_BookFeed):
    """The best hundred levels of each side, whole each time."""

    period_ms = 200

    def sides(self, before: BookState, now: BookState) -> Frame:  # noqa: ARG002 - nothing depends on what was shown
        """Return all of them."""
        return {"bids": _rows(now.bids[:TOP]), "asks": _rows(now.asks[:TOP])}


@plays("bitstamp.streams.diff_order_book", "diff_order_book")
class DiffOrderBookFeed(_BookFeed):
    """The levels that differ from those of the frame before."""

    period_ms = 600

    def sides(self, before: BookState, now: BookState) -> Frame:
        """Return the differences; what came and went in between is not among them."""
        bids, asks = _changed(before.bids, now.bids), _changed(before.asks, now.asks)
        return {"bids": bids, "asks": asks} if bids or asks else {}


def _rows(levels: Side) -> list[Json]:
    return [[_price(level.price), _text(level.amount)] for level in levels]


def _changed(before: Side, now: Side) -> list[Json]:
    old = {level.price: level.amount for level in before}
    rows: list[Json] = [
        [_price(level.price), _text(level.amount)] for level in now if old.pop(level.price, None) != level.amount
    ]
    return rows + [[_price(price), _text(Decimal(0))] for price in old]


_FEEDS: tuple[type[MarketFeed], ...] = (TradesFeed, OrderBookFeed, DiffOrderBookFeed)


class BitstampStreams(Streams):
    """Bitstamp's sockets."""

    feeds = _FEEDS
    _families: ClassVar[Mapping[str, type[MarketFeed]]] = {feed.family: feed for feed in _FEEDS}

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
        name = data.get("channel") if isinstance(data, dict) else None
        if event == "bts:heartbeat":
            client.send(_control("bts:heartbeat", "", {"status": "success"}))
        elif event not in ("bts:subscribe", "bts:unsubscribe") or not isinstance(name, str) or not name:
            client.send(_error("Bad subscription string."))
        elif event == "bts:unsubscribe":
            self.unsubscribe(client, name)
            client.send(_control("bts:unsubscription_succeeded", name))
        else:
            self._subscribe(client, name, now_ms)

    def _subscribe(self, client: Client, name: str, now_ms: int) -> None:
        family, _, market = name.rpartition("_")
        if family not in self._families or market != market.lower() or "/" in name:
            client.send(_error("Invalid channel provided."))
        elif len(client.names) >= MAX_CHANNELS and name not in client.names:
            # Quirk: one channel too many ends the connection without a word (documented, not seen).
            client.socket.hang_up()
        else:
            client.send(_control("bts:subscription_succeeded", name))
            self.subscribe(client, name, now_ms)

    def feed(self, name: str, now_ms: int) -> Feed | None:
        """Create the feed of a channel."""
        family, _, market = name.rpartition("_")
        # Quirk: an unknown market is confirmed like any other, and stays silent (seen on the live server).
        return self._families[family](self.engine, market, now_ms) if market in self.engine.books else None

    def wrap(self, name: str, frame: Frame) -> Frame:
        """Return a frame of a channel in the envelope."""
        return {"data": frame["data"], "channel": name, **frame}

    def beat(self, client: Client, before_ms: int, now_ms: int) -> None:
        """Send a ping every 54 seconds."""
        if (now_ms - client.opened_ms) // PING_MS > (before_ms - client.opened_ms) // PING_MS:
            client.socket.ping()


def _control(event: str, channel: str, data: Json = None) -> Frame:
    return {"data": {} if data is None else data, "channel": channel, "event": event}


def _error(message: str, code: int | None = None) -> Frame:
    return _control("bts:error", "", {"code": code, "message": message})
