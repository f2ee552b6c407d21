"""Conversions of one currency into another at a quoted rate, by v4, with the caller's limit on that rate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Annotated, Any, Unpack

from exchanges.bitso.api import V4
from exchanges.bitso.ids import one_of_both
from exchanges.bitso.models.conversions import Conversion, ConversionId, Quote
from exchanges.endpoint import IDEMPOTENT, MONEY, Area, Endpoint, Param, private
from exchanges.endpoint.arguments import money
from exchanges.endpoint.waiting import require_seconds, wait_until
from exchanges.errors import ErrorFields, ExchangeError, NotSent, OutcomeUnknown, QuoteExpired, UsageError, quotable
from exchanges.instrumentation.lines import Log
from exchanges.intents import Intent
from exchanges.wire import Amount

logger = Log(__name__)

# The documents say that a conversion is queued for some ten seconds; the rest is for reads that fail meanwhile.
TIMEOUT_SECONDS = 60.0
EXECUTE = "bitso.conversions.execute"
# Products of two numbers of as many digits as an answer may have are exact in it.
_EXACT = Context(prec=130)


class RateRefused(NotSent):
    """The rate of a quote is beyond the caller's limit: nothing was executed.

    Attributes:
        quote: The quote of the exchange.
    """

    def __init__(self, message: str, *, quote: Quote, **facts: Unpack[ErrorFields]) -> None:
        super().__init__(message, **facts)
        self.quote = quote


def _id_of(quote: object) -> str:
    """Return the id of a quote."""
    value = quote.id if isinstance(quote, Quote) else quote
    if not isinstance(value, str):
        raise TypeError(f"must be a Quote or its id, not {type(value).__name__}")
    # It becomes part of the path. The ids of the samples have 8 characters; 100 leave room without a document's word.
    if not value.isprintable() or len(value) > 100:
        raise ValueError("must be a Quote or its id")
    return value


def _require_valid_quote(endpoint: Endpoint, arguments: Mapping[str, Any], now: datetime) -> None:
    """Raise if the quote that is to be executed has expired."""
    quote = arguments.get("quote_id")
    if isinstance(quote, Quote) and quote.expires_at <= now:
        raise QuoteExpired(
            f"{endpoint.id} ({endpoint}): the quote expired at {quote.expires_at.isoformat()}; nothing was sent",
            endpoint=endpoint.id,
        )


class Conversions(Area, api=V4):
    """Convert at a rate that the exchange quotes and keeps to for some seconds."""

    # Quirk: the versions of the document name this path without a version, under v3 and under v4; v4 is the newest.
    @private("POST /currency_conversions", kind=IDEMPOTENT, check=one_of_both("spend_amount", "receive_amount"))
    async def create_quote(
        self,
        *,
        # A quote for something else is no answer: whoever executes it converts something else.
        from_currency: Annotated[str, Param(echo="from_currency")],
        to_currency: Annotated[str, Param(echo="to_currency")],
        spend_amount: Annotated[Amount | None, Param(echo="from_amount")] = None,
        receive_amount: Annotated[Amount | None, Param(echo="to_amount")] = None,
    ) -> Quote:
        """Request a quote; nothing is converted before it is executed.

        Give exactly one of the two amounts.

        Args:
            from_currency: Currency to spend, such as mxn.
            to_currency: Currency to receive, such as btc.
            spend_amount: Amount to spend, in *from_currency*.
            receive_amount: Amount to receive, in *to_currency*.

        Returns:
            The quote, valid until `Quote.expires_at`. Wire: object in an envelope.

        Source:
            Bitso API v4, "Request a Conversion Quote"; its text names the path without a version.
        """
        ...

    # Quirk: older documents demand an empty JSON object as the body, the newest names none: it is sent and signed.
    @private("PUT /currency_conversions/{quote_id}", kind=MONEY, before=_require_valid_quote)
    async def execute(self, quote_id: Annotated[Quote | str, Param(type="str", render=_id_of)]) -> ConversionId:
        """Accept a quote: convert.

        Args:
            quote_id: The quote; or its id, which does not tell when it expires.

        Returns:
            The id of the conversion, for `conversion`. Wire: object with ``oid``, in an envelope; the request has an
            empty JSON object as its body, which older versions of the document demand.

        Raises:
            QuoteExpired: It is later than `Quote.expires_at`, and nothing was sent; or the exchange says so.

        Source:
            Bitso API v4, "Execute a Conversion Quote".
        """
        ...

    # Quirk: two ids: the one that the PUT answers with, not that of the quote, names the conversion.
    @private("GET /currency_conversions/{conversion_id}")
    async def conversion(self, conversion_id: Annotated[str, Param(echo="id")]) -> Conversion:
        """Read the status of a conversion.

        It goes from OPEN over QUEUED, for some ten seconds at most, to COMPLETED or FAILED, and cannot be cancelled.

        Args:
            conversion_id: The value that `execute` returned, not the id of the quote.

        Returns:
            Wire: object in an envelope.

        Source:
            Bitso API v4, "Get a Conversion Status".
        """
        ...

    async def convert(
        self,
        *,
        from_currency: str,
        to_currency: str,
        spend_amount: Amount | None = None,
        receive_amount: Amount | None = None,
        max_rate: Amount | None = None,
        min_rate: Amount | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Conversion:
        """Request a quote, accept it if its rate is within the limit, and wait until the conversion is final.

        This takes three calls or more, each with its own deadline. Give at least one of *max_rate* and *min_rate*;
        both are compared with the amounts of the quote, so they hold whatever the currency of its rate.

        Args:
            from_currency: Currency to spend, such as mxn.
            to_currency: Currency to receive, such as btc.
            spend_amount: Amount to spend, in *from_currency*.
            receive_amount: Amount to receive, in *to_currency*.
            max_rate: The most to spend per unit of *to_currency*, in *from_currency*.
            min_rate: The least to receive per unit of *from_currency*, in *to_currency*.
            timeout_seconds: How long to wait for the final status, once the quote is accepted.

        Returns:
            The conversion as it was last read: COMPLETED or FAILED, or still QUEUED if the time was over before.

        Raises:
            UsageError: No limit, or a wrong one; nothing was sent.
            RateRefused: The rate of the quote is beyond the limit; nothing was executed.
            QuoteExpired: It expired before it could be accepted.
            OutcomeUnknown: It may have been accepted; or it was, but its status could not be read in time: then the
                intent names the conversion.

        Source:
            Bitso API v4, "Request a Conversion Quote", "Execute a Conversion Quote" and "Get a Conversion Status".
        """
        require_seconds(timeout_seconds)
        highest, lowest = _limit(max_rate, "max_rate"), _limit(min_rate, "min_rate")
        if highest is None and lowest is None:
            raise UsageError("convert: give max_rate or min_rate: the quote is accepted unseen; nothing was sent")
        quote = await self.create_quote(
            from_currency=from_currency,
            to_currency=to_currency,
            spend_amount=spend_amount,
            receive_amount=receive_amount,
        )
        _check_rate(quote, highest, lowest)
        # Taken before the call: an intent is never younger than what its call did.
        at = datetime.now(UTC)
        conversion_id = await self.execute(quote)
        logger.info("%s: quote %s was accepted as %s", EXECUTE, quotable(quote.id), quotable(conversion_id))
        conversion, failure = await _wait_final(self, conversion_id, timeout_seconds)
        if conversion is not None:
            return conversion
        raise OutcomeUnknown(
            f"{EXECUTE}: quote {quotable(quote.id)} was accepted as conversion {quotable(conversion_id)}, "
            "but its state could not be read" + (f" ({failure})" if failure else " in time"),
            intent=Intent(EXECUTE, {"quote_id": quote.id, "conversion_id": conversion_id}, at),
            endpoint=EXECUTE,
        ) from failure


async def _wait_final(
    conversions: Conversions, conversion_id: str, timeout_seconds: float
) -> tuple[Conversion | None, ExchangeError | None]:
    """Read a conversion until it is final or the time is up; reads that fail do not end the wait.

    Returns:
        The conversion as last read, None if it never was, and the last failure.
    """
    conversion: Conversion | None = None
    failure: ExchangeError | None = None

    async def read() -> Conversion | None:
        nonlocal conversion, failure
        try:
            conversion = await conversions.conversion(conversion_id)
        except ExchangeError as error:
            # The quote has been accepted, so the conversion goes on whether or not it can be read at the moment.
            failure = error
        return conversion

    def is_final(latest: Conversion | None) -> bool:
        return latest is not None and latest.status.is_final

    await wait_until(read, is_final, timeout_seconds, latest=conversion)
    return conversion, failure


def _limit(rate: Amount | None, name: str) -> Decimal | None:
    """Parse a limit as amounts are parsed."""
    try:
        return None if rate is None else Decimal(money(rate))
    except ValueError as error:
        raise UsageError(f"convert: {name} {error}; nothing was sent") from None


def _check_rate(quote: Quote, highest: Decimal | None, lowest: Decimal | None) -> None:
    """Compare the exact amounts, not the rounded rate, whose currency is the exchange's choice."""
    spent, received = quote.from_amount, quote.to_amount
    sides = f"{quote.from_currency} to {quote.to_currency}"
    if highest is not None and spent > _EXACT.multiply(highest, received):
        fault = f"costs more than {highest} {quote.from_currency} per {quote.to_currency}"
    elif lowest is not None and received < _EXACT.multiply(lowest, spent):
        fault = f"brings less than {lowest} {quote.to_currency} per {quote.from_currency}"
    else:
        return
    raise RateRefused(
        f"convert: the quote from {sides} (rate {quote.rate}) {fault}; nothing was executed",
        quote=quote,
        endpoint="bitso.conversions.create_quote",
    )
