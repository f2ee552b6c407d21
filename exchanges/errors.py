"""All errors of this library, as one tree.

    ExchangeError
      UsageError (ValueError)      wrong arguments, closed client, missing credentials
        UnresolvedOutcome          the same money call again while an earlier one is unresolved
      NotSent                      the request never left
      RateLimitTimeout             no permit before the deadline; nothing was sent
      Rejected                     the exchange answered that it did not execute the request
        AuthenticationFailed       the key is unknown, or the signature is wrong
        PermissionDenied           the key lacks a permission
        NonceRejected              the nonce was not larger than one seen before
        InvalidRequest             the exchange rejected an argument (see ``fields``)
        InsufficientFunds
        NotFound
        QuoteExpired
        RateLimited                the exchange counted too many requests (see ``retry_at``)
      Unavailable                  no answer, or one that does not show the outcome: the cause of other errors
        Blocked                    a web page, or a status 403 that nothing explains
        RedirectRefused            a redirect; never followed
      ReadFailed                   a read that used up its attempts
      OutcomeUnknown               a write or money call that may have been executed
      DecodeError                  an answer that does not match the documents
      CallbackRejected             a callback that did not authenticate
      StateError                   the state (nonces, limits, journal) cannot be read or written
      BookUnknown                  a kept order book that may be wrong; nothing of it can be read
      ReaderTooSlow                private events that were not read in time; the stream has ended

``error.may_have_executed`` answers the question that matters after a failure. It is False for everything that failed
before the first byte was sent or that the exchange rejected, and for reads, which execute nothing. It is True for
`OutcomeUnknown`: a write or money call whose answer leaves the outcome open raises that, with the error of the answer
as its cause. For a cancel, which is safe to call again, it can be True on an error of any class that has an answer.

Every error names its endpoint and, of a call that was prepared, the host; without an answer also what the call was
waiting for. What the exchange wrote is in ``code`` and ``text``: cut to 200 characters, control characters escaped,
credentials removed. What came in place of an answer is in ``status``, ``content_type`` and ``received``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from attrs import field

from exchanges.intents import Phase
from exchanges.market_data import BookStatus
from exchanges.redaction import redacted
from exchanges.values import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Unpack

    from exchanges.intents import Intent

__all__ = [
    "AuthenticationFailed",
    "Blocked",
    "BookUnknown",
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
    "ReaderTooSlow",
    "RedirectRefused",
    "Rejected",
    "StateError",
    "Unavailable",
    "UnresolvedOutcome",
    "UsageError",
]

# A sentence or two of the exchange; an answer may be a whole page of HTML.
MAX_TEXT = 200


def quotable(text: str, secrets: Iterable[str] = ()) -> str:
    """Return foreign *text* safe to show: secrets removed, control characters escaped, cut."""
    # Redacted before it is cut: half of a secret would not be recognized any more.
    text = redacted(text, secrets)
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[:MAX_TEXT])
    return shown if len(text) <= MAX_TEXT and len(shown) <= MAX_TEXT else shown[: MAX_TEXT - 3] + "..."


class ErrorFields(TypedDict, total=False):
    """The attributes that every error can have."""

    endpoint: str | None
    host: str | None
    status: int | None
    code: str | None
    text: str | None
    content_type: str | None
    received: str | None
    retry_at: datetime | None


class ExchangeError(Exception):
    """The base class of all errors of this library.

    Attributes:
        endpoint: Id of the declared endpoint, such as ``bitex.trading.create_bid``; None outside a call.
        host: Host and port that the request was for; None if the call was wrong in itself.
        status: HTTP status of the answer; None without an answer.
        code: The exchange's own error code, as text.
        text: The exchange's own message, made safe to show.
        content_type: Content type of the answer, made safe to show; None if it has none.
        received: What came as the body, such as ``an HTML page of 12 kB ('Just a moment...')``; None without an answer.
        retry_at: When the exchange accepts requests again (UTC); None if nothing says so.
        may_have_executed: Whether the request may have changed something at the exchange.
    """

    may_have_executed: bool = False

    def __init__(self, message: str, **facts: Unpack[ErrorFields]) -> None:
        super().__init__(message)
        self.endpoint = facts.get("endpoint")
        self.host = facts.get("host")
        self.status = facts.get("status")
        self.code = facts.get("code")
        self.text = facts.get("text")
        self.content_type = facts.get("content_type")
        self.received = facts.get("received")
        self.retry_at = facts.get("retry_at")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by attributes: the constructors take more than a message."""
        return (_revive, (type(self), self.args, self.__dict__.copy()))


def _revive(cls: type[ExchangeError], args: tuple[object, ...], attributes: dict[str, object]) -> ExchangeError:
    # Not through `__init__`, whose keyword arguments differ between the classes.
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class UsageError(ExchangeError, ValueError):
    """The call was wrong; nothing was sent. Fix the program."""


class UnresolvedOutcome(UsageError):
    """The same money call while the outcome of an earlier one is unresolved; nothing was sent.

    Reconcile or dismiss the earlier call first: see ``client.unresolved``.

    Attributes:
        intent: What the earlier call was to do.
    """

    def __init__(self, message: str, *, intent: Intent, **facts: Unpack[ErrorFields]) -> None:
        super().__init__(message, **facts)
        self.intent = intent


class NotSent(ExchangeError):
    """The request was not sent. It is safe to repeat."""


class RateLimitTimeout(ExchangeError):
    """The limit granted no permit in time; nothing was sent. Call less often, or allow more time.

    ``retry_at`` is when there can be room, where that is known.
    """


