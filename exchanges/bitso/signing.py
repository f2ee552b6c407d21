"""Signatures of private calls at Bitso: in the body (v2), in a header over the whole request (v3, v4)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from exchanges.http.signing import NoncePolicy

if TYPE_CHECKING:
    from exchanges.http.request import Request, Unsigned
    from exchanges.http.signing import Credentials, Stamp
    from exchanges.wire import Json


class SignatureOrder(StrEnum):
    """The two documented orders of the parts that v2 signs after the nonce."""

    CLIENT_ID_FIRST = "client_id_first"
    KEY_FIRST = "key_first"


class Nonces(StrEnum):
    """The two documented kinds of nonces of v3 and v4."""

    STRICT = "strict"
    """Each larger than the one before, so that one signed call of a key is under way at a time."""
    V2 = "v2"
    """Unique, in any order: signed calls run side by side."""


@frozen(eq=False)
class BodySignature:
    """``key``, ``nonce`` and ``signature`` before the other fields of a JSON body.

    The signature covers nonce, client id and key, not the request. The document joins them in two orders: its text
    and two of its samples put the client id before the key and show the nonce as text; two samples put the key first
    and send the nonce as a number. The first is the default.

    Attributes:
        key_first: Sign nonce, key, client id; send the nonce as a number.

    Source:
        Bitso API v2, Private Endpoints, "Creating and Signing Requests" and "Signature".
    """

    policy: ClassVar[NoncePolicy] = NoncePolicy.STRICT
    needs: ClassVar[tuple[str, ...]] = ("api_key", "api_secret", "client_id")

    key_first: bool = False

    def sign(self, unsigned: Unsigned, credentials: Credentials, stamp: Stamp) -> Request:
        """Add the three fields to *unsigned* and render it."""
        key, client_id = credentials.api_key, credentials.client_id
        # Quirk: two official clients signed in different orders for years, so the server must have accepted both.
        message = f"{stamp.nonce}{key}{client_id}" if self.key_first else f"{stamp.nonce}{client_id}{key}"
        signature = credentials.sign(message.encode())
        nonce: Json = int(stamp.nonce) if self.key_first else stamp.nonce
        return unsigned.render({"key": key, "nonce": nonce, "signature": signature}, secrets=(key, signature))


class HeaderSignature:
    """``Authorization: Bitso key:nonce:signature`` over nonce, verb, path with query, and body.

    Path, query and body are signed byte for byte as they are sent, so the path includes the prefix of the host
    (``/api/v3`` at bitso.com, ``/v3`` at api.bitso.com) and a query its percent signs.

    Source:
        Bitso API v3, "Creating and Signing Requests"; the tables of "Get Account Balance" list the three parts as
        headers of their own, which they are not.
    """

    policy: ClassVar[NoncePolicy] = NoncePolicy.STRICT
    needs: ClassVar[tuple[str, ...]] = ("api_key", "api_secret")

    def sign(self, unsigned: Unsigned, credentials: Credentials, stamp: Stamp) -> Request:
        """Render *unsigned* and add the header."""
        request = unsigned.bare
        # From the final URL, never from a constant: a path without the prefix of its host is answered with code 0215.
        signature = credentials.sign(f"{stamp.nonce}{request.verb}{request.target}".encode() + request.body)
        authorization = f"Bitso {credentials.api_key}:{stamp.nonce}:{signature}"
        return request.adding(headers={"Authorization": authorization}, secrets=(*credentials.secrets, signature))


class SaltedHeaderSignature(HeaderSignature):
    """The same with nonces of version 2: milliseconds and random digits, which may arrive in any order.

    Source:
        Bitso API v3, "Creating and Signing Requests", on nonces of version 2.
    """

    policy: ClassVar[NoncePolicy] = NoncePolicy.SALTED
