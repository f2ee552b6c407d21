"""Why a request is rejected, independent of the wording of an exchange."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """A reason to reject a request; its value is the outcome in the record."""

    NO_SUCH_PATH = "no such path"
    WRONG_VERB = "wrong verb"
    TOO_MANY_REQUESTS = "limit exceeded"
    NO_CREDENTIALS = "no credentials"
    UNKNOWN_KEY = "unknown key"
    NO_PERMISSION = "no permission"
    WRONG_SIGNATURE = "wrong signature"
    WRONG_NONCE = "wrong nonce"
    WRONG_TIME = "wrong time"
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
    TOO_SMALL = "below the smallest"
    TOO_LARGE = "above the largest"
    TAKEN = "id in use"
    NO_ORDER = "no such order"
    NO_EVENTS = "no events"
    NOT_OPEN = "not open"
    UNCHANGED = "nothing to change"
    COSTS_TOO_MUCH = "fee above the limit"


class Refused(Exception):
    """The exchange rejects the request.

    Attributes:
        reason: Why.
        about: The argument concerned; empty for none.
        text: The message; empty for the exchange's own message for the reason.
    """

    def __init__(self, reason: Reason, about: str = "", text: str = "") -> None:
        super().__init__(f"{reason.value}: {about}" if about else reason.value)
        self.reason = reason
        self.about = about
        self.text = text


def refuse_if(condition: object, reason: Reason, about: str = "", text: str = "") -> None:
    """Raise `Refused` if *condition* is true."""
    if condition:
        raise Refused(reason, about, text)
