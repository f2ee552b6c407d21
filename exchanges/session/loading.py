"""What clients raise where a module that is loaded late cannot be read."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from exchanges.errors import NotSent, quotable

__all__ = ["loading"]


@contextmanager
def loading(what: str) -> Generator[None, None, None]:
    """Load modules in a block, for *what*.

    Raises:
        NotSent: The system cannot read one; the next attempt may.
    """
    try:
        yield
    except (OSError, ImportError, MemoryError) as fault:
        words = f"{what}: its code could not be loaded: {type(fault).__name__}: {quotable(str(fault))}"
        raise NotSent(f"{words}; nothing was sent, it is safe to repeat") from fault
