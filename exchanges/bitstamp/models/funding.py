"""Deposits, withdrawals and transfers, by v2."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from attrs import field

from exchanges.bitstamp.models.numbers import EitherDecimal
from exchanges.values import frozen
from exchanges.wire import (
    Address,
    Confirmation,
    Deviation,
    Id,
    Json,
    Model,
    NaiveTime,
    NoBody,
    OpenIntEnum,
    OpenStrEnum,
    RawJson,
    TextDecimal,
    UnixTime,
    Wire,
    encode,
)

Silent = Annotated[None, NoBody()]
"""The answer of a call that succeeds without a body."""
Transferred = Annotated[None, Confirmation({"status": "ok"})]
"""The answer to a transfer that was made."""


@frozen(kw_only=True)
class DepositAddress(Model):
    """Where the account receives a currency. Wire: object.

    Source:
        Bitstamp API v2, Deposits, "Get crypto deposit address".
    """

    address: Annotated[str, Address()]
    memo_id: str | None = None
    """Without it the deposit is lost; None if the network has none."""
    destination_tag: Id | None = None
    """Without it the deposit is lost; None if the network has none."""
    transfer_id: Id | None = None
    """Without it the deposit is lost; None if the network has none."""


@frozen(kw_only=True)
class RippleAddress(Model):
    """Where the account receives over the XRP Ledger. Wire: object.

    Source:
        Bitstamp API v2, Deposits, "Ripple IOU deposit address".
    """

    address: Annotated[str, Address()]
    destination_tag: Id | None = None
    """Without it the deposit is lost; None if not sent."""


@frozen(kw_only=True)
class Withdrawal(Model):
    """A withdrawal that was accepted. Wire: object.

    Source:
        Bitstamp API v2, Withdrawals, "Crypto withdrawal" and "Ripple IOU withdrawal".
    """

    id: Id
    """Id of the withdrawal."""


@frozen(kw_only=True)
class UnconfirmedDeposit(Model):
    """Bitcoins on their way in. Wire: object. What is None was not sent.

    Source:
        Bitstamp API v2, Deposits, "Get unconfirmed bitcoin deposits".
    """

    address: Annotated[str, Address()]
    amount: EitherDecimal | None = None
    """BTC."""
    confirmations: int | None = None


class _OneOrMany:
    """A list of deposits, or the only one."""

    _rows: ClassVar[object] = list[UnconfirmedDeposit]

    def read(self, value: Json, *, strict: bool) -> list[UnconfirmedDeposit]:
        rows = value if isinstance(value, list) else [value]
        deposits: list[UnconfirmedDeposit] = Wire(strict=strict).hook(self._rows)(rows)
        return deposits

    def write(self, value: list[UnconfirmedDeposit]) -> Json:
        return [encode(deposit) for deposit in value]


# Quirk: the document of 2026 shows one object, older ones and the clients of others a list.
UnconfirmedDeposits = Annotated[list[UnconfirmedDeposit], _OneOrMany()]


class WithdrawalStatus(OpenIntEnum):
    """Status of a withdrawal; from FINISHED on it is final."""

    OPEN = 0
    IN_PROCESS = 1
    FINISHED = 2
    CANCELED = 3
    FAILED = 4
    REVERSED = 11


@frozen(kw_only=True)
class WithdrawalRequest(Model):
    """A withdrawal that was requested. Wire: object. What is None was not sent.

    Source:
        Bitstamp API v2, Withdrawals, "Get withdrawal requests".
    """

    id: Id
    """Id of the withdrawal."""
    datetime: NaiveTime
    """UTC: when it was requested."""
    # The list grows by one for each currency: the currency says more.
    type: int
    """Number of the kind: 0 SEPA, 1 BTC, 2 wire, 14 XRP and so on."""
    amount: TextDecimal
    """Of *currency*."""
    status: WithdrawalStatus
    currency: str | None = None
    """Such as BTC."""
    network: str | None = None
    """Such as bitcoin."""
    address: str | None = field(default=None, repr=False)
    """The receiver, a tag of the XRP Ledger appended as ``?dt=1455``."""
    txid: Id | None = None
    """Id of the exchange's own transaction."""
    transaction_id: str | None = None
    """Id of the transaction on the chain."""
    data: RawJson = None
    """What old answers hold of the kind."""


@frozen(kw_only=True)
class BankWithdrawal(Model):
    """A withdrawal to a bank that was accepted. Wire: object.

    Source:
        Bitstamp API v2, Withdrawals, "Open bank withdrawal".
    """

    withdrawal_id: Id
    """The value for `fiat_withdrawal_status` and `cancel_withdrawal`."""


class _Words:
    """The status of a withdrawal in words; a word that says no more than that a call succeeded is none."""

    def read(self, value: Json, *, strict: bool) -> str:  # noqa: ARG002 - the words are an open set
        if not isinstance(value, str) or value.strip().lower() in ("", "ok", "success", "true", "none", "null"):
            raise Deviation("the status of a withdrawal in words")
        return value

    def write(self, value: str) -> Json:
        return value


InWords = Annotated[str, _Words()]


