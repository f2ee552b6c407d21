"""Verification of webhooks: who signed the bytes that were posted, and what they say.

Three forms of the signed bytes are tried, and no other: the value of ``payload`` as it stands in the body, the same in
compact form, and the whole body. What is returned is read from the bytes that were verified. The name of the event is
not part of the first two: there only what the payload is says that it is a funding or a withdrawal, and any other name
is no more than what somebody wrote. A payload that is a webhook itself was signed as a whole, and is refused.

A delivery may come twice, late, or out of order, and a body that was seen once can be posted again by anybody: take it
as a hint, and read the current state from the exchange.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import msgspec
from attrs import define, field

from exchanges.bitso.models.funding import Deposit, Withdrawal
from exchanges.bitso.models.webhooks import WebhookKey
from exchanges.errors import CallbackRejected, DecodeError, ReadFailed, UsageError
from exchanges.http.incoming import Headers, only_value
from exchanges.values import frozen
from exchanges.wire import Deviation, Json, Model, loads
from exchanges.wire.converter import wire
from exchanges.wire.strict_json import read_strictly

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MAX_BYTES = 1024 * 1024
"""The largest body that is read."""
SIGNATURE, KEY_ID = b"x-bitso-webhook-event-signature", b"x-bitso-key-id"
REFETCH_SECONDS = 60.0
"""An id of a key that is not known makes the keys be read again, but no more often than this."""
MIN_KEY_BITS = 2048
MAX_NAME = 100
"""The longest name of an event."""

_MODELS: dict[str, type[Deposit | Withdrawal]] = {"funding": Deposit, "withdrawal": Withdrawal}
_UNREAD = (
    "bitso.webhooks.public_keys: the keys by which Bitso signs could not be read, so nobody knows whether the webhook "
    f"is genuine; answer 503, so that it comes again: they are read again {REFETCH_SECONDS:.0f} s after the last time"
)
_REFUSAL = "the webhook does not prove that it comes from Bitso"


@frozen(kw_only=True)
class Delivery(Model):
    """A verified webhook.

    Attributes:
        event: Name of the event, such as funding or withdrawal; None for an event of another product whose name the
            signature does not cover.
        claimed_event: The name as it was posted, which anybody may have written.
        payload: The deposit or the withdrawal; plain JSON for an event of another product.
    """

    event: str | None
    claimed_event: str
    payload: Deposit | Withdrawal | Json = field(repr=False)


@define
class Keys:
    """The public keys by which Bitso signs, by id, as they were read last."""

    _keys: dict[str, RSAPublicKey] = field(factory=dict[str, Any], init=False)
    _read_at: float | None = field(default=None, init=False)
    _reading: asyncio.Task[None] | None = field(default=None, init=False)
    _has_failed: bool = field(default=False, init=False)

    async def key(self, key_id: str, read: Callable[[], Awaitable[Iterable[WebhookKey]]]) -> RSAPublicKey | None:
        """Return a key; None if the exchange has none of this id.

        Raises:
            ReadFailed: The keys could not be read a moment ago, so that nobody knows.
            ExchangeError: They could not be read now.
        """
        if key_id not in self._keys and self._may_read():
            # One task for all deliveries that wait: a cancelled one must not end the reading of the others.
            if self._reading is None or self._reading.done():
                self._reading = asyncio.ensure_future(self._refresh(read))
                # Whoever waits gets the error; if nobody does any more, nobody misses it.
                self._reading.add_done_callback(lambda task: task.cancelled() or task.exception())
            await asyncio.shield(self._reading)
        if key_id not in self._keys and self._has_failed:
            raise ReadFailed(_UNREAD, endpoint="bitso.webhooks.public_keys")
        return self._keys.get(key_id)

    def _may_read(self) -> bool:
        is_reading = self._reading is not None and not self._reading.done()
        now = asyncio.get_running_loop().time()
        return is_reading or self._read_at is None or not 0 <= now - self._read_at < REFETCH_SECONDS

    async def _refresh(self, read: Callable[[], Awaitable[Iterable[WebhookKey]]]) -> None:
        # Before the read: deliveries with made-up ids must not make more calls while the exchange fails.
        self._read_at, self._has_failed = asyncio.get_running_loop().time(), True
        found = {entry.key_id: _load(entry.public_key) for entry in await read()}
        self._keys = {key_id: key for key_id, key in found.items() if key is not None}
        self._has_failed = False


def _load(public_key: str) -> RSAPublicKey | None:
    """Return an RSA key of at least `MIN_KEY_BITS`; None for all else."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    try:
        key = load_der_public_key(base64.b64decode(public_key, validate=True))
    except Exception:  # noqa: BLE001 - a key that cannot be read verifies nothing; the others still do
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= MIN_KEY_BITS else None


