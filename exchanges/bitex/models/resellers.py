"""Models of the users of a reseller."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from attrs import field

from exchanges.values import frozen
from exchanges.wire import BitcoinAddress, Deviation, Json, Model, Row


class Csv:
    """Lines of cells, as one text: a word, a sentence, JSON or a page is none."""

    def read(self, value: Json, *, strict: bool) -> str:  # noqa: ARG002 - nothing else is ever a list of users
        """Return the text."""
        if type(value) is str and value.lstrip()[:1] not in ("", "{", "[", "<") and "," in value.splitlines()[0]:
            return value
        raise Deviation("lines of comma-separated values")

    def write(self, value: str) -> Json:
        """Return what is sent."""
        return value


@frozen(kw_only=True)
class ResellerUserCreated(Model):
    """A new user. Wire: object.

    Source:
        Bitex developer guide, Resellers, "Create User".
    """

    user_id: int
    """Id of the user, for `Bitex.as_user`."""
    kyc_profile_id: int
    """The `KycProfile` of the user, to be completed next, as this user."""


@frozen
class ResellerUser(Row):
    """One user and their balances. Wire: row of 7, without class reference.

    Source:
        Bitex developer guide, Resellers, "List your users".
    """

    id: int
    """Unique among users; for `Bitex.as_user`."""
    email: str = field(repr=False)
    """E-mail address that Bitex writes to."""
    usd_balance: Decimal
    """USD: reserved and available together."""
    usd_available: Decimal
    """USD: free to trade."""
    btc_balance: Decimal
    """BTC: reserved and available together."""
    btc_available: Decimal
    """BTC: free to trade."""
    btc_deposit_address: Annotated[str, BitcoinAddress()] | None = None
    """Address for deposits of BTC; None if there is none."""
