"""Webhooks: where the exchange posts to, and the keys by which it signs."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from exchanges.bitso.api import PRODUCTS, V3
from exchanges.bitso.deliveries import Delivery, Keys, read_delivery, require_cryptography
from exchanges.bitso.models.webhooks import Registered, WebhookKey
from exchanges.endpoint import IDEMPOTENT, Area, Param, private, public
from exchanges.http.incoming import Headers


def _fault_of_url(url: str) -> str | None:
    """Return what is wrong with the address of a webhook; None if nothing is."""
    parts = urlsplit(url)
    is_right = parts.scheme == "https" and parts.hostname and not parts.username and not parts.fragment
    return None if is_right else "must be an https URL without user and fragment"


def _is_named(url: str, sentence: str) -> bool:
    return url.rstrip("/").lower() in sentence.lower()


class Webhooks(Area, api=V3):
    """Where Bitso posts deposits and withdrawals, and the keys by which it signs."""

    # The same URL again changes nothing, so it may be repeated.
    @private("POST /webhooks", kind=IDEMPOTENT)
    async def register(
        self, callback_url: Annotated[str, Param(check=_fault_of_url, echo="url", same=_is_named)]
    ) -> Registered:
        """Set the one URL to which Bitso posts every event of the account. These deliveries are not signed.

        Args:
            callback_url: An https URL that the exchange can reach.

        Returns:
            A sentence that names the URL. Wire: text in an envelope.

        Source:
            Bitso API v3, "Register A Webhook"; deprecated.
        """
        ...

    @public("GET /webhooks/public-key", api=PRODUCTS)
    async def public_keys(self) -> list[WebhookKey]:
        """Public keys by which Bitso signs webhooks.

        Returns:
            Wire: list of objects, bare or in an envelope.

        Source:
            Bitso payouts documentation, "Webhooks".
        """
        ...

    async def read(self, *, raw_body: bytes, headers: Headers) -> Delivery:
        """Verify a webhook that was posted to you, and read it.

        The public keys are read when the first one is needed, and again when a webhook names one that is not known,
        at most once a minute. Webhooks may come twice, late and out of order; answer 2xx within 5 seconds.

        Args:
            raw_body: The body exactly as received.
            headers: A mapping, or pairs as in ASGI.

        Raises:
            CallbackRejected: It does not prove that it comes from Bitso, or is not what Bitso posts.
            ReadFailed: The public keys could not be read, now or within the last minute: answer 503.
            UsageError: The extra `webhooks` is not installed.

        Source:
            Bitso payouts documentation, "Webhooks".
        """
        require_cryptography()
        keys: Keys = self.shared.setdefault("bitso.webhook keys", Keys())
        return await read_delivery(keys, self.public_keys, raw_body, headers)
