"""The pages of the web point of sale: addresses to show to customers. Nothing here sends."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from attrs import field, frozen

from exchanges.bitex.checks import fault_of_slug
from exchanges.endpoint.arguments import money
from exchanges.errors import UsageError
from exchanges.wire import Amount

__all__ = ["PointOfSalePages"]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@frozen
class PointOfSalePages:
    """Makes the addresses of a merchant's pages. They exist once `Payments.setup_pos` has set them up.

    Source:
        Bitex developer guide, "Web Point of Sale".
    """

    origin: str = field(converter=_origin)
    """Scheme, host and port: those of the client."""

    def payment_page(self, merchant_slug: str, public_address: str) -> str:
        """Show one payment with its QR code, by itself or within a frame.

        In a frame it reports the payment as JSON to the page around it, by ``postMessage``.

        Args:
            merchant_slug: Last part of the point of sale's address.
            public_address: The `PaymentAddress.public_address` of the payment.

        Source:
            Bitex developer guide, Web Point of Sale, "Payment Page".
        """
        if not public_address or not public_address.isalnum() or not public_address.isascii():
            raise UsageError("public_address must be of letters and digits")
        return f"{self.self_service_page(merchant_slug)}/{public_address}"

    def self_service_page(
        self,
        merchant_slug: str,
        *,
        amount: Amount | None = None,
        currency_id: int | None = None,
        customer_reference: str | None = None,
    ) -> str:
        """Let a customer create a payment, with fields filled in where they are given.

        Args:
            merchant_slug: Last part of the point of sale's address.
            amount: To be quoted.
            currency_id: What *amount* is counted in, a `Currency`.
            customer_reference: What the payment is for.

        Source:
            Bitex developer guide, Web Point of Sale, "Self Service POS".
        """
        given = {
            "amount": None if amount is None else _written(amount),
            "currency_id": None if currency_id is None else str(int(currency_id)),
            "customer_reference": customer_reference,
        }
        query = urlencode({name: value for name, value in given.items() if value is not None}, quote_via=quote)
        return f"{self.origin}/pos/{_checked(merchant_slug)}" + (f"?{query}" if query else "")

    def donation_page(self, merchant_slug: str) -> str:
        """Let a customer create a payment that the page calls a donation; nothing else differs.

        Args:
            merchant_slug: Last part of the point of sale's address.

        Source:
            Bitex developer guide, Web Point of Sale, "Self Service POS".
        """
        return f"{self.origin}/donate/{_checked(merchant_slug)}"


def _checked(merchant_slug: str) -> str:
    if fault := fault_of_slug(merchant_slug):
        raise UsageError(f"merchant_slug {fault}")
    return merchant_slug


def _written(amount: Amount) -> str:
    try:
        return money(amount)
    except ValueError as error:
        raise UsageError(f"amount {error}") from None
