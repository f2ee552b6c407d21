"""Users whom a reseller creates and acts for."""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from exchanges.bitex.api import API
from exchanges.bitex.models.resellers import ResellerUser, ResellerUserCreated
from exchanges.endpoint import WRITE, Access, Area, Param, private
from exchanges.wire import Json, encode
from exchanges.wire.converter import wire

__all__ = ["Resellers"]


@frozen
class _RowOrRows:
    """A list of rows, or one row that stands alone."""

    def read(self, value: Json, *, strict: bool) -> list[ResellerUser]:
        """Make the users."""
        # Quirk: the guide shows one flat row where it speaks of all users.
        alone = isinstance(value, list) and bool(value) and not isinstance(value[0], list)
        rows: Json = [value] if alone else value
        users: list[ResellerUser] = wire(strict=strict).structure(rows, list[ResellerUser], "bitex.resellers.users")
        return users

    def write(self, value: list[ResellerUser]) -> Json:
        """Make a list of rows."""
        return encode(value)


class Resellers(Area, api=API):
    """Create users, and see what they own.

    Needs a key that Bitex gives to resellers: it may do everything for their users, by `Bitex.as_user`. Such users
    are like all others: they own balances, need a complete KYC profile, and whoever knows e-mail address and password
    can log in.
    """

    __slots__ = ()

    @private("POST /reseller/users", kind=WRITE, access=Access.RESELLER)
    async def create_user(
        self, *, email: str, password: Annotated[str, Param(type="secret", secret=True)]
    ) -> ResellerUserCreated:
        """Create a user; his KYC profile is to be completed next, as this user.

        Args:
            email: Where Bitex may write to; with a tag, such as me+5000@example.com, it comes to you.
            password: For the web site; something long and random where nobody is to log in.

        Returns:
            The ids of the user and of his KYC profile. Wire: object.

        Source:
            Bitex developer guide, Resellers, "Create User".
        """
        ...

    @private("GET /reseller/users", access=Access.RESELLER)
    async def users(self) -> Annotated[list[ResellerUser], _RowOrRows()]:
        """All users of this reseller.

        Returns:
            Wire: list of rows of 7, without class reference; a row that stands alone is taken too.

        Source:
            Bitex developer guide, Resellers, "List your users".
        """
        ...

    @private("GET /reseller/users.csv", access=Access.RESELLER, text=True)
    async def users_csv(self) -> str:
        """All users of this reseller, as a table for a spreadsheet.

        Returns:
            The table as it came. Wire: text/csv; the guide does not describe its columns.

        Source:
            Bitex developer guide, Resellers, "List your users".
        """
        ...
