"""Public market data of v2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from exchanges.bitstamp.api import V2
from exchanges.bitstamp.arguments import Moment, NamedMarket, between
from exchanges.bitstamp.errors import tickers_of_all
from exchanges.bitstamp.models.market import (
    Candles,
    ConversionRate,
    Currency,
    FundingRate,
    FundingRateHistory,
    HourTicker,
    MarketInfo,
    OrderBook,
    Step,
    Ticker,
    TimeFrame,
    Transaction,
)
from exchanges.bitstamp.rules import RULES, Rules
from exchanges.endpoint import Area, Endpoint, Param, public
from exchanges.endpoint.contradictions import order_book_fault
from exchanges.endpoint.rules import known_rules


def _fault_of_group(group: int) -> str | None:
    """Return what is wrong with a way of grouping; None if nothing is."""
    return None if group in (0, 1, 2) else "must be 0, 1 or 2"


def _fault_of_step(seconds: int) -> str | None:
    known = ", ".join(str(step.value) for step in Step)
    return None if seconds in tuple(Step) else f"must be one of {known}"


def _true_word(flag: object) -> str | None:
    """Render a flag that is sent only when it is set, in lower case, as the clients of others send it."""
    if not isinstance(flag, bool):
        raise TypeError(f"must be a bool, not {type(flag).__name__}")
    return "true" if flag else None


async def _remember(area: Area, endpoint: Endpoint, arguments: Mapping[str, Any]) -> list[MarketInfo]:
    """Read the markets, and keep their bounds for orders."""
    markets: list[MarketInfo] = await area.caller(endpoint, arguments)
    area.shared[RULES] = {market.market_symbol.lower(): Rules(market) for market in markets}
    return markets


class Market(Area, api=V2):
    """Public market data; needs no key."""

    # Quirk: an unknown market is answered with the tickers of all, status 200; see `errors`.
    @public("GET /ticker/{market}/", read_problem=tickers_of_all)
    async def ticker(self, market: NamedMarket) -> Ticker:
        """Prices and volume of the last 24 hours.

        Args:
            market: Base and counter, such as btcusd.

        Returns:
            Wire: object.

        Raises:
            InvalidRequest: No such market. The exchange answers with the tickers of all of them.

        Source:
            Bitstamp API v2, Tickers, "Get ticker".
        """
        ...

    @public("GET /order_book/{market}/", fault=order_book_fault("group", (None, 1)))
    async def order_book(
        self, market: str, *, group: Annotated[int | None, Param(check=_fault_of_group)] = None
    ) -> OrderBook:
        """Open orders, best prices first.

        Args:
            market: Base and counter, such as btcusd.
            group: 0: orders not summed up; 1: summed up by price; 2: not summed up, each with its id.
                None: not sent; the exchange uses 1.

        Returns:
            About a second old. Wire: object of two lists of rows of 2, or of 3 with the order id when *group* is 2.

        Source:
            Bitstamp API v2, Market info, "Get order book".
        """
        ...

    @public("GET /transactions/{market}/")
    async def transactions(
        self, market: str, *, time: TimeFrame | Literal["minute", "hour", "day"] | None = None
    ) -> list[Transaction]:
        """Recent trades, newest first.

        Args:
            market: Base and counter, such as btcusd.
            time: The period. None: not sent; the exchange uses HOUR.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Transactions, "Get transactions".
        """
        ...

    @public("GET /ticker/")
    async def tickers(self) -> list[Ticker]:
        """Prices and volume of the last 24 hours, of every market.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Tickers, "Get all tickers".
        """
        ...

    @public("GET /ticker_hour/{market}/", read_problem=tickers_of_all)
    async def ticker_hour(self, market: str) -> HourTicker:
        """Prices and volume of the last hour.

        Args:
            market: Base and counter, such as btcusd.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, Tickers, "Get hourly ticker".
        """
        ...

    @public("GET /markets/", via=_remember)
    async def markets(self, *, entity: str | None = None) -> list[MarketInfo]:
        """All markets, with decimals and bounds of orders; from then on orders that break them are not sent.

        Args:
            entity: Which company of the exchange, such as UK_LTD; the list then has no perpetuals. None: not sent.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Market info, "Get markets"; *entity* was seen on the live server.
        """
        ...

    @public("GET /currencies/")
    async def currencies(self) -> list[Currency]:
        """All currencies, with the networks on which they travel.

        Returns:
            Wire: list of objects.

        Source:
            Bitstamp API v2, Market info, "Get currencies".
        """
        ...

    @public("GET /eur_usd/")
    async def eur_usd(self) -> ConversionRate:
        """Price of one EUR in USD.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, Market info, "Get EUR/USD conversion rate".
        """
        ...

    @public("GET /ohlc/{market}/")
    async def ohlc(
        self,
        *,
        market: NamedMarket,
        step: Annotated[Step | int, Param(type="int", check=_fault_of_step, render=int)],
        limit: Annotated[int, Param(check=between(1, 1000))],
        start: Moment = None,
        end: Moment = None,
        exclude_current_candle: Annotated[bool | None, Param(type="bool", render=_true_word)] = None,
    ) -> Candles:
        """Candles, oldest first.

        Args:
            market: Base and counter, such as btcusd.
            step: Length of a candle in seconds.
            limit: Number of candles, 1 to 1,000.
            start: A moment with a zone, or seconds since 1970; ignored if *end* is given. None: not sent.
            end: A moment with a zone, or seconds since 1970. None: not sent; the exchange uses now.
            exclude_current_candle: Whether to leave out the candle that is not complete.

        Returns:
            Wire: object under ``data``.

        Source:
            Bitstamp API v2, Market info, "Get OHLC data".
        """
        ...

    @public("GET /funding_rate/{market}/")
    async def funding_rate(self, market: NamedMarket) -> FundingRate:
        """Funding rate of a perpetual.

        Args:
            market: Such as btcusd-perp.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, Market info, "Get funding rate".
        """
        ...

    @public("GET /funding_rate_history/{market}/")
    async def funding_rate_history(
        self,
        *,
        market: NamedMarket,
        limit: Annotated[int | None, Param(check=between(1, 100))] = None,
        since_timestamp: Moment = None,
        until_timestamp: Moment = None,
    ) -> FundingRateHistory:
        """Past funding rates of a perpetual, oldest first.

        Args:
            market: Such as btcusd-perp.
            limit: Number of rates, 1 to 100. None: not sent.
            since_timestamp: Not before, at most 30 days ago: a moment with a zone, or seconds since 1970.
            until_timestamp: Not after, as *since_timestamp*.

        Returns:
            Wire: object.

        Source:
            Bitstamp API v2, Market info, "Get funding rate history".
        """
        ...

    def rules(self, market: str) -> Rules:
        """Return the bounds of orders in a market, with helpers that round to them.

        `markets` must have been read, on this client or on one that `with_options` returned.

        Args:
            market: Symbol, such as btcusd.

        Raises:
            UsageError: `markets` was not read yet, or it showed no such market.
        """
        rules: Rules = known_rules(self, RULES, market, "bitstamp.market.markets")
        return rules
