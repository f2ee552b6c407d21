"""What streams hand out is typed by their declarations. Checked, never run."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from datetime import datetime
from decimal import Decimal
from typing import assert_type

import exchanges
from exchanges import Bitso, Bitstamp, Gap, bitso, bitstamp
from exchanges.bitso import streams as bitso_streams
from exchanges.bitstamp import streams as bitstamp_streams
from exchanges.streams import BookChange, Event


async def trades(client: Bitstamp) -> None:
    async with client.streams.trades("btcusd", backfill=True) as stream:
        async for item in stream:
            assert_type(item, bitstamp_streams.LiveTrade | Gap)
            match item:
                case Gap(since=since, missed=missed):
                    assert_type(since, datetime)
                    assert_type(missed, int | None)
                case trade:
                    assert_type(trade.price, Decimal)
                    assert_type(trade.side, bitstamp.Side)


async def books(client: Bitstamp, other: Bitso) -> None:
    async with client.streams.order_book("btcusd", depth=None) as book, other.streams.order_book("btc_mxn") as kept:
        as_in_rest: list[exchanges.MarketOrderBook] = [book, kept]
        async for change in book:
            assert_type(change, BookChange)
            assert_type(book.snapshot(), bitstamp.OrderBook)
            assert_type(kept.snapshot(), bitso.OrderBook)
            assert_type(book.bids[0].price, Decimal)
            assert_type(book.status, exchanges.BookStatus)
            assert_type(book.as_of, datetime | None)
        del as_in_rest


async def own_orders(client: Bitstamp) -> None:
    async with client.streams.my_orders("btcusd") as orders:
        async for item in orders:
            if not isinstance(item, Gap):
                assert_type(item.executed, Decimal | None)


async def newest(client: Bitso) -> None:
    async with client.streams.orders("btc_mxn") as stream:
        async for top in stream:
            assert_type(top, bitso_streams.TopOrders)


async def followed(client: Bitstamp, other: Bitso) -> None:
    async with exchanges.follow[exchanges.MarketOrderBook](
        {"bitso": other.streams.order_book("btc_mxn"), "bitstamp": client.streams.order_book("btcusd")}
    ) as updates:
        async for update in updates:
            assert_type(update, exchanges.Update[exchanges.MarketOrderBook])
            assert_type(update.value, exchanges.MarketOrderBook | None)


async def followed_at_one(client: Bitstamp) -> None:
    async with exchanges.follow({"a": client.streams.order_book("btcusd")}) as updates:
        async for update in updates:
            assert_type(update.value, bitstamp.OrderBook | None)


async def events(client: Bitstamp) -> None:
    async for event in client.streams.events():
        assert_type(event, Event)


def mistakes(client: Bitstamp) -> None:
    client.streams.order_book("btcusd", depth=50)  # type: ignore[arg-type]
    client.streams.trades(5)  # type: ignore[arg-type]
    exchanges.follow[bitstamp.OrderBook]({"a": client.streams.trades("btcusd")})  # type: ignore[dict-item]
