"""The eight classes of rows that Bitex marks in their first cell: everything that changes a balance.

In a row the order of the fields is the order on the wire. A field with a default may be null or missing at the tail,
as rows have grown over the years; surplus cells are kept in ``extra``.

Source:
    Bitex developer guide, "API Class Reference".
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from attrs import field

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
from exchanges.values import frozen
from exchanges.wire import RawJson, TaggedRow, UnixTime, UnknownRow


@frozen
class _Movement(TaggedRow):
    """The cells that every row of a class begins with."""

    id: int
    """Unique among rows of its class."""
    created_at: UnixTime
    """UTC: when it was received, detected or executed."""


# Bids and asks have the same cells in opposite currencies: what is spent is quote for a bid and base for an ask, and
# what is produced is the other of the two.
@frozen
class _Order(_Movement):
    """A bid or an ask; *created_at* is when it was received."""

    orderbook: int
    """1 is BTC/USD."""
    amount: Decimal
    """Quote for a `Bid`, base for an `Ask`: to spend or to sell in total."""
    remaining_amount: Decimal
    """In the unit of *amount*: left to spend or to sell."""
    price: Decimal
    """Quote per base: the highest price to pay, or the lowest to accept."""
    status: OrderStatus
    """The state of the order."""
    # From here on old rows are shorter: the guide added cells at the end.
    reason: OrderReason | None = None
    """Why it was cancelled; None in old rows."""
    produced_amount: Decimal | None = None
    """Base for a `Bid`, quote for an `Ask`: bought or received so far, after fees; None in old rows."""
    issuer: str | None = None
    """What placed it: ``ApiKey#1`` or a user; None or empty in old rows."""
    fee: Decimal | None = None
    """In the unit of *produced_amount*: fees so far; None in old rows."""


@frozen
class Bid(_Order):
    """An order to buy: spends quote currency. Wire: row of 12, class reference 1.

    Source:
        Bitex developer guide, Trading, "Create a Bid (Buy Order)".
    """

    class_reference = 1


@frozen
class Ask(_Order):
    """An order to sell: sells base currency. Wire: row of 12, class reference 2.

    Source:
        Bitex developer guide, Trading, "Create an Ask (Sell Order)".
    """

    class_reference = 2


@frozen
class _OwnTrade(_Movement):
    """One trade of an order; *created_at* is when it was executed."""

    orderbook: int
    """1 is BTC/USD."""
    quantity: Decimal
    """Base: bought or sold."""
    amount: Decimal
    """Quote: spent or received."""
    fee: Decimal
    """Base for a `Buy`, quote for a `Sell`: the fee, which is taken from what the order produces."""
    price: Decimal
    """Quote per base."""


@frozen
class Buy(_OwnTrade):
    """One trade of a bid. Wire: row of 9, class reference 3.

    Source:
        Bitex developer guide, Trading, "Your Latest Trades".
    """

    class_reference = 3

    bid_id: int
    """The `Bid` that it belongs to."""


@frozen
class Sell(_OwnTrade):
    """One trade of an ask. Wire: row of 9, class reference 4.

    Source:
        Bitex developer guide, Trading, "Your Latest Trades".
    """

    class_reference = 4

    ask_id: int
    """The `Ask` that it belongs to."""


@frozen
class SpecieDeposit(_Movement):
    """A deposit of coins, with when it was detected on the network. Wire: row of 5, class reference 5.

    Source:
        Bitex developer guide, Account Information, "Your Account Summary".
    """

    class_reference = 5

    specie: int
    """1 is BTC."""
    quantity: Decimal
    """Coins: credited."""


@frozen
class SpecieWithdrawal(_Movement):
    """A withdrawal of coins, with when it was received. Wire: row of 11, class reference 6.

    Source:
        Bitex developer guide, Account Information, "Your Account Summary".
    """

    class_reference = 6

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
    # Recorded rows end before this cell: it came with a later version of the guide, as the currency of money did.
    transaction_id: str | None = None
    """Transaction on the coin's network; None until it is processed."""


@frozen
class UsdDeposit(_Movement):
    """A deposit of money, with when it was announced or detected. Wire: row of 15, class reference 7.

    Source:
        Bitex developer guide, Account Information, "Your Account Summary".
    """

    class_reference = 7

    # Quirk: the guide shows numbers; either amount may be an empty text in recorded rows, which is read as None.
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
    # Quirk: recorded rows hold an object or JSON text here, so it is passed on as received.
    astropay_response: RawJson | None = None
    """Deprecated: AstroPay's answer, an object or JSON text; None for other methods."""
    third_party_reference: str | None = None
    """The payment processor's id; None if there is none."""
    currency_id: int | None = None
    """Currency of *amount*: 3 is USD; None if not reported."""


@frozen
class UsdWithdrawal(_Movement):
    """A withdrawal of money, with when it was received. Wire: row of 13, class reference 8.

    Source:
        Bitex developer guide, Account Information, "Your Account Summary".
    """

    class_reference = 8

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
    # Quirk: the exchange's own client numbers these words (2 and 1); the guide and recorded rows have the words.
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
