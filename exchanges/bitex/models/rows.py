"""The eight classes of rows that Bitex tells apart by their first cell: whatever changes a balance.

In a row the order of the fields is the order on the wire. A field with a default may be null or missing at the tail,
as rows have grown over the years; surplus cells are kept in ``extra``.

Source:
    Bitex developer guide, "API Class Reference".
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from attrs import field, frozen

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
from exchanges.wire import RawJson, TaggedRow, UnixTime, UnknownRow

__all__ = [
    "Ask",
    "Bid",
    "Buy",
    "Movement",
    "Order",
    "Sell",
    "SpecieDeposit",
    "SpecieWithdrawal",
    "Trade",
    "UsdDeposit",
    "UsdWithdrawal",
]


@frozen
class Bid(TaggedRow):
    """An order to buy: spends quote currency. Wire: row of 12, class reference 1.

    Source:
        Bitex developer guide, Trading, "Create a Bid (Buy Order)".
    """

    class_reference = 1

    id: int
    """Unique among bids."""
    created_at: UnixTime
    """When it was received (UTC)."""
    orderbook: int
    """1 is BTC/USD."""
    amount: Decimal
    """Quote to spend in all."""
    remaining_amount: Decimal
    """Quote left to spend."""
    price: Decimal
    """Quote per base: the highest that is paid."""
    status: OrderStatus
    """How far it has come."""
    reason: OrderReason | None = None
    """Why it was cancelled; None in old rows."""
    produced_amount: Decimal | None = None
    """Base bought so far, fees taken off; None in old rows."""
    issuer: str | None = None
    """Who placed it: ``ApiKey#1`` or a user; None or empty in old rows."""
    fee: Decimal | None = None
    """Base paid as fee so far; None in old rows."""


@frozen
class Ask(TaggedRow):
    """An order to sell: gives base currency. Wire: row of 12, class reference 2.

    Source:
        Bitex developer guide, Trading, "Create an Ask (Sell Order)".
    """

    class_reference = 2

    id: int
    """Unique among asks."""
    created_at: UnixTime
    """When it was received (UTC)."""
    orderbook: int
    """1 is BTC/USD."""
    amount: Decimal
    """Base to sell in all."""
    remaining_amount: Decimal
    """Base left to sell."""
    price: Decimal
    """Quote per base: the lowest that is taken."""
    status: OrderStatus
    """How far it has come."""
    reason: OrderReason | None = None
    """Why it was cancelled; None in old rows."""
    produced_amount: Decimal | None = None
    """Quote received so far, fees taken off; None in old rows."""
    issuer: str | None = None
    """Who placed it: ``ApiKey#1`` or a user; None or empty in old rows."""
    fee: Decimal | None = None
    """Quote paid as fee so far; None in old rows."""


@frozen
class Buy(TaggedRow):
    """One trade that a bid brought about. Wire: row of 9, class reference 3.

    Source:
        Bitex developer guide, Trading, "Your Latest Trades".
    """

    class_reference = 3

    id: int
    """Unique among buys."""
    created_at: UnixTime
    """When it took place (UTC)."""
    orderbook: int
    """1 is BTC/USD."""
    quantity: Decimal
    """Base bought."""
    amount: Decimal
    """Quote spent."""
    fee: Decimal
    """Base paid as fee."""
    price: Decimal
    """Quote per base."""
    bid_id: int
    """The `Bid` it belongs to."""


@frozen
class Sell(TaggedRow):
    """One trade that an ask brought about. Wire: row of 9, class reference 4.

    Source:
        Bitex developer guide, Trading, "Your Latest Trades".
    """

    class_reference = 4

    id: int
    """Unique among sells."""
    created_at: UnixTime
    """When it took place (UTC)."""
    orderbook: int
    """1 is BTC/USD."""
    quantity: Decimal
    """Base sold."""
    amount: Decimal
    """Quote received."""
    fee: Decimal
    """Quote paid as fee."""
    price: Decimal
    """Quote per base."""
    ask_id: int
    """The `Ask` it belongs to."""


