"""Spot trading in the words that all exchanges share, by v2; see `exchanges.spot`."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from attrs import frozen

from exchanges.bitstamp.account import Account
from exchanges.bitstamp.market import Market as MarketArea
from exchanges.bitstamp.models.account import TransactionType, UserTransaction
from exchanges.bitstamp.models.market import MarketType, OrderBook, Ticker
from exchanges.bitstamp.models.market import Side as OwnSide
from exchanges.bitstamp.models.trading import OpenOrder
from exchanges.bitstamp.rules import Rules
from exchanges.bitstamp.trading import Trading
from exchanges.errors import DecodeError, NotFound, quotable
from exchanges.spot import (
    Market,
    Side,
    SpotBalance,
    SpotFill,
    SpotOrder,
    SpotState,
    checked_order,
    require_market,
    shown,
)
from exchanges.wire import Amount

TRANSACTIONS = "bitstamp.account.user_transactions_for_market"
_SIDES = {OwnSide.BUY: Side.BUY, OwnSide.SELL: Side.SELL}


def _symbol(market: Market) -> str:
    require_market(market)
    return f"{market.base}{market.quote}".lower()


@frozen(repr=False)
class BitstampSpot:
    """`exchanges.spot.Spot` at Bitstamp."""

    _market: MarketArea
    _account: Account
    _trading: Trading

    def __repr__(self) -> str:
        """List the calls."""
        return shown(self)

    async def markets(self) -> dict[Market, Rules]:
        """Read `bitstamp.market.markets`, without derivatives."""
        return {
            Market(info.base_currency, info.counter_currency): Rules(info)
            for info in await self._market.markets()
            if info.market_type in (None, MarketType.SPOT)
        }

    def rules(self, market: Market) -> Rules:
        """Return `bitstamp.market.rules`."""
        return self._market.rules(_symbol(market))

    async def ticker(self, market: Market) -> Ticker:
        """Read `bitstamp.market.ticker`."""
        return await self._market.ticker(_symbol(market))

    async def order_book(self, market: Market) -> OrderBook:
        """Read `bitstamp.market.order_book`."""
        return await self._market.order_book(_symbol(market))

    async def balances(self) -> dict[str, SpotBalance]:
        """Read `bitstamp.account.account_balances`."""
        return {
            b.currency.upper(): SpotBalance(total=b.total, available=b.available, reserved=b.reserved, own=b)
            for b in await self._account.account_balances()
        }

    async def place_limit(
        self,
        market: Market,
        side: Side | Literal["buy", "sell"],
        *,
        amount: Amount,
        price: Amount,
        post_only: bool = False,
        client_id: str | None = None,
    ) -> SpotOrder:
        """Place an order by `bitstamp.trading.buy` or `bitstamp.trading.sell`."""
        side = checked_order(market, side, post_only=post_only)
        place = self._trading.buy if side is Side.BUY else self._trading.sell
        placed = await place(
            market=_symbol(market), amount=amount, price=price, moc_order=post_only or None, client_order_id=client_id
        )
        return SpotOrder(
            order_id=placed.id,
            market=market,
            side=side,
            price=placed.price,
            amount=placed.amount,
            unfilled=None,
            own=placed,
        )

    async def cancel(self, order_id: str) -> bool:
        """Cancel an order by `bitstamp.trading.cancel_order`."""
        try:
            await self._trading.cancel_order(order_id=order_id)
        except NotFound:
            return False
        return True

    async def open_orders(self, market: Market) -> list[SpotOrder]:
        """Read `bitstamp.trading.open_orders_for_market`; the exchange shows a list that is up to ten seconds old."""
        return [_order(market, order) for order in await self._trading.open_orders_for_market(_symbol(market))]

    async def fills(self, market: Market) -> list[SpotFill]:
        """Read `bitstamp.account.user_transactions_for_market`, 1,000 at most."""
        rows = await self._account.user_transactions_for_market(_symbol(market), limit=1000)
        return [_fill(market, row) for row in rows if row.type is TransactionType.MARKET_TRADE]

    async def wait_settled(self, order_id: str, *, timeout_seconds: float) -> SpotState:
        """Wait by `bitstamp.trading.wait_settled`."""
        state = await self._trading.wait_settled(order_id=order_id, timeout_seconds=timeout_seconds)
        return SpotState(
            order_id=order_id, is_settled=state.is_settled, filled=state.filled, value=state.value, own=state
        )


def _order(market: Market, order: OpenOrder) -> SpotOrder:
    return SpotOrder(
        order_id=order.id,
        market=market,
        side=_SIDES.get(order.type),
        price=order.price,
        amount=order.amount_at_create,
        unfilled=order.amount,
        own=order,
    )


def _fill(market: Market, row: UserTransaction) -> SpotFill:
    base, quote = (row.amounts.get(code.lower(), Decimal(0)) for code in (market.base, market.quote))
    price = row.rates.get(f"{market.base}_{market.quote}".lower())
    if not price and not (base and quote):  # what a trade of another market has is under other names
        words = f"{TRANSACTIONS}: expected the amounts of a trade of {market}, found none in {quotable(row.id)}"
        raise DecodeError(words, endpoint=TRANSACTIONS)
    return SpotFill(
        fill_id=row.id,
        order_id=row.order_id,
        market=market,
        side=Side.BUY if base > 0 or quote < 0 else Side.SELL,
        price=price,
        amount=base.copy_abs(),
        value=quote.copy_abs(),
        fee=row.fee.copy_abs(),
        fee_currency=market.quote,
        at=row.datetime,
        own=row,
    )
