"""Signatures of private calls at Bitstamp: in the body (v1), in headers over the whole request (v2)."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote_plus

from exchanges.http.signing import NoncePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exchanges.http.request import Request, Unsigned
    from exchanges.http.signing import Credentials, Stamp

VERSION = "v2"


class BodySignature:
    """``key``, ``signature`` and ``nonce`` before the other fields of a form.

    The signature covers nonce, client id and key, not the request; 64 hex digits in upper case.

    Source:
        Bitstamp API v1, API authentication, "Signature".
    """

    policy: ClassVar[NoncePolicy] = NoncePolicy.STRICT
    needs: ClassVar[tuple[str, ...]] = ("api_key", "api_secret", "client_id")

    def sign(self, unsigned: Unsigned, credentials: Credentials, stamp: Stamp) -> Request:
        """Add the three fields to *unsigned* and render it."""
        key = credentials.api_key
        # Upper case as documented: of lower case on v1 no record exists.
        signature = credentials.sign(f"{stamp.nonce}{credentials.client_id}{key}".encode()).upper()
        fields = {"key": key, "signature": signature, "nonce": stamp.nonce}
        return unsigned.render(fields, secrets=(key, quote_plus(key), signature))


class HeaderSignature:
    """Five ``X-Auth`` headers over key, verb, host, path with query, content type, nonce, time, version and body.

    Without a body there is no content type, neither sent nor signed: the exchange refuses one (API0020). A query is
    signed with its question mark.

    Source:
        Bitstamp API v2, Authentication.
    """

    policy: ClassVar[NoncePolicy] = NoncePolicy.UNIQUE
    needs: ClassVar[tuple[str, ...]] = ("api_key", "api_secret")

    def sign(self, unsigned: Unsigned, credentials: Credentials, stamp: Stamp) -> Request:
        """Render *unsigned* and add the headers."""
        request = unsigned.bare
        identity, timestamp = f"BITSTAMP {credentials.api_key}", str(stamp.timestamp_ms)
        # Without a body there is no header to look up: the content type is then signed as no text at all.
        host, content_type = request.origin.partition("://")[2], dict(request.headers).get("Content-Type", "")
        parts = (identity, request.verb, host, request.target, content_type, stamp.nonce, timestamp, VERSION)
        # Quirk: samples of the document have the digits in lower case and in upper case: either is accepted.
        signature = credentials.sign("".join(parts).encode() + request.body)
        headers = {
            "X-Auth": identity,
            "X-Auth-Signature": signature,
            "X-Auth-Nonce": stamp.nonce,
            "X-Auth-Timestamp": timestamp,
            "X-Auth-Version": VERSION,
        }
        return request.adding(headers=headers, secrets=(*credentials.secrets, signature))

    def verify(self, credentials: Credentials, stamp: Stamp, headers: Mapping[str, str], body: bytes) -> bool | None:
        """Return whether the exchange signed an answer to a signed request; None if it bears no signature.

        Source:
            Bitstamp API v2, Authentication, on ``X-Server-Auth-Signature``: nonce, time, content type and body.
        """
        given = headers.get("x-server-auth-signature")
        if given is None:
            return None
        text = f"{stamp.nonce}{stamp.timestamp_ms}{headers.get('content-type', '')}"
        expected = credentials.sign(text.encode(errors="surrogatepass") + body)
        return hmac.compare_digest(given.strip().lower().encode(errors="surrogatepass"), expected.encode())
