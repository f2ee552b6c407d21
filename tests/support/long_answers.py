"""Answers with long lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from exchanges import Bitex, Bitso, Bitstamp

ENVELOPE = b'{"success": true, "payload": %b}'
NUMBER = 400


def _many(element: dict[str, Any], key: str) -> list[Any]:
    """Return many elements, each with a number of its own."""
    return [{**element, key: str(number)} for number in range(NUMBER)]


def _body(content: Any, *, wrapped: bool = False) -> bytes:
    body = json.dumps(content).encode()
    return ENVELOPE % body if wrapped else body


def _sides(row: Callable[[str], Any], number: int) -> dict[str, Any]:
    """Return both sides of an order book, best price first."""
    return {
        "bids": [row(f"{19_999 - rank}.25") for rank in range(number)],
        "asks": [row(f"{20_000 + rank}.25") for rank in range(number)],
    }


_TRADE = {
    "book": "btc_mxn",
    "created_at": "2016-04-08T17:52:31.000+00:00",
    "amount": "0.02000000",
    "maker_side": "buy",
    "price": "5545.01",
}
_DONE = {"date": "1694608800", "amount": "0.1", "type": "0", "price": "25000"}
_ORDER = [946685400, 1, 100.0, 50.0, 1000.0, 2, 0, 0.1, "ApiKey#1", 0.01]

LONG: dict[str, bytes] = {
    "bitso.market.order_book": _body(
        {
            **_sides(lambda price: {"book": "btc_mxn", "price": price, "amount": "1.34491802"}, 2 * NUMBER),
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
            **_sides(lambda price: [price, "1.5"], 6 * NUMBER),
        }
    ),
    "bitstamp.market.transactions": _body(_many(_DONE, "tid")),
    "bitex.market.order_book": _body(_sides(lambda price: [float(price), 1.5], 6 * NUMBER)),
    "bitex.market.transactions": _body([[946685400, number, 1.1, 1.1] for number in range(5 * NUMBER)]),
    "bitex.trading.orders": _body([[1, number, *_ORDER] for number in range(1, 1 + 2 * NUMBER)]),
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
