"""Models of payments and their callbacks. Money is a JSON number, a time is seconds since 1970."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from exchanges.values import frozen
from exchanges.wire import BitcoinAddress, Deviation, Json, Model, OpenIntEnum, OpenStrEnum, UnixTime


class Currency(OpenIntEnum):
    """A currency by Bitex's number.

    The guide names those up to MXN for payments; Bitex uses the others elsewhere.
    """

    BTC = 1
    """Bitcoin; needs no quote."""
    USD = 3
    ARS = 4
    UYU = 5
    EUR = 6
    CLP = 7
    PEN = 8
    BRL = 9
    COP = 10
    MXN = 11
    # Quirk: the guide ends at MXN; the numbers below are those of the exchange's own client.
    PYG = 12
    CNY = 13
    INR = 14
    BCH = 16


class PaymentStatus(OpenStrEnum):
    """The state of a payment."""

    PENDING = "pending"
    """Created; no coins have been detected."""
    SEEN = "seen"
    """The expected coins are in transit."""
    DONE = "done"
    """The expected coins have arrived."""
    SETTLED = "settled"
    """Credited to the balance."""
    EXPIRED = "expired"
    """No coins were detected in time."""
    CANCELLED = "cancelled"
    """Coins were detected, but not confirmed within two hours."""


PaymentStatusWord: TypeAlias = Literal["pending", "seen", "done", "settled", "expired", "cancelled"]


@frozen(kw_only=True)
class PaymentAddress(Model):
    """The deposit address of one payment. Wire: object.

    Source:
        Bitex developer guide, Payments API, "Create a Payment" and "Payment Callbacks".
    """

    public_address: Annotated[str, BitcoinAddress()]
    """The address on the Bitcoin network."""
    # Quirk: the guide has `payment_id` in answers and `id` in callbacks for the same object, so neither is required.
    payment_id: int | None = None
    """The `Payment.id`; None in a callback."""
    auto_sell: bool | None = None
    """Not explained by the guide; None in a callback."""
    id: int | None = None
    """Unique among addresses; in callbacks only."""


@frozen(kw_only=True)
class _Settlement:
    """Quote and settlement of a payment: fields that may be missing in every answer. Wire: object.

    Source:
        Bitex developer guide, Payments API, "Create a Payment".
    """

    previous_expected_quantity: Decimal | None = None
    """BTC: the previous quote, which still completes the payment; None until it is quoted again."""
    quote_valid_until: UnixTime | None = None
    """UTC: when it is quoted again; *valid_until* for a payment in BTC, which is quoted once; None if not reported."""
    last_quoted_on: UnixTime | None = None
    """UTC: when it was last quoted, at first when it was created; None if not reported."""
    settlement_currency_id: Currency | None = None
    """Currency of *settlement_amount*: usually USD, or BTC; None until settled."""
    settlement_amount: Decimal | None = None
    """In *settlement_currency_id*: the amount credited; None until settled."""
    keep: Decimal | None = None
    """Percent of the BTC to keep, without effect if the payment was quoted in BTC; None if not reported."""
    kept: Decimal | None = None
    """BTC: kept instead of sold, by *keep* or because it was less than about 2 USD; None if not reported."""
    overpaid: Decimal | None = None
    """BTC: received above what was expected, which a withdrawal can return; None if not reported."""
    merchant_reference: str | None = None
    """The purpose as the payee sees it, which the customer cannot change; None if not provided."""
    customer_reference: str | None = None
    """The purpose as the customer sees it; None if not provided."""


@frozen(kw_only=True)
class Payment(_Settlement, Model):
    """A payment in BTC for an amount of another currency. Wire: object.

    Source:
        Bitex developer guide, Payments API, "Create a Payment".
    """

    id: int
    """Unique among payments."""
    user_id: int
    """The user that is paid."""
    amount: Decimal
    """In *currency_id*: the amount quoted."""
    currency_id: Currency
    """Currency of *amount*; the payment need not be settled in it."""
    expected_quantity: Decimal
    """BTC: complete the payment."""
    confirmed_quantity: Decimal
    """BTC: received so far."""
    unconfirmed_quantity: Decimal
    """BTC: received so far, with those in transit."""
    valid_until: UnixTime
    """UTC: when it expires unless the expected BTC are confirmed, an hour after it was created."""
    status: PaymentStatus
    """The state of the payment."""
    address: PaymentAddress
    """The address for the BTC."""


# The fields of `Payment` once more, all optional: the guide does not promise any of them in a callback.
@frozen(kw_only=True)
class PaymentUpdate(_Settlement, Model):
    """A payment as a callback reports it. Wire: object. None means that the callback does not contain the field.

    Source:
        Bitex developer guide, Payments API, "Payment Callbacks".
    """

    id: int | None = None
    """Unique among payments."""
    user_id: int | None = None
    """The user that is paid."""
    amount: Decimal | None = None
    """In *currency_id*: the amount quoted."""
    currency_id: Currency | None = None
    """Currency of *amount*; the payment need not be settled in it."""
    expected_quantity: Decimal | None = None
    """BTC: complete the payment."""
    confirmed_quantity: Decimal | None = None
    """BTC: received so far."""
    unconfirmed_quantity: Decimal | None = None
    """BTC: received so far, with those in transit."""
    valid_until: UnixTime | None = None
    """UTC: when it expires unless the expected BTC are confirmed, an hour after it was created."""
    status: PaymentStatus | None = None
    """The state of the payment."""
    address: PaymentAddress | None = None
    """The address for the BTC."""


@frozen(kw_only=True)
class PointOfSale(Model):
    """The settings of the web point of sale. Wire: object. None means that a setting is not set.

    Source:
        Bitex developer guide, Web Point of Sale, "Setup Web POS".
    """

    @staticmethod
    def from_wire(value: dict[str, Json]) -> dict[str, Json]:
        """Refuse an object without any setting, which is somebody else's."""
        if not any(name.startswith("merchant_") for name in value):
            raise Deviation("settings of the point of sale", ": PointOfSale")
        return value

    merchant_name: str | None = None
    """Name of the business."""
    merchant_slug: str | None = None
    """Last part of the URL of the point of sale."""
    merchant_logo: str | None = None
    """URL of the logo."""
    merchant_keep: Decimal | None = None
    """Percent of the BTC to keep for payments created there."""
    merchant_site: str | None = None
    """URL of the business's own site."""
