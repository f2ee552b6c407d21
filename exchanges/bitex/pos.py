"""The pages of the web point of sale: URLs to show to customers. Nothing here sends."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from attrs import field

from exchanges.bitex.checks import fault_of_slug
from exchanges.endpoint.arguments import money, refusing
from exchanges.errors import UsageError
from exchanges.values import frozen
from exchanges.wire import Amount, Model


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@frozen
class PointOfSalePages(Model):
    """Builds the URLs of a merchant's pages, which exist after `Payments.setup_pos`.

    Source:
        Bitex developer guide, "Web Point of Sale".
    """

    origin: str = field(converter=_origin)
    """Scheme, host and port: those of the client."""

    @refusing
    def payment_page(self, merchant_slug: str, public_address: str) -> str:
        """Return the URL of the page of one payment with its QR code, to show alone or in a frame.

        In a frame it reports the payment as JSON to the surrounding page, by ``postMessage``.

        Args:
            merchant_slug: Last part of the URL of the point of sale.
            public_address: The `PaymentAddress.public_address` of the payment.

        Source:
            Bitex developer guide, Web Point of Sale, "Payment Page".
        """
        public_address = str.__str__(public_address)
        # It becomes a part of the path: nothing that needs quoting can be an address.
        if not public_address or not public_address.isalnum() or not public_address.isascii():
            raise UsageError("public_address must consist of letters and digits")
        return f"{self.self_service_page(merchant_slug)}/{public_address}"

    @refusing
    def self_service_page(
        self,
        merchant_slug: str,
        *,
        amount: Amount | None = None,
        currency_id: int | None = None,
        customer_reference: str | None = None,
    ) -> str:
        """Return the URL of the page on which a customer creates a payment, with the given fields filled in.

        Args:
            merchant_slug: Last part of the URL of the point of sale.
            amount: In *currency_id*: the amount to quote.
            currency_id: The currency of *amount*, a `Currency`.
            customer_reference: The purpose of the payment.

        Source:
            Bitex developer guide, Web Point of Sale, "Self Service POS".
        """
        try:
            quoted = None if amount is None else money(amount)
        except ValueError as error:
            raise UsageError(f"amount {error}") from None
        # The number of a `Currency`: an enum would render as its name.
        currency = None if currency_id is None else _number(currency_id)
        fields = {"amount": quoted, "currency_id": currency, "customer_reference": customer_reference}
        query = urlencode({name: value for name, value in fields.items() if value is not None}, quote_via=quote)
        return f"{self.origin}/pos/{_checked(merchant_slug)}" + (f"?{query}" if query else "")

    @refusing
    def donation_page(self, merchant_slug: str) -> str:
        """Return the URL of the page on which a customer creates a payment that is called a donation.

        Nothing else differs from the self-service page.

        Args:
            merchant_slug: Last part of the URL of the point of sale.

        Source:
            Bitex developer guide, Web Point of Sale, "Self Service POS".
        """
        return f"{self.origin}/donate/{_checked(merchant_slug)}"


def _number(currency_id: int) -> int:
    # `int` would cut a fraction off, and write a huge exponent out.
    if not isinstance(currency_id, int):
        raise UsageError(f"currency_id must be an int, not {type(currency_id).__name__}")
    return int.__int__(currency_id)


def _checked(merchant_slug: str) -> str:
    slug = str.__str__(merchant_slug)
    if fault := fault_of_slug(slug):
        raise UsageError(f"merchant_slug {fault}")
    return slug
