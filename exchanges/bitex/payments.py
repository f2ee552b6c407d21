"""Payments in BTC, quoted in the customer's currency, and the point of sale where customers make them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from exchanges.bitex.api import API
from exchanges.bitex.checks import fault_of_slug, fault_of_url, percentage
from exchanges.bitex.models.payments import Payment, PaymentStatus, PointOfSale
from exchanges.endpoint import IDEMPOTENT, WRITE, Area, Param, private
from exchanges.wire import Amount

__all__ = ["Payments"]

MAX_PAYMENTS = 500
_PERCENTAGE = Param(type="decimal", render=percentage)


def _nothing_to_set(arguments: Mapping[str, Any]) -> str | None:
    return None if any(v is not None for v in arguments.values()) else "name at least one setting"


class Payments(Area, api=API):
    """Accept BTC for an amount of another currency.

    Each payment has an address of its own. What arrives is sold at the best price of the market and credited in USD,
    but for what is to be kept; what is worth about 2 USD or less is not sold, but credited in BTC. It is credited
    even if it comes too late or in several parts.
    """

    @private("POST /private/payments", kind=WRITE)
    async def create_payment(
        self,
        *,
        currency_id: int,
        amount: Amount,
        callback_url: Annotated[str | None, Param(check=fault_of_url)] = None,
        keep: Annotated[Amount | None, Param(type="decimal", render=percentage, echo=None)] = None,
        customer_reference: str | None = None,
        merchant_reference: Annotated[str | None, Param(tag=True)] = None,
    ) -> Payment:
        """Quote an amount in BTC and get an address for it.

        The customer has an hour: then the payment expires, and a new one gives a new quote and a new address. Coins
        that come later are credited all the same, to be given back or sent on. Until then the payment is quoted again
        from time to time, except in BTC; the quote before stays valid as *previous_expected_quantity*.

        Args:
            currency_id: What *amount* is counted in, a `Currency`; in BTC it is taken as it is, without a quote.
            amount: To be quoted.
            callback_url: Where to post the payment each time its status changes: see `Callbacks.payment`; https only.
            keep: Percent of the coins to keep instead of selling them, 0 to 100. Ignored where *currency_id* is BTC,
                as all is kept then.
            customer_reference: Reason as the customer shall see it.
            merchant_reference: Reason as the payee knows it. Where you leave it empty it bears a mark of this call, by
                which `Bitex.reconcile` knows the payment again.

        Returns:
            The new payment with status PENDING. Wire: object.

        Source:
            Bitex developer guide, Payments API, "Create a Payment".
        """
        ...

    @private("GET /private/payments/{payment_id}")
    async def payment(self, payment_id: int) -> Payment:
        """One of your payments.

        Args:
            payment_id: The `Payment.id`.

        Returns:
            Wire: object.

        Source:
            Bitex developer guide, Payments API, "Show a Payment".
        """
        ...

    @private("GET /private/payments")
    async def payments(self, *, status: PaymentStatus | None = None) -> list[Payment]:
        """Your latest payments; the answer may be cut after 500.

        Args:
            status: Those with this status only.

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

        The first time all are to be given, which opens it; later only those that change.

        Args:
            merchant_name: Name of the business.
            merchant_slug: Last part of its address, of lower-case letters, digits and dashes; nobody else may have it.
            merchant_logo: Public address of the logo: at least 200 pixels high and at most 300 wide, to be seen
                on blue; a small file.
            merchant_keep: Percent of the coins to keep, for payments created there, 0 to 100; 0 unless set.
            merchant_site: Address of the business's own site, which the point of sale links to.

        Returns:
            The settings. Wire: object.

        Source:
            Bitex developer guide, Web Point of Sale, "Setup Web POS".
        """
        ...

    async def every_payment(self) -> AsyncIterator[Payment]:
        """Go through all payments that Bitex tells of: the latest, newest first, and then what the cut left out.

        Where the list is cut, each status is asked for by itself when the iteration gets there: that tells of up to
        500 of each. No payment comes twice.
        """
        latest = await self.payments()
        seen = {payment.id for payment in latest}
        for payment in latest:
            yield payment
        for status in PaymentStatus if len(latest) >= MAX_PAYMENTS else ():
            for payment in await self.payments(status=status):
                if payment.id not in seen:
                    seen.add(payment.id)
                    yield payment
