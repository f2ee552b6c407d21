"""Keys and contents of webhooks, by v3 and v4."""

from __future__ import annotations

from typing import cast

from attrs import frozen

from exchanges.wire import IsoTime, Json

# Quirk: both spellings were seen.
_OTHER_NAMES = {"keyId": "key_id", "publicKey": "public_key", "createdAt": "created_at"}


@frozen(kw_only=True)
class WebhookKey:
    """A key with which Bitso signs webhooks. Wire: object, in a bare list or in an envelope.

    Source:
        Bitso payouts documentation, "Webhooks".
    """

    key_id: str
    """Id of the key, as in the header of a delivery."""
    public_key: str
    """Base64 of the public key (DER, SubjectPublicKeyInfo; RSA)."""
    created_at: IsoTime | None = None
    """UTC: since when it exists; None if not sent."""

    @staticmethod
    def from_wire(value: Json) -> Json:
        """Rename keys in the other spelling."""
        return {_OTHER_NAMES.get(name, name): item for name, item in cast("dict[str, Json]", value).items()}
