"""The eight classes of rows that Bitex marks in their first cell: everything that changes a balance.

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

# `Bid` and `Ask`, `Buy` and `Sell` have the same fields in opposite currencies. They are written out so that every
# field states its own unit.


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
    """UTC: when it was received."""
    orderbook: int
    """1 is BTC/USD."""
    amount: Decimal
    """Quote: to spend in total."""
    remaining_amount: Decimal
    """Quote: left to spend."""
    price: Decimal
    """Quote per base: the highest price to pay."""
    status: OrderStatus
    """The state of the order."""
    reason: OrderReason | None = None
    """Why it was cancelled; None in old rows."""
    produced_amount: Decimal | None = None
    """Base: bought so far, after fees; None in old rows."""
    issuer: str | None = None
    """What placed it: ``ApiKey#1`` or a user; None or empty in old rows."""
    fee: Decimal | None = None
    """Base: fees so far; None in old rows."""


@frozen
class Ask(TaggedRow):
    """An order to sell: sells base currency. Wire: row of 12, class reference 2.

    Source:
        Bitex developer guide, Trading, "Create an Ask (Sell Order)".
    """

    class_reference = 2

    id: int
    """Unique among asks."""
    created_at: UnixTime
    """UTC: when it was received."""
    orderbook: int
    """1 is BTC/USD."""
    amount: Decimal
    """Base: to sell in total."""
    remaining_amount: Decimal
    """Base: left to sell."""
    price: Decimal
    """Quote per base: the lowest price to accept."""
    status: OrderStatus
    """The state of the order."""
    reason: OrderReason | None = None
    """Why it was cancelled; None in old rows."""
    produced_amount: Decimal | None = None
    """Quote: received so far, after fees; None in old rows."""
    issuer: str | None = None
    """What placed it: ``ApiKey#1`` or a user; None or empty in old rows."""
    fee: Decimal | None = None
    """Quote: fees so far; None in old rows."""


@frozen
class Buy(TaggedRow):
    """One trade of a bid. Wire: row of 9, class reference 3.

    Source:
        Bitex developer guide, Trading, "Your Latest Trades".
    """

    class_reference = 3

    id: int
    """Unique among buys."""
    created_at: UnixTime
    """UTC: when it was executed."""
    orderbook: int
    """1 is BTC/USD."""
    quantity: Decimal
    """Base: bought."""
    amount: Decimal
    """Quote: spent."""
    fee: Decimal
    """Base: the fee."""
    price: Decimal
    """Quote per base."""
    bid_id: int
    """The `Bid` that it belongs to."""


@frozen
class Sell(TaggedRow):
    """One trade of an ask. Wire: row of 9, class reference 4.

    Source:
        Bitex developer guide, Trading, "Your Latest Trades".
    """

    class_reference = 4

    id: int
    """Unique among sells."""
    created_at: UnixTime
    """UTC: when it was executed."""
    orderbook: int
    """1 is BTC/USD."""
    quantity: Decimal
    """Base: sold."""
    amount: Decimal
    """Quote: received."""
    fee: Decimal
    """Quote: the fee."""
    price: Decimal
    """Quote per base."""
    ask_id: int
    """The `Ask` that it belongs to."""


@frozen
class SpecieDeposit(TaggedRow):
    """A deposit of coins. Wire: row of 5, class reference 5.

    Source:
        Bitex developer guide, Account Information, "Your Account Summary".
    """

    class_reference = 5

    id: int
    """Unique among deposits of coins."""
    created_at: UnixTime
    """UTC: when it was detected on the network."""
    specie: int
    """1 is BTC."""
    quantity: Decimal
    """Coins: credited."""


@frozen
class SpecieWithdrawal(TaggedRow):
    """A withdrawal of coins. Wire: row of 11, class reference 6.

    Source:
        Bitex developer guide, Account Information, "Your Account Summary".
    """

    class_reference = 6

    id: int
    """Unique among withdrawals of coins."""
    created_at: UnixTime
    """UTC: when it was received."""
    specie: int
    """1 is BTC."""
    quantity: Decimal
    """Coins: withdrawn."""
    status: WithdrawalStatus
    """The state of the withdrawal."""
    reason: SpecieWithdrawalReason
    """Why it was cancelled."""
    to_address: str
    """The destination on the coin's network."""
    label: str | None = None
    """The user's own name for the address; None if not provided."""
    kyc_profile_id: int | None = None
    """The `KycProfile` that it is made for; None if not reported."""
    transaction_id: str | None = None
    """Transaction on the coin's network; None until it is processed."""


@frozen
class UsdDeposit(TaggedRow):
    """A deposit of money. Wire: row of 15, class reference 7.

    Source:
        Bitex developer guide, Account Information, "Your Account Summary".
    """

    class_reference = 7

    id: int
    """Unique among deposits of money."""
    created_at: UnixTime
    """UTC: when it was announced or detected."""
    requested_amount: Decimal | None
    """In *currency*: the amount announced; None if it was not announced."""
    amount: Decimal | None
    """In *currency_id*: the amount credited; None until then."""
    deposit_method: DepositMethod
    """How it was deposited."""
    status: DepositStatus
    """The state of the deposit."""
    reason: DepositReason
    """Why it was cancelled."""
    country: str
    """Country that it is sent from, two letters."""
    currency: str
    """Currency of *requested_amount*, three letters."""
    kyc_profile_id: int | None = None
    """The `KycProfile` that it is made for; None if not reported."""
    request_details: str | None = field(default=None, repr=False)
    """The user's remarks; None if there are none."""
    astropay_response: RawJson | None = None
    """Deprecated: AstroPay's answer, an object or JSON text; None for other methods."""
    third_party_reference: str | None = None
    """The payment processor's id; None if there is none."""
    currency_id: int | None = None
    """Currency of *amount*: 3 is USD; None if not reported."""


@frozen
class UsdWithdrawal(TaggedRow):
    """A withdrawal of money. Wire: row of 13, class reference 8.

    Source:
        Bitex developer guide, Account Information, "Your Account Summary".
    """

    class_reference = 8

    id: int
    """Unique among withdrawals of money."""
    created_at: UnixTime
    """UTC: when it was received."""
    amount: Decimal
    """USD: requested."""
    status: WithdrawalStatus
    """The state of the withdrawal."""
    reason: UsdWithdrawalReason
    """Why it was cancelled."""
    country: str
    """Country that it is sent to, two letters."""
    currency: str
    """Currency that is paid out, three letters."""
    payment_method: str
    """``international_bank`` (a transfer) or ``bb`` (arranged with the staff)."""
    label: str | None = None
    """The user's own name for the instructions; None if not provided."""
    kyc_profile_id: int | None = None
    """The `KycProfile` that it is made for; None if not reported."""
    instructions: RawJson | None = field(default=None, repr=False)
    """How to pay, as the user specified: an object, in old rows text; None if not reported."""
    currency_id: int | None = None
    """Currency that was debited: 3 is USD; None if not reported."""


Order: TypeAlias = Bid | Ask | UnknownRow
"""An order; `UnknownRow` if the guide does not name its class."""

Trade: TypeAlias = Buy | Sell | UnknownRow
"""One of the account's own trades; `UnknownRow` if the guide does not name its class."""

Movement: TypeAlias = (
    Bid | Ask | Buy | Sell | SpecieDeposit | SpecieWithdrawal | UsdDeposit | UsdWithdrawal | UnknownRow
)
"""Anything that changes a balance; `UnknownRow` if the guide does not name its class."""
