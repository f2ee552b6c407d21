"""Bitex: the client, its areas, and the models and codes that they return.

Source:
    Bitex developer guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self, Unpack, overload

from attrs import evolve

from exchanges.bitex.account import Account
from exchanges.bitex.api import API
from exchanges.bitex.bots import Bots
from exchanges.bitex.callbacks import Callback, Callbacks
from exchanges.bitex.concierge import BitcoinInput, Concierge, Input, Output
from exchanges.bitex.funding import Funding
from exchanges.bitex.kyc import Kyc
from exchanges.bitex.market import Market
from exchanges.bitex.models.bots import Bot, BotExitStatus, BotIssuer, BuyingBot, SellingBot
from exchanges.bitex.models.codes import (
    DepositMethod,
    DepositReason,
    DepositStatus,
    OrderReason,
    OrderStatus,
    SpecieWithdrawalReason,
    UsdWithdrawalReason,
    WithdrawalStatus,
)
from exchanges.bitex.models.concierge import (
    PricingSummary,
    WorkOrderBitcoinInput,
    WorkOrderInput,
    WorkOrderOutput,
    WorkOrderRequest,
    WorkOrderRequests,
    WorkOrderStatus,
    WorkOrderUser,
)
from exchanges.bitex.models.funding import Address, Coordinates, MoreMtBranch
from exchanges.bitex.models.instructions import (
    DomesticBank,
    InstructionBody,
    InstructionSchema,
    InternationalBank,
    MoreMtPickUp,
    ThirdParty,
    WithdrawalInstruction,
)
from exchanges.bitex.models.kyc import KycProfile, KycProfileUpdate, KycRejectionReason, KycRejectionReasons, UsageTier
from exchanges.bitex.models.kyc_files import KycFile
from exchanges.bitex.models.market import Candle, OrderBook, PriceLevel, Profile, Ticker, Transaction
from exchanges.bitex.models.payments import Currency, Payment, PaymentAddress, PaymentStatus, PaymentUpdate, PointOfSale
from exchanges.bitex.models.places import Country, CurrencyCode
from exchanges.bitex.models.rates import (
    ExchangeRate,
    FixedFee,
    MinimumFee,
    PercentualFee,
    RatesPath,
    RatesTree,
    Step,
    UnknownStep,
    calculate,
    calculate_backwards,
)
from exchanges.bitex.models.resellers import ResellerUser, ResellerUserCreated
from exchanges.bitex.models.rows import (
    Ask,
    Bid,
    Buy,
    Movement,
    Order,
    Sell,
    SpecieDeposit,
    SpecieWithdrawal,
    Trade,
    UsdDeposit,
    UsdWithdrawal,
)
from exchanges.bitex.payments import Payments
from exchanges.bitex.pos import PointOfSalePages
from exchanges.bitex.rates import Rates
from exchanges.bitex.resellers import Resellers
from exchanges.bitex.trading import Trading
from exchanges.bitex.webhooks import Webhook, WebhookEcho, Webhooks
from exchanges.client import Client, ClientOptions
from exchanges.errors import UsageError
from exchanges.outcomes.search import Searches
from exchanges.wire import UnknownRow

if TYPE_CHECKING:
    from exchanges.bitex.found import Found
    from exchanges.client import RECONCILE_SECONDS
    from exchanges.intents import Intent
    from exchanges.outcomes.verdicts import VerdictOf

__all__ = [
    "Account",
    "Address",
    "Ask",
    "Bid",
    "BitcoinInput",
    "Bitex",
    "Bot",
    "BotExitStatus",
    "BotIssuer",
    "Bots",
    "Buy",
    "BuyingBot",
    "Callback",
    "Callbacks",
    "Candle",
    "Concierge",
    "Coordinates",
    "Country",
    "Currency",
    "CurrencyCode",
    "DepositMethod",
    "DepositReason",
    "DepositStatus",
    "DomesticBank",
    "ExchangeRate",
    "FixedFee",
    "Funding",
    "Input",
    "InstructionBody",
    "InstructionSchema",
    "InternationalBank",
    "Kyc",
    "KycFile",
    "KycProfile",
    "KycProfileUpdate",
    "KycRejectionReason",
    "KycRejectionReasons",
    "Market",
    "MinimumFee",
    "MoreMtBranch",
    "MoreMtPickUp",
    "Movement",
    "Order",
    "OrderBook",
    "OrderReason",
    "OrderStatus",
    "Output",
    "Payment",
    "PaymentAddress",
    "PaymentStatus",
    "PaymentUpdate",
    "Payments",
    "PercentualFee",
    "PointOfSale",
    "PointOfSalePages",
    "PriceLevel",
    "PricingSummary",
    "Profile",
    "Rates",
    "RatesPath",
    "RatesTree",
    "ResellerUser",
    "ResellerUserCreated",
    "Resellers",
    "Sell",
    "SellingBot",
    "SpecieDeposit",
    "SpecieWithdrawal",
    "SpecieWithdrawalReason",
    "Step",
    "ThirdParty",
    "Ticker",
    "Trade",
    "Trading",
    "Transaction",
    "UnknownRow",
    "UnknownStep",
    "UsageTier",
    "UsdDeposit",
    "UsdWithdrawal",
    "UsdWithdrawalReason",
    "Webhook",
    "WebhookEcho",
    "Webhooks",
    "WithdrawalInstruction",
    "WithdrawalStatus",
    "WorkOrderBitcoinInput",
    "WorkOrderInput",
    "WorkOrderOutput",
    "WorkOrderRequest",
    "WorkOrderRequests",
    "WorkOrderStatus",
    "WorkOrderUser",
    "calculate",
    "calculate_backwards",
]


class Bitex(Client):
    """A client for one account at Bitex, or for public calls only.

    Private calls need an *api_key* only: nothing is signed, the key itself is sent.

    Source:
        Bitex developer guide, "Your API keys".
    """

    exchange = "bitex"

    market: Market
    rates: Rates
    account: Account
    kyc: Kyc
    trading: Trading
    funding: Funding
    bots: Bots
    payments: Payments
    resellers: Resellers
    concierge: Concierge
    webhooks: Webhooks

    callbacks: Callbacks
    """Verifies and reads what Bitex posts."""
    pos: PointOfSalePages
    """Builds the URLs of the web point of sale."""

    def __init__(
        self, *, api_key: str | None = None, callback_keys: Sequence[str] = (), **options: Unpack[ClientOptions]
    ) -> None:
        super().__init__(api_key=api_key, **options)
        own = self._session.credentials
        # Bitex signs with the first active key of the account, which need not be the one of this client.
        self.callbacks = Callbacks((*([] if own is None else [own.api_key]), *callback_keys))
        self.pos = PointOfSalePages(self._session.base_url(API))

    def as_user(self, user_id: int) -> Self:
        """Return a view of the same session whose private calls are made as a user of this reseller.

        Args:
            user_id: The `ResellerUser.id`.

        Source:
            Bitex developer guide, Resellers, "Impersonating Users".
        """
        # Not isinstance: True is an int, and would act for user 1.
        if type(user_id) is not int or user_id < 1:
            raise UsageError("as_user takes the id of a user, an int above zero; nothing was sent")
        return self._view(evolve(self._options, private_fields={"as_user": str(user_id)}))

    @overload
    async def confirm(self, callback: PaymentUpdate) -> Payment: ...
    @overload
    async def confirm(self, callback: WorkOrderRequest) -> WorkOrderRequest: ...
    @overload
    async def confirm(self, callback: KycProfileUpdate) -> KycProfile: ...
    async def confirm(
        self, callback: PaymentUpdate | WorkOrderRequest | KycProfileUpdate
    ) -> Payment | WorkOrderRequest | KycProfile:
        """Read from the exchange what *callback* reports: a callback may be late, repeated or out of order.

        Raises:
            UsageError: The callback names nothing that can be read.
        """
        match callback:
            case PaymentUpdate(id=int(payment_id)):
                return await self.payments.payment(payment_id)
            case WorkOrderRequest():
                return await self.concierge.work_order_request(callback.id)
            case KycProfileUpdate():
                return await self.kyc.profile(callback.id)
            case _:
                raise UsageError("confirm: this callback names nothing to read; nothing was sent")

    if TYPE_CHECKING:

        async def reconcile(self, intent: Intent, *, timeout_seconds: float = RECONCILE_SECONDS) -> VerdictOf[Found]:
            """Determine the outcome of a call; see `Client.reconcile`."""
            ...

    @classmethod
    def searches(cls) -> Searches:
        """Return how the results of its calls are found again; see `exchanges.outcomes.search`."""
        from exchanges.bitex.reconcile import CANCELS, SEARCHES  # noqa: PLC0415 - loaded when a call first needs it

        return {**SEARCHES, **CANCELS}