@frozen(kw_only=True)
class FiatWithdrawalStatus(Model):
    """Status of a withdrawal to a bank. Wire: object.

    Source:
        Bitstamp API v2, Withdrawals, "Fiat withdrawal status".
    """

    status: InWords
    """Words of the exchange, such as "Waiting to be processed"."""


@frozen(kw_only=True)
class CancelledWithdrawal(Model):
    """A withdrawal to a bank that was cancelled. Wire: object. What is None was not sent.

    Source:
        Bitstamp API v2, Withdrawals, "Cancel bank withdrawal".
    """

    id: Id
    """Id of the withdrawal."""
    amount: EitherDecimal | None = None
    """Of *currency*."""
    currency: str | None = None
    account_currency: str | None = None
    """What it would have been taken from."""
    type: str | None = None
    """Words of the exchange, such as "EU bank transfer (SEPA)"."""


class DepositStatus(OpenStrEnum):
    """Status of a deposit of coins."""

    PENDING = "PENDING"
    FINALIZED = "FINALIZED"
    IN_PROCESSING = "IN_PROCESSING"
    REVERTED = "REVERTED"
    REJECTED = "REJECTED"


DepositStatusWord: TypeAlias = Literal["PENDING", "FINALIZED", "IN_PROCESSING", "REVERTED", "REJECTED"]


@frozen(kw_only=True)
class _Coins:
    """What deposits and withdrawals of coins have in common."""

    currency: str
    """Such as BTC."""
    amount: EitherDecimal
    """Of the currency."""
    datetime: UnixTime
    """UTC."""
    network: str | None = None
    """Such as bitcoin; None if not sent."""
    txid: str | None = None
    """Id of the transaction on the chain; None or empty if not known."""


@frozen(kw_only=True)
class ListedDeposit(_Coins, Model):
    """A deposit among the transactions of coins. Wire: object. What is None was not sent.

    Source:
        Bitstamp API v2, User transactions, "Get crypto transactions".
    """

    id: Id
    """Id of the deposit."""
    status: DepositStatus
    pending_reason: str | None = None
    """Why it waits, such as ADDRESS_VERIFICATION_NEEDED."""
    # Quirk: in camel case here, with an underscore in the list of deposits.
    destinationAddress: str | None = field(default=None, repr=False)  # noqa: N815 - the name on the wire
    """Where it was received."""
    originator_address: str | None = field(default=None, repr=False)
    """Where it came from."""


@frozen(kw_only=True)
class CryptoDeposit(_Coins, Model):
    """A deposit of coins. Wire: object. What is None was not sent.

    Source:
        Bitstamp API v2, Deposits, "Get crypto deposits".
    """

    id: Id
    """Id of the deposit."""
    status: DepositStatus
    pending_reason: str | None = None
    """Why it waits, such as ADDRESS_VERIFICATION_NEEDED."""
    destination_address: str | None = field(default=None, repr=False)
    """Where it was received."""
    originator_address: str | None = field(default=None, repr=False)
    """Where it came from."""


@frozen(kw_only=True)
class ListedWithdrawal(_Coins, Model):
    """A withdrawal among the transactions of coins; it has neither id nor status. Wire: object.

    Source:
        Bitstamp API v2, User transactions, "Get crypto transactions".
    """

    destinationAddress: str | None = field(default=None, repr=False)  # noqa: N815 - the name on the wire
    """The receiver; None if not sent."""


@frozen(kw_only=True)
class CryptoTransactions(Model):
    """Deposits and withdrawals of coins. Wire: object of lists.

    Source:
        Bitstamp API v2, User transactions, "Get crypto transactions".
    """

    deposits: tuple[ListedDeposit, ...]
    withdrawals: tuple[ListedWithdrawal, ...]
    ripple_iou_transactions: tuple[ListedWithdrawal, ...] = ()
    """Empty unless they were asked for."""


@frozen(kw_only=True)
class InstantConvertAddress(Model):
    """Where bitcoins are sold as they arrive. Wire: object.

    Source:
        Bitstamp API v2, Instant convert address, "New instant convert address".
    """

    address: Annotated[str, Address()]


@frozen(kw_only=True)
class ConvertedTrade(Model):
    """A sale of bitcoins that arrived. Wire: object."""

    exchange_rate: TextDecimal
    """Counter per BTC."""
    btc_amount: TextDecimal
    """BTC."""
    fees: TextDecimal
    """Counter."""


@frozen(kw_only=True)
class ConvertedDeposit(Model):
    """What became of bitcoins that arrived. Wire: object."""

    order_id: Id
    """Id of the order that sold them."""
    count: int
    """Number of trades."""
    trades: tuple[ConvertedTrade, ...]


@frozen(kw_only=True)
class InstantConvertAddressInfo(Model):
    """An address where bitcoins are sold as they arrive, and what arrived. Wire: object.

    Source:
        Bitstamp API v2, Instant convert address, "Instant convert address info".
    """

    address: Annotated[str, Address()]
    currency_pair: str
    """Such as BTC/USD."""
    transactions: tuple[ConvertedDeposit, ...]
