"""`client.limits`: what is left of the limits that the calls of a client count against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve

from exchanges.errors import UsageError
from exchanges.limits.limit import Limit, Scope
from exchanges.limits.reasons import moment_in
from exchanges.limits.status import LimitStatus, closed_status
from exchanges.session.destinations import Destinations
from exchanges.state.protocols import Headroom

__all__ = ["Limits"]


class Limits(Mapping[str, LimitStatus]):
    """The limits of a client by name, as they are when they are looked at.

    Args:
        destinations: Of the client.
        declared: The limits of all its calls.
        has_key: Whether it has credentials; without them there are no limits by key.
    """

    def __init__(self, destinations: Destinations, declared: Iterable[Limit], *, has_key: bool) -> None:
        self._destinations = destinations
        parts = (part for limit in declared for part in limit.parts)
        self._limits = {part.name: part for part in parts if has_key or part.scope is Scope.ADDRESS}

    def __repr__(self) -> str:
        """Show free slots and what is closed."""
        shown = (f"{name}: {status.free} free{', closed' * bool(status.closed)}" for name, status in self.items())
        return f"Limits({'; '.join(shown)})"

    def __len__(self) -> int:
        """Count the limits."""
        return len(self._limits)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._limits)

    def __getitem__(self, name: str) -> LimitStatus:
        """Return what is left of a limit.

        Raises:
            KeyError: There is no limit of that name.
            StateError: A shared state cannot be read.
        """
        limit = self._destinations.limit(self._limits[name])
        limiter, shared = self._destinations.limiters(limit)
        status = limiter.status(limit)
        return status if shared is None else _shared(status, shared.headroom(), limiter.now())

    def reopen(self, name: str | None = None) -> None:
        """Forget that the exchange has closed a limit, because it takes calls again; slots stay as they are.

        Args:
            name: Of the limit; None for all.

        Raises:
            UsageError: There is no limit of that name.
            StateError: A shared state cannot be written.
        """
        if name is not None and name not in self._limits:
            raise UsageError(f"no limit {name!r}; there are {', '.join(self._limits)}")
        for known, limit in self._limits.items():
            if name in (None, known):
                limiter, shared = self._destinations.limiters(self._destinations.limit(limit))
                limiter.reopen()
                if shared is not None:
                    shared.reopen()


def _shared(status: LimitStatus, headroom: Headroom, now: float) -> LimitStatus:
    """Return the status of a limit that processes share."""
    # Its own windows come first, then those of the limits that it is within; there are none if nothing is known.
    numbers = zip(status.windows, headroom.free, headroom.next_free_seconds, strict=False)
    windows = tuple(
        evolve(window, free=free, next_free_at=None if seconds is None else moment_in(seconds))
        for window, free, seconds in numbers
    )
    closed = tuple(closed_status(lockout, now) for lockout in headroom.lockouts)
    return evolve(status, windows=windows or status.windows, closed=closed)
