"""What `poll` hands out is typed by its sources. Checked, never run."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

import exchanges
from exchanges import Bitex, Bitstamp, bitex


async def of_several_exchanges(bitex: Bitex, bitstamp: Bitstamp) -> None:
    async with exchanges.poll[exchanges.MarketTicker](
        {"bitstamp": lambda: bitstamp.market.ticker("btcusd"), "bitex": bitex.market.ticker}, every_seconds=2.0
    ) as updates:
        async for update in updates:
            assert_type(update, exchanges.Update[exchanges.MarketTicker])
            assert_type(update.value, exchanges.MarketTicker | None)
            assert_type(update.error, Exception | None)
            assert_type(update.source, str)


async def of_one_exchange(client: Bitex) -> None:
    async with exchanges.poll({"bitex": client.market.ticker}, every_seconds=2.0) as updates:
        async for update in updates:
            assert_type(update.value, bitex.Ticker | None)


async def mistakes(client: Bitex) -> None:
    exchanges.poll({"bitex": client.market.ticker})  # type: ignore[call-arg]
    exchanges.poll[bitex.Ticker]({"b": client.market.order_book}, every_seconds=2.0)  # type: ignore[dict-item]
