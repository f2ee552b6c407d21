"""Payments in BTC, quoted in the customer's currency, and the web point of sale for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from exchanges.bitex.api import API
from exchanges.bitex.checks import ECHOED_ID, fault_of_slug, fault_of_url, percentage
from exchanges.bitex.models.payments import (
    Payment,
    PaymentStatus,
    PaymentStatusWord,
    PointOfSale,
)
from exchanges.endpoint import IDEMPOTENT, WRITE, Area, Param, private
from exchanges.wire import Amount

MAX_PAYMENTS = 500
_PERCENTAGE = Param(type="decimal", render=percentage)


def _nothing_to_set(arguments: Mapping[str, Any]) -> str | None:
    return None if any(v is not None for v in arguments.values()) else "give at least one setting"


class Payments(Area, api=API):
    """Accept BTC for an amount of another currency.

    Each payment has its own address. BTC received are sold at the best market price and credited in USD, except the
    part to keep; amounts worth about 2 USD or less are not sold, but credited in BTC. They are credited even if they
    arrive too late or in several parts.
    """

    @private("POST /private/payments", kind=WRITE)
    async def create_payment(
        self,
        *,
        currency_id: int,
        amount: Amount,
        callback_url: Annotated[str | None, Param(check=fault_of_url)] = None,
        # No echo: Bitex ignores it for payments in BTC, so the answer need not repeat it.
        keep: Annotated[Amount | None, Param(type="decimal", render=percentage, echo=None)] = None,
        customer_reference: str | None = None,
        merchant_reference: Annotated[str | None, Param(tag=True)] = None,
    ) -> Payment:
        """Create a payment: quote an amount in BTC and get an address for it.

        It expires after an hour; a new payment has a new quote and a new address. Coins that arrive later are credited
        nevertheless, and can be returned or forwarded. Until it expires the payment is quoted again from time to time,
        except in BTC; the previous quote stays valid as *previous_expected_quantity*.

        Args:
            currency_id: The currency of *amount*, a `Currency`; an amount in BTC needs no quote.
            amount: In *currency_id*: the amount to quote.
            callback_url: URL to which the payment is posted each time its status changes: see `Callbacks.payment`;
                https only.
            keep: Percent of the BTC to keep instead of selling them, 0 to 100. Ignored if *currency_id* is BTC: all of
                them are kept then.
            customer_reference: The purpose as the customer sees it.
            merchant_reference: The purpose as the payee sees it. If you omit it, it carries a tag of this call, by
                which `Bitex.reconcile` finds the payment.

        Returns:
            The new payment with status PENDING. Wire: object.

        Source:
            Bitex developer guide, Payments API, "Create a Payment".
        """
        ...

    @private("GET /private/payments/{payment_id}")
    async def payment(self, payment_id: Annotated[int, ECHOED_ID]) -> Payment:
        """Return one of your payments.

        Args:
            payment_id: The `Payment.id`.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, Payments API, "Show a Payment".
        """
        ...

    @private("GET /private/payments")
    async def payments(self, *, status: PaymentStatus | PaymentStatusWord | None = None) -> list[Payment]:
        """Return your latest payments; the list may be cut off after 500.

        Args:
            status: Return only payments with this status; default: all.

        Returns:
            Newest first. Wire: list of objects.

        Source:
            Bitex developer guide, Payments API, "List all Payments".
        """
        ...

    @private("POST /private/payments/pos_setup", kind=IDEMPOTENT, check=_nothing_to_set)
    async def setup_pos(
        self,
        *,
        merchant_name: str | None = None,
        merchant_slug: Annotated[str | None, Param(check=fault_of_slug)] = None,
        merchant_logo: str | None = None,
        merchant_keep: Annotated[Amount | None, _PERCENTAGE] = None,
        merchant_site: str | None = None,
    ) -> PointOfSale:
        """Set up the web point of sale, or change some of its settings.

        All settings are needed the first time, which opens it; later only those that change.

        Args:
            merchant_name: Name of the business.
            merchant_slug: Last part of its URL, of lower-case letters, digits and dashes; must be unique.
            merchant_logo: Public URL of the logo: at least 200 pixels high and at most 300 wide, on a blue
                background; a small file.
            merchant_keep: Percent of the BTC to keep, 0 to 100, for payments created there; 0 until set.
            merchant_site: URL of the business's own site, which the point of sale links to.

        Returns:
            The settings. Wire: object.

        Source:
            Bitex developer guide, Web Point of Sale, "Setup Web POS".
        """
        ...

    async def every_payment(self) -> AsyncIterator[Payment]:
        """Iterate over all payments that Bitex returns: the latest, newest first, then those that were cut off.

        If the list is cut off, each status is read separately when the iteration gets there, up to 500 payments each.
        No payment is yielded twice.
        """
        latest = await self.payments()
        seen = {payment.id for payment in latest}
        for payment in latest:
            yield payment
        # Only a full list shows that something was cut off: Bitex sends no total and no pages.
        for status in PaymentStatus if len(latest) >= MAX_PAYMENTS else ():
            for payment in await self.payments(status=status):
                if payment.id not in seen:
                    seen.add(payment.id)
                    yield payment
