"""The simulated Bitstamp: both generations show the same markets and accounts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import define, field

from exchanges.bitstamp import Bitstamp
from exchanges.simulator.engine.arithmetic import percent
from exchanges.simulator.engine.fills import MatchingOptions
from exchanges.simulator.engine.orders import InsufficientFunds
from exchanges.simulator.engine.prices import BookSpec
from exchanges.simulator.record import Venue
from exchanges.simulator.venues.bitstamp import events, funding, streams, trading, v1, v2
from exchanges.simulator.venues.bitstamp.generations import GENERATIONS
from exchanges.simulator.venues.bitstamp.private_streams import Tokens
from exchanges.simulator.venues.calls import Account
from exchanges.simulator.venues.handlers import Handlers
from exchanges.simulator.venues.streams import Streams
from exchanges.simulator.venues.venue import Exchange

_CHECK = "Check your account balance for details."

_ACCOUNTS = (
    ("", 7890, {"usd": "42000.00", "btc": "2.25000000", "eur": "15000.00", "eth": "12.00000000"}),
    ("Second", 7891, {"usd": "9000.00", "btc": "1.0", "eur": "3000.00", "eth": "4.0"}),
)


@define(eq=False, slots=False)
class BitstampExchange(Exchange):
    """Bitstamp with two accounts that hold dollars and coins. Fees are paid in quote currency.

    Attributes:
        tokens: Opens private channels.
        trading: Handlers of orders.
    """

    venue = Venue.BITSTAMP
    client = Bitstamp
    matching = MatchingOptions(fee=percent(v1.FEE_PERCENT), fee_in_quote=True)
    generations = GENERATIONS
    books = (
        BookSpec(v1.BOOK, "btc", "usd", centre=60_000, tick=Decimal("0.01"), gap=100),
        BookSpec("btceur", "btc", "eur", centre=55_000, tick=Decimal("0.01"), gap=150),
        BookSpec("ethusd", "eth", "usd", centre=2_500, tick=Decimal("0.01"), gap=20),
        BookSpec("eurusd", "eur", "usd", centre=Decimal("1.08"), tick=Decimal("0.00001"), gap=2),
    )

    tokens: Tokens = field(init=False)
    trading: trading.TradingHandlers = field(init=False)

    def create_handlers(self) -> Iterable[Handlers]:
        """Create the handlers of all areas."""
        areas = (
            v1.MarketHandlers,
            v1.AccountHandlers,
            v1.TradingHandlers,
            v1.FundingHandlers,
            v2.MarketHandlers,
            funding.FundingHandlers,
        )
        self.tokens = Tokens(self.seed)
        self.trading = trading.TradingHandlers(self.engine)
        return [*(area(self.engine) for area in areas), v2.AccountHandlers(self.engine, self.tokens), self.trading]

    def create_streams(self) -> Streams:
        """Create what serves its sockets."""
        return streams.BitstampStreams(self.engine, self.trading, self.tokens)

    def open_accounts(self) -> Iterable[Account]:
        """Open both accounts."""
        for name, number, amounts in _ACCOUNTS:
            yield Account(
                self.engine.open_wallet(number, {currency: Decimal(text) for currency, text in amounts.items()}),
                f"{name}SimulatedBitstampKey",
                f"simulated-bitstamp-{name.lower()}secret",
                str(number),
                deposit_address=f"1{name}SimulatedBitstampAddress",
                ripple_address=f"r{name}SimulatedBitstampAddress",
            )

    def order_id(self, shown: int | str) -> int:
        """Return the engine's id of an order; those of v2 are larger."""
        number = int(shown)
        return number - events.FIRST_ID if number >= events.FIRST_ID else number

    def insufficient(self, funds: InsufficientFunds) -> str:
        """Return the text of the rejection when an account has too little available."""
        if funds.currency != "usd":
            return f"You have only {funds.available:.8f} {funds.currency.upper()} available. {_CHECK}"
        needed, available = f"{funds.needed:.2f}", f"{funds.available:.2f}"
        return f"You need ${needed} to open that order. You have only ${available} available. {_CHECK}"
