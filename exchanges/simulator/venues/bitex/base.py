"""What all counters of the simulated Bitex share: who its customers are, its money, its diary, its post."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol, TypeVar

from attrs import define, field

from exchanges.endpoint import Access
from exchanges.simulator.engine.balances import SMALLEST, Party, Tally
from exchanges.simulator.engine.rejections import Reason, Refused
from exchanges.simulator.engine.scheduler import Diary
from exchanges.simulator.venues.bitex.history import NO_PAST, Past
from exchanges.simulator.venues.bitex.matching import Floor
from exchanges.simulator.venues.bitex.orders import Desk
from exchanges.simulator.venues.venue import Account, Asked, Call, Claim, Exchange, second
from exchanges.simulator.webhooks import Delivery, Poster
from exchanges.wire import Json, dumps

__all__ = ["MINUTE_MS", "MONTH", "BitexAccount", "House", "account_of", "amount_of", "made_since"]

MINUTE_MS = 60_000
MONTH = timedelta(days=30)
TOO_MUCH = Decimal(10) ** 12


@define(repr=False, eq=False)
class BitexAccount(Account):
    """One customer of Bitex.

    Attributes:
        user_id: Unique among customers.
        email: What he said when he came.
        reseller: Whether his key may do what resellers do.
        owner: The reseller who created him; None for who came by himself.
        past: What he did before the play began.
        desk: His money, coins and orders.
        kyc_profile_id: His main profile.
        deposit_address: His first address.
        webhook_url: Where a reseller wants to hear of changes; None until he says.
    """

    user_id: int = field(kw_only=True)
    email: str = field(kw_only=True)
    reseller: bool = field(kw_only=True, default=False)
    owner: BitexAccount | None = field(kw_only=True, default=None)
    past: Past = field(kw_only=True, default=NO_PAST)
    desk: Desk = field(kw_only=True, factory=Desk)
    kyc_profile_id: int = field(kw_only=True, default=0)
    deposit_address: str = field(kw_only=True, default="")
    webhook_url: str | None = field(kw_only=True, default=None)


@define(eq=False, slots=False)
class House(Exchange):
    """Knows its customers, and for whom a request acts.

    Attributes:
        customers: All of them, by user id; those that resellers created have no key of their own.
        tally: Moves money and coins.
        diary: What is to happen later.
        poster: Posts to customers.
        floor: Where orders meet.
    """

    customers: dict[int, BitexAccount] = field(init=False, factory=dict[int, BitexAccount])
    tally: Tally = field(init=False, factory=Tally)
    diary: Diary = field(init=False, factory=Diary)
    poster: Poster = field(init=False, factory=Poster)
    floor: Floor = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Open the floor, then the accounts."""
        super().__attrs_post_init__()
        self.floor = Floor(next(iter(self.markets.values())), self.tally)

    def pass_time(self, now_ms: int) -> None:
        """Let happen what is due, and orders go on."""
        self.diary.pass_until(now_ms)
        self.floor.move_on(now_ms)

    async def stop(self) -> None:
        """Post no more."""
        await self.poster.stop()

    def enter(self, account: BitexAccount, usd: Decimal = Decimal(0), btc: Decimal = Decimal(0)) -> BitexAccount:
        """Take in a customer, with what he brings."""
        account.deposit_address = self.new_address(f"user {account.user_id}")
        self.customers[account.user_id] = account
        self.tally.move("usd", usd, Party.OUTSIDE, account.desk.usd)
        self.tally.move("btc", btc, Party.OUTSIDE, account.desk.btc)
        return account

    def new_address(self, purpose: str) -> str:
        """Make an address that nobody can own."""
        digest = hashlib.sha256(f"{self.seed} {purpose}".encode()).digest()
        letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
        return "1Sim" + "".join(letters[byte % len(letters)] for byte in digest[:29])

    def post(self, url: str | None, headers: dict[str, str], document: Json, now_ms: int) -> None:
        """Post *document* if there is somewhere to post it to."""
        if url:
            headers = {"Content-Type": "application/json", **headers}
            self.poster.post(Delivery(url, headers, dumps(document), now_ms))

    def post_to_webhook(self, account: BitexAccount, document: Json, now_ms: int) -> None:
        """Tell the reseller of *account*, or the reseller that it is."""
        reseller = account.owner or account
        digest = hashlib.sha256(reseller.api_key.encode()).hexdigest()
        self.post(reseller.webhook_url, {"Webhook-Auth": digest}, document, now_ms)

    def same(self, account: Account) -> Account:
        """Find a customer as he is here."""
        customer = account if not isinstance(account, BitexAccount) else self.customers.get(account.user_id)
        if customer is None:
            raise Refused(Reason.NOT_FOUND, "as_user")
        return customer

    def _admit(self, asked: Asked, claim: Claim) -> Account:
        """Find out who acts for whom."""
        account = super()._admit(asked, claim)
        if not isinstance(account, BitexAccount):
            raise TypeError("not an account at Bitex")
        if not account.reseller and (asked.endpoint.access is Access.RESELLER or claim.acting_for is not None):
            raise Refused(Reason.NO_PERMISSION)
        return account if claim.acting_for is None else self._acting_for(account, claim.acting_for, asked)

    def _acting_for(self, reseller: BitexAccount, user_id: str, asked: Asked) -> BitexAccount:
        user = self.customers.get(int(user_id)) if user_id.isascii() and user_id.isdecimal() else None
        if user is None or user.owner is not reseller:
            raise Refused(Reason.NOT_FOUND, "as_user")
        if asked.endpoint.access is Access.RESELLER:
            raise Refused(Reason.NO_PERMISSION)
        return user


def account_of(call: Call) -> BitexAccount:
    """Find whose call it is."""
    account = call.account
    if not isinstance(account, BitexAccount):
        raise TypeError("not an account at Bitex")
    return account


def amount_of(call: Call, name: str, minimum: Decimal = SMALLEST) -> Decimal:
    """Take an amount of money or a price, as exact as Bitex is.

    Raises:
        Refused: Less than *minimum*, absurdly much, or with more than eight decimals.
    """
    amount = call.arguments.decimal(name)
    if amount < minimum:
        raise Refused(Reason.WRONG_NUMBER, name, f"debe ser mayor que o igual a {minimum}")
    if amount >= TOO_MUCH or amount != amount.quantize(SMALLEST):
        raise Refused(Reason.WRONG_NUMBER, name)
    return amount


class Dated(Protocol):
    """Whatever says when it was made."""

    @property
    def created_at(self) -> datetime:
        """When it was made."""
        ...


D = TypeVar("D", bound=Dated)


def made_since(things: list[D], now_ms: int, age: timedelta = MONTH) -> list[D]:
    """Leave out what is older than *age*."""
    since = second(now_ms) - age
    return [thing for thing in things if thing.created_at > since]
