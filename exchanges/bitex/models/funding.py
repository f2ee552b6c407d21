"""Where bitcoins can be sent to, and where cash can be paid in.

Source:
    Bitex developer guide, "Create Address" and "More MT Deposit Branches".
"""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from exchanges.bitex.models.places import Country

__all__ = ["Address", "Coordinates", "MoreMtBranch"]


@frozen
class Address:
    """An address of the account on the bitcoin network. Wire: object.

    Source:
        Bitex developer guide, "Create Address".
    """

    public_address: str
    """What to pay to."""
    auto_sell: bool
    """Whether each deposit to it starts a selling bot for the full amount."""
    payment_id: int | None = None
    """The payment it was made for; None for addresses of other origin."""


@frozen
class Coordinates:
    """A place on the map. Wire: object of numbers.

    Source:
        Bitex developer guide, "More MT Deposit Branches".
    """

    longitude: Decimal
    """Degrees, east is positive."""
    latitude: Decimal
    """Degrees, north is positive."""


@frozen
class MoreMtBranch:
    """A branch of MoreMT, or of somebody who acts for it, that takes deposits for Bitex. Wire: object.

    Source:
        Bitex developer guide, "More MT Deposit Branches".
    """

    name: str
    """Of the business."""
    coords: Coordinates
    """Where it is."""
    address: str
    """Street and number; opening hours may stand here too."""
    city: str
    """In full, at times with the province."""
    short_city: str
    """In short."""
    country: Country
    """Where it is."""
