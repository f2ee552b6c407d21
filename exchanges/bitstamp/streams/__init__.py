"""Live channels of Bitstamp.

Source:
    Bitstamp WebSocket API v2.
"""

from __future__ import annotations

from typing import Annotated, Literal

from exchanges.bitstamp.account import Account
from exchanges.bitstamp.arguments import fault_of_symbol
from exchanges.bitstamp.market import Market
from exchanges.bitstamp.models.market import MarketInfo, OrderBook
from exchanges.bitstamp.streams.books import TOP, TOP_OF_BOOK, WHOLE_BOOK
from exchanges.bitstamp.streams.dialect import BitstampDialect
from exchanges.bitstamp.streams.missed import MissedOrders, MissedOwnTrades, MissedTrades
from exchanges.bitstamp.streams.models import (
    AccountTrade,
    LiveFundingRate,
    LiveOrder,
    LiveOrderEvent,
    LiveTrade,
    OtherEvent,
    SideWord,
)
from exchanges.endpoint import Access, Param
from exchanges.errors import UsageError
from exchanges.streams.books import KeptBook
from exchanges.streams.channel import Channels, MarketsRule, StreamApi, channel, endpoint_of
from exchanges.streams.delivery import EventSource
from exchanges.streams.feeds import ANY_EVENT
from exchanges.streams.live import Lossless, Newest
from exchanges.streams.liveness import Liveness

__all__ = [
    "AccountTrade",
    "EventSource",
    "LiveFundingRate",
    "LiveOrder",
    "LiveOrderEvent",
    "LiveTrade",
    "OtherEvent",
    "SideWord",
    "Streams",
]


def _symbols(markets: list[MarketInfo]) -> list[str]:
    return [market.market_symbol for market in markets]


STREAMS = StreamApi(
    name="bitstamp.streams",
    url="wss://ws.bitstamp.net",
    dialect=BitstampDialect(),
    liveness=Liveness(heartbeat_seconds=5.0),
    token=endpoint_of(Account.websockets_token),
    # Quirk: the server confirms a market that does not exist, and then is silent for ever.
    markets=MarketsRule(endpoint_of(Market.markets), _symbols, "market"),
)

MarketSymbol = Annotated[str, Param(check=fault_of_symbol)]
PRIVATE = Access.PRIVATE
_OTHER = {ANY_EVENT: OtherEvent}


def _event_id(event: LiveOrderEvent) -> str | None:
    return event.event_id


def _fill(trade: AccountTrade) -> str:
    # A trade of two own orders comes once for each of them.
    return f"{trade.id}:{trade.order_id}"


def _fault_of_trade(trade: LiveTrade | AccountTrade) -> str | None:
    return None if trade.price > 0 and trade.amount > 0 else "a price and an amount above zero"


def _fault_of_order(event: LiveOrderEvent) -> str | None:
    order = event.order
    numbers = (order.amount, order.price, order.amount_traded, order.amount_at_create, order.stop_price)
    if any(number is not None and number < 0 for number in numbers):
        return "an order without numbers below zero"
    executed = event.executed
    return None if executed is None or executed >= 0 else "an order of which no more is left than was placed"


def _fault_of_rate(rate: LiveFundingRate) -> str | None:
    return None if rate.mark_price > 0 and rate.index_price > 0 else "prices above zero"


def _chain(event: LiveOrderEvent) -> tuple[str | None, str | None]:
    return event.event_id, event.pre_event_id


