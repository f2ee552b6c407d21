"""What a call may have created, as `Bitex.reconcile` finds it."""

from __future__ import annotations

from typing import TypeAlias

from exchanges.bitex.models.bots import BuyingBot, SellingBot
from exchanges.bitex.models.concierge import WorkOrderRequest
from exchanges.bitex.models.funding import Address
from exchanges.bitex.models.kyc import KycProfile
from exchanges.bitex.models.kyc_files import KycFile
from exchanges.bitex.models.payments import Payment
from exchanges.bitex.models.resellers import ResellerUser, ResellerUserCreated
from exchanges.bitex.models.rows import Ask, Bid, SpecieWithdrawal, UsdDeposit, UsdWithdrawal

FoundOrder: TypeAlias = Bid | Ask
Found: TypeAlias = (
    FoundOrder
    | BuyingBot
    | SellingBot
    | UsdDeposit
    | UsdWithdrawal
    | SpecieWithdrawal
    | Address
    | Payment
    | WorkOrderRequest
    | KycProfile
    | KycFile
    | ResellerUser
    | ResellerUserCreated
)
