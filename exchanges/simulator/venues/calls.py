"""Requests and accounts: who calls, what is requested, and what becomes of it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Generic, TypedDict, TypeVar, cast

from attrs import define, field, frozen

from exchanges.endpoint import Access, Endpoint
from exchanges.simulator.engine.balances import Wallet
from exchanges.simulator.http.arguments import Arguments
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest
from exchanges.wire import Json, dumps

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Key(TypedDict):
    """Keyword arguments of a client that needs a key alone."""

    api_key: str


class Keys(Key, total=False):
    """Keyword arguments of a client, without those that its exchange does not use."""

    api_secret: str
    client_id: str


@define(repr=False, eq=False)
class Account:
    """One account.

    Attributes:
        wallet: What it holds.
        api_key: Its key.
        api_secret: Its secret; empty where the exchange has none.
        client_id: Its id in signatures; empty where the exchange has none.
        deposit_address: Where it receives bitcoins.
        ripple_address: Where it receives over Ripple (Bitstamp), or from where (Bitso).
        last_nonce: The largest one accepted, in any generation of the API.
        used_nonces: Those accepted that need not rise: each is good once.
    """

    wallet: Wallet
    api_key: str
    api_secret: str = ""
    client_id: str = ""
    deposit_address: str = field(kw_only=True, default="")
    ripple_address: str = field(kw_only=True, default="")
    last_nonce: int = field(init=False, default=-1)
    used_nonces: set[str] = field(init=False, factory=set[str])

    @property
    def credentials(self) -> Keys:
        """Keyword arguments of a client that calls as this account."""
        given = {"api_key": self.api_key, "api_secret": self.api_secret, "client_id": self.client_id}
        return cast("Keys", {name: value for name, value in given.items() if value})

    def mac(self, message: bytes) -> str:
        """Return the hex HMAC-SHA256 of *message* under the secret, in lower case."""
        return hmac.new(self.api_secret.encode(), message, hashlib.sha256).hexdigest()


A = TypeVar("A", bound=Account)


@frozen
class ParsedRequest:
    """A request to a declared endpoint.

    Attributes:
        endpoint: The declared endpoint.
        in_path: Its arguments in the path, by name.
        request: As it was sent.
        fields: The content of query or body.
    """

    endpoint: Endpoint
    in_path: Mapping[str, str]
    request: HttpRequest
    fields: Mapping[str, Json]

    def texts(self, claim: Claim | None) -> dict[str, str]:
        """Return the arguments by their declared names, as the text that was sent, without secrets."""
        fields = self.fields if claim is None else claim.fields
        texts: dict[str, str] = {}
        for argument in self.endpoint.arguments:
            given = self.in_path.get(argument.name) if argument.in_path else fields.get(argument.wire)
            if given is not None and not argument.param.secret:
                texts[argument.name] = given if isinstance(given, str) else dumps(given).decode()
        return texts


@frozen
class Claim:
    """Who a request claims to come from.

    Attributes:
        key: The API key.
        fields: The content of query or body without these.
        nonce: As it was sent; None where the exchange wants none.
        signature: As it was sent; None where the exchange wants none.
        acting_for: Id of the user for whom it is made, as it was sent; None for the key's own account.
    """

    key: str
    fields: Mapping[str, Json]
    nonce: str | None = None
    signature: str | None = None
    acting_for: str | None = None

    @property
    def fingerprint(self) -> str:
        """The key, unreadable."""
        # Records are printed by failing tests and kept by users: a digest tells keys apart without revealing them.
        return hashlib.sha256(self.key.encode()).hexdigest()[:12]


@frozen
class Result:
    """What became of a request.

    Attributes:
        answer: The response.
        executed: Whether it was executed.
        created_id: Id of what it created or changed, where the answer contains one.
    """

    answer: HttpAnswer
    executed: bool = False
    created_id: str | None = None


@frozen
class Call(Generic[A]):
    """One request that passed every check.

    Attributes:
        arguments: As declared.
        now_ms: Milliseconds since 1970.
    """

    arguments: Arguments
    now_ms: int
    _account: A | None = None

    @property
    def account(self) -> A:
        """Whose request it is."""
        if self._account is None:
            raise TypeError("a public call has no account")
        return self._account

    @property
    def wallet(self) -> Wallet:
        """What the account holds."""
        return self.account.wallet

    @property
    def owner(self) -> int:
        """Id of the account."""
        return self.account.wallet.owner

    @property
    def now(self) -> datetime:
        """The time, in whole seconds."""
        return second(self.now_ms)


def moment(at_ms: int) -> datetime:
    """Return the time *at_ms* milliseconds after 1970."""
    # By addition, as fromtimestamp would go through a float, which does not hold every millisecond exactly.
    return _EPOCH + timedelta(milliseconds=at_ms)


def second(at_ms: int) -> datetime:
    """Return the time *at_ms* milliseconds after 1970, rounded down to whole seconds."""
    return _EPOCH + timedelta(seconds=at_ms // 1000)


def is_private(endpoint: Endpoint) -> bool:
    """Return whether a request must identify its caller."""
    return endpoint.access is not Access.PUBLIC
