"""What a call may have created, as `Bitso.reconcile` finds it."""

from __future__ import annotations

from typing import TypeAlias

from exchanges.bitso import v2
from exchanges.bitso.models.account import LedgerEntry
from exchanges.bitso.models.conversions import Conversion
from exchanges.bitso.models.funding import Contact, Withdrawal
from exchanges.bitso.models.trading import Order, UserTrade

FoundOrder: TypeAlias = Order | tuple[UserTrade, ...] | str
"""An order of v3: its state, its trades where it is shown no more, or its id, as the call answered."""
FoundInV2: TypeAlias = v2.Order | v2.UserTransaction | tuple[v2.Order | v2.UserTransaction, ...]
"""What v2 shows: an order with or without its trades, trades alone, a row of the ledger."""
Found: TypeAlias = FoundOrder | Withdrawal | Contact | Conversion | LedgerEntry | FoundInV2 | None
"""None is the answer of a call that confirms without showing what it made, such as a withdrawal of v2."""
