"""The accounts of the simulated Bitex, and what its handlers share: stored objects, amounts, and what it posts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

from attrs import define, field

from exchanges.simulator.engine.balances import SMALLEST
from exchanges.simulator.engine.engine import Engine
from exchanges.simulator.engine.rejections import Reason, Refused, refuse_if
from exchanges.simulator.engine.store import Store
from exchanges.simulator.venues.bitex.history import NO_HISTORY, Dated, History
from exchanges.simulator.venues.calls import Account, Call, second
from exchanges.simulator.venues.handlers import Handler, Handlers, answers, lists
from exchanges.simulator.venues.spot import TOO_MUCH
from exchanges.simulator.webhooks import Delivery, Poster, is_loopback
from exchanges.wire import Json, dumps

BOOK = "btc_usd"
MONTH = timedelta(days=30)
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@define(repr=False, eq=False)
class BitexAccount(Account):
    """One account at Bitex.

    Attributes:
        email: Given when it was created.
        reseller: Whether its key may do what resellers do.
        created_by: The reseller who created it; None for an account with a key of its own.
        history: What it did before the simulator started.
        kyc_profile_id: Its default profile.
        webhook_url: Where a reseller is notified of changes; None until it is set.
    """

    email: str = field(kw_only=True)
    reseller: bool = field(kw_only=True, default=False)
    created_by: BitexAccount | None = field(kw_only=True, default=None)
    history: History = field(kw_only=True, default=NO_HISTORY)
    kyc_profile_id: int = field(init=False, default=0)
    webhook_url: str | None = field(init=False, default=None)

    @property
    def user_id(self) -> int:
        """Unique among accounts."""
        return self.wallet.owner

    @property
    def amounts(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Total and available USD, total and available BTC."""
        usd, btc = self.wallet.balances["usd"], self.wallet.balances["btc"]
        return usd.total, usd.available, btc.total, btc.available


BitexCall: TypeAlias = Call[BitexAccount]


@define(eq=False)
class Customers:
    """All accounts.

    Args:
        engine: Holds their money and orders.
        seed: Seed of addresses.

    Attributes:
        by_id: Accounts by user id; those that resellers created have no key of their own.
        poster: Posts to customers.
    """

    engine: Engine
    _seed: int
    by_id: dict[int, BitexAccount] = field(init=False, factory=dict[int, BitexAccount])
    poster: Poster = field(init=False, factory=Poster)

    def add(self, account: BitexAccount) -> BitexAccount:
        """Add a new account, which has no profile yet."""
        # Derived from the user, not from a counter, so that it does not depend on the order of requests.
        account.deposit_address = self.new_address(f"user {account.user_id}")
        self.by_id[account.user_id] = account
        return account

    def digest(self, purpose: str) -> bytes:
        """Return bytes that depend on the seed and *purpose* alone."""
        return hashlib.sha256(f"{self._seed} {purpose}".encode()).digest()

    def new_address(self, purpose: str) -> str:
        """Return an address that nobody can own."""
        return "1Sim" + "".join(_BASE58[byte % len(_BASE58)] for byte in self.digest(purpose)[:29])

    def post(self, url: str | None, headers: dict[str, str], document: Json, now_ms: int) -> None:
        """Post *document*, unless *url* is None."""
        if url:
            headers = {"Content-Type": "application/json", **headers}
            self.poster.post(Delivery(url, headers, dumps(document), now_ms))

    def post_to_webhook(self, account: BitexAccount, document: Json, now_ms: int) -> None:
        """Notify the reseller who created *account*, or the reseller that it is."""
        # A user of a reseller has no webhook; the reseller is notified of both.
        reseller = account.created_by or account
        digest = hashlib.sha256(reseller.api_key.encode()).hexdigest()
        self.post(reseller.webhook_url, {"Webhook-Auth": digest}, document, now_ms)


@define(eq=False)
class BitexHandlers(Handlers):
    """Handlers of an area that needs the accounts alone."""

    customers: Customers

    @property
    def engine(self) -> Engine:
        """Holds money and orders."""
        return self.customers.engine


D = TypeVar("D", bound=Dated)


def created_since(items: Iterable[D], now_ms: int, age: timedelta = MONTH) -> list[D]:
    """Remove what is older than *age*."""
    since = second(now_ms) - age
    return [item for item in items if item.created_at > since]


def finds(method: Callable[..., Any], store: Callable[[Any], Store[Any]], argument: str) -> Handler:
    """Return a handler that answers with the caller's object whose id is in *argument*."""
    return answers(method, lambda handlers, call: store(handlers).get(call.owner, call.arguments.integer(argument)))


def lists_since(method: Callable[..., Any], store: Callable[[Any], Store[Any]]) -> Handler:
    """Return a handler that lists the caller's objects of the last month, newest first."""
    return lists(method, lambda handlers, call: created_since(store(handlers).of(call.owner), call.now_ms))


def amount_of(call: BitexCall, name: str, minimum: Decimal = SMALLEST) -> Decimal:
    """Return an amount or a price.

    Raises:
        Refused: Less than *minimum*, far too large, or with more than eight decimals.
    """
    amount = call.arguments.decimal(name)
    refuse_if(amount < minimum, Reason.WRONG_NUMBER, name, f"debe ser mayor que o igual a {minimum}")
    refuse_if(amount >= TOO_MUCH or amount != amount.quantize(SMALLEST), Reason.WRONG_NUMBER, name)
    return amount


def url_of(call: BitexCall, name: str) -> str:
    """Return a URL to post to: https, or http on a loopback address.

    Raises:
        Refused: It is anything else.
    """
    text = call.arguments.text(name)
    url = urlsplit(text)
    if not url.hostname or not (url.scheme == "https" or is_loopback(url)):
        raise Refused(Reason.WRONG_ARGUMENT, name, "debe ser https")
    return text
