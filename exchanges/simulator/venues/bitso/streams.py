"""Bitso's sockets: three public channels, and a sign of life every twenty seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import ClassVar

from exchanges.simulator.engine.balances import product
from exchanges.simulator.engine.book_log import BookChange, BookState, Resting
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.liquidity import Side
from exchanges.simulator.engine.orders import OrderState
from exchanges.simulator.engine.prices import Trade, hashed
from exchanges.simulator.faults.stream_points import StreamFault
from exchanges.simulator.venues.bitso.trading import OID_LENGTH, oid_of, shown_oid
from exchanges.simulator.venues.feeds import BookFeed, Feed, MarketFeed, TradesFeed, plays
from exchanges.simulator.venues.stream_faults import Client, Frame
from exchanges.simulator.venues.streams import UNREADABLE, Streams
from exchanges.wire import Json

TOP = 20
"""Orders a side of the channel `orders`."""
BEAT_MS = 20_000
FIRST_BEAT_MS = 5_000, 15_000
TRAILING_MS = 800
"""Frames may follow the end of a subscription for so long."""
CLOSING_MS = 500
UNEXPECTED = 1011
_SIDES = {Side.BUY: 0, Side.SELL: 1}


@plays("trades", "bitso.streams.trades")
class PublicTradesFeed(TradesFeed):
    """Trades as they happen."""

    def show(self, trade: Trade, now_ms: int) -> Frame:
        """Return the frame of a trade."""
        return {"payload": [_trade(trade)], "sent": now_ms}


def _trade(trade: Trade) -> Json:
    maker, taker = (
        oid_of(order) if owned else f"{order:0{OID_LENGTH}x}"
        for order, owned in zip((trade.maker, trade.taker), trade.owned, strict=True)
    )
    return {
        "i": trade.id,
        "a": f"{trade.amount:.8f}",
        "r": str(trade.price),
        "v": str(product(trade.amount, trade.price)),
        "mo": maker,
        "to": taker,
        "t": int(trade.buyer_waited),
        "x": trade.at_ms,
    }


@plays("diff-orders", "bitso.streams.diff_orders", "bitso.streams.order_book", "bitso.streams.my_orders")
class DiffOrdersFeed(MarketFeed):
    """Every change of a book, in a gapless sequence."""

    def __init__(self, engine: Engine, market: str, now_ms: int) -> None:
        super().__init__(engine, market, now_ms)
        self._sequence = engine.log(market, now_ms).sequence

    def frames(self, now_ms: int) -> Iterable[Frame]:
        """Return the changes since the last call."""
        bundles: dict[int, list[Json]] = {}
        for change in self.engine.log(self.market, now_ms).since(self._sequence):
            bundles.setdefault(change.sequence, []).append(self._entry(change))
        for sequence, entries in bundles.items():
            self._sequence = sequence
            yield {"payload": entries, "sequence": sequence, "sent": now_ms}

    def _entry(self, change: BookChange) -> Json:
        order = change.order
        entry = _order(order)
        entry["z"] = change.at_us // 1000
        if change.after is not None:
            return {**entry, "s": "open", "a": f"{order.amount:.8f}"}
        if not self._is_filled(order):
            return {**entry, "s": "cancelled", "a": f"{order.amount:.8f}"}
        del entry["a"], entry["v"]
        return {**entry, "s": "completed"}

    def _is_filled(self, order: Resting) -> bool:
        if order.owned:
            return self.engine.orders[order.id].state is OrderState.FILLED
        return bool(order.id % 2)  # nobody can tell: the background has no fills


def _order(order: Resting) -> dict[str, Json]:
    return {
        "o": shown_oid(order),
        "t": _SIDES[order.side],
        "r": str(order.price),
        "a": f"{order.amount.normalize():f}",
        "v": str(product(order.amount, order.price)),
        "d": order.placed_us // 1000,
    }


@plays("orders", "bitso.streams.orders")
class OrdersFeed(BookFeed):
    """The best twenty orders of each side, whole each time."""

    period_ms = 250

    def show(self, before: BookState, now: BookState) -> Iterable[Frame]:
        """Return all of them if one of them is another, or has another amount."""
        old, new = ({side: state.queue(side)[:TOP] for side in Side} for state in (before, now))
        if old != new:
            bids, asks = ([{**_order(order), "s": "undefined"} for order in new[side]] for side in Side)
            yield {"payload": {"bids": [*bids], "asks": [*asks]}, "sent": now.at_us // 1000}


_FEEDS: tuple[type[MarketFeed], ...] = (PublicTradesFeed, DiffOrdersFeed, OrdersFeed)


class BitsoStreams(Streams):
    """Bitso's sockets."""

    feeds = _FEEDS
    _types: ClassVar[Mapping[str, type[MarketFeed]]] = {feed.family: feed for feed in _FEEDS}

    def receive(self, client: Client, message: Json, now_ms: int) -> None:
        """Answer a message."""
        if message == UNREADABLE or not isinstance(message, dict):
            client.send({"error": "invalid message", "time": now_ms})
            return
        action, book, kind = (message.get(name) for name in ("action", "book", "type"))
        if action not in ("subscribe", "unsubscribe"):
            client.send({"error": "unknown subscription", "time": now_ms})
        elif not isinstance(book, str):
            # Quirk: without a book the server closes the socket (seen on the live server).
            client.ends_ms = now_ms + CLOSING_MS, UNEXPECTED
        elif kind not in self._types:
            text = f"This type of channel is not supported - {kind}"
            client.send({"action": action, "error": text, "time": now_ms})
        elif book not in self.engine.books:
            text = f"This book is not supported - {book}"
            client.send({"action": action, "type": kind, "error": text, "time": now_ms})
        else:
            self._change(client, str(action), f"{kind}:{book}", now_ms)

    def _change(self, client: Client, action: str, name: str, now_ms: int) -> None:
        """Begin or end a subscription."""
        if action == "unsubscribe":
            # Quirk: some frames still follow (seen on the live server).
            client.leaving[name] = now_ms + hashed(name, now_ms) % TRAILING_MS
            client.send(_answer("unsubscribe", name, now_ms))
        elif name not in client.names:
            self.admit(client, name, now_ms)
        elif client.leaving.pop(name, None) is None:
            client.send(_answer("subscribe", name, now_ms, f"Already subscribed to channel: {name}"))
        else:
            # What trailed ends here: a channel that had died lives again.
            self.unsubscribe(client, name)
            self.admit(client, name, now_ms)

    def refuse(self, client: Client, now_ms: int) -> None:
        """Refuse something without a name."""
        client.send({"error": "internal error", "time": now_ms})

    def confirm(self, client: Client, name: str, now_ms: int) -> None:
        """Confirm a subscription."""
        client.send(_answer("subscribe", name, now_ms))

    def distort(self, fault: StreamFault, name: str, frame: Frame) -> Frame | None:
        """Return a frame of a book as a fault changes it."""
        kind, _, book = name.partition(":")
        sequence, payload = frame.get("sequence"), frame["payload"]
        if isinstance(payload, dict) and fault is StreamFault.EMPTY_SIDE:
            return {**frame, "payload": {**payload, "asks": []}}
        if not isinstance(sequence, int) or not isinstance(payload, list) or kind != DiffOrdersFeed.family:
            return None
        if fault in (StreamFault.SEQUENCE_JUMP, StreamFault.SEQUENCE_BACK):
            return {**frame, "sequence": sequence + (3 if fault is StreamFault.SEQUENCE_JUMP else -3)}
        if fault in (StreamFault.ZERO_PRICE, StreamFault.CROSS_BOOK):
            price = Decimal(0) if fault is StreamFault.ZERO_PRICE else 2 * self.engine.market(book).price(self.at_ms)
            order = Resting(hashed(sequence, fault) >> 8, Side.BUY, price, Decimal(1), self.at_ms * 1000)
            entry: Json = {**_order(order), "s": "open", "z": self.at_ms}
            return {**frame, "payload": [*payload, entry]}
        return None

    def feed(self, name: str, now_ms: int) -> Feed | None:
        """Create the feed of a channel."""
        kind, _, book = name.partition(":")
        return self._types[kind](self.engine, book, now_ms)

    def wrap(self, name: str, frame: Frame) -> Frame:
        """Return a frame of a channel in the envelope."""
        kind, _, book = name.partition(":")
        return {"type": kind, "book": book, **frame}

    def beat(self, client: Client, before_ms: int, now_ms: int) -> None:
        """Send a sign of life every twenty seconds, and end what is over."""
        first, last = FIRST_BEAT_MS
        began_ms = client.opened_ms + first + hashed(client.opened_ms) % (last - first) - BEAT_MS
        if (now_ms - began_ms) // BEAT_MS > (before_ms - began_ms) // BEAT_MS:
            client.beat({"type": "ka"})
        for name in [name for name, until_ms in client.leaving.items() if until_ms <= now_ms]:
            del client.leaving[name]
            self.unsubscribe(client, name)


def _answer(action: str, name: str, now_ms: int, response: str = "ok") -> Frame:
    kind, _, book = name.partition(":")
    return {"action": action, "response": response, "time": now_ms, "type": kind, "book": book}
