"""Nonces: what a scheme wants, and a counter that never goes back.

Issuing increasing nonces is not enough, they must arrive increasing. So a key with a `STRICT` scheme has one turn (see
`exchanges.limits.limiter`): one signed request in flight. The nonce is drawn with the turn in hand, right before
signing, and the next one only after the answer of the last.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol
from uuid import uuid4

__all__ = ["Counter", "MemoryCounter", "NoncePolicy", "unique_nonce"]


class NoncePolicy(Enum):
    """What a scheme asks of its nonces."""

    STRICT = "strict"
    """Each larger than the one before, in order of arrival: milliseconds, 13 digits."""
    UNIQUE = "unique"
    """Never the same twice, in any order: a random UUID."""
    NONE = "none"
    """No nonce at all."""


class Counter(Protocol):
    """The nonces of one key."""

    def draw(self, now_ms: int) -> int:
        """Make a nonce larger than every one drawn before; *now_ms* if that is larger."""
        ...

    def raise_to(self, floor: int) -> None:
        """Make the next nonce larger than *floor*."""
        ...


class MemoryCounter:
    """A counter that lives as long as the process."""

    __slots__ = ("last",)

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def __repr__(self) -> str:
        """Show the last nonce."""
        return f"MemoryCounter(last={self.last})"

    def draw(self, now_ms: int) -> int:
        """Make a nonce larger than every one drawn before; *now_ms* if that is larger."""
        self.last = max(now_ms, self.last + 1)
        return self.last

    def raise_to(self, floor: int) -> None:
        """Make the next nonce larger than *floor*."""
        self.last = max(self.last, floor)


def unique_nonce() -> str:
    """Make a nonce that no one drew before: a random UUID, lower case, 36 characters."""
    return str(uuid4())
