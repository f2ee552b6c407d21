"""Lists with rows that cannot be read: what is left out, and of which lists nothing ever is."""

import json
from unittest.mock import patch

import httpx
import pytest

from exchanges import Bitso, Bitstamp
from exchanges.errors import DecodeError
from exchanges.wire.converter import wire

BOOK = {"book": "btc_mxn", **dict.fromkeys(("minimum_amount", "maximum_amount", "minimum_price"), "1")}
BOOK |= dict.fromkeys(("maximum_price", "minimum_value", "maximum_value"), "2")
TRADE = {"date": "1700000000", "tid": "1", "price": "10", "amount": "1", "type": "0"}
ORDER = {"id": 1, "datetime": "2024-01-02 03:04:05", "type": 0, "price": "10", "amount": "1"}
KEYS = {"api_key": "k", "api_secret": "s", "client_id": "1"}
ODD = [None, {}, [], 1, "x", {**TRADE, "price": "many"}, {**TRADE, "price": None}, {**TRADE, "date": "soon"}]


@pytest.fixture(autouse=True)
def _fresh():
    """Clear the reports of other tests: the converter is shared."""
    with patch.object(wire(strict=False), "_reported", set()):
        yield


def answering(answer):
    """Return a transport that always gives *answer*."""
    return httpx.MockTransport(lambda _: httpx.Response(200, text=json.dumps(answer)))


async def transactions(rows, **options):
    """Read the public trades of Bitstamp."""
    async with Bitstamp(transport=answering(rows), **options) as client:
        return await client.market.transactions("btcusd")


async def open_orders(rows):
    """Read the orders of an account at Bitstamp."""
    async with Bitstamp(transport=answering(rows), **KEYS) as client:
        return await client.v1.trading.open_orders()


@pytest.mark.parametrize("odd", ODD, ids=str)
async def test_an_odd_row_is_left_out(odd, caplog):
    """One row of public data that cannot be read costs itself alone, and is reported once."""
    first, second = [await transactions([TRADE, odd, TRADE]) for _ in range(2)]
    reports = [message for message in caplog.messages if "left out" in message]

    assert (["1", "1"], first) == ([trade.tid for trade in first], second)
    assert 1 == len(reports)
    assert reports[0].startswith("drift in bitstamp.market.transactions: Transaction")


async def test_one_new_market(caplog):
    """A new market in a shape of its own does not hide all others."""
    rows = [BOOK, {**BOOK, "book": "new_mxn", "maximum_value": {"soon": True}}, {**BOOK, "maximum_value": None}]
    async with Bitso(transport=answering({"success": True, "payload": rows})) as client:
        books = await client.market.available_books()

    assert [("btc_mxn", 2), ("btc_mxn", None)] == [(book.book, book.maximum_value) for book in books]
    assert "drift in bitso.market.available_books: Book.maximum_value" in caplog.text


@pytest.mark.parametrize("rows", [[1], [{}], [TRADE, 1, {}], [{"state": "no"}] * 3])
async def test_a_list_of_odd_rows(rows):
    """A list of which most rows cannot be read has changed as a whole, and is no short list."""
    with pytest.raises(DecodeError, match=r"bitstamp\.market\.transactions\[[01]\]"):
        await transactions(rows)


async def test_strict():
    """A strict client leaves nothing out."""
    with pytest.raises(DecodeError, match=r"transactions\[1\]: Transaction\.price"):
        await transactions([TRADE, {**TRADE, "price": "many"}, TRADE], strict=True)


@pytest.mark.parametrize("odd", [None, {}, [], 1, {**ORDER, "price": "many"}, {**ORDER, "id": None}], ids=str)
async def test_orders_lose_no_row(odd):
    """A list of the account is never shorter than what the exchange sent: a missing order is taken for none."""
    with pytest.raises(DecodeError, match=r"bitstamp\.v1\.trading\.open_orders\[1\]"):
        await open_orders([ORDER, odd, ORDER])


@pytest.mark.parametrize("side", ["bids", "asks"])
async def test_order_books_lose_no_level(side):
    """A book without one of its levels would be another book."""
    book = {"timestamp": "1", "microtimestamp": "1", "bids": [], "asks": [], side: [["1", "2"], ["x", "2"], ["3", "2"]]}
    async with Bitstamp(transport=answering(book)) as client:
        with pytest.raises(DecodeError, match=rf"OrderBook\.{side}\[1\]"):
            await client.market.order_book("btcusd")
