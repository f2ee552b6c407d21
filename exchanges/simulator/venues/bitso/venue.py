"""Bitso, played: all counters together."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import define

from exchanges.bitso import Bitso
from exchanges.simulator.engine.prices import BookFacts
from exchanges.simulator.record import Venue
from exchanges.simulator.venues.bitso.account import AccountCounter
from exchanges.simulator.venues.bitso.conversions import ConversionCounter
from exchanges.simulator.venues.bitso.funding import FundingCounter
from exchanges.simulator.venues.bitso.market import MarketCounter
from exchanges.simulator.venues.bitso.trading import TradingCounter
from exchanges.simulator.venues.spot import Customer
from exchanges.simulator.venues.venue import Account

__all__ = ["BitsoPlay"]

_HELD_FIRST = {
    "btc": "3.50000000",
    "eth": "12.00000000",
    "xrp": "25000.00000000",
    "usd": "9000.00",
    "mxn": "750000.00",
}
_HELD_SECOND = {"btc": "1.00000000", "eth": "0.00000000", "xrp": "0.00000000", "usd": "0.00", "mxn": "1000000.00"}


@define(eq=False, slots=False)
class BitsoPlay(MarketCounter, AccountCounter, TradingCounter, FundingCounter, ConversionCounter):
    """Bitso: a customer with some of each currency, and one with coins and pesos."""

    venue = Venue.BITSO
    client = Bitso
    books = (
        BookFacts("btc_mxn", "btc", "mxn", centre=1_080_000, tick=Decimal("0.01"), gap=1_000),
        BookFacts("eth_mxn", "eth", "mxn", centre=45_000, tick=Decimal("0.01"), gap=500),
        BookFacts("xrp_mxn", "xrp", "mxn", centre=10, tick=Decimal("0.0001"), gap=5),
        BookFacts("usd_mxn", "usd", "mxn", centre=18, tick=Decimal("0.0001"), gap=5),
        BookFacts("btc_usd", "btc", "usd", centre=60_000, tick=Decimal("0.01"), gap=200),
    )

    def open_accounts(self) -> Iterable[Account]:
        """Open both accounts."""
        for name, client_id, held in (("", "102030", _HELD_FIRST), ("second", "102031", _HELD_SECOND)):
            yield Customer(
                f"{name}simulatedbitsokey",
                f"simulated-bitso-{name}secret",
                client_id,
                vault=self.fill_vault(held),
                deposit_address=f"1Simulated{name.title()}BitsoAddress",
                ripple_address="",
            )
