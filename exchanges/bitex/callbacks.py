"""What Bitex posts to you: payments, work orders, KYC profiles, echoes.

The endpoint that takes it is open to everybody, so whatever arrives proves itself by the key: payments carry it in
the body, all others its SHA-256 in a header. Everything that does not is refused with the same words.

A callback that was accepted once may have been kept and sent again by whoever saw it, and callbacks may come late or
in another order. So take one as a hint, and ask the exchange: `confirm`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from attrs import field, frozen

from exchanges.bitex.models.concierge import ResourceId, WorkOrderRequest
from exchanges.bitex.models.jsonapi import flat, resource, unfolded
from exchanges.bitex.models.kyc import KycProfile, UsageTier
from exchanges.bitex.models.payments import Payment, PaymentUpdate
from exchanges.bitex.webhooks import WebhookEcho
from exchanges.errors import CallbackRejected, DecodeError, UsageError
from exchanges.wire import Deviation, RawJson
from exchanges.wire.converter import wire
from exchanges.wire.strict_json import read_strictly

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from exchanges.bitex.models.jsonapi import Object
    from exchanges.wire import Json

__all__ = ["MAX_BYTES", "Callback", "Callbacks", "Headers", "KycProfileUpdate", "confirm"]

MAX_BYTES = 1024 * 1024
"""The largest body that is looked at."""

HEADER = b"webhook-auth"
PROFILES = "kyc_profiles"
OWN = ("id", "accepted_usage_tier")

Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]
"""The headers of a request: a mapping, or pairs as ASGI has them."""


@frozen(kw_only=True)
class KycProfileUpdate:
    """A KYC profile that was accepted or rejected. Wire: json:api document.

    Source:
        Bitex developer guide, Webhooks, "KycProfile callbacks".
    """

    id: ResourceId
    """The `KycProfile.id`."""
    accepted_usage_tier: UsageTier | None
    """What was granted; None means rejected. May change at any time, from granted to rejected too."""
    attributes: dict[str, RawJson] = field(factory=dict[str, "Json"], repr=False)
    """What else the document says, which the guide does not show. Personal data: never printed."""

    @classmethod
    def from_wire(cls, value: Object) -> Object:
        """Read a document about one profile."""
        fields = flat(unfolded(value)["data"], PROFILES)
        own = {name: fields[name] for name in OWN if name in fields}
        return {**own, "attributes": {name: rest for name, rest in fields.items() if name not in OWN}}

    @classmethod
    def to_wire(cls, value: Object) -> Object:
        """Make a document about one profile."""
        rest = value["attributes"] if isinstance(value["attributes"], dict) else {}
        tier = value.get("accepted_usage_tier")
        return {"data": resource({**rest, "id": value["id"], "accepted_usage_tier": tier}, PROFILES)}


Callback: TypeAlias = PaymentUpdate | WorkOrderRequest | KycProfileUpdate | WebhookEcho
"""What a callback is about."""

_DOCUMENTS: dict[Json, type[WorkOrderRequest | KycProfileUpdate]] = {
    WorkOrderRequest.resource_type: WorkOrderRequest,
    PROFILES: KycProfileUpdate,
}


class Callbacks:
    """Reads what Bitex posts. Nothing here sends or waits.

    Only digests of the keys are kept, and nothing of them shows in ``repr``.

    Args:
        keys: Every key that Bitex may sign with: it takes the first active one of the account.

    Raises:
        UsageError: A key is empty or no text.
    """

    __slots__ = ("_digests",)

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests: list[bytes] = []
        for key in keys:
            if not isinstance(key, str) or not key:
                raise UsageError("callbacks: a key must be a text that is not empty")
            self._digests.append(_digest(key))

    def __repr__(self) -> str:
        """Show how many keys there are."""
        return f"Callbacks({len(self._digests)} keys)"

    def payment(self, raw_body: bytes) -> PaymentUpdate:
        """Read what came to the *callback_url* of a payment.

        Bitex posts there each time the status of the payment changes.

        Args:
            raw_body: The body as it came. It holds the key: keep it out of logs.

        Returns:
            What it says of the payment, the key left out; `confirm` asks the exchange for all of it.

        Raises:
            CallbackRejected: It does not prove that it comes from Bitex, or is not what Bitex sends.

        Source:
            Bitex developer guide, Payments API, "Payment Callbacks".
        """
        update = self._payment(raw_body)
        del raw_body  # a traceback that shows locals shall not show the key
        self._require_keys()
        if update is None:
            raise _rejected()
        return update

    def webhook(self, headers: Headers, raw_body: bytes) -> WorkOrderRequest | KycProfileUpdate | WebhookEcho:
        """Read what came to the webhook of a reseller.

        Args:
            headers: Those of the request.
            raw_body: The body as it came.

        Returns:
            A work order, created or gone on; a KYC profile, accepted or rejected; or the echo of a test.

        Raises:
            CallbackRejected: It does not prove that it comes from Bitex, or is not what Bitex sends.

        Source:
            Bitex developer guide, "Webhooks".
        """
        update = self._webhook(headers, raw_body)
        del headers, raw_body
        self._require_keys()
        if update is None:
            raise _rejected()
        return update

    def _require_keys(self) -> None:
        if not self._digests:
            raise UsageError("callbacks: without an api_key (BITEX_API_KEY) no callback can be told from a forged one")

    def _payment(self, raw_body: bytes) -> PaymentUpdate | None:
        try:
            body = read_strictly(raw_body, max_bytes=MAX_BYTES)
            if not isinstance(body, dict) or not isinstance(key := body.get("api_key"), str):
                return None
            if not self._knows(_digest(key)):
                return None
            update: PaymentUpdate = wire().structure(body.get("payment"), PaymentUpdate, "callback")
        except (Deviation, DecodeError):
            return None
        return update

    def _webhook(self, headers: Headers, raw_body: bytes) -> WorkOrderRequest | KycProfileUpdate | WebhookEcho | None:
        try:
            if not self._knows(_said(headers)):
                return None
            body = read_strictly(raw_body, max_bytes=MAX_BYTES)
            kind = _kind(body)
            if kind is None:
                return None
            update: WorkOrderRequest | KycProfileUpdate | WebhookEcho = wire().structure(body, kind, "callback")
        except (Deviation, DecodeError, TypeError, ValueError):
            return None
        return update

    def _knows(self, digest: bytes) -> bool:
        """Compare with every key, in a time that does not depend on which it is."""
        return sum(hmac.compare_digest(digest, known) for known in self._digests) > 0


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest().encode()


def _rejected() -> CallbackRejected:
    return CallbackRejected("the callback does not prove that it comes from Bitex")


def _said(headers: Headers) -> bytes:
    """Find what the one header says; nothing where it is missing or stands twice."""
    pairs: Iterable[tuple[str | bytes, str | bytes]]
    pairs = cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
    said = [_bytes(value) for name, value in pairs if _bytes(name).lower() == HEADER]
    return said[0] if len(said) == 1 else b""


def _bytes(text: str | bytes) -> bytes:
    return text.encode("ascii", "replace") if isinstance(text, str) else bytes(text)


def _kind(body: Json) -> type[WorkOrderRequest | KycProfileUpdate | WebhookEcho] | None:
    if not isinstance(body, dict):
        return None
    data = body.get("data")
    if not isinstance(data, dict):
        return WebhookEcho if "echo" in body else None
    named = data.get("type")
    return _DOCUMENTS.get(named) if isinstance(named, str) else None


# What the exchange itself says ---------------------------------------------------------------------------------------


class _Payments(Protocol):
    def payment(self, payment_id: int) -> Awaitable[Payment]: ...


class _Concierge(Protocol):
    def work_order_request(self, work_order_request_id: int) -> Awaitable[WorkOrderRequest]: ...


class _Kyc(Protocol):
    def profile(self, kyc_profile_id: int) -> Awaitable[KycProfile]: ...


class Asking(Protocol):
    """What confirming needs of a client."""

    @property
    def payments(self) -> _Payments:
        """Reads payments."""
        ...

    @property
    def concierge(self) -> _Concierge:
        """Reads work orders."""
        ...

    @property
    def kyc(self) -> _Kyc:
        """Reads profiles."""
        ...


async def confirm(client: Asking, callback: Callback) -> Payment | WorkOrderRequest | KycProfile:
    """Ask the exchange for what *callback* is about.

    Raises:
        UsageError: It names nothing that could be asked for.
    """
    match callback:
        case PaymentUpdate(id=int(payment_id)):
            return await client.payments.payment(payment_id)
        case WorkOrderRequest():
            return await client.concierge.work_order_request(callback.id)
        case KycProfileUpdate():
            return await client.kyc.profile(callback.id)
        case _:
            raise UsageError("confirm: this callback names nothing to ask for; nothing was sent")
