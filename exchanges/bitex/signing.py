"""Authentication at Bitex: the key itself is sent, in the query or in the body."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from exchanges.http.signing import NoncePolicy, Scheme

if TYPE_CHECKING:
    from exchanges.http.request import Request, Unsigned
    from exchanges.http.signing import Credentials, Stamp


class ApiKeyScheme(Scheme):
    """The field ``api_key`` before all others; no signature, no nonce.

    The key is part of the URL of every private GET, so nothing may log the target of a request.

    Source:
        Bitex developer guide, "Your API keys".
    """

    # Nothing is signed, so requests of one key may overtake each other.
    policy = NoncePolicy.NONE
    needs = ("api_key",)

    def __repr__(self) -> str:
        return "ApiKeyScheme()"

    def sign(self, unsigned: Unsigned, credentials: Credentials, stamp: Stamp) -> Request:  # noqa: ARG002 - as in `Scheme`
        """Add the key to *unsigned* and render it."""
        key = credentials.api_key
        # In a query or form the key may appear quoted, and both spellings must be redacted.
        return unsigned.render({"api_key": key}, secrets=(key, quote_plus(key)))
