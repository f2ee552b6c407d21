"""Live channels of Bitstamp.

Source:
    Bitstamp WebSocket API v2.
"""

from __future__ import annotations

from typing import Annotated

from exchanges.bitstamp.arguments import fault_of_symbol
from exchanges.bitstamp.market import Market
from exchanges.bitstamp.models.market import MarketInfo
from exchanges.bitstamp.streams.dialect import BitstampDialect
from exchanges.bitstamp.streams.missed import MissedTrades
from exchanges.bitstamp.streams.models import LiveTrade
from exchanges.endpoint import Param
from exchanges.streams.channel import Channels, MarketsRule, StreamApi, channel, endpoint_of
from exchanges.streams.live import Lossless
from exchanges.streams.liveness import Liveness

__all__ = ["LiveTrade", "Streams"]


def _symbols(markets: list[MarketInfo]) -> list[str]:
    return [market.market_symbol for market in markets]


STREAMS = StreamApi(
    name="bitstamp.streams",
    url="wss://ws.bitstamp.net",
    dialect=BitstampDialect(),
    liveness=Liveness(heartbeat_seconds=5.0),
    # Quirk: the server confirms a market that does not exist, and then is silent for ever.
    markets=MarketsRule(endpoint_of(Market.markets), _symbols, "market"),
)

MarketSymbol = Annotated[str, Param(check=fault_of_symbol)]


class Streams(Channels, api=STREAMS):
    """Live channels. Public ones need no key."""

    @channel("live_trades_{market}", on={"trade": LiveTrade}, key=lambda trade: trade.id, catch_up=MissedTrades)
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
            market: Base and counter, such as btcusd.
            backfill: Whether trades that were missed are read from REST, so that a `Gap` comes only if that fails.
            buffer: How many unread trades are kept; older ones are dropped, and a `Gap` says how many.
            timeout_seconds: How long entering may take; None: as long as a call.

        Source:
            Bitstamp WebSocket API v2, "Live ticker".
        """
        ...