def require_cryptography() -> None:
    """Raise unless the extra is installed."""
    if find_spec("cryptography") is None:
        raise UsageError(
            "webhooks: verifying signatures needs the package cryptography: pip install 'aioexchanges[webhooks]'"
        )


async def read_delivery(
    keys: Keys, read_keys: Callable[[], Awaitable[Iterable[WebhookKey]]], raw_body: bytes, headers: Headers
) -> Delivery:
    """Verify and read one webhook.

    Raises:
        CallbackRejected: It does not prove that it comes from Bitso, or is not what Bitso posts.
        ReadFailed: The keys could not be read.
    """
    try:
        key_id, signature = only_value(headers, KEY_ID).decode("ascii"), only_value(headers, SIGNATURE)
        decoded = base64.b64decode(signature, validate=True)
        # No key twice: another reader might take the other one.
        envelope = read_strictly(raw_body, max_bytes=MAX_BYTES)
    except (Deviation, TypeError, ValueError, binascii.Error):
        raise CallbackRejected(_REFUSAL) from None
    event = envelope.get("event") if isinstance(envelope, dict) else None
    if not isinstance(event, str) or len(event) > MAX_NAME or not key_id or not decoded:
        raise CallbackRejected(_REFUSAL)
    key = await keys.key(key_id, read_keys)
    verified = None if key is None else _verified(key, decoded, raw_body)
    if verified is None:
        raise CallbackRejected(_REFUSAL)
    return _delivery(event, *verified)


def _verified(key: RSAPublicKey, signature: bytes, raw_body: bytes) -> tuple[Json, bool] | None:
    """Return the payload, and whether the signature covers the whole body; None if it covers no form of the bytes."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    parts = msgspec.json.decode(raw_body, type=dict[str, msgspec.Raw])
    if "payload" not in parts:
        return None
    payload = bytes(parts["payload"])
    # Quirk: the document signs the compact payload, one receiver verifies the whole body; the first form is the
    # second wherever the exchange posts what it signed.
    for form in (payload, msgspec.json.format(payload, indent=-1), raw_body):
        try:
            key.verify(signature, form, PKCS1v15(), SHA256())
        except InvalidSignature:
            continue
        return loads(payload), form is raw_body
    return None


def _delivery(event: str, payload: Json, is_whole: bool) -> Delivery:  # noqa: FBT001 - the second of a pair
    """Decode the payload; the event must be what the payload shows, as the signature may not cover its name."""
    if isinstance(payload, dict) and {"event", "payload"} <= payload.keys():
        raise CallbackRejected("the payload of the webhook is a webhook itself")
    shown = {"fid", "wid"} & payload.keys() if isinstance(payload, dict) else set[str]()
    expected = {"funding": {"fid"}, "withdrawal": {"wid"}}.get(event, set[str]())
    if shown != expected:
        raise CallbackRejected(f"the payload of the webhook is not that of its event {event[:40]!r}")
    model = _MODELS.get(event)
    if model is None:
        return Delivery(event=event if is_whole else None, claimed_event=event, payload=payload)
    try:
        return Delivery(event=event, claimed_event=event, payload=wire().structure(payload, model, "webhook"))
    except DecodeError as error:
        raise CallbackRejected(f"{error}: not what Bitso posts") from None
