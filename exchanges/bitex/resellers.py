"""Users that a reseller creates and acts for."""

from __future__ import annotations

from typing import Annotated

from exchanges.bitex.api import API
from exchanges.bitex.models.resellers import Csv, ResellerUser, ResellerUserCreated
from exchanges.endpoint import WRITE, Access, Area, Param, private
from exchanges.wire import Json, encode
from exchanges.wire.converter import wire


class _RowOrRows:
    """The codec of a list of rows, or of a single row in place of the list."""

    def read(self, value: Json, *, strict: bool) -> list[ResellerUser]:
        """Read the users."""
        # Quirk: the guide shows one flat row as the list of all users.
        alone = isinstance(value, list) and bool(value) and not isinstance(value[0], list)
        rows: Json = [value] if alone else value
        users: list[ResellerUser] = wire(strict=strict).structure(rows, list[ResellerUser], "bitex.resellers.users")
        return users

    def write(self, value: list[ResellerUser]) -> Json:
        """Build a list of rows."""
        return encode(value)


class Resellers(Area, api=API):
    """Create users and read their balances.

    Needs a reseller's key, which can make every call as one of these users, by `Bitex.as_user`. They are users like all
    others: they have balances, need a complete KYC profile, and can log in with e-mail address and password.
    """

    __slots__ = ()

    @private("POST /reseller/users", kind=WRITE, access=Access.RESELLER)
    async def create_user(
        self, *, email: str, password: Annotated[str, Param(type="secret", secret=True)]
    ) -> ResellerUserCreated:
        """Create a user; complete their KYC profile next, as this user.

        Args:
            email: Address that Bitex writes to; with a tag, such as me+5000@example.com, you receive the messages.
            password: For the web site; long and random if nobody is to log in.

        Returns:
            The ids of the user and of their KYC profile. Wire: object.

        Source:
            Bitex developer guide, Resellers, "Create User".
        """
        ...

    @private("GET /reseller/users", access=Access.RESELLER)
    async def users(self) -> Annotated[list[ResellerUser], _RowOrRows()]:
        """Return all users of this reseller.

        Returns:
            Wire: list of rows of 7, without class reference; a single row in place of the list is accepted too.

        Source:
            Bitex developer guide, Resellers, "List your users".
        """
        ...

    @private("GET /reseller/users.csv", access=Access.RESELLER, text=True)
    async def users_csv(self) -> Annotated[str, Csv()]:
        """Return all users of this reseller as CSV.

        Returns:
            The text as received. Wire: text/csv; the guide does not describe its columns.

        Source:
            Bitex developer guide, Resellers, "List your users".
        """
        ...
