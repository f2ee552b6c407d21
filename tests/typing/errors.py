"""What errors carry is typed. Checked, never run."""

from datetime import datetime
from typing import assert_type

from exchanges import (
    ExchangeError,
    Intent,
    InvalidRequest,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    UsageError,
    encode,
)
from exchanges.bitex import Bid
from exchanges.wire import Json


def carried(error: ExchangeError, limited: RateLimited, invalid: InvalidRequest, unknown: OutcomeUnknown) -> None:
    assert_type(error.endpoint, str | None)
    assert_type(error.status, int | None)
    assert_type(error.code, str | None)
    assert_type(error.text, str | None)
    assert_type(error.may_have_executed, bool)
    assert_type(limited.retry_at, datetime | None)
    assert_type(invalid.fields, dict[str, tuple[str, ...]])
    assert_type(unknown.intent, Intent)
    assert_type(unknown.intent.arguments, dict[str, str])
    assert_type(unknown.nonce, str | None)


def is_a(usage: UsageError, limited: RateLimited) -> tuple[ValueError, Rejected]:
    return usage, limited


def encoded(bid: Bid) -> None:
    assert_type(encode(bid), Json)
