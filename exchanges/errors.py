"""Everything that can go wrong, as one tree.

    ExchangeError
      UsageError (ValueError)      wrong arguments, closed client, missing credentials
        UnresolvedOutcome          the same money call again while an earlier one is unresolved
      NotSent                      the request never left
      RateLimitTimeout             the limit would not let it go in time
      Rejected                     the exchange answered that it did not do it
        AuthenticationFailed       the key is unknown, or the signature is wrong
        PermissionDenied           the key may not do this
        NonceRejected              the nonce was not larger than one seen before
        InvalidRequest             the exchange refused an argument (see ``fields``)
        InsufficientFunds
        NotFound
        QuoteExpired
        RateLimited                the exchange counted too many requests (see ``retry_at``)
      Unavailable                  an answer that does not say whether it was done: maintenance, 5xx
        Blocked                    a proxy in front of the exchange refused us
        RedirectRefused            an answer that sends us elsewhere; never followed
      ReadFailed                   a read that used up its attempts
      OutcomeUnknown               a write or money call that may have been executed
      DecodeError                  an answer that is not what the documents say
      CallbackRejected             a callback that did not authenticate
      StateError                   nonces or limits cannot be read or written

``error.may_have_executed`` answers the question that matters after a failure. It is False for everything that
was refused before the first byte left or that the exchange itself refused, True for `OutcomeUnknown`; for reads,
where nothing can be executed, it is False as well.

Every error names its endpoint. What the exchange wrote is carried in ``code`` and ``text``: cut to 200
characters, control characters escaped, credentials removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from attrs import field, frozen

from exchanges.intents import Phase
from exchanges.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Unpack

    from exchanges.intents import Intent

__all__ = [
    "AuthenticationFailed",
    "Blocked",
    "CallbackRejected",
    "DecodeError",
    "ExchangeError",
    "InsufficientFunds",
    "InvalidRequest",
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
    "StateError",
    "Unavailable",
    "UnresolvedOutcome",
    "UsageError",
]

MAX_TEXT = 200


def quotable(text: str, secrets: Iterable[str] = ()) -> str:
    """Make foreign *text* safe to show: secrets removed, control characters escaped, cut."""
    text = redacted(text, secrets)
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[:MAX_TEXT])
    return shown if len(text) <= MAX_TEXT and len(shown) <= MAX_TEXT else shown[: MAX_TEXT - 3] + "..."


class ErrorFields(TypedDict, total=False):
    """What every error can carry."""

    endpoint: str | None
    status: int | None
    code: str | None
    text: str | None


class ExchangeError(Exception):
    """The root of everything this library raises.

    Attributes:
        endpoint: Id of the declared endpoint, such as ``bitex.trading.create_bid``; None outside a call.
        status: HTTP status of the answer; None where there was none.
        code: The exchange's own error code, as text.
        text: The exchange's own words, made safe to show.
        may_have_executed: Whether the request may have changed something at the exchange.
    """

    may_have_executed: bool = False

    def __init__(self, message: str, **facts: Unpack[ErrorFields]) -> None:
        super().__init__(message)
        self.endpoint = facts.get("endpoint")
        self.status = facts.get("status")
        self.code = facts.get("code")
        self.text = facts.get("text")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by attributes: the constructors take more than a message."""
        return (_revive, (type(self), self.args, self.__dict__.copy()))


def _revive(cls: type[ExchangeError], args: tuple[object, ...], attributes: dict[str, object]) -> ExchangeError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class UsageError(ExchangeError, ValueError):
    """The call was wrong; nothing was sent."""


class UnresolvedOutcome(UsageError):
    """The same money call while the outcome of an earlier one is unresolved; nothing was sent.

    Attributes:
        intent: What the earlier call was to do: see ``client.unresolved``.
    """

    def __init__(self, message: str, *, intent: Intent, **facts: Unpack[ErrorFields]) -> None:
        super().__init__(message, **facts)
        self.intent = intent


class NotSent(ExchangeError):
    """The request never left this machine: it is safe to repeat."""


class RateLimitTimeout(ExchangeError):
    """The limit would not let the request go before its deadline; nothing was sent."""


class Rejected(ExchangeError):
    """The exchange answered that it did not do it."""


class AuthenticationFailed(Rejected):
    """The exchange does not know the key, or the signature does not match."""


class PermissionDenied(Rejected):
    """The key is valid but may not do this."""


class NonceRejected(Rejected):
    """The nonce was not larger than the last one that the exchange saw for this key."""


class InvalidRequest(Rejected):
    """The exchange refused an argument.

    Attributes:
        fields: What the exchange said of each field, by its name on the wire; empty when it named none.
    """

    def __init__(
        self, message: str, *, fields: Mapping[str, tuple[str, ...]] | None = None, **facts: Unpack[ErrorFields]
    ) -> None:
        super().__init__(message, **facts)
        self.fields = dict(fields or {})


class InsufficientFunds(Rejected):
    """The account holds too little for this."""


class NotFound(Rejected):
    """The exchange does not know this object."""


class QuoteExpired(Rejected):
    """The quote is no longer valid."""


class RateLimited(Rejected):
    """The exchange counted too many requests.

    Attributes:
        retry_at: When the exchange will take requests again (UTC).
    """

    def __init__(self, message: str, *, retry_at: datetime | None = None, **facts: Unpack[ErrorFields]) -> None:
        super().__init__(message, **facts)
        self.retry_at = retry_at


class Unavailable(ExchangeError):
    """The exchange, or a proxy before it, answered without saying whether the request was executed."""


class Blocked(Unavailable):
    """A proxy in front of the exchange refused the request."""


class RedirectRefused(Unavailable):
    """The answer points elsewhere; this library follows no redirects."""


class ReadFailed(ExchangeError):
    """A read used up its attempts; ``__cause__`` is the last failure."""


class OutcomeUnknown(ExchangeError):
    """A write or money call that may have been executed. It is never repeated by itself.

    Attributes:
        intent: What was to be done: endpoint, arguments as sent, when.
        nonce: The nonce of the request, where the scheme has one.
        phase: How far the request came.
    """

    may_have_executed = True

    def __init__(
        self,
        message: str,
        *,
        intent: Intent,
        nonce: str | None = None,
        phase: Phase = Phase.ANSWERED,
        **facts: Unpack[ErrorFields],
    ) -> None:
        super().__init__(message, **facts)
        self.intent = intent
        self.nonce = nonce
        self.phase = phase


class DecodeError(ExchangeError):
    """An answer is not what the documents say. The message names the place, never the value."""


class CallbackRejected(ExchangeError):
    """A callback did not authenticate."""


class StateError(ExchangeError):
    """Nonces or limits cannot be read or written; nothing was sent."""


@frozen
class Problem:
    """What an answer in an exchange's error shape says; made by the exchange's own reader.

    Attributes:
        kind: The class of the tree that it belongs to.
        code: The exchange's code, as text.
        text: The exchange's words, raw.
        fields: Words for single fields, by their name on the wire.
        proves_not_executed: Whether this answer is proof that the request was not executed.
        retry_after_seconds: How long the exchange wants to be left alone.
        nonce_floor: The largest nonce that the exchange says it has seen.
    """

    kind: type[ExchangeError]
    text: str = field(default="", repr=False)
    code: str | None = field(default=None, repr=False)
    fields: Mapping[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]], repr=False)
    proves_not_executed: bool = True
    retry_after_seconds: float | None = None
    nonce_floor: int | None = None
