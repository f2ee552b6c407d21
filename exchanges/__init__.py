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
    Intent,
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
from exchanges.limits import Limit, Scope, Window
from exchanges.polling import Update, poll
from exchanges.protocols import MarketLevel, MarketOrderBook, MarketTicker, MarketTrade
from exchanges.wire import encode

if TYPE_CHECKING:
    from exchanges.bitex import Bitex
    from exchanges.bitso import Bitso
    from exchanges.bitstamp import Bitstamp

__all__ = [
    "AuthenticationFailed",
    "Bitex",
    "Bitso",
    "Bitstamp",
    "Blocked",
    "CallbackRejected",
    "DecodeError",
    "ExchangeError",
    "InsufficientFunds",
    "Intent",
    "InvalidRequest",
    "Kind",
    "Limit",
    "MarketLevel",
    "MarketOrderBook",
    "MarketTicker",
    "MarketTrade",
    "NonceRejected",
    "NotFound",
    "NotSent",
    "OutcomeUnknown",
    "PermissionDenied",
    "QuoteExpired",
    "RateLimitTimeout",
    "RateLimited",
    "ReadFailed",
    "RedirectRefused",
    "Rejected",
    "Scope",
    "StateError",
    "Unavailable",
    "UnresolvedOutcome",
    "Update",
    "UsageError",
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
