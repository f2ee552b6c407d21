"""Credentials, which are never printed, nonces, and what a signing scheme is.

A scheme is a pure function of the request, the credentials and a stamp: it signs the exact bytes that are sent.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, ClassVar, NamedTuple, NoReturn, Protocol, TypeAlias
from uuid import uuid4

from exchanges.http.request import Request, Unsigned

__all__ = ["NONE", "SALTED", "STRICT", "UNIQUE", "Credentials", "NoncePolicy", "Scheme", "Stamp", "unordered_nonce"]


class NoncePolicy(Enum):
    """What a scheme requires of its nonces."""

    STRICT = "strict"
    """Each larger than the one before, in order of arrival: milliseconds, 13 digits."""
    UNIQUE = "unique"
    """Never the same twice, in any order: a random UUID."""
    SALTED = "salted"
    """Never the same twice, in any order: milliseconds, 13 digits, and 6 random digits."""
    NONE = "none"
    """No nonce at all."""


STRICT, UNIQUE, SALTED, NONE = NoncePolicy


def unordered_nonce(policy: NoncePolicy, timestamp_ms: int) -> str:
    """Return a nonce that need not rise; empty where the policy wants none, or one that rises."""
    if policy is UNIQUE:
        return str(uuid4())  # lower case, 36 characters
    if policy is not SALTED:
        return ""
    from secrets import randbelow  # noqa: PLC0415 - few clients want such nonces

    return f"{timestamp_ms}{100_000 + randbelow(900_000)}"


class Credentials:
    """Key, secret and id of one account.

    The secret is kept as a keyed hash only. It never appears in ``repr``; copying shares it, pickling raises.
    """

    __slots__ = ("_mac", "api_key", "client_id", "fingerprint", "secrets")

    def __init__(self, *, api_key: str, api_secret: str | None = None, client_id: str | None = None) -> None:
        self.api_key = api_key
        self.client_id = client_id
        # No error may show them, sent or not: an exchange knows whose key it is, and may name it.
        self.secrets = (api_key,) if client_id is None else (api_key, client_id)
        # A keyed hash signs as well as the secret, and prints nothing of it.
        self._mac = None if api_secret is None else hmac.new(api_secret.encode(), digestmod=hashlib.sha256)
        # With a prefix, so that it is not the plain hash of the key, which others may have computed.
        self.fingerprint = hashlib.sha256(b"aioexchanges:" + api_key.encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        """Show the account by its fingerprint alone."""
        return f"Credentials({self.fingerprint})"

    def __reduce__(self) -> NoReturn:
        """Raise: credentials are not pickled."""
        raise TypeError("credentials are not pickled")

    def __copy__(self) -> Credentials:
        """Return the same object: credentials never change."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Credentials:
        """Return the same object: credentials never change."""
        return self

    @property
    def can_sign(self) -> bool:
        """Whether there is a secret to sign with."""
        return self._mac is not None

    def sign(self, message: bytes) -> str:
        """Return the hex HMAC-SHA256 of *message* under the secret, in lower case."""
        if self._mac is None:
            raise TypeError("these credentials have no secret to sign with")
        # A copy: an update would change the state with which all later signatures begin.
        mac = self._mac.copy()
        mac.update(message)
        return mac.hexdigest()


class Stamp(NamedTuple):
    """Nonce and time of one signed request.

    Attributes:
        nonce: As the policy of the scheme requires; empty without one.
        timestamp_ms: Wall clock in milliseconds since 1970.
    """

    nonce: str
    timestamp_ms: int


Verify: TypeAlias = Callable[[Credentials, Stamp, Mapping[str, str], bytes], bool | None]
"""Returns whether the exchange signed an answer, given its headers and body; None if it bears no signature."""


class Scheme(Protocol):
    """How private calls of an API are signed. A scheme by which answers are signed too has a `Verify` as ``verify``.

    Attributes:
        policy: What kind of nonce it requires.
        needs: The credentials it needs, by constructor argument.
    """

    policy: ClassVar[NoncePolicy]
    needs: ClassVar[tuple[str, ...]]

    def sign(self, unsigned: Unsigned, credentials: Credentials, stamp: Stamp) -> Request:
        """Render *unsigned* to bytes and sign exactly those. Pure."""
        ...
