"""Spot trading in the words that all exchanges share, by v3; see `exchanges.spot`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from attrs import frozen

from exchanges.bitso.account import Account
from exchanges.bitso.market import Market as MarketArea
from exchanges.bitso.models.market import OrderBook, Ticker
from exchanges.bitso.models.market import Side as BookSide
from exchanges.bitso.models.trading import Order, OrderType, TimeInForce, UserTrade
from exchanges.bitso.rules import Rules
from exchanges.bitso.trading import Trading
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
    shown_side,
)
from exchanges.wire import Amount

USER_TRADES = "bitso.trading.user_trades"


def _book(market: Market) -> str:
    require_market(market)
    return f"{market.base}_{market.quote}".lower()


@frozen(repr=False)
class BitsoSpot:
    """`exchanges.spot.Spot` at Bitso."""

    _market: MarketArea
    _account: Account
    _trading: Trading

    def __repr__(self) -> str:
        """List the calls."""
        return shown(self)

    async def markets(self) -> dict[Market, Rules]:
        """Read `bitso.market.available_books`."""
        books = {tuple(book.book.split("_")): Rules(book) for book in await self._market.available_books()}
        # A book of another form than base_quote is none that these methods could name.
        named = {name: rules for name, rules in books.items() if len(name) == 2 and "".join(name).isalnum()}
        return {Market(*name): rules for name, rules in named.items()}

    def rules(self, market: Market) -> Rules:
        """Return `bitso.market.rules`."""
        return self._market.rules(_book(market))

    async def ticker(self, market: Market) -> Ticker:
        """Read `bitso.market.ticker`."""
        return await self._market.ticker(_book(market))

    async def order_book(self, market: Market) -> OrderBook:
        """Read `bitso.market.order_book`."""
        return await self._market.order_book(_book(market))

    async def balances(self) -> dict[str, SpotBalance]:
        """Read `bitso.account.balance`."""
        return {
            b.currency.upper(): SpotBalance(total=b.total, available=b.available, reserved=b.locked, own=b)
            for b in await self._account.balance()
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
        """Place an order by `bitso.trading.place_order`; the answer has its id alone."""
        side = checked_order(market, side, post_only=post_only)
        oid = await self._trading.place_order(
            book=_book(market),
            side=BookSide(side),
            order_type=OrderType.LIMIT,
            major=amount,
            price=price,
            time_in_force=TimeInForce.POST_ONLY if post_only else None,
            origin_id=client_id,
        )
        asked = {"price": Decimal(price), "amount": Decimal(amount)}
        return SpotOrder(order_id=oid, market=market, side=side, **asked, unfilled=None, own=oid)

    async def cancel(self, order_id: str) -> bool:
        """Cancel an order by `bitso.trading.cancel_order`."""
        try:
            return order_id in await self._trading.cancel_order(order_id)
        except NotFound:
            return False

    async def open_orders(self, market: Market) -> list[SpotOrder]:
        """Read `bitso.trading.open_orders`, 500 at most."""
        return [_order(market, order) for order in await self._trading.open_orders(book=_book(market))]

    async def fills(self, market: Market) -> list[SpotFill]:
        """Read `bitso.trading.user_trades`, 100 at most."""
        book = _book(market)
        trades = await self._trading.user_trades(book=book, limit=100)
        # The document shows trades of other books in the answer, each with its name. Here they would lose it.
        if others := sorted({trade.book for trade in trades} - {book}):
            words = f"{USER_TRADES}: expected trades of {book}, found {quotable(others[0])}"
            raise DecodeError(words, endpoint=USER_TRADES)
        return [_fill(market, trade) for trade in trades]

    async def wait_settled(self, order_id: str, *, timeout_seconds: float) -> SpotState:
        """Wait by `bitso.trading.wait_settled`."""
        state = await self._trading.wait_settled(order_id, timeout_seconds=timeout_seconds)
        sums: Mapping[str, Decimal] = {"filled": state.filled, "value": state.value}
        return SpotState(order_id=order_id, is_settled=state.is_settled, **sums, own=state)


def _order(market: Market, order: Order) -> SpotOrder:
    return SpotOrder(
        order_id=order.oid,
        market=market,
        side=shown_side(order.side.value),
        price=order.price,
        amount=order.original_amount,
        unfilled=order.unfilled_amount,
        own=order,
    )


def _fill(market: Market, trade: UserTrade) -> SpotFill:
    return SpotFill(
        fill_id=trade.tid,
        order_id=trade.oid,
        market=market,
        side=shown_side(trade.side.value),
        price=trade.price,
        amount=trade.major.copy_abs(),
        value=trade.minor.copy_abs(),
        fee=trade.fees_amount.copy_abs(),
        fee_currency=trade.fees_currency.upper(),
        at=trade.created_at,
        own=trade,
    )
