"""The log lines of calls: the hooks that every client has."""

from __future__ import annotations

import logging

from exchanges.instrumentation.hooks import CallRecord, Hooks
from exchanges.instrumentation.lines import Log

__all__ = ["LOGS", "LogLines", "is_logging"]

# The name under which programs have configured these lines since there are any.
logger = Log("exchanges.session.session")


class LogLines(Hooks):
    """Logs one line per call: verb, endpoint, market, host, outcome and time."""

    def call_ended(self, call: CallRecord) -> None:
        """Log a call."""
        what = f"{call.endpoint} {call.market}".rstrip()
        logger.info("%s %s at %s: %s, %.0f ms", call.verb, what, call.host, call.outcome, call.seconds * 1000)


LOGS = LogLines()


def is_logging() -> bool:
    """Return whether anybody reads the lines."""
    return logger.is_read(logging.INFO)
