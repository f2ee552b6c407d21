"""Where cash can be handed in.

Source:
    Bitex developer guide, "More MT Deposit Branches".
"""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from exchanges.bitex.models.places import Country

__all__ = ["Coordinates", "MoreMtBranch"]


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
