"""Bitso, played: frames of trades and orders, and the account that a host reads."""

from datetime import UTC, datetime
from decimal import Decimal

from exchanges import bitso
from exchanges.bitso.streams import OwnOrder, Streams
from exchanges.errors import NotFound
from exchanges.streams.delivery import Gap
from tests.support.streaming import START, confirms_at_bitso, played

AT = datetime(2026, 11, 1, tzinfo=UTC)
BOOK = "btc_mxn"
MILLIS = 1789000304111


def streams():
    """A played Bitso."""
    return played(Streams, on_frame=confirms_at_bitso)


def trades(*numbers, maker="maker", taker="taker"):
    """A frame of trades."""
    payload = [
        {"i": n, "a": "0.00120000", "r": "1180000", "v": "1416.0", "mo": maker, "to": taker, "t": 0, "x": MILLIS}
        for n in numbers
    ]
    return {"type": "trades", "book": BOOK, "payload": payload, "sent": MILLIS}


def confirms_and_sends(frame):
    """Confirm subscriptions, each followed by a frame."""

    def answer(connection, asked):
        confirms_at_bitso(connection, asked)
        connection.send(frame)

    return answer


def changes(sequence, *entries):
    """A frame of changes; each entry is an order id, a state and an amount."""
    payload = [
        {"o": oid, "t": 1, "r": "1181000", "s": state, "d": MILLIS, "z": MILLIS, **({"a": amount} if amount else {})}
        for oid, state, amount in entries
    ]
    return {"type": "diff-orders", "book": BOOK, "payload": payload, "sequence": sequence, "sent": MILLIS}


def order(oid, status="open", left="1", **more):
    """An order, as it is read."""
    return bitso.Order(
        oid=oid,
        book=BOOK,
        side=bitso.Side.SELL,
        type=bitso.OrderType.LIMIT,
        status=bitso.OrderStatus(status),
        created_at=AT,
        unfilled_amount=Decimal(left),
        price=Decimal(1181000),
        **more,
    )


def own_trade(tid, oid="mine", **more):
    """An own trade, as it is read."""
    return bitso.UserTrade(
        tid=str(tid),
        oid=oid,
        book=BOOK,
        side=bitso.Side.SELL,
        price=Decimal(1181000),
        major=Decimal(-1),
        minor=Decimal(1181000),
        fees_amount=Decimal(1),
        fees_currency="mxn",
        created_at=AT,
        **more,
    )


class Account:
    """The account at the exchange: what its reads show."""

    def __init__(self, host):
        self.open, self.looked_up, self.trades, self.late = [], [], [], []
        host.answers["bitso.trading.open_orders"] = self.open_orders
        host.answers["bitso.trading.orders"] = lambda oids: [o for o in self.looked_up if o.oid in oids]
        host.answers["bitso.trading.user_trades"] = self.user_trades
        host.answers["bitso.trading.user_trade"] = self.user_trade

    def open_orders(self, marker=None, **_):
        """One page, then an empty one."""
        return [] if marker else list(self.open)

    def user_trades(self, sort, limit, marker=None, **_):
        """Those behind a marker."""
        if sort is bitso.SortOrder.DESC:
            return self.trades[-1:]
        return [trade for trade in self.trades if marker is None or int(trade.tid) > int(marker)]

    def user_trade(self, tid):
        """One that is listed late."""
        found = [trade for trade in self.late if trade.tid == tid]
        if not found:
            raise NotFound("no such trade")
        return found[0]


def told(found):
    """What was handed out, in short."""
    return [
        item.reason
        if isinstance(item, Gap)
        else (item.oid, item.status.value, item.source.value)
        if isinstance(item, OwnOrder)
        else item.tid
        for item in found
    ]


def orders_read(sequence="6", *, name=BOOK, oids=("b", "a"), at=START):
    """An order book, as it is read: one order to buy, one to sell."""
    sides = [
        tuple(bitso.PriceLevel(book=name, price=Decimal(price), amount=Decimal(1), oid=oid) for oid in oids[n : n + 1])
        for n, price in enumerate((1, 1181000))
    ]
    return bitso.OrderBook(bids=sides[0], asks=sides[1], updated_at=at, sequence=sequence)
