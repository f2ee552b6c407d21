"""What is left of limits, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from exchanges.commands.clients import MarketClient
from exchanges.errors import quotable

if TYPE_CHECKING:
    from exchanges.limits.status import LimitStatus


def headroom(client: MarketClient) -> Iterator[str]:
    """Iterate over the limits of a client: what is free in each window, who waits, and what is closed."""
    for name, status in client.limits.items():
        yield f"limit {name}: {'; '.join(_parts(status))}"


def _parts(status: LimitStatus) -> Iterator[str]:
    yield ", ".join(f"{w.free} of {w.window} free" for w in status.windows) or "no limit is kept"
    if status.waiting:
        yield f"{status.waiting} calls wait"
    for closed in status.closed:
        what = f"for {closed.scope} " if closed.scope else ""
        end = f"{'until' if closed.is_explicit else 'probably until'} {closed.until:%H:%M:%S} UTC"
        yield f"closed {what}{end}: {quotable(closed.reason)}"
