"""The simulated Bitso: all generations show the same books and accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import ClassVar

from attrs import define, field

from exchanges.bitso import Bitso
from exchanges.simulator.engine.fills import MatchingOptions
from exchanges.simulator.engine.prices import BookSpec
from exchanges.simulator.record import Venue
from exchanges.simulator.venues.bitso import funding, streams, trading, v2, v3
from exchanges.simulator.venues.bitso.conversions import ConversionHandlers
from exchanges.simulator.venues.bitso.generations import GENERATIONS
from exchanges.simulator.venues.calls import Account
from exchanges.simulator.venues.handlers import Handlers
from exchanges.simulator.venues.streams import Streams
from exchanges.simulator.venues.venue import Exchange

_CURRENCIES = ("btc", "eth", "xrp", "usd", "mxn")
_ACCOUNTS = (
    ("", 102030, ("3.50000000", "12.00000000", "25000.00000000", "9000.00", "750000.00")),
    ("second", 102031, ("1.00000000", "0.00000000", "0.00000000", "0.00", "1000000.00")),
)


@define(eq=False, slots=False)
class BitsoExchange(Exchange):
    """Bitso with an account that holds all currencies, and one with coins and pesos. Fees are paid in what is received.

    Attributes:
        conversions: Handlers of conversions.
    """

    # api.bitso.com has no /api before the version.
    aliases: ClassVar[Mapping[str, str]] = {"/v3/": "/api/v3/", "/v4/": "/api/v4/"}
    venue = Venue.BITSO
    client = Bitso
    matching = MatchingOptions(fee=v3.FEE)
    generations = GENERATIONS
    books = (
        BookSpec("btc_mxn", "btc", "mxn", centre=1_080_000, tick=Decimal("0.01"), gap=1_000),
        BookSpec("eth_mxn", "eth", "mxn", centre=45_000, tick=Decimal("0.01"), gap=500),
        BookSpec("xrp_mxn", "xrp", "mxn", centre=10, tick=Decimal("0.0001"), gap=5),
        BookSpec("usd_mxn", "usd", "mxn", centre=18, tick=Decimal("0.0001"), gap=5),
        BookSpec("btc_usd", "btc", "usd", centre=60_000, tick=Decimal("0.01"), gap=200),
    )

    conversions: ConversionHandlers = field(init=False)

    def create_handlers(self) -> Iterable[Handlers]:
        """Create the handlers of all areas."""
        self.conversions = ConversionHandlers(self.engine)
        v2_areas = (v2.MarketHandlers, v2.AccountHandlers, v2.TradingHandlers, v2.FundingHandlers)
        areas = (
            v3.MarketHandlers,
            v3.AccountHandlers,
            trading.TradingHandlers,
            funding.FundingHandlers,
            funding.WebhookHandlers,
            *v2_areas,
        )
        return [*(area(self.engine) for area in areas), self.conversions]

    def create_streams(self) -> Streams:
        """Create what serves its sockets."""
        return streams.BitsoStreams(self.engine)

    def open_accounts(self) -> Iterable[Account]:
        """Open both accounts."""
        for name, number, amounts in _ACCOUNTS:
            held = {currency: Decimal(amount) for currency, amount in zip(_CURRENCIES, amounts, strict=True)}
            yield Account(
                self.engine.open_wallet(number, held),
                f"{name}simulatedbitsokey",
                f"simulated-bitso-{name}secret",
                str(number),
                deposit_address=f"1Simulated{name.title()}BitsoDepositAddress",
            )

    def order_id(self, shown: int | str) -> int:
        """Return the engine's id of an order."""
        text = str(shown)
        return trading.order_number(text) if len(text) == trading.OID_LENGTH else v2.order_number(text)
