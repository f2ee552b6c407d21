"""Errors without the frames behind them.

The frames of a call hold arguments, credentials and answers, and an error keeps the frames that it passed through.
Many error reporters print the locals of a traceback, and so would print all of it. Errors are therefore stripped where
they leave the library, and where an outcome is kept for later. Messages, classes and causes stay.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

E = TypeVar("E", bound=BaseException)
P = ParamSpec("P")
T = TypeVar("T")


def strip(error: E) -> E:
    """Remove tracebacks and contexts from *error* and its causes, and return it."""
    behind: BaseException | None = error
    while behind is not None:
        behind.__context__ = behind.__traceback__ = None
        behind = behind.__cause__
    return error


def discreet(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function whose errors are stripped when they leave it, its own frame included."""

    @functools.wraps(function)
    def stripped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            # What is raised again gets a new traceback, which begins with the frame of the caller.
            strip(error)
            raise

    return stripped