@frozen
class SpecieDeposit(TaggedRow):
    """Coins that came in. Wire: row of 5, class reference 5.

    Source:
        Bitex developer guide, Account Information, "Your Account Summary".
    """

    class_reference = 5

    id: int
    """Unique among deposits of coins."""
    created_at: UnixTime
    """When it was seen (UTC)."""
    specie: int
    """1 is BTC."""
    quantity: Decimal
    """Coins credited."""


@frozen
class SpecieWithdrawal(TaggedRow):
    """Coins that go out. Wire: row of 11, class reference 6.

    Source:
        Bitex developer guide, Account Information, "Your Account Summary".
    """

    class_reference = 6

    id: int
    """Unique among withdrawals of coins."""
    created_at: UnixTime
    """When it was received (UTC)."""
    specie: int
    """1 is BTC."""
    quantity: Decimal
    """Coins withdrawn."""
    status: WithdrawalStatus
    """How far it has come."""
    reason: SpecieWithdrawalReason
    """Why it was cancelled."""
    to_address: str
    """Where the coins go."""
    label: str | None = None
    """The user's name for the address."""
    kyc_profile_id: int | None = None
    """Whom it is made for."""
    transaction_id: str | None = None
    """On the coin's network; None until it is processed."""


@frozen
class UsdDeposit(TaggedRow):
    """Money that comes in. Wire: row of 15, class reference 7.

    Source:
        Bitex developer guide, Account Information, "Your Account Summary".
    """

    class_reference = 7

    id: int
    """Unique among deposits of money."""
    created_at: UnixTime
    """When it was announced or seen (UTC)."""
    requested_amount: Decimal | None
    """In *currency*: what was announced; None where nothing was."""
    amount: Decimal | None
    """In *currency_id*: what was credited; None until then."""
    deposit_method: DepositMethod
    """How it was paid."""
    status: DepositStatus
    """How far it has come."""
    reason: DepositReason
    """Why it was cancelled."""
    country: str
    """Where it comes from, two letters."""
    currency: str
    """What was announced is counted in it, three letters."""
    kyc_profile_id: int | None = None
    """Whom it is made for."""
    request_details: str | None = field(default=None, repr=False)
    """The user's remarks."""
    astropay_response: RawJson | None = None
    """Deprecated: AstroPay's answer, an object or a text that holds JSON; None for other methods."""
    third_party_reference: str | None = None
    """The payment processor's id, if any."""
    currency_id: int | None = None
    """What was credited: 3 is USD."""


@frozen
class UsdWithdrawal(TaggedRow):
    """Money that goes out. Wire: row of 13, class reference 8.

    Source:
        Bitex developer guide, Account Information, "Your Account Summary".
    """

    class_reference = 8

    id: int
    """Unique among withdrawals of money."""
    created_at: UnixTime
    """When it was received (UTC)."""
    amount: Decimal
    """USD asked for."""
    status: WithdrawalStatus
    """How far it has come."""
    reason: UsdWithdrawalReason
    """Why it was cancelled."""
    country: str
    """Where it goes, two letters."""
    currency: str
    """What is paid out, three letters."""
    payment_method: str
    """``international_bank`` (a transfer) or ``bb`` (arranged with the staff)."""
    label: str | None = None
    """The user's name for the instructions."""
    kyc_profile_id: int | None = None
    """Whom it is made for."""
    instructions: RawJson | None = field(default=None, repr=False)
    """How to pay, as the user said it: an object, in old rows a text."""
    currency_id: int | None = None
    """What was debited: 3 is USD."""


Order: TypeAlias = Bid | Ask | UnknownRow
"""What an order is; `UnknownRow` for a class that the guide does not name."""

Trade: TypeAlias = Buy | Sell | UnknownRow
"""One side of a trade of one's own."""

Movement: TypeAlias = (
    Bid | Ask | Buy | Sell | SpecieDeposit | SpecieWithdrawal | UsdDeposit | UsdWithdrawal | UnknownRow
)
"""Whatever changes a balance."""
