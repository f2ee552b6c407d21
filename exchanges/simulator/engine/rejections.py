"""Why a request is refused, whatever words the exchange has for it."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Reason", "Refused"]


class Reason(StrEnum):
    """A reason to refuse a request; its value is the outcome that the record shows."""

    NO_SUCH_PATH = "no such path"
    WRONG_VERB = "wrong verb"
    TOO_MANY_REQUESTS = "limit exceeded"
    NO_CREDENTIALS = "no credentials"
    UNKNOWN_KEY = "unknown key"
    NO_PERMISSION = "no permission"
    WRONG_SIGNATURE = "wrong signature"
    WRONG_NONCE = "wrong nonce"
    UNREADABLE = "unreadable arguments"
    UNKNOWN_ARGUMENT = "unknown argument"
    MISSING_ARGUMENT = "missing argument"
    WRONG_ARGUMENT = "wrong argument"
    WRONG_NUMBER = "wrong number"
    UNKNOWN_BOOK = "unknown book"
    UNKNOWN_BOOK_OF_TICKER = "unknown book of a ticker"
    NOT_FOUND = "not found"
    NO_FUNDS = "not enough funds"
    EXPIRED = "expired"


class Refused(Exception):
    """The exchange does not do it.

    Attributes:
        reason: Why.
        about: Which argument it is about; empty for none.
        text: What to say of it; empty for the words that go with the reason.
    """

    def __init__(self, reason: Reason, about: str = "", text: str = "") -> None:
        super().__init__(f"{reason.value}: {about}" if about else reason.value)
        self.reason = reason
        self.about = about
        self.text = text
