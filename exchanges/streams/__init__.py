"""Live channels: what is subscribed to, what arrives, and order books that are kept from it.

Everything that decides is plain functions and classes on values, with the clock handed in; `connection` and `runner`
alone are asynchronous. A kept book is right or it cannot be read: see `exchanges.streams.keepers`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from exchanges import suggestions

if TYPE_CHECKING:
    from exchanges.streams.books import BookChange, KeptBook
    from exchanges.streams.delivery import Gap, GapReason
    from exchanges.streams.happenings import (
        AuditFailed,
        Connected,
        Disconnected,
        Event,
        Events,
        Lagged,
        Moved,
        Refused,
        Resynchronised,
        Subscribed,
    )
    from exchanges.streams.live import Lossless, Newest

__all__ = [
    "AuditFailed",
    "BookChange",
    "Connected",
    "Disconnected",
    "Event",
    "Events",
    "Gap",
    "GapReason",
    "KeptBook",
    "Lagged",
    "Lossless",
    "Moved",
    "Newest",
    "Refused",
    "Resynchronised",
    "Subscribed",
]

_PLACES = {
    **dict.fromkeys(("BookChange", "KeptBook"), "books"),
    **dict.fromkeys(("Gap", "GapReason"), "delivery"),
    **dict.fromkeys(("Lossless", "Newest"), "live"),
}

if not TYPE_CHECKING:
    # As in `exchanges`: a checker that sees this function accepts every name.

    def __getattr__(name: str) -> object:
        """Load what is not loaded yet when it is first used."""
        if name not in __all__:
            raise suggestions.no_attribute(__name__, name, __all__)
        module = import_module(f"{__name__}.{_PLACES.get(name, 'happenings')}")
        return globals().setdefault(name, getattr(module, name))
