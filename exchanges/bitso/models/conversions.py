"""Quotes and conversions, by v4. Numbers travel as text."""

from __future__ import annotations

from typing import Annotated, Self

from attrs import field

from exchanges.values import frozen
from exchanges.wire import Deviation, Id, Json, Model, OpenStrEnum, TextDecimal, UnixMillis


class Direction(OpenStrEnum):
    """Side of the exchange's order in the book that it converts through."""

    BUY = "buy"
    SELL = "sell"


class ConversionStatus(OpenStrEnum):
    """Status of a conversion; COMPLETED and FAILED are final. It cannot be cancelled.

    The documents write these words in capitals in their text and in lower case in their samples: both are read.
    """

    OPEN = "open"
    QUEUED = "queued"
    COMPLETED = "completed"
    FAILED = "failed"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        # Quirk: capitals in the text of the documents, lower case in their samples.
        known = [member for member in cls if isinstance(value, str) and member.value == value.lower()]
        return known[0] if known else super()._missing_(value)

    @property
    def is_final(self) -> bool:
        """Whether the status cannot change any more."""
        return self in (ConversionStatus.COMPLETED, ConversionStatus.FAILED)


class _Oid:
    """The id of a conversion, alone in an object or, in an older version of the document, inside the whole quote."""

    def read(self, value: Json, *, strict: bool) -> str:  # noqa: ARG002 - both are documented
        # Quirk: an older version of the document answers with the whole quote, the newest with the id alone.
        oid = value.get("oid") if isinstance(value, dict) else None
        if (type(oid) is int and oid > 0) or (isinstance(oid, str) and oid.strip()):
            return str(oid)
        raise Deviation("an object with the id of the conversion")

    def write(self, value: str) -> Json:
        return {"oid": value}


ConversionId = Annotated[str, _Oid()]


@frozen(kw_only=True)
class Slippage(Model):
    """How far the rate may move until the conversion is executed, as the exchange estimates it. Wire: object.

    Source:
        Bitso API v4, "Request a Conversion Quote".
    """

    level: str
    """A word, such as normal."""
    message: str
    """Words for the user; may be empty."""
    value: TextDecimal
    """Difference between the expected rate and the actual one."""


@frozen(kw_only=True)
class _Exchange:
    """What a quote and the conversion that it becomes have in common."""

    from_currency: str
    """Such as mxn."""
    from_amount: TextDecimal
    """Of *from_currency*: to spend, or spent."""
    to_currency: str
    """Such as usd."""
    to_amount: TextDecimal
    """Of *to_currency*: to receive, or received."""
    created_at: UnixMillis = field(metadata={"wire": "created"})
    """UTC: when it was created."""
    rate_currency: str | None = None
    """Currency of *rate*."""


@frozen(kw_only=True)
class Quote(_Exchange, Model):
    """An offer to convert. Wire: object.

    Source:
        Bitso API v4, "Request a Conversion Quote".
    """

    id: Id
    """Id of the quote; the argument of `execute`."""
    # Quirk: 20 seconds in one version of the document, 30 in the next: what is sent decides.
    expires_at: UnixMillis = field(metadata={"wire": "expires"})
    """UTC: when it ends. Only this is reliable: the documents speak of 20 and of 30 seconds."""
    rate: TextDecimal
    """*rate_currency* per unit of the other currency, rounded: the amounts are exact."""
    # Quirk: the table of the document writes this key with a space; the samples have none.
    estimated_slippage: Slippage | None = None
    """None if not sent."""
    padding: TextDecimal | None = None
    """Fraction: the fee of the conversion, which the rate includes; None if not sent."""
    direction: Direction | None = None
    """Side of the exchange's order in *book*; None if not sent."""
    book: str | None = None
    """The book that it goes through, which may be of other currencies, such as xrp_mxn; None if not sent."""
    status: ConversionStatus = ConversionStatus.OPEN
    """OPEN for a new quote."""
    oid: Id | None = None
    """Id of the order; equal to *id* in the samples; None if not sent."""
    next_recurrent_events: dict[str, UnixMillis] | None = None
    """UTC: when the next conversions would follow, by period (DAILY, WEEKLY, MONTHLY), if the same were programmed in
    the exchange's app; None if not sent."""


@frozen(kw_only=True)
class Conversion(_Exchange, Model):
    """A quote that was executed. Wire: object.

    Source:
        Bitso API v4, "Get a Conversion Status".
    """

    id: Id
    """Id of the conversion; the argument of `conversion`."""
    expires_at: UnixMillis | None = field(metadata={"wire": "expires"}, default=None)
    """UTC: when its quote ended; None if not sent."""
    rate: TextDecimal
    """*rate_currency* per unit of the other currency, including the fee."""
    plain_rate: TextDecimal | None = None
    """The same without the fee; None if not sent."""
    book: str | None = None
    """The book that it went through; None if not sent."""
    status: ConversionStatus
    """Its status."""
