"""The account at a played Bitstamp: frames of own orders, their states, and what a host reads."""

from datetime import UTC, datetime
from decimal import Decimal

from exchanges import bitstamp
from exchanges.streams.delivery import Gap
from tests.support.played_bitstamp import markets

USER = "8812345"
CHANNEL = f"private-my_orders_btcusd-{USER}"
WORDS = bitstamp.OrderStatusWord
MOMENT = datetime(2026, 11, 1, tzinfo=UTC)


def event(number, kind, order_id, left, *, of="1.00000000", traded="0.00000000", client_id=None):
    """The frame of an event of an own order."""
    data = {
        "id": order_id,
        "id_str": order_id,
        "order_type": 0,
        "order_subtype": 0,
        "datetime": "1789000200",
        "microtimestamp": "1789000200123000",
        "amount": float(left),
        "amount_str": left,
        "amount_traded": traded,
        "amount_at_create": of,
        "price": 62000,
        "price_str": "62000",
        "is_liquidation": False,
        "trade_account_id": 0,
    }
    if client_id is not None:
        data["client_order_id"] = client_id
    return {
        "data": data,
        "channel": CHANNEL,
        "event": kind,
        "event_id": f"{number:024x}",
        "pre_event_id": f"{number - 1:024x}",
        "order_source": "orderbook",
        "trade_account_id": 0,
    }


def open_order(order_id, amount="1"):
    """An order in the list of open ones."""
    return bitstamp.OpenOrder(
        id=order_id,
        datetime=MOMENT,
        type=bitstamp.Side.BUY,
        price=Decimal(62000),
        amount=Decimal(amount),
        amount_at_create=Decimal(1),
        client_order_id=f"mine-{order_id}",
    )


def status(order_id, word, left):
    """The state of an order."""
    return bitstamp.OrderStatus(
        id=order_id, status=word, amount_remaining=None if left is None else Decimal(left), type=bitstamp.Side.BUY
    )


class Account:
    """The account at the exchange.

    Attributes:
        tokens: How many were asked for.
        user: Whose they are.
        open: Its open orders.
        statuses: States of orders by id.
    """

    def __init__(self, host):
        self.tokens = 0
        self.user = USER
        self.open = []
        self.statuses = {}
        self.failures = []
        markets(host)
        host.answers["bitstamp.account.websockets_token"] = self.token
        host.answers["bitstamp.trading.open_orders_for_market"] = lambda market: list(self.open)
        host.answers["bitstamp.trading.order_status"] = lambda order_id: self.statuses[order_id]()

    def token(self):
        """Create a token."""
        if self.failures:
            raise self.failures.pop(0)
        self.tokens += 1
        return bitstamp.WebsocketsToken(token=f"secret-{self.tokens}", valid_sec=60, user_id=self.user)


def told(found):
    """What was handed out, in short."""
    return [
        item.reason if isinstance(item, Gap) else (item.event.value, item.order.id, str(item.order.amount), item.source)
        for item in found
    ]