class Rejected(ExchangeError):
    """The exchange answered that it did not execute the request. Its reason is in ``code`` and ``text``."""


class AuthenticationFailed(Rejected):
    """The exchange does not know the key, or the signature does not match; not executed. Check the credentials."""


class PermissionDenied(Rejected):
    """The key is valid but lacks a permission; not executed. Change the key's permissions at the exchange."""


class NonceRejected(Rejected):
    """The nonce was not larger than the last one that the exchange saw for this key; not executed.

    The client draws larger nonces from then on. If it persists, another program uses the same key: use one key per
    program, or one `FileState` or `RedisState` for all of them.
    """


class InvalidRequest(Rejected):
    """The exchange rejected an argument; not executed. Change the argument.

    Attributes:
        fields: What the exchange wrote about each field, by its name on the wire; empty if it named none.
    """

    def __init__(
        self, message: str, *, fields: Mapping[str, tuple[str, ...]] | None = None, **facts: Unpack[ErrorFields]
    ) -> None:
        super().__init__(message, **facts)
        # A dict of its own: errors are pickled, and some mappings cannot be.
        self.fields = dict(fields or {})


class InsufficientFunds(Rejected):
    """The balance of the account is too small; not executed."""


class NotFound(Rejected):
    """The exchange does not know the object; not executed. After a cancel it may be filled or already cancelled."""


class QuoteExpired(Rejected):
    """The quote is no longer valid; not executed. Request a new one."""


class RateLimited(Rejected):
    """The exchange counted too many requests; not executed.

    ``retry_at`` is when the exchange accepts requests again. If the exchange has named it, every call under this limit
    raises this error until then, and nothing is sent.
    """


class Unavailable(ExchangeError):
    """No answer came, or one that does not show whether the request was executed: the cause of other errors.

    It is the cause of a `ReadFailed` or an `OutcomeUnknown`; of its own only its subclasses are raised, by reads.
    """


class Blocked(Unavailable):
    """A web page, or a status 403 that nothing explains, in place of an answer.

    A proxy in front of the exchange rejected the request, or the exchange this account's use of it. Check the address
    from which it was sent, and what the account may use.
    """


class RedirectRefused(Unavailable):
    """The answer is a redirect, which this library does not follow. Check ``base_url`` and any proxy."""


class ReadFailed(ExchangeError):
    """A read used up its attempts; ``__cause__`` is the last failure. It is safe to repeat."""


class OutcomeUnknown(ExchangeError):
    """A write or money call may have been executed. The library never repeats it.

    Await ``client.reconcile(error.intent)`` before you repeat it. ``__cause__`` is what happened.

    Attributes:
        intent: What was to be done: endpoint, arguments as sent, when.
        nonce: The nonce of the request, where the scheme has one.
        phase: How far the request got.
        made: The id of what it may have created, where the answer names it; None where none does.
    """

    may_have_executed = True

    def __init__(
        self,
        message: str,
        *,
        intent: Intent,
        nonce: str | None = None,
        phase: Phase = Phase.ANSWERED,
        made: str | None = None,
        **facts: Unpack[ErrorFields],
    ) -> None:
        super().__init__(message, **facts)
        self.intent = intent
        self.nonce = nonce
        self.phase = phase
        self.made = made


class DecodeError(ExchangeError):
    """An answer does not match the documents. The message names the place and what came, never a value.

    The exchange may have changed its API: update this library, or report the place. For a write or money call it is the
    cause of an `OutcomeUnknown`.
    """


class CallbackRejected(ExchangeError):
    """A callback did not authenticate. Do not act on it."""


class StateError(ExchangeError):
    """The state (nonces, limits, journal) cannot be read or written; nothing was sent. The message says what to do."""


class BookUnknown(ExchangeError):
    """A kept order book may be wrong or old, so nothing of it can be read. It becomes readable again by itself.

    Attributes:
        book_status: What is being done about it; ``status`` is that of an HTTP answer, as in every error.
        since: When it became unreadable (UTC); None if it never was readable.
        cause: What made it unreadable; None if it never was readable.
    """

    def __init__(
        self,
        message: str,
        *,
        book_status: BookStatus,
        since: datetime | None = None,
        cause: str | None = None,
        **facts: Unpack[ErrorFields],
    ) -> None:
        super().__init__(message, **facts)
        self.book_status = book_status
        self.since = since
        self.cause = cause


class ReaderTooSlow(ExchangeError):
    """Private events were not read in time, so the stream ended: none is dropped unseen. Open it again, and reconcile.

    What the buffer held can be read before this is raised.
    """


@frozen
class Problem:
    """What an error answer states, as parsed by the reader of the exchange.

    Attributes:
        kind: The class of the tree that it belongs to.
        code: The exchange's code, as text.
        text: The exchange's message, raw.
        fields: Messages about single fields, by their name on the wire.
        proves_not_executed: Whether this answer is proof that the request was not executed.
        retry_after_seconds: How long the exchange accepts no requests.
        nonce_floor: The largest nonce that the exchange reports to have seen.
        is_about_nonce: Whether it says that the nonce was seen before, or may say so.
        made: The id of what the request may have created all the same.
    """

    kind: type[ExchangeError]
    # Raw, and so out of the repr: an exchange may echo a secret.
    text: str = field(default="", repr=False)
    code: str | None = field(default=None, repr=False)
    fields: Mapping[str, tuple[str, ...]] = field(factory=dict[str, tuple[str, ...]], repr=False)
    proves_not_executed: bool = True
    retry_after_seconds: float | None = None
    nonce_floor: int | None = None
    is_about_nonce: bool = False
    made: str | None = None
