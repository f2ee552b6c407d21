"""Credentials, which are never printed, and what a signing scheme is.

A scheme is a pure function of the call, the credentials and a stamp: it sees the exact bytes that go out.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from exchanges.endpoint.call import PreparedCall
    from exchanges.http.request import Request
    from exchanges.limits.nonces import NoncePolicy

__all__ = ["Credentials", "Scheme", "Stamp"]


class Credentials:
    """What an exchange gave to one account.

    The secret is kept as a keyed hash only. Nothing of it shows in ``repr``; copying shares it, pickling is refused.
    """

    __slots__ = ("_mac", "api_key", "client_id", "fingerprint")

    def __init__(self, *, api_key: str, api_secret: str | None = None, client_id: str | None = None) -> None:
        self.api_key = api_key
        self.client_id = client_id
        self._mac = None if api_secret is None else hmac.new(api_secret.encode(), digestmod=hashlib.sha256)
        self.fingerprint = hashlib.sha256(b"aioexchanges:" + api_key.encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        """Show which account it is by fingerprint only."""
        return f"Credentials({self.fingerprint})"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError("credentials are not pickled")

    def __copy__(self) -> Credentials:
        """Share: credentials never change."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Credentials:
        """Share: credentials never change."""
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no error may show, whether it was sent or not: an exchange knows whose key it is."""
        return (self.api_key,) if self.client_id is None else (self.api_key, self.client_id)

    @property
    def can_sign(self) -> bool:
        """Whether there is a secret."""
        return self._mac is not None

    def sign(self, message: bytes) -> str:
        """Hex HMAC-SHA256 of *message* under the secret, in lower case."""
        if self._mac is None:
            raise TypeError("no secret to sign with")
        mac = self._mac.copy()
        mac.update(message)
        return mac.hexdigest()


@frozen
class Stamp:
    """What makes a signed request unique.

    Attributes:
        nonce: As the policy of the scheme makes it; empty without one.
        timestamp_ms: Wall clock in milliseconds since 1970.
    """

    nonce: str
    timestamp_ms: int


class Scheme(Protocol):
    """How an API wants its private calls signed.

    Attributes:
        policy: What kind of nonce it takes.
        needs: The credentials it needs, by constructor argument.
    """

    policy: ClassVar[NoncePolicy]
    needs: ClassVar[tuple[str, ...]]

    def sign(self, call: PreparedCall, credentials: Credentials, stamp: Stamp) -> Request:
        """Render *call* to bytes and sign exactly those. Pure."""
        ...
