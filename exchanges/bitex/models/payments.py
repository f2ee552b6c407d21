"""What Bitex answers with, and calls back with, about payments. Money is a JSON number, a moment seconds since 1970."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from exchanges.wire import OpenIntEnum, OpenStrEnum, UnixTime

__all__ = ["Currency", "Payment", "PaymentAddress", "PaymentStatus", "PaymentUpdate", "PointOfSale"]


class Currency(OpenIntEnum):
    """What an amount is counted in, by Bitex's number.

    The guide names those up to MXN for payments; the others are in use elsewhere at Bitex.
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
    PYG = 12
    CNY = 13
    INR = 14
    BCH = 16


class PaymentStatus(OpenStrEnum):
    """How far a payment has come."""

    PENDING = "pending"
    """Created; nothing has been seen of it."""
    SEEN = "seen"
    """The expected coins are in transit."""
    DONE = "done"
    """The expected coins have arrived."""
    SETTLED = "settled"
    """Credited to the balance."""
    EXPIRED = "expired"
    """Nothing was seen in time."""
    CANCELLED = "cancelled"
    """Seen, but not confirmed within two hours."""


@frozen(kw_only=True)
class PaymentAddress:
    """Where the coins of one payment go: an address of its own. Wire: object.

    Source:
        Bitex developer guide, Payments API, "Create a Payment" and "Payment Callbacks".
    """

    public_address: str
    """On the Bitcoin network."""
    payment_id: int | None = None
    """The `Payment.id`; None in a callback."""
    auto_sell: bool | None = None
    """Not explained by the guide; None in a callback."""
    id: int | None = None
    """Unique among addresses; in callbacks only."""


@frozen(kw_only=True)
class _Settling:
    """How a payment is quoted and settled: what may be unknown in every answer. Wire: object.

    Source:
        Bitex developer guide, Payments API, "Create a Payment".
    """

    previous_expected_quantity: Decimal | None = None
    """BTC of the quote before: they still make the payment done; None until it is quoted again."""
    quote_valid_until: UnixTime | None = None
    """Quoted again then (UTC); for a payment in BTC, which is quoted once, the same as *valid_until*."""
    last_quoted_on: UnixTime | None = None
    """When it was last quoted (UTC); at first, when it was created."""
    settlement_currency_id: Currency | None = None
    """What was credited is counted in it: mostly USD, or BTC; None until settled."""
    settlement_amount: Decimal | None = None
    """In *settlement_currency_id*: what was credited; None until settled."""
    keep: Decimal | None = None
    """Percent of the BTC to keep; without effect where the payment was quoted in BTC."""
    kept: Decimal | None = None
    """BTC kept instead of sold: by *keep*, or because there was less than about 2 USD to settle."""
    overpaid: Decimal | None = None
    """BTC received beyond what was expected; a withdrawal can give them back."""
    merchant_reference: str | None = None
    """Reason as the payee knows it; the customer cannot change it."""
    customer_reference: str | None = None
    """Reason as the customer knows it."""


@frozen(kw_only=True)
class Payment(_Settling):
    """BTC that are expected for an amount of another currency. Wire: object.

    Source:
        Bitex developer guide, Payments API, "Create a Payment".
    """

    id: int
    """Unique among payments."""
    user_id: int
    """Who is paid."""
    amount: Decimal
    """In *currency_id*: what was quoted."""
    currency_id: Currency
    """What was quoted is counted in it; it need not be settled in it."""
    expected_quantity: Decimal
    """BTC that make the payment done."""
    confirmed_quantity: Decimal
    """BTC received so far."""
    unconfirmed_quantity: Decimal
    """BTC received once those in transit are credited."""
    valid_until: UnixTime
    """Expires then (UTC), an hour after it was created, unless the expected BTC are confirmed."""
    status: PaymentStatus
    """How far it has come."""
    address: PaymentAddress
    """Where the BTC are expected."""


@frozen(kw_only=True)
class PaymentUpdate(_Settling):
    """What a callback says of a payment: anything may be missing. Wire: object.

    Source:
        Bitex developer guide, Payments API, "Payment Callbacks".
    """

    id: int | None = None
    """Unique among payments."""
    user_id: int | None = None
    """Who is paid."""
    amount: Decimal | None = None
    """In *currency_id*: what was quoted."""
    currency_id: Currency | None = None
    """What was quoted is counted in it; it need not be settled in it."""
    expected_quantity: Decimal | None = None
    """BTC that make the payment done."""
    confirmed_quantity: Decimal | None = None
    """BTC received so far."""
    unconfirmed_quantity: Decimal | None = None
    """BTC received once those in transit are credited."""
    valid_until: UnixTime | None = None
    """Expires then (UTC), an hour after it was created, unless the expected BTC are confirmed."""
    status: PaymentStatus | None = None
    """How far it has come."""
    address: PaymentAddress | None = None
    """Where the BTC are expected."""


@frozen(kw_only=True)
class PointOfSale:
    """The settings of the web point of sale. Wire: object.

    Source:
        Bitex developer guide, Web Point of Sale, "Setup Web POS".
    """

    merchant_name: str | None = None
    """Name of the business."""
    merchant_slug: str | None = None
    """Last part of the address of the point of sale."""
    merchant_logo: str | None = None
    """Address of the logo."""
    merchant_keep: Decimal | None = None
    """Percent of the BTC to keep, for payments created there."""
    merchant_site: str | None = None
    """Address of the business's own site."""
