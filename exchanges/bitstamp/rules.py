"""The bounds of orders in a market: what the exchange would refuse is refused before it is sent.

Nothing is rounded silently: `Rules.round_price`, `Rules.round_amount` and `Rules.round_value` are for the caller to
call. "Base" is the first currency of a market, "counter" the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Any

from exchanges.bitstamp.models.market import MarketInfo, Side, Switch
from exchanges.endpoint.amounts import EXACT
from exchanges.endpoint.rules import fault_of_bounds, given_amounts, rounded, step_of
from exchanges.errors import UsageError
from exchanges.values import frozen
from exchanges.wire import Amount, Model, plain

RULES = "bitstamp.rules"
"""Where the areas of a client keep the rules of all markets, by symbol."""
SIDES: Mapping[object, Side] = {"buy": Side.BUY, "sell": Side.SELL}


@frozen
class Rules(Model):
    """What orders in one market must obey.

    Attributes:
        market: As `bitstamp.market.markets` returned it.
    """

    market: MarketInfo

    @property
    def tick(self) -> Decimal:
        """Counter per base: the step of prices."""
        return self.market.tick_size or step_of(self.market.counter_decimals)

    @property
    def value_step(self) -> Decimal | None:
        """Counter: the step of the amounts of instant orders; None if the exchange did not say it."""
        decimals = self.market.instant_order_counter_decimals
        return None if decimals is None else step_of(decimals)

    def round_price(self, price: Amount, side: Side | str) -> Decimal:
        """Round a price to the tick: down to buy and up to sell, so that it is never worse than *price*.

        Args:
            price: Counter per base.
            side: BUY or SELL, or the words "buy" and "sell".

        Raises:
            UsageError: Not an amount, or a price that rounds to zero.
        """
        known = side if isinstance(side, Side) else SIDES.get(side)
        if known not in tuple(Side):
            raise UsageError(f"side must be one of {', '.join(map(str, SIDES))}")
        rounding = ROUND_DOWN if known is Side.BUY else ROUND_UP
        return rounded(price, self.tick, rounding, f"{self.market.market_symbol}: price")

    def round_amount(self, amount: Amount) -> Decimal:
        """Round an amount of base down.

        Raises:
            UsageError: Not an amount, or one that rounds to zero.
        """
        return rounded(amount, step_of(self.market.base_decimals), ROUND_DOWN, f"{self.market.market_symbol}: amount")

    def round_value(self, amount: Amount) -> Decimal:
        """Round an amount of counter down, for instant orders.

        Raises:
            UsageError: Not an amount, one that rounds to zero, or a market of which the exchange shows no decimals.
        """
        if self.value_step is None:
            raise UsageError(
                f"{self.market.market_symbol}: the exchange shows no decimals of amounts in counter currency"
            )
        return rounded(amount, self.value_step, ROUND_DOWN, f"{self.market.market_symbol}: amount")

    # What the exchange would refuse in the arguments of an order, by name and valid by themselves; None if nothing.

    def fault_of_limit_order(self, arguments: Mapping[str, Any]) -> str | None:
        """Return what is wrong with a limit order: *amount* is base."""
        amount, price, opposite = given_amounts(arguments, "amount", "price", "limit_price")
        value = None if amount is None or price is None else EXACT.multiply(amount, price)
        return (
            self._fault_of_trading()
            or self._fault_of_base(amount)
            or self._fault_of_value(value, "the value (amount times price)")
            or self._fault_of_step("price", price, self.tick)
            or self._fault_of_step("limit_price", opposite, self.tick)
        )

    def fault_of_market_order(self, arguments: Mapping[str, Any]) -> str | None:
        """Return what is wrong with a market order: *amount* is base."""
        (amount,) = given_amounts(arguments, "amount")
        return self._fault_of_trading(at_once=True) or self._fault_of_base(amount)

    def fault_of_instant_buy(self, arguments: Mapping[str, Any]) -> str | None:
        """Return what is wrong with an instant order to buy: *amount* is counter."""
        (amount,) = given_amounts(arguments, "amount")
        return (
            self._fault_of_trading(at_once=True)
            or self._fault_of_value(amount, "amount (counter)")
            or self._fault_of_step("amount (counter)", amount, self.value_step)
        )

    def fault_of_instant_sell(self, arguments: Mapping[str, Any]) -> str | None:
        """Return what is wrong with an instant order to sell: *amount* is base, or counter if it says so."""
        in_counter = arguments.get("amount_in_counter") is True
        return self.fault_of_instant_buy(arguments) if in_counter else self.fault_of_market_order(arguments)

    def _fault_of_trading(self, *, at_once: bool = False) -> str | None:
        symbol = self.market.market_symbol
        if self.market.trading is Switch.DISABLED:
            return f"{symbol} accepted no orders when markets() was read; read it again"
        if at_once and self.market.instant_and_market_orders is Switch.DISABLED:
            return f"{symbol} accepted no instant and market orders when markets() was read; read it again"
        return None

    def _fault_of_base(self, amount: Decimal | None) -> str | None:
        market = self.market
        bounds = (("amount", amount, market.minimum_order_amount, market.maximum_order_amount),)
        return fault_of_bounds(bounds, market.market_symbol) or self._fault_of_step(
            "amount", amount, step_of(market.base_decimals)
        )

    def _fault_of_value(self, value: Decimal | None, name: str) -> str | None:
        market = self.market
        bounds = ((name, value, market.minimum_order_value, market.maximum_order_value),)
        return fault_of_bounds(bounds, market.market_symbol)

    def _fault_of_step(self, name: str, given: Decimal | None, step: Decimal | None) -> str | None:
        if given is None or step is None or not EXACT.remainder(given, step):
            return None
        return (
            f"{name} {plain(given)} is no multiple of {plain(step)}, its step in {self.market.market_symbol}: round it"
        )
