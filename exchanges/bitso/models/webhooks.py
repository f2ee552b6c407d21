"""Keys and contents of webhooks, by v3 and v4."""

from __future__ import annotations

from typing import Annotated, cast

from exchanges.values import frozen
from exchanges.wire import Deviation, IsoTime, Json, Model

# Quirk: both spellings were seen.
_OTHER_NAMES = {"keyId": "key_id", "publicKey": "public_key", "createdAt": "created_at"}


class _Sentence:
    """What the exchange says of a webhook that was registered: words that name its URL."""

    def read(self, value: Json, *, strict: bool) -> str:  # noqa: ARG002 - anything else says nothing of a URL
        if not isinstance(value, str) or "https://" not in value:
            raise Deviation("a sentence that names the URL")
        return value

    def write(self, value: str) -> Json:
        return value


Registered = Annotated[str, _Sentence()]


@frozen(kw_only=True)
class WebhookKey(Model):
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
