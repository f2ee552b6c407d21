"""What a user can choose about a kept book, and the waits that the exchanges' caches ask for."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Settings"]


@frozen(kw_only=True)
class Settings:
    """How a book is kept.

    Attributes:
        depth: How many price levels of each side are kept; None for all.
        audit_seconds: How often a good book is compared with the exchange's, if the limit allows; None for never.
        max_age_seconds: A book whose channel was silent for longer cannot be read until a comparison has shown it
            right; None for no limit.
        cache_seconds: An order book that is read may be older than the request by nearly as much.
    """

    depth: int | None = None
    audit_seconds: float | None = None
    max_age_seconds: float | None = None
    cache_seconds: float = 1.5
