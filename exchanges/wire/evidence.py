"""Codecs of values that are evidence by themselves: confirmations and addresses.

A bare ``null``, an empty text or a sentence in their place is no evidence of anything, so they are checked for what
they are, strict or not. Checksums are not verified: only the network can tell whether an address exists.
"""

from __future__ import annotations

import re

from attrs import frozen

from exchanges.wire.codecs import Deviation, Json

# Compiled when an address is first read; `re` keeps them.
_ANY = r"[!-~]{5,500}"
BITCOIN = r"[0-9A-Za-z]{25,100}"
RIPPLE = r"[rX][0-9A-Za-z]{24,100}(?:\?dt=[0-9]{1,10})?"
_TAG = r"[0-9]{1,10}"


@frozen(eq=False)
class Confirmation:
    """The one value with which an endpoint confirms that it did something; reads as None.

    Attributes:
        value: That value, exactly: ``True`` is not the text ``"true"``.
    """

    value: Json

    def read(self, value: Json, *, strict: bool) -> None:  # noqa: ARG002 - nothing else is ever tolerated
        """Return None; raise `Deviation` for any other value."""
        if type(value) is not type(self.value) or value != self.value:
            raise Deviation(f"the confirmation {self.value!r}")

    def write(self, value: None) -> Json:  # noqa: ARG002 - there is only one
        """Return the confirmation."""
        return self.value


class NoBody:
    """The confirmation by an answer without a body, which no JSON can be; whether there was none is seen before."""

    def read(self, value: Json, *, strict: bool) -> None:  # noqa: ARG002 - nothing else is ever tolerated
        """Raise `Deviation`: a body came where none is documented."""
        raise Deviation("no body")

    def write(self, value: None) -> Json:
        """Return nothing."""
        return value


class Address:
    """An address on any network: printable signs without blanks."""

    def read(self, value: Json, *, strict: bool) -> str:  # noqa: ARG002 - whoever pays to nothing loses it
        """Return the address; raise `Deviation` if it can be none."""
        if type(value) is str and re.fullmatch(_ANY, value):
            return value
        raise Deviation("an address")

    def write(self, value: str) -> Json:
        """Return what is sent."""
        return value


class BitcoinAddress:
    """An address on the Bitcoin network: 25 letters and digits or more."""

    def read(self, value: Json, *, strict: bool) -> str:  # noqa: ARG002 - whoever pays to anything else loses it
        """Return the address; raise `Deviation` if it is none."""
        if type(value) is str and re.fullmatch(BITCOIN, value):
            return value
        raise Deviation("a Bitcoin address")

    def write(self, value: str) -> Json:
        """Return what is sent."""
        return value


class RippleAddress:
    """An address on the XRP Ledger, with its destination tag behind ``?dt=`` if it has one.

    It travels as text, or as an object with ``address`` and maybe ``destination_tag``.
    """

    def read(self, value: Json, *, strict: bool) -> str:  # noqa: ARG002 - as above
        """Return the address, with its tag; raise `Deviation` if it is none."""
        given: dict[str, Json] = value if isinstance(value, dict) else {"address": value}
        address, tag = given.get("address"), given.get("destination_tag")
        # What else an address may need, such as a memo, is never dropped.
        if (
            type(address) is not str
            or not re.fullmatch(RIPPLE, address)
            or given.keys() - {"address", "destination_tag"}
        ):
            raise Deviation("an XRP address")
        if tag is None:
            return address
        # Without its tag a deposit would reach the exchange, but not the account.
        if isinstance(tag, bool) or not re.fullmatch(_TAG, str(tag)) or "?" in address:
            raise Deviation("an XRP address with one destination tag of digits")
        return f"{address}?dt={tag}"

    def write(self, value: str) -> Json:
        """Return what is sent."""
        return value
