"""Declared calls keep their signatures and their answers. Checked, never run.

A line with an ignore is one that a checker must refuse: where it does not, the ignore is unused, which is refused too.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import assert_type

from exchanges import Bitex, Bitso, Bitstamp, bitex, bitso, bitstamp
from exchanges.bitso import v2
from exchanges.bitstamp import v1


async def of_bitex(client: Bitex) -> None:
    assert_type(await client.market.ticker(), bitex.Ticker)
    assert_type(await client.market.ticker("btc_usd"), bitex.Ticker)
    assert_type(await client.market.order_book(book="btc_usd"), bitex.OrderBook)
    assert_type(await client.market.transactions(), list[bitex.Transaction])
    assert_type(await client.market.last_7_days(), list[bitex.Candle])
    assert_type(await client.trading.create_bid(amount=Decimal(100), price="500.5", orderbook=1), bitex.Bid)
    assert_type(await client.trading.cancel_ask(7), bitex.Ask)
    assert_type(await client.trading.orders(), list[bitex.Bid | bitex.Ask | bitex.UnknownRow])
    assert_type(await client.trading.trades(), list[bitex.Buy | bitex.Sell | bitex.UnknownRow])
    assert_type(await client.account.profile(), bitex.Profile)
    assert_type(await client.account.account_summary(full=True), Sequence[bitex.Movement])
    assert_type(await client.kyc.create_profile(usage_tier=bitex.UsageTier.MICRO, first_name="Ada"), bitex.KycProfile)


async def of_bitso(client: Bitso) -> None:
    assert_type(await client.market.available_books(), list[bitso.Book])
    assert_type(await client.market.ticker("btc_mxn"), bitso.Ticker)
    assert_type(await client.market.order_book("btc_mxn", aggregate=False), bitso.OrderBook)
    assert_type(await client.market.trades("btc_mxn", sort=bitso.SortOrder.ASC, limit=2), list[bitso.Trade])
    assert_type(await client.account.balance(), list[bitso.Balance])
    assert_type(await client.v2.market.ticker(), v2.Ticker)
    assert_type(await client.v2.market.transactions("btc_mxn", time=v2.TimeFrame.HOUR), list[v2.Transaction])
    assert_type(await client.v2.account.balance(), v2.Balance)


async def of_bitstamp(client: Bitstamp) -> None:
    assert_type(await client.market.ticker("btcusd"), bitstamp.Ticker)
    assert_type(await client.market.order_book("btcusd", group=2), bitstamp.OrderBook)
    assert_type(await client.market.transactions("btcusd"), list[bitstamp.Transaction])
    assert_type(await client.v1.market.eur_usd(), v1.ConversionRate)
    assert_type(await client.v1.account.balance(), v1.Balance)


async def words(bitso_client: Bitso, bitstamp_client: Bitstamp, bitex_client: Bitex) -> None:
    await bitstamp_client.market.transactions("btcusd", time="day")
    await bitstamp_client.v1.market.transactions(time="hour")
    await bitso_client.trading.place_order(book="btc_mxn", side="buy", order_type="limit", time_in_force="postonly")
    await bitso_client.trading.place_order(book="btc_mxn", side=bitso.Side("buy"), order_type=bitso.OrderType.LIMIT)
    await bitex_client.kyc.create_profile(usage_tier="micro")
    await bitstamp_client.request("GET", "/new/", kind="read")
    await bitstamp_client.market.transactions("btcusd", time="dya")  # type: ignore[arg-type]
    await bitso_client.trading.place_order(book="btc_mxn", side="by", order_type="limit")  # type: ignore[arg-type]
    await bitstamp_client.request("GET", "/new/", kind="reed")  # type: ignore[arg-type]


async def mistakes(bitex_client: Bitex, bitstamp_client: Bitstamp) -> None:
    await bitex_client.trading.create_bid(amount=1.5, price=500)  # type: ignore[arg-type]
    await bitex_client.trading.create_bid(amount=1)  # type: ignore[call-arg]
    await bitex_client.trading.create_bid(1, 500)  # type: ignore[call-arg]
    await bitex_client.trading.bid("7")  # type: ignore[arg-type]
    await bitex_client.kyc.update_profile(7, usage_tier=bitex.UsageTier.MICRO, surname="Byron")  # type: ignore[call-arg]
    await bitstamp_client.market.ticker()  # type: ignore[call-arg]
    bitstamp_client.bots  # type: ignore[attr-defined]


def values(ticker: bitex.Ticker, bid: bitex.Bid, level: bitstamp.PriceLevel, balance: v1.Balance) -> None:
    assert_type(ticker.vwap, Decimal | None)
    assert_type(bid.amount, Decimal)
    assert_type(bid.created_at, datetime)
    assert_type(bid.status, bitex.OrderStatus)
    assert_type(level.order_id, str | None)
    assert_type(balance.currencies["btc"].available, Decimal)
    bid.amount = Decimal(1)  # type: ignore[misc]


async def of_a_client(client: Bitex) -> None:
    assert_type(client.with_options(timeout_seconds=5.0), Bitex)
    async with Bitstamp(api_key="k", api_secret="s", client_id="c", timeout_seconds=5.0) as entered:
        assert_type(entered, Bitstamp)
    Bitex(api_key="k", colour="red")  # type: ignore[call-arg]


def as_functions(client: Bitex) -> Callable[[int], Awaitable[bitex.Bid]]:
    return client.trading.bid
