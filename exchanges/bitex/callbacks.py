"""Callbacks that Bitex posts: payments, work orders, KYC profiles, echoes.

The endpoint that receives them is open to everybody, so each must prove its origin by the key: payments contain it in
the body, all others its SHA-256 in a header. Whatever does not is rejected with the same message.

Whoever has seen an accepted callback can post it again, and callbacks may arrive late or out of order. So treat one as
a hint, and read the current state from the exchange: `Bitex.confirm`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from exchanges.bitex.models.concierge import WorkOrderRequest
from exchanges.bitex.models.kyc import PROFILES, KycProfileUpdate
from exchanges.bitex.models.payments import PaymentUpdate
from exchanges.bitex.webhooks import WebhookEcho
from exchanges.errors import CallbackRejected, DecodeError, UsageError
from exchanges.http.incoming import Headers, only_value
from exchanges.wire import Deviation
from exchanges.wire.converter import wire
from exchanges.wire.strict_json import read_strictly

if TYPE_CHECKING:
    from exchanges.wire import Json

__all__ = ["MAX_BYTES", "Callback", "Callbacks", "Headers"]

MAX_BYTES = 1024 * 1024
"""The largest body that is read."""

# Quirk: the digest of the key alone, so it proves who posts but not what: the body is not signed (guide, "Webhooks").
HEADER = b"webhook-auth"

WebhookUpdate: TypeAlias = WorkOrderRequest | KycProfileUpdate | WebhookEcho
"""The content of a callback to the webhook of a reseller."""

Callback: TypeAlias = PaymentUpdate | WebhookUpdate
"""The content of a callback."""

_DOCUMENTS: dict[Json, type[WorkOrderRequest | KycProfileUpdate]] = {
    WorkOrderRequest.resource_type: WorkOrderRequest,
    PROFILES: KycProfileUpdate,
}


class Callbacks:
    """Verifies and reads callbacks. Nothing here sends or waits.

    Only digests of the keys are kept, and none of them is in ``repr``.

    Args:
        keys: Every key that Bitex may sign with: it uses the first active one of the account.

    Raises:
        UsageError: A key is empty or not a `str`.
    """

    __slots__ = ("_digests",)

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests: list[bytes] = []
        for key in keys:
            if not isinstance(key, str) or not key:
                raise UsageError("callbacks: a key must be a non-empty str")
            self._digests.append(_digest(key))

    def __repr__(self) -> str:
        """Show the number of keys only."""
        return f"Callbacks({len(self._digests)} keys)"

    def payment(self, raw_body: bytes) -> PaymentUpdate:
        """Read a callback to the *callback_url* of a payment.

        Bitex posts one each time the status of the payment changes.

        Args:
            raw_body: The body as received. It contains the key: keep it out of logs.

        Returns:
            The payment as reported, without the key; `Bitex.confirm` reads all of it from the exchange.

        Raises:
            CallbackRejected: The body does not prove that it comes from Bitex, or is not what Bitex posts.

        Source:
            Bitex developer guide, Payments API, "Payment Callbacks".
        """
        update = self._payment(raw_body)
        raw_body = b""  # a traceback that shows locals must not show the key
        if update is None:
            raise self._rejection()
        return update

    def webhook(self, headers: Headers, raw_body: bytes) -> WebhookUpdate:
        """Read a callback to the webhook of a reseller.

        Args:
            headers: The headers of the request.
            raw_body: The body as received.

        Returns:
            A work order that was created or has changed, a KYC profile that was accepted or rejected, or the echo of
            a test.

        Raises:
            CallbackRejected: The request does not prove that it comes from Bitex, or is not what Bitex posts.

        Source:
            Bitex developer guide, "Webhooks".
        """
        update = self._webhook(headers, raw_body)
        headers, raw_body = {}, b""  # as in `payment`
        if update is None:
            raise self._rejection()
        return update

    def _rejection(self) -> CallbackRejected | UsageError:
        if not self._digests:
            return UsageError("callbacks: set api_key (BITEX_API_KEY): without a key no callback can be verified")
        return CallbackRejected("the callback does not prove that it comes from Bitex")

    def _payment(self, raw_body: bytes) -> PaymentUpdate | None:
        try:
            # Quirk: the sample of the guide has a comma too many. What is posted is taken to be valid JSON: a lenient
            # parser could read another key than the one that is checked.
            body = read_strictly(raw_body, max_bytes=MAX_BYTES)
            if not isinstance(body, dict) or not isinstance(key := body.get("api_key"), str):
                return None
            if not self._is_known(_digest(key)):
                return None
            update: PaymentUpdate = wire().structure(body.get("payment"), PaymentUpdate, "callback")
        except (Deviation, DecodeError):
            return None
        return update

    def _webhook(self, headers: Headers, raw_body: bytes) -> WebhookUpdate | None:
        try:
            # The header first: a body from anybody else is not worth parsing.
            if not self._is_known(only_value(headers, HEADER)):
                return None
            body = read_strictly(raw_body, max_bytes=MAX_BYTES)
            kind = _kind(body)
            if kind is None:
                return None
            update: WebhookUpdate = wire().structure(body, kind, "callback")
        # Headers come from a web framework: those of another type are refused like wrong ones.
        except (Deviation, DecodeError, TypeError, ValueError):
            return None
        return update

    def _is_known(self, digest: bytes) -> bool:
        """Compare with every key: stopping at a match would show in the time which key it is."""
        return sum(hmac.compare_digest(digest, known) for known in self._digests) > 0


def _digest(key: str) -> bytes:
    # A lone surrogate cannot be encoded; it must lead to a refusal, not to an error of its own.
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest().encode()


def _kind(body: Json) -> type[WebhookUpdate] | None:
    if not isinstance(body, dict):
        return None
    data = body.get("data")
    if not isinstance(data, dict):
        return WebhookEcho if "echo" in body else None
    named = data.get("type")
    return _DOCUMENTS.get(named) if isinstance(named, str) else None
