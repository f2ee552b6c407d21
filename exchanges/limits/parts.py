"""The slots of a limit and of those within it: calls of an older API may count against two limits of one address."""

from __future__ import annotations

from collections.abc import Iterator

from exchanges.errors import UsageError
from exchanges.limits.limit import Limit
from exchanges.limits.reasons import in_words
from exchanges.limits.windows import Slots


class Parts:
    """The slots of all limits of one limiter, by name."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[Limit, tuple[Slots, ...]]] = {}

    def __iter__(self) -> Iterator[Slots]:
        """Iterate over all slots."""
        return (slots for _, counts in self._parts.values() for slots in counts)

    def slots(self, part: Limit, *, in_use: bool) -> tuple[Slots, ...]:
        """Return the slots of one limit; new ones, or resized ones if nobody uses it.

        Raises:
            UsageError: A client uses another limit of the same name.
        """
        known, counts = self._parts.get(part.name, (part, tuple(Slots(window) for window in part.windows)))
        if known.windows != part.windows or known.scope is not part.scope:
            if in_use or any(slots.in_flight for slots in counts):
                raise UsageError(
                    f"the limit {part.name} is in use with other windows ({in_words(known)}, not {in_words(part)}): "
                    "pass the same limits= to all clients of one server, or a state= of its own"
                )
            # The calls that have ended still count: the longest window remembers most of them.
            longest = max(counts, key=lambda slots: slots.window.per_seconds, default=None)
            counts = tuple(Slots(w) if longest is None else longest.resized(w) for w in part.windows)
        self._parts[part.name] = (part, counts)
        return counts
