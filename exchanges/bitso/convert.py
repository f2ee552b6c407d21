"""A conversion from its quote to its final status: the caller's limit on the rate, and waiting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Protocol, Unpack

from exchanges.bitso.models.conversions import Conversion, Quote
from exchanges.endpoint.arguments import money
from exchanges.endpoint.waiting import wait_until
from exchanges.errors import ErrorFields, ExchangeError, NotSent, OutcomeUnknown, UsageError, quotable
from exchanges.intents import Intent
from exchanges.wire import Amount

__all__ = ["EXECUTE", "Converting", "RateRefused", "convert", "wait_final"]

logger = logging.getLogger(__name__)

EXECUTE = "bitso.conversions.execute"
# Products of two numbers of at most 30 digits are exact in it.
_EXACT = Context(prec=80)

Sleep = Callable[[float], Awaitable[object]]


class RateRefused(NotSent):
    """The rate of a quote is beyond the caller's limit: nothing was executed.

    Attributes:
        quote: The quote of the exchange.
    """

    def __init__(self, message: str, *, quote: Quote, **facts: Unpack[ErrorFields]) -> None:
        super().__init__(message, **facts)
        self.quote = quote


class Converting(Protocol):
    """The calls of `Conversions` that a conversion needs."""

    def execute(self, quote_id: Quote) -> Awaitable[str]:
        """Accept a quote."""
        ...

    def conversion(self, conversion_id: str) -> Awaitable[Conversion]:
        """Read the conversion."""
        ...


async def convert(
    conversions: Converting,
    request: Callable[[], Awaitable[Quote]],
    *,
    max_rate: Amount | None,
    min_rate: Amount | None,
    timeout_seconds: float,
    sleep: Sleep = asyncio.sleep,
) -> Conversion:
    """Request a quote, check its rate, accept it and wait until the conversion is final.

    Args:
        conversions: Executes quotes and reads conversions.
        request: Requests the quote.
        max_rate: The most of the source currency to spend per unit of the target currency.
        min_rate: The least of the target currency to receive per unit of the source currency.
        timeout_seconds: How long to wait for the final status, once the quote is accepted.
        sleep: Waits between two readings: half a second at first, then longer.

    Raises:
        UsageError: No limit, or a wrong one; nothing was sent.
        RateRefused: The rate of the quote is beyond the limit; nothing was executed.
        OutcomeUnknown: The quote was accepted, but its status could not be read in time; the intent names the
            conversion.
    """
    highest, lowest = _limit(max_rate, "max_rate"), _limit(min_rate, "min_rate")
    if highest is None and lowest is None:
        raise UsageError("convert: give max_rate or min_rate: the quote is accepted unseen; nothing was sent")
    quote = await request()
    _check_rate(quote, highest, lowest)
    # Taken before the call: an intent is never younger than what its call did.
    at = datetime.now(UTC)
    conversion_id = await conversions.execute(quote)
    logger.info("%s: quote %s was accepted as %s", EXECUTE, quotable(quote.id), quotable(conversion_id))
    conversion, failure = await wait_final(conversions, conversion_id, timeout_seconds=timeout_seconds, sleep=sleep)
    if conversion is not None:
        return conversion
    raise OutcomeUnknown(
        f"{EXECUTE}: quote {quotable(quote.id)} was accepted as conversion {quotable(conversion_id)}, "
        "but its state could not be read" + (f" ({failure})" if failure else " in time"),
        intent=Intent(EXECUTE, {"quote_id": quote.id, "conversion_id": conversion_id}, at),
        endpoint=EXECUTE,
    ) from failure


async def wait_final(
    conversions: Converting, conversion_id: str, *, timeout_seconds: float, sleep: Sleep = asyncio.sleep
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

    await wait_until(read, is_final, timeout_seconds, latest=conversion, sleep=sleep)
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
