"""What a call may have created, as `Bitstamp.reconcile` finds it."""

from __future__ import annotations

from typing import TypeAlias

from exchanges.bitstamp import v1
from exchanges.bitstamp.models.account import UserTransaction
from exchanges.bitstamp.models.funding import (
    BankWithdrawal,
    InstantConvertAddress,
    InstantConvertAddressInfo,
    Withdrawal,
    WithdrawalRequest,
)
from exchanges.bitstamp.models.trading import OpenOrder, OrderEventData, OrderStatus, PlacedOrder, ReplacedOrder

FoundOrder: TypeAlias = PlacedOrder | ReplacedOrder | OrderStatus | OpenOrder | OrderEventData
"""An order of v2: the answer of the call, its state, a row of the open orders, or what an event shows of it."""
FoundInV1: TypeAlias = (
    v1.Order
    | v1.UserTransaction
    | tuple[v1.Order | v1.UserTransaction, ...]
    | v1.BitcoinWithdrawal
    | v1.WithdrawalRequest
)
"""What v1 shows: an order with or without its trades, trades alone, a withdrawal."""
Found: TypeAlias = (
    FoundOrder
    | Withdrawal
    | BankWithdrawal
    | WithdrawalRequest
    | UserTransaction
    | InstantConvertAddress
    | InstantConvertAddressInfo
    | FoundInV1
    | None
)
"""None is the answer of a call that confirms without showing what it made, such as a transfer."""
