"""Bitstamp, played: frames and lists of trades, and the markets that a host knows."""

from decimal import Decimal

from exchanges import bitstamp
from exchanges.bitstamp.streams import Streams
from exchanges.streams.delivery import Gap
from tests.support.streaming import confirms, moment, played

CHANNEL = "live_trades_btcusd"
SUBSCRIBE = {"event": "bts:subscribe", "data": {"channel": CHANNEL}}
UNSUBSCRIBE = {"event": "bts:unsubscribe", "data": {"channel": CHANNEL}}


def trade(number, channel=CHANNEL):
    """The frame of a trade."""
    return {
        "data": {
            "id": number,
            "timestamp": "1789000124",
            "amount": 0.014100000000000001,
            "amount_str": "0.01410000",
            "price": 63004,
            "price_str": "63004",
            "type": 1,
            "microtimestamp": "1789000124112000",
            "buy_order_id": 1990000000000001,
            "sell_order_id": 1990000000000002,
        },
        "channel": channel,
        "event": "trade",
    }


def market(symbol):
    """A market, as far as it matters here."""
    return bitstamp.MarketInfo(
        name=symbol,
        market_symbol=symbol,
        base_currency="BTC",
        counter_currency="USD",
        base_decimals=8,
        counter_decimals=0,
        minimum_order_value=None,
    )


def transaction(number):
    """The same trade, as REST shows it."""
    return bitstamp.Transaction(
        date=moment(number), tid=str(number), price=Decimal(63004), amount=Decimal("0.0141"), type=bitstamp.Side.SELL
    )


def markets(host):
    """Return two markets from a host."""
    host.answers["bitstamp.market.markets"] = lambda: [market("btcusd"), market("ethusd")]


def streams(on_frame=confirms):
    """A played Bitstamp."""
    return played(Streams, on_frame=on_frame)


def ids(found):
    """The ids of trades; gaps as their reasons."""
    return [item.reason if isinstance(item, Gap) else item.id for item in found]
