"""Deposit addresses for bitcoins, and branches for cash.

Source:
    Bitex developer guide, "Create Address" and "More MT Deposit Branches".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from exchanges.bitex.models.places import Country
from exchanges.values import frozen
from exchanges.wire import BitcoinAddress, Model


@frozen
class Address(Model):
    """A deposit address of the account on the Bitcoin network. Wire: object.

    Source:
        Bitex developer guide, "Create Address".
    """

    public_address: Annotated[str, BitcoinAddress()]
    """The address on the Bitcoin network."""
    auto_sell: bool
    """Whether each deposit to it starts a selling bot for the full amount."""
    payment_id: int | None = None
    """The `Payment` that it was created for; None for other addresses."""


@frozen
class Coordinates(Model):
    """A geographic position. Wire: object of numbers.

    Source:
        Bitex developer guide, "More MT Deposit Branches".
    """

    longitude: Decimal
    """Degrees, east is positive."""
    latitude: Decimal
    """Degrees, north is positive."""


@frozen
class MoreMtBranch(Model):
    """A branch of MoreMT or of one of its agents that accepts deposits for Bitex. Wire: object.

    Source:
        Bitex developer guide, "More MT Deposit Branches".
    """

    name: str
    """Name of the business."""
    coords: Coordinates
    """Position of the branch."""
    address: str
    """Street and number; may contain opening hours."""
    city: str
    """Full name of the city, sometimes with the province."""
    short_city: str
    """Short name of the city."""
    country: Country
    """Country of the branch."""
