"""Log lines that change nothing for whoever writes them.

Filters, handlers and record factories belong to the program, and `logging` guards only what a handler does with a
record. What else they raise would come out of the call that writes the line, in place of its outcome: an order that was
executed would look like one that failed. So every line of this package is written through a `Log`.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

__all__ = ["Log"]


class Log:
    """Writes lines to the logger *name*. Nothing is raised but `KeyboardInterrupt` and `SystemExit`."""

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def is_read(self, level: int) -> bool:
        """Return whether anybody reads lines of *level*."""
        try:
            return self._logger.isEnabledFor(level)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - as in `_write`
            _report(error)
            return False

    def debug(self, words: str, *values: object) -> None:
        """Write a line for those who look for a fault."""
        self._write(logging.DEBUG, words, values)

    def info(self, words: str, *values: object) -> None:
        """Write a line about what is as it should be."""
        self._write(logging.INFO, words, values)

    def warning(self, words: str, *values: object) -> None:
        """Write a line about what somebody should look at."""
        self._write(logging.WARNING, words, values)

    def error(self, words: str, *values: object) -> None:
        """Write a line about what failed."""
        self._write(logging.ERROR, words, values)

    def exception(self, words: str, *values: object) -> None:
        """Write a line about what failed, with the traceback of the exception that is being handled."""
        self._write(logging.ERROR, words, values, with_traceback=True)

    def _write(self, level: int, words: str, values: tuple[object, ...], *, with_traceback: bool = False) -> None:
        try:
            if self._logger.isEnabledFor(level):
                # The record shows the line that called `info`, or one of the others, and not this one.
                self._logger.log(level, words, *values, exc_info=with_traceback, stacklevel=3)
        except (KeyboardInterrupt, SystemExit):
            raise  # of the program, which a signal may have stopped just here
        except BaseException as error:  # noqa: BLE001 - see the head of this module
            _report(error)


def _report(error: BaseException) -> None:
    """Write to stderr that a line was lost, as `logging` does with what a handler raises; without values."""
    if logging.raiseExceptions:
        with suppress(Exception):  # there may be no stderr
            sys.stderr.write(
                f"exchanges: a log line was lost: the logging of this program raised {type(error).__name__}\n"
            )
