"""Bitstamp: the client, and the models of the current API (v2). Those of v1 are in `exchanges.bitstamp.v1`.

The package holds a module per area (`market`, `account`, `trading`, `funding`), what all areas share (`api`, `signing`,
`errors`), the models, and in `reconcile` how the reads of v1 show what a call did.

Source:
    Bitstamp API v2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchanges.bitstamp.account import Account
from exchanges.bitstamp.api import DOCUMENTED_LIMITS
from exchanges.bitstamp.funding import Funding
from exchanges.bitstamp.market import Market
from exchanges.bitstamp.models.account import (
    AccountBalance,
    FeeRates,
    RevokedApiKeys,
    SortOrder,
    TradingFee,
    TradingMarket,
    TransactionType,
    UserTransaction,
    WebsocketsToken,
    WithdrawalFee,
)
from exchanges.bitstamp.models.cancelled import CancelledOrder, CancelledOrders
from exchanges.bitstamp.models.funding import (
    BankWithdrawal,
    CancelledWithdrawal,
    ConvertedDeposit,
    ConvertedTrade,
    CryptoDeposit,
    CryptoTransactions,
    DepositAddress,
    DepositStatus,
    FiatWithdrawalStatus,
    InstantConvertAddress,
    InstantConvertAddressInfo,
    ListedDeposit,
    ListedWithdrawal,
    RippleAddress,
    UnconfirmedDeposit,
    Withdrawal,
    WithdrawalRequest,
    WithdrawalStatus,
)
from exchanges.bitstamp.models.market import (
    Candle,
    Candles,
    ConversionRate,
    Currency,
    CurrencyType,
    FundingRate,
    FundingRateHistory,
    HourTicker,
    MarketInfo,
    MarketType,
    Network,
    OrderBook,
    PastFundingRate,
    PriceLevel,
    Side,
    Step,
    Switch,
    Ticker,
    TimeFrame,
    Transaction,
)
from exchanges.bitstamp.models.trading import (
    Derivative,
    Fill,
    Leveraged,
    MarginMode,
    OpenOrder,
    OrderEvent,
    OrderEventData,
    OrderEventKind,
    OrderSource,
    OrderStatus,
    OrderStatusWord,
    PlacedOrder,
    ReplacedOrder,
    Subtype,
    Trigger,
)
from exchanges.bitstamp.rules import Rules
from exchanges.bitstamp.settling import SettledOrder
from exchanges.bitstamp.trading import Trading
from exchanges.bitstamp.v1 import V1
from exchanges.client import Client
from exchanges.outcomes.search import Searches
from exchanges.session.loading import loading

if TYPE_CHECKING:
    from exchanges.bitstamp.found import Found
    from exchanges.bitstamp.spot import BitstampSpot
    from exchanges.bitstamp.streams import Streams
    from exchanges.client import RECONCILE_SECONDS
    from exchanges.intents import Intent
    from exchanges.outcomes.verdicts import VerdictOf

__all__ = [
    "DOCUMENTED_LIMITS",
    "V1",
    "Account",
    "AccountBalance",
    "BankWithdrawal",
    "Bitstamp",
    "CancelledOrder",
    "CancelledOrders",
    "CancelledWithdrawal",
    "Candle",
    "Candles",
    "ConversionRate",
    "ConvertedDeposit",
    "ConvertedTrade",
    "CryptoDeposit",
    "CryptoTransactions",
    "Currency",
    "CurrencyType",
    "DepositAddress",
    "DepositStatus",
    "Derivative",
    "FeeRates",
    "FiatWithdrawalStatus",
    "Fill",
    "Funding",
    "FundingRate",
    "FundingRateHistory",
    "HourTicker",
    "InstantConvertAddress",
    "InstantConvertAddressInfo",
    "Leveraged",
    "ListedDeposit",
    "ListedWithdrawal",
    "MarginMode",
    "Market",
    "MarketInfo",
    "MarketType",
    "Network",
    "OpenOrder",
    "OrderBook",
    "OrderEvent",
    "OrderEventData",
    "OrderEventKind",
    "OrderSource",
    "OrderStatus",
    "OrderStatusWord",
    "PastFundingRate",
    "PlacedOrder",
    "PriceLevel",
    "ReplacedOrder",
    "RevokedApiKeys",
    "RippleAddress",
    "Rules",
    "SettledOrder",
    "Side",
    "SortOrder",
    "Step",
    "Subtype",
    "Switch",
    "Ticker",
    "TimeFrame",
    "Trading",
    "TradingFee",
    "TradingMarket",
    "Transaction",
    "TransactionType",
    "Trigger",
    "UnconfirmedDeposit",
    "UserTransaction",
    "WebsocketsToken",
    "Withdrawal",
    "WithdrawalFee",
    "WithdrawalRequest",
    "WithdrawalStatus",
]


class Bitstamp(Client):
    """A client for one account at Bitstamp, or for public calls only.

    Private calls need an *api_key* and its *api_secret*; those of v1 a *client_id* as well.

    Source:
        Bitstamp API v2; Bitstamp API v1 for everything under ``v1``.
    """

    exchange = "bitstamp"

    market: Market
    account: Account
    trading: Trading
    funding: Funding
    v1: V1

    @property
    def streams(self) -> Streams:
        """Live channels, such as trades, order books and own orders; needs the extra ``streams``."""
        with loading("bitstamp.streams"):
            from exchanges.bitstamp.streams import Streams  # noqa: PLC0415 - loaded when it is first needed

        return Streams(self._hub())

    @property
    def spot(self) -> BitstampSpot:
        """Trading in spot markets, in words that are the same at every exchange; see `exchanges.spot`."""
        with loading("bitstamp.spot"):
            from exchanges.bitstamp.spot import BitstampSpot  # noqa: PLC0415 - loaded when it is first needed

        return BitstampSpot(self.market, self.account, self.trading)

    if TYPE_CHECKING:

        async def reconcile(self, intent: Intent, *, timeout_seconds: float = RECONCILE_SECONDS) -> VerdictOf[Found]:
            """Determine the outcome of a call; see `Client.reconcile`."""
            ...

    @classmethod
    def searches(cls) -> Searches:
        """Return how its reads show what its calls did; see `exchanges.outcomes.search`."""
        from exchanges.bitstamp.reconcile import CANCELS, SEARCHES  # noqa: PLC0415 - loaded when a call first needs it

        return {**SEARCHES, **CANCELS}
