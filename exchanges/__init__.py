"""Bitso, Bitex and Bitstamp for asyncio: typed, exact, inside their limits.

Everything a user needs is importable from here or, for models and enums, from ``exchanges.bitso``, ``exchanges.bitex``
and ``exchanges.bitstamp``. The package of an exchange is loaded when its client is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchanges.endpoint import Kind
from exchanges.errors import (
    AuthenticationFailed,
    Blocked,
    CallbackRejected,
    DecodeError,
    ExchangeError,
    InsufficientFunds,
    InvalidRequest,
    NonceRejected,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PermissionDenied,
    QuoteExpired,
    RateLimited,
    RateLimitTimeout,
    ReadFailed,
    RedirectRefused,
    Rejected,
    StateError,
    Unavailable,
    UnresolvedOutcome,
    UsageError,
)
from exchanges.intents import Intent, Phase
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.market_data import MarketLevel, MarketOrderBook, MarketTicker, MarketTrade
from exchanges.outcomes.reconcile import Ambiguous, Incomplete, NoTrace, Reconciled, Verdict
from exchanges.outcomes.unresolved import OpenCall, Standing
from exchanges.polling import Update, poll
from exchanges.wire import encode

if TYPE_CHECKING:
    from exchanges.bitex import Bitex
    from exchanges.bitso import Bitso
    from exchanges.bitstamp import Bitstamp

__all__ = [
    "Ambiguous",
    "AuthenticationFailed",
    "Bitex",
    "Bitso",
    "Bitstamp",
    "Blocked",
    "CallbackRejected",
    "DecodeError",
    "ExchangeError",
    "Incomplete",
    "InsufficientFunds",
    "Intent",
    "InvalidRequest",
    "Kind",
    "Limit",
    "MarketLevel",
    "MarketOrderBook",
    "MarketTicker",
    "MarketTrade",
    "NoTrace",
    "NonceRejected",
    "NotFound",
    "NotSent",
    "OpenCall",
    "OutcomeUnknown",
    "PermissionDenied",
    "Phase",
    "QuoteExpired",
    "RateLimitTimeout",
    "RateLimited",
    "ReadFailed",
    "Reconciled",
    "RedirectRefused",
    "Rejected",
    "Scope",
    "Standing",
    "StateError",
    "Unavailable",
    "UnresolvedOutcome",
    "Update",
    "UsageError",
    "Verdict",
    "Window",
    "__version__",
    "encode",
    "poll",
]

__version__ = "0.1.0"

CLIENTS = ("Bitex", "Bitso", "Bitstamp")


def __getattr__(name: str) -> object:
    """Load a client's package when it is first asked for."""
    if name not in CLIENTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    client: object = getattr(importlib.import_module(f"exchanges.{name.lower()}"), name)
    globals()[name] = client
    return client


def __dir__() -> list[str]:
    """Name the clients too."""
    return sorted({*globals(), *__all__})
