"""Bitstamp, played: all counters together."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import define

from exchanges.bitstamp import Bitstamp
from exchanges.simulator.engine.prices import BookFacts
from exchanges.simulator.record import Venue
from exchanges.simulator.venues.bitstamp.account import AccountCounter
from exchanges.simulator.venues.bitstamp.base import V1_MARKET
from exchanges.simulator.venues.bitstamp.funding import FundingCounter
from exchanges.simulator.venues.bitstamp.market import MarketCounter
from exchanges.simulator.venues.bitstamp.trading import TradingCounter
from exchanges.simulator.venues.spot import Customer
from exchanges.simulator.venues.venue import Account

__all__ = ["BitstampPlay"]


@define(eq=False, slots=False)
class BitstampPlay(MarketCounter, AccountCounter, TradingCounter, FundingCounter):
    """Bitstamp: two customers with some dollars and coins."""

    venue = Venue.BITSTAMP
    client = Bitstamp
    books = (
        BookFacts(V1_MARKET, "btc", "usd", centre=60_000, tick=Decimal("0.01"), gap=100),
        BookFacts("btceur", "btc", "eur", centre=55_000, tick=Decimal("0.01"), gap=150),
        BookFacts("ethusd", "eth", "usd", centre=2_500, tick=Decimal("0.01"), gap=20),
        BookFacts("eurusd", "eur", "usd", centre=Decimal("1.08"), tick=Decimal("0.00001"), gap=2),
    )

    def open_accounts(self) -> Iterable[Account]:
        """Open both accounts."""
        for name, client_id, usd, btc in (("", "7890", "42000.00", "2.25000000"), ("Second", "7891", "9000.00", "1.0")):
            yield Customer(
                f"{name}SimulatedBitstampKey",
                f"simulated-bitstamp-{name.lower()}secret",
                client_id,
                vault=self.fill_vault({"usd": usd, "btc": btc}),
                deposit_address=f"1{name}SimulatedBitstampAddress",
                ripple_address=f"r{name}SimulatedBitstampAddress",
            )
