"""Who observes a call: the hooks of the client, and the log if it is read."""

from __future__ import annotations

import asyncio

from exchanges.endpoint.call import PreparedCall
from exchanges.errors import ExchangeError
from exchanges.instrumentation.hooks import CallRecord, Hooks, Watch
from exchanges.instrumentation.logs import LOGS, is_logging
from exchanges.redaction import redacted

__all__ = ["end", "watch"]

_MARKETS = ("book", "market", "pair")
"""Names of the arguments in which the exchanges have their markets."""


def watch(hooks: tuple[Hooks, ...], call: PreparedCall, loop: asyncio.AbstractEventLoop) -> Watch | None:
    """Return what observes a call; None if nobody does, so that it costs nothing."""
    if is_logging():
        hooks = (*hooks, LOGS)
    if not hooks:
        return None
    endpoint, market = call.endpoint, next((call.texts[name] for name in _MARKETS if name in call.texts), "")
    # A key that was passed in the place of a market by mistake must not get into a log.
    market = redacted(market, call.known_secrets) if market else ""
    record = CallRecord(endpoint.id, endpoint.verb, endpoint.kind.value, call.host, market, loop.time())
    return Watch(hooks, record, loop.time)


def end(watching: Watch, status: int | None, error: ExchangeError | None) -> None:
    """Record how a call ended for its caller; *status* is that of a good answer."""
    if error is None:
        watching.ended(status, None, may_have_executed=False)
    else:
        watching.ended(error.status, type(error).__name__, may_have_executed=error.may_have_executed)
