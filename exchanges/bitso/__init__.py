"""Bitso: the client, and the models of the current API (v3, v4). Those of v2 are in `exchanges.bitso.v2`.

The package holds a module per area (`market`, `account`, `trading`, `funding`, `conversions`, `webhooks`), what all
areas share (`api`, `signing`, `errors`), the models, and in `reconcile` how its reads show what a call did.

Source:
    Bitso API v3 and v4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Unpack

from exchanges.bitso.account import Account
from exchanges.bitso.api import V2 as V2_API
from exchanges.bitso.api import V3
from exchanges.bitso.conversions import Conversions, RateRefused
from exchanges.bitso.deliveries import Delivery
from exchanges.bitso.funding import Funding
from exchanges.bitso.market import Market
from exchanges.bitso.models.account import (
    AccountFees,
    AccountState,
    AccountStatus,
    Balance,
    BalanceUpdate,
    BookFees,
    DepositFee,
    LedgerDetails,
    LedgerEntry,
    LedgerOperation,
)
from exchanges.bitso.models.conversions import Conversion, ConversionStatus, Direction, Quote, Slippage
from exchanges.bitso.models.funding import (
    Bank,
    Contact,
    ContactDetail,
    ContactTaxonomy,
    Country,
    Deposit,
    DepositStatus,
    FundingDestination,
    LegalEntity,
    MethodCurrency,
    MethodFee,
    MethodLimits,
    MethodStatus,
    Taxonomy,
    Vasp,
    Withdrawal,
    WithdrawalMethod,
    WithdrawalStatus,
)
from exchanges.bitso.models.market import (
    Book,
    Candle,
    Catalogues,
    Currencies,
    CurrencyMetadata,
    CurrencyType,
    Fees,
    FeeTier,
    FlatRate,
    OrderBook,
    PriceLevel,
    Side,
    SortOrder,
    Ticker,
    TimeBucket,
    Trade,
)
from exchanges.bitso.models.trading import (
    Changes,
    MarginOrderType,
    Order,
    OrderSource,
    OrderStatus,
    OrderType,
    TimeInForce,
    UserTrade,
)
from exchanges.bitso.models.webhooks import WebhookKey
from exchanges.bitso.rules import Rules
from exchanges.bitso.settling import SettledOrder
from exchanges.bitso.signing import BodySignature, Nonces, SaltedHeaderSignature, SignatureOrder
from exchanges.bitso.trading import Trading
from exchanges.bitso.v2 import V2
from exchanges.bitso.webhooks import Webhooks
from exchanges.client import Client, ClientOptions
from exchanges.errors import UsageError
from exchanges.http.signing import Scheme
from exchanges.outcomes.search import Searches
from exchanges.session.loading import loading

if TYPE_CHECKING:
    from exchanges.bitso.found import Found
    from exchanges.bitso.spot import BitsoSpot
    from exchanges.bitso.streams import Streams
    from exchanges.client import RECONCILE_SECONDS
    from exchanges.intents import Intent
    from exchanges.outcomes.verdicts import VerdictOf

__all__ = [
    "V2",
    "Account",
    "AccountFees",
    "AccountState",
    "AccountStatus",
    "Balance",
    "BalanceUpdate",
    "Bank",
    "Bitso",
    "Book",
    "BookFees",
    "Candle",
    "Catalogues",
    "Changes",
    "Contact",
    "ContactDetail",
    "ContactTaxonomy",
    "Conversion",
    "ConversionStatus",
    "Conversions",
    "Country",
    "Currencies",
    "CurrencyMetadata",
    "CurrencyType",
    "Delivery",
    "Deposit",
    "DepositFee",
    "DepositStatus",
    "Direction",
    "FeeTier",
    "Fees",
    "FlatRate",
    "Funding",
    "FundingDestination",
    "LedgerDetails",
    "LedgerEntry",
    "LedgerOperation",
    "LegalEntity",
    "MarginOrderType",
    "Market",
    "MethodCurrency",
    "MethodFee",
    "MethodLimits",
    "MethodStatus",
    "Nonces",
    "Order",
    "OrderBook",
    "OrderSource",
    "OrderStatus",
    "OrderType",
    "PriceLevel",
    "Quote",
    "RateRefused",
    "Rules",
    "SettledOrder",
    "Side",
    "SignatureOrder",
    "Slippage",
    "SortOrder",
    "Taxonomy",
    "Ticker",
    "TimeBucket",
    "TimeInForce",
    "Trade",
    "Trading",
    "UserTrade",
    "Vasp",
    "WebhookKey",
    "Webhooks",
    "Withdrawal",
    "WithdrawalMethod",
    "WithdrawalStatus",
]


class Bitso(Client):
    """A client for one account at Bitso, or for public calls only.

    Private calls need an *api_key* and its *api_secret*; those of v2 a *client_id* as well.

    Args:
        api_key: The key.
        api_secret: The secret of the key.
        client_id: The id of the account, with which v2 signs.
        signature_order: In which of the two documented orders v2 signs: "client_id_first" or "key_first".
        nonces: "strict": nonces rise, which is right under every rule that the exchange was seen to have. "v2": nonces
            of version 2, which may arrive in any order, so that signed calls of v3 and v4 run side by side.
        options: See `exchanges.client.ClientOptions`.

    Source:
        Bitso API v3 and v4; Bitso API v2 for everything under ``v2``.
    """

    exchange = "bitso"

    market: Market
    account: Account
    trading: Trading
    funding: Funding
    conversions: Conversions
    webhooks: Webhooks
    v2: V2

    def __init__(
        self,
        *,
        api_key: str | None = None,
        api_secret: str | None = None,
        client_id: str | None = None,
        signature_order: SignatureOrder | Literal["client_id_first", "key_first"] = SignatureOrder.CLIENT_ID_FIRST,
        nonces: Nonces | Literal["strict", "v2"] = Nonces.STRICT,
        **options: Unpack[ClientOptions],
    ) -> None:
        if signature_order not in tuple(SignatureOrder):
            raise UsageError(f"Bitso: signature_order must be one of {', '.join(SignatureOrder)}")
        if nonces not in tuple(Nonces):
            raise UsageError(f"Bitso: nonces must be one of {', '.join(Nonces)}")
        self._is_key_first = signature_order == SignatureOrder.KEY_FIRST
        self._is_salted = nonces == Nonces.V2
        super().__init__(api_key=api_key, api_secret=api_secret, client_id=client_id, **options)

    def _schemes(self) -> Mapping[str, Scheme]:
        """Return the other schemes, where those were asked for."""
        schemes: dict[str, Scheme] = {}
        if self._is_key_first:
            schemes[V2_API.name] = BodySignature(key_first=True)
        if self._is_salted:
            schemes[V3.name] = SaltedHeaderSignature()
        return schemes

    @property
    def streams(self) -> Streams:
        """Live channels, such as trades and order books; needs the extra ``streams``."""
        with loading("bitso.streams"):
            from exchanges.bitso.streams import Streams  # noqa: PLC0415 - loaded when it is first needed

        return Streams(self._hub())

    @property
    def spot(self) -> BitsoSpot:
        """Trading in spot markets, in words that are the same at every exchange; see `exchanges.spot`."""
        with loading("bitso.spot"):
            from exchanges.bitso.spot import BitsoSpot  # noqa: PLC0415 - loaded when it is first needed

        return BitsoSpot(self.market, self.account, self.trading)

    if TYPE_CHECKING:

        async def reconcile(self, intent: Intent, *, timeout_seconds: float = RECONCILE_SECONDS) -> VerdictOf[Found]:
            """Determine the outcome of a call; see `Client.reconcile`."""
            ...

    @classmethod
    def searches(cls) -> Searches:
        """Return how its reads show what its calls did; see `exchanges.outcomes.search`."""
        from exchanges.bitso.reconcile import CANCELS, SEARCHES  # noqa: PLC0415 - loaded when a call first needs it

        return {**SEARCHES, **CANCELS}
