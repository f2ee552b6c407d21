"""Answers with long lists."""

from __future__ import annotations

import json
from typing import Any

from exchanges import Bitex, Bitso, Bitstamp

ENVELOPE = b'{"success": true, "payload": %b}'
NUMBER = 400


def _many(element: Any, key: str | None = None) -> list[Any]:
    """Return many elements; those that are objects have a number of their own."""
    if key is None:
        return [element for _ in range(2 * NUMBER)]
    return [{**element, key: str(number)} for number in range(NUMBER)]


def _body(content: Any, *, wrapped: bool = False) -> bytes:
    body = json.dumps(content).encode()
    return ENVELOPE % body if wrapped else body


_LEVEL = {"book": "btc_mxn", "price": "5632.24", "amount": "1.34491802"}
_TRADE = {
    "book": "btc_mxn",
    "created_at": "2016-04-08T17:52:31.000+00:00",
    "amount": "0.02000000",
    "maker_side": "buy",
    "price": "5545.01",
}
_DONE = {"date": "1694608800", "amount": "0.1", "type": "0", "price": "25000"}
_ORDER = [1, 1, 946685400, 1, 100.0, 50.0, 1000.0, 2, 0, 0.1, "ApiKey#1", 0.01]

LONG: dict[str, bytes] = {
    "bitso.market.order_book": _body(
        {
            "asks": _many(_LEVEL),
            "bids": _many(_LEVEL),
            "updated_at": "2016-04-08T17:52:31.000+00:00",
            "sequence": "27214",
        },
        wrapped=True,
    ),
    "bitso.market.trades": _body(_many(_TRADE, "tid"), wrapped=True),
    "bitstamp.market.order_book": _body(
        {
            "timestamp": "1643643584",
            "microtimestamp": "1643643584684047",
            "bids": _many(["1.10", "1.5"]) * 3,
            "asks": _many(["1.2", "1.5"]) * 3,
        }
    ),
    "bitstamp.market.transactions": _body(_many(_DONE, "tid")),
    "bitex.market.order_book": _body({"bids": _many([1.1, 1.5]) * 3, "asks": _many([1.2, 1.5]) * 3}),
    "bitex.market.transactions": _body([[946685400, number, 1.1, 1.1] for number in range(5 * NUMBER)]),
    "bitex.trading.orders": _body(_many(_ORDER)),
}
"""By the call that gives it; all of them are as documented."""

CALLS: dict[str, Any] = {
    "bitso.market.order_book": (Bitso, lambda client: client.market.order_book("btc_mxn")),
    "bitso.market.trades": (Bitso, lambda client: client.market.trades("btc_mxn")),
    "bitstamp.market.order_book": (Bitstamp, lambda client: client.market.order_book("btcusd")),
    "bitstamp.market.transactions": (Bitstamp, lambda client: client.market.transactions("btcusd")),
    "bitex.market.order_book": (Bitex, lambda client: client.market.order_book()),
    "bitex.market.transactions": (Bitex, lambda client: client.market.transactions()),
    "bitex.trading.orders": (Bitex, lambda client: client.trading.orders()),
}
"""The client and the call, by name."""