class Streams(Channels, api=STREAMS):
    """Live channels of one account. Public ones need no key.

    Arguments that several of them have: *market* is base and counter, such as btcusd. *buffer* is how many unread items
    are kept, and 8 MiB of frames or 1 KiB for each of them, whichever is more; of a public channel older ones are
    dropped, and a `Gap` says how many, while a private channel ends with `ReaderTooSlow`. *timeout_seconds* is how long
    entering may take; None: as long as a call.
    """

    @channel(
        "live_trades_{market}",
        on={"trade": LiveTrade},
        key=lambda trade: trade.id,
        fault=_fault_of_trade,
        catch_up=MissedTrades,
        moves_book=True,
    )
    def trades(
        self,
        market: MarketSymbol,
        *,
        backfill: bool = False,
        buffer: int = 1000,
        timeout_seconds: float | None = None,
    ) -> Lossless[LiveTrade]:
        """Trades as they happen.

        Args:
            market: See `Streams`.
            backfill: Whether trades that were missed are read from REST, so that a `Gap` comes only if that fails.
            buffer: See `Streams`.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "Live ticker".
        """
        ...

    @channel(
        "live_orders_{market}",
        on={ANY_EVENT: LiveOrderEvent},
        whole=True,
        key=_event_id,
        fault=_fault_of_order,
        chain=_chain,
    )
    def live_orders(
        self, market: MarketSymbol, *, buffer: int = 1000, timeout_seconds: float | None = None
    ) -> Lossless[LiveOrderEvent]:
        """Every event of every order of a market. Each names the one before it, so that a loss is noticed.

        Args:
            market: See `Streams`.
            buffer: See `Streams`.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "Live orders".
        """
        ...

    def order_book(
        self,
        market: str,
        *,
        depth: Literal[100] | None = TOP,
        audit_seconds: float | None = None,
        max_age_seconds: float | None = None,
        timeout_seconds: float | None = None,
    ) -> KeptBook[OrderBook]:
        """Keep the order book of a market.

        Args:
            market: See `Streams`.
            depth: 100: the best levels of each side, whole in every frame, so that a lost frame does no harm. None: all
                levels, from their changes; what the exchange itself fails to send is noticed only by an audit.
            audit_seconds: How often it is compared with REST, if the limit allows; None: 60 for the best levels, 30 for
                all.
            max_age_seconds: After how long a silence it cannot be read before it was compared; None: never.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "Live order book" and "Live full order book".
        """
        if depth not in (TOP, None):
            raise UsageError(f"bitstamp.streams.order_book: depth must be {TOP}, or None for all levels")
        keep = self.top_order_book if depth == TOP else self.diff_order_book
        return keep(
            market, audit_seconds=audit_seconds, max_age_seconds=max_age_seconds, timeout_seconds=timeout_seconds
        )

    @channel("order_book_{market}", book=TOP_OF_BOOK, name="order_book")
    def top_order_book(
        self,
        market: MarketSymbol,
        *,
        audit_seconds: float | None = None,
        max_age_seconds: float | None = None,
        timeout_seconds: float | None = None,
    ) -> KeptBook[OrderBook]:
        """Keep the best 100 levels of each side; see `order_book`.

        Args:
            market: See `Streams`.
            audit_seconds: See `order_book`.
            max_age_seconds: See `order_book`.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "Live order book".
        """
        ...

    @channel("diff_order_book_{market}", book=WHOLE_BOOK)
    def diff_order_book(
        self,
        market: MarketSymbol,
        *,
        audit_seconds: float | None = None,
        max_age_seconds: float | None = None,
        timeout_seconds: float | None = None,
    ) -> KeptBook[OrderBook]:
        """Keep all levels; see `order_book` with a *depth* of None.

        Args:
            market: See `Streams`.
            audit_seconds: See `order_book`.
            max_age_seconds: See `order_book`.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "Live full order book".
        """
        ...

    @channel("funding_rate_{market}", on={"funding_rate_saved": LiveFundingRate}, fault=_fault_of_rate)
    def funding_rate(self, market: MarketSymbol, *, timeout_seconds: float | None = None) -> Newest[LiveFundingRate]:
        """Funding rate of a perpetual, about every second.

        Args:
            market: Such as btcusd-perp.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "Funding rate".
        """
        ...

    # Private

    @channel(
        "private-my_orders_{market}-{user_id}",
        on={ANY_EVENT: LiveOrderEvent},
        whole=True,
        key=_event_id,
        fault=_fault_of_order,
        client_id=lambda event: event.order.client_order_id,
        catch_up=MissedOrders,
        is_reconciled=True,
        access=PRIVATE,
    )
    def my_orders(
        self, market: MarketSymbol, *, buffer: int = 10_000, timeout_seconds: float | None = None
    ) -> Lossless[LiveOrderEvent]:
        """Events of the own orders of a market.

        After there was no connection comes a `Gap`, then what became of the orders meanwhile: events with the source
        REST, read from the open orders and the state of those that are open no more.

        An event that names the client's id of an unresolved call has that call reconciled.

        Args:
            market: See `Streams`.
            buffer: See `Streams`.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "My orders".
        """
        ...

    @channel(
        "private-my_trades_{market}-{user_id}",
        on={"trade": AccountTrade},
        key=_fill,
        fault=_fault_of_trade,
        client_id=lambda trade: trade.client_order_id,
        catch_up=MissedOwnTrades,
        is_reconciled=True,
        access=PRIVATE,
    )
    def my_trades(
        self, market: MarketSymbol, *, buffer: int = 10_000, timeout_seconds: float | None = None
    ) -> Lossless[AccountTrade]:
        """Trades of the own orders of a market; missed ones follow a `Gap` with the source REST.

        Args:
            market: See `Streams`.
            buffer: See `Streams`.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "My trades".
        """
        ...

    @channel("private-live_trades_{market}-{user_id}", on=_OTHER, whole=True, access=PRIVATE)
    def self_trades(
        self, market: MarketSymbol, *, buffer: int = 10_000, timeout_seconds: float | None = None
    ) -> Lossless[OtherEvent]:
        """Trades of the account with itself.

        Args:
            market: See `Streams`.
            buffer: See `Streams`.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "Private live trades".
        """
        ...

    @channel(
        "private-live_order_trades_{market}-{user_id}",
        on={"trade": AccountTrade},
        key=_fill,
        fault=_fault_of_trade,
        access=PRIVATE,
    )
    def live_order_trades(
        self, market: MarketSymbol, *, buffer: int = 10_000, timeout_seconds: float | None = None
    ) -> Lossless[AccountTrade]:
        """Trades of the own orders under an older name.

        Args:
            market: See `Streams`.
            buffer: See `Streams`.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "Private live order trades".
        """
        ...

    @channel("private-my_settlements-{user_id}", on=_OTHER, whole=True, access=PRIVATE)
    def my_settlements(self, *, buffer: int = 10_000, timeout_seconds: float | None = None) -> Lossless[OtherEvent]:
        """Settlements of perpetuals, as the exchange sends them.

        Args:
            buffer: See `Streams`.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "My settlements".
        """
        ...

    @channel("private-my_liquidations-{user_id}", on=_OTHER, whole=True, access=PRIVATE)
    def my_liquidations(self, *, buffer: int = 10_000, timeout_seconds: float | None = None) -> Lossless[OtherEvent]:
        """Warnings about margin and liquidations, as the exchange sends them.

        Args:
            buffer: See `Streams`.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "My liquidations".
        """
        ...

    @channel("private-my_token_settlements-{user_id}", on=_OTHER, whole=True, access=PRIVATE)
    def my_token_settlements(
        self, *, buffer: int = 10_000, timeout_seconds: float | None = None
    ) -> Lossless[OtherEvent]:
        """Settlements of tokenised securities, as the exchange sends them.

        Args:
            buffer: See `Streams`.
            timeout_seconds: See `Streams`.

        Source:
            Bitstamp WebSocket API v2, "My token settlements".
        """
        ...
