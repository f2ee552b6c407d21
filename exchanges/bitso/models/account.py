"""Answers about the account, by v3. Numbers travel as text."""

from __future__ import annotations

from typing import cast

from attrs import field

from exchanges.values import frozen
from exchanges.wire import Id, IsoTime, Json, Model, OpenStrEnum, TextDecimal


class AccountState(OpenStrEnum):
    """Whether an account may be used."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class LedgerOperation(OpenStrEnum):
    """What changed a balance."""

    TRADE = "trade"
    FEE = "fee"
    FUNDING = "funding"
    WITHDRAWAL = "withdrawal"
    # Quirk: on no page of the documents; the trace of a conversion.
    QUOTED_ORDER = "quoted_order"


@frozen(kw_only=True)
class Balance(Model):
    """The balance of one currency. Wire: object.

    Source:
        Bitso API v3, "Get Account Balance".
    """

    currency: str
    """Such as mxn."""
    total: TextDecimal
    """Of the currency: available and locked together."""
    locked: TextDecimal
    """Of the currency: in open orders."""
    available: TextDecimal
    """Of the currency: free to use."""
    # Quirk: the table of the document has both, its later versions and samples do not.
    pending_deposit: TextDecimal | None = None
    """Of the currency: on its way in, not yet in the total; None if not sent."""
    pending_withdrawal: TextDecimal | None = None
    """Of the currency: on its way out, no longer in the total; None if not sent."""


# Personal data: a field without a default repr shows nothing of it in logs.
def _personal() -> str | None:
    return cast("str | None", field(default=None, repr=False))


@frozen(kw_only=True)
class AccountStatus(Model):
    """State and limits of the account, and what is known of its owner. Wire: object.

    Source:
        Bitso API v3, "Get Account Status"; only *client_id* and *status* are always sent, the rest is None if not.
    """

    client_id: Id
    """Id of the account."""
    status: AccountState
    first_name: str | None = _personal()
    last_name: str | None = _personal()
    second_last_name: str | None = _personal()
    business_name: str | None = _personal()
    daily_limit: TextDecimal | None = None
    """In the currency of the account: deposits and withdrawals of a day."""
    daily_remaining: TextDecimal | None = None
    """In the currency of the account: what is left of it today."""
    monthly_limit: TextDecimal | None = None
    """In the currency of the account: deposits and withdrawals of a month."""
    monthly_remaining: TextDecimal | None = None
    """In the currency of the account: what is left of it this month."""
    cash_deposit_allowance: TextDecimal | None = None
    """In the currency of the account."""
    cellphone_number: str | None = None
    """A state, such as verified; the number is in *cellphone_number_stored*."""
    cellphone_number_stored: str | None = _personal()
    email: str | None = None
    """A state, such as verified; the address is in *email_stored*."""
    email_stored: str | None = _personal()
    official_id: str | None = None
    """A state: unsubmitted, submitted, verified or rejected. Older answers write "not submitted"."""
    proof_of_residency: str | None = None
    """A state, as of *official_id*."""
    signed_contract: str | None = None
    """A state, as of *official_id*."""
    origin_of_funds: str | None = None
    """A state, as of *official_id*."""
    verification_level: int | None = None
    account_creation_date: IsoTime | None = None
    """UTC."""
    date_of_birth: str | None = _personal()
    """MM/DD/YYYY."""
    born_in_residence: str | None = None
    """"0" or "1"."""
    country_of_residence: str | None = _personal()
    """ISO 3166 alpha-2."""
    gender: str | None = _personal()
    tax_payer_type: str | None = None
    entity_type: str | None = None
    gravatar_img: str | None = _personal()
    preferred_currency: str | None = None
    user_default_fiat_currency: str | None = None
    enabled_two_factor_methods: tuple[str, ...] | None = None
    """Such as totp, email or fido."""
    referral_code: str | None = _personal()


@frozen(kw_only=True)
class BookFees(Model):
    """The fees of the account in one book. Wire: object.

    Source:
        Bitso API v3, "List Fees"; what is None was not sent.
    """

    book: str
    """Major and minor, such as btc_mxn."""
    maker_fee_decimal: TextDecimal
    """Fraction: for an order that waits in the book."""
    taker_fee_decimal: TextDecimal
    """Fraction: for an order that meets one in the book."""
    maker_fee_percent: TextDecimal
    """Percent: the same as *maker_fee_decimal*."""
    taker_fee_percent: TextDecimal
    """Percent: the same as *taker_fee_decimal*."""
    fee_decimal: TextDecimal | None = None
    """Fraction; deprecated: equals the fee of a maker."""
    fee_percent: TextDecimal | None = None
    """Percent; deprecated: equals the fee of a maker."""
    volume_currency: str | None = None
    """Currency of the volumes."""
    current_volume: TextDecimal | None = None
    """Of *volume_currency*: traded in 30 days."""
    next_volume: TextDecimal | None = None
    """Of *volume_currency*: where the next tier begins."""
    next_maker_fee_percent: TextDecimal | None = None
    """Percent: in the next tier."""
    next_taker_fee_percent: TextDecimal | None = None
    """Percent: in the next tier."""
    next_fee: TextDecimal | None = None
    """Percent; deprecated: equals *next_maker_fee_percent*."""
    next_taker_fee: TextDecimal | None = None
    """Percent; deprecated: equals *next_taker_fee_percent*."""

    @staticmethod
    def from_wire(value: Json) -> Json:
        """Rename keys in the other spelling; where both are sent, that of the documents wins."""
        fields = cast("dict[str, Json]", value)
        # Quirk: live answers spell three keys in camel case, the documents do not.
        renamed = {_OTHER_NAMES[name]: item for name, item in fields.items() if name in _OTHER_NAMES}
        return renamed | {name: item for name, item in fields.items() if name not in _OTHER_NAMES}


_OTHER_NAMES = {"nextVolume": "next_volume", "nextFee": "next_fee", "nextTakerFee": "next_taker_fee"}


@frozen(kw_only=True)
class DepositFee(Model):
    """The fee of a deposit. Wire: object.

    Source:
        Bitso API v3, "List Fees".
    """

    currency: str
    """Such as btc."""
    method: str
    """Code of the method."""
    fee: TextDecimal
    """Of the currency if *is_fixed*, otherwise as the exchange has it."""
    is_fixed: bool


@frozen(kw_only=True)
class AccountFees(Model):
    """The fees of the account. Wire: object.

    Source:
        Bitso API v3, "List Fees".
    """

    fees: tuple[BookFees, ...]
    """Of trading, by book."""
    withdrawal_fees: dict[str, TextDecimal]
    """By currency, of that currency."""
    deposit_fees: tuple[DepositFee, ...] = ()
    """Empty if not sent."""


@frozen(kw_only=True)
class BalanceUpdate(Model):
    """How an entry of the ledger changed one balance. Wire: object."""

    currency: str
    """Such as btc."""
    amount: TextDecimal
    """Of the currency; negative for what left the account."""


@frozen(kw_only=True)
class LedgerDetails(Model):
    """What an entry of the ledger is about; None for what does not belong to its operation. Wire: object."""

    tid: Id | None = None
    """Id of the trade."""
    oid: str | None = None
    """Id of the order, or of the conversion."""
    qid: str | None = None
    """Id of the quote of a conversion."""
    wid: str | None = None
    """Id of the withdrawal."""
    fid: str | None = None
    """Id of the deposit."""
    method: str | None = None
    """Code of the method of a deposit or withdrawal."""
    method_name: str | None = None
    asset: str | None = None
    network: str | None = None
    protocol: str | None = None
    integration: str | None = None
    funding_address: str | None = field(default=None, repr=False)


@frozen(kw_only=True)
class LedgerEntry(Model):
    """One change of balances. Wire: object.

    Source:
        Bitso API v3, "List Ledger".
    """

    eid: str
    """Id of the entry; the value for *marker*."""
    operation: LedgerOperation
    created_at: IsoTime
    """UTC: when it took place."""
    balance_updates: tuple[BalanceUpdate, ...]
    """One for each currency that moved."""
    details: LedgerDetails
