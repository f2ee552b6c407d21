"""Bitso, Bitex and Bitstamp for asyncio: typed, exact, inside their limits.

Everything a user needs is importable from here or, for models and enums, from ``exchanges.bitso``, ``exchanges.bitex``
and ``exchanges.bitstamp``. The package of an exchange is loaded when it or its client is first used; so are polling and
reconciling.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from exchanges import suggestions
from exchanges.endpoint import Kind
from exchanges.errors import (
    AuthenticationFailed,
    Blocked,
    BookUnknown,
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
    ReaderTooSlow,
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
from exchanges.market_data import BookStatus, MarketLevel, MarketOrderBook, MarketTicker, MarketTrade
from exchanges.outcomes.exposure import Exposure, OpenAmounts
from exchanges.outcomes.unresolved import OpenCall, Standing
from exchanges.version import __version__
from exchanges.wire import Model, encode

if TYPE_CHECKING:
    from exchanges import bitex as bitex
    from exchanges import bitso as bitso
    from exchanges import bitstamp as bitstamp
    from exchanges.bitex import Bitex
    from exchanges.bitso import Bitso
    from exchanges.bitstamp import Bitstamp
    from exchanges.following import follow
    from exchanges.outcomes.verdicts import Ambiguous, Incomplete, NoTrace, Reconciled, Verdict
    from exchanges.polling import Update, poll
    from exchanges.session.raw import RawAnswer
    from exchanges.streams.delivery import Gap, GapReason
    from exchanges.wire.by_name import from_dict, to_dict, to_json

__all__ = [
    "Ambiguous",
    "AuthenticationFailed",
    "Bitex",
    "Bitso",
    "Bitstamp",
    "Blocked",
    "BookStatus",
    "BookUnknown",
    "CallbackRejected",
    "DecodeError",
    "ExchangeError",
    "Exposure",
    "Gap",
    "GapReason",
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
    "Model",
    "NoTrace",
    "NonceRejected",
    "NotFound",
    "NotSent",
    "OpenAmounts",
    "OpenCall",
    "OutcomeUnknown",
    "PermissionDenied",
    "Phase",
    "QuoteExpired",
    "RateLimitTimeout",
    "RateLimited",
    "RawAnswer",
    "ReadFailed",
    "ReaderTooSlow",
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
    "follow",
    "from_dict",
    "poll",
    "to_dict",
    "to_json",
]


# A program that configures no logging must not see warnings of a library on its error output.
logging.getLogger(__name__).addHandler(logging.NullHandler())

# Where the names are that are loaded on first use: a program mostly needs one client, and few reconcile or poll.
_PACKAGES = {"Bitex": "bitex", "Bitso": "bitso", "Bitstamp": "bitstamp"}
_ON_USE = {
    **_PACKAGES,
    **dict.fromkeys(("Ambiguous", "Incomplete", "NoTrace", "Reconciled", "Verdict"), "outcomes.verdicts"),
    **dict.fromkeys(("Update", "poll"), "polling"),
    "RawAnswer": "session.raw",
    **dict.fromkeys(("from_dict", "to_dict", "to_json"), "wire.by_name"),
    **dict.fromkeys(("Gap", "GapReason"), "streams.delivery"),
    "follow": "following",
}

if not TYPE_CHECKING:
    # A type checker that sees this function accepts every name, so a misspelled import would be no error.

    def __getattr__(name: str) -> object:
        """Load what is not loaded yet when it is first used."""
        import importlib

        def load(module: str) -> object:
            try:
                return importlib.import_module(module)
            except OSError as error:
                raise ExchangeError(f"{module} could not be loaded: {error}; nothing was sent") from error

        if name in _PACKAGES.values():
            return load(f"{__name__}.{name}")
        if name not in _ON_USE:
            raise suggestions.no_attribute(__name__, name, [*__all__, *_PACKAGES.values()])
        module = load(f"{__name__}.{_ON_USE[name]}")
        # Kept, so that the next access does not come here; the import system does so for a package itself.
        return globals().setdefault(name, getattr(module, name))


def __dir__() -> list[str]:
    """List the clients and their packages too, loaded or not."""
    return sorted({*globals(), *__all__, *_PACKAGES.values()})
