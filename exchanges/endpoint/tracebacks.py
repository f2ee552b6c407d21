"""Errors without the frames behind them.

The frames of a call hold arguments, credentials and answers, and an error keeps the frames that it passed through.
Many error reporters print the locals of a traceback, and so would print all of it. Errors are therefore stripped where
they leave the library, and where an outcome is kept for later. Messages, classes and causes stay.
"""

from __future__ import annotations

from contextlib import ContextDecorator
from types import TracebackType
from typing import TypeVar

from exchanges.errors import ExchangeError

__all__ = ["Discreet", "discreet", "strip"]

E = TypeVar("E", bound=BaseException)


def strip(error: E) -> E:
    """Remove tracebacks and contexts from *error* and its causes, and return it."""
    behind: BaseException | None = error
    while behind is not None:
        behind.__context__ = behind.__traceback__ = None
        behind = behind.__cause__
    return error


class Discreet(ContextDecorator):
    """A block, or a function, whose errors are stripped when they leave it. Its own frame goes with the others.

    Args:
        kind: The errors that are stripped; others may be bugs, whose tracebacks are needed.
    """

    def __init__(self, kind: type[Exception]) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Strip what was raised."""
        # What propagates from here gets a new traceback, which begins with the frame of the caller.
        if isinstance(error, self._kind):
            strip(error)


discreet = Discreet(ExchangeError)
