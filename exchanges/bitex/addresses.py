"""Where bitcoins can be sent to.

Source:
    Bitex developer guide, "Create Address".
"""

from __future__ import annotations

from attrs import frozen

__all__ = ["Address"]


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
