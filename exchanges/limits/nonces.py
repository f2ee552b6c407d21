"""Counters of nonces, which never go back.

Issuing increasing nonces is not enough, they must arrive increasing. So a key whose scheme requires that has one key
lock (see `exchanges.limits.limiter`): one signed request in flight. The nonce is drawn while the lock is held, right
before signing, and the next one only after the answer to the last.
"""

from __future__ import annotations

import threading

AHEAD_MS = 86_400_000
"""A day: how far the nonce of another program, or its clock, may be ahead of our clock."""


def is_passable(nonce: int, now_ms: int) -> bool:
    """Whether a clock passes *nonce* within a day, one in nanoseconds too: programs take nonces from such.

    A larger one, named by a server or by something in front of it, would leave the key without a nonce for years.
    """
    return nonce <= (now_ms + AHEAD_MS) * 1_000_000


class Counter:
    """The nonces of one key, as long as the process lives."""

    __slots__ = ("_lock", "last")

    def __init__(self, last: int = 0) -> None:
        self.last = last
        # A cancel that passes the key lock may draw in the thread of another event loop.
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Show the last nonce."""
        return f"Counter(last={self.last})"

    def draw(self, now_ms: int) -> int:
        """Return a nonce larger than every one drawn before; *now_ms* if that is larger."""
        with self._lock:
            self.last = nonce = max(now_ms, self.last + 1)
        return nonce

    def raise_to(self, floor: int) -> None:
        """Raise the counter, so that the next nonce is larger than *floor*."""
        with self._lock:
            self.last = max(self.last, floor)
