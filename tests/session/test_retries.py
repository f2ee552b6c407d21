import time
from datetime import timedelta
from email.utils import format_datetime

import pytest

from exchanges import errors
from exchanges.endpoint import Kind
from exchanges.errors import (
    AuthenticationFailed,
    Blocked,
    DecodeError,
    InvalidRequest,
    NonceRejected,
    NotFound,
    NotSent,
    Problem,
    RateLimited,
    RedirectRefused,
    Rejected,
    Unavailable,
)
from exchanges.outcomes.classify import lockout_seconds, repeatable

KINDS = list(Kind)
REPEATABLE, RISKY = [Kind.READ, Kind.IDEMPOTENT], [Kind.WRITE, Kind.MONEY]


class TestRepeatable:
    @pytest.mark.parametrize("kind", REPEATABLE)
    @pytest.mark.parametrize(
        ("error", "last"),
        [(NotSent("x"), 3), (Unavailable("x"), 3), (RateLimited("x"), 3), (NonceRejected("x"), 4)],
    )
    def test_attempts(self, kind, error, last):
        """A failure that may pass is tried three times in all, a refused nonce four."""
        assert [True] * (last - 1) + [False] * 2 == [repeatable(kind, error, attempt) for attempt in range(1, last + 2)]

    @pytest.mark.parametrize("kind", RISKY)
    @pytest.mark.parametrize("error", [NotSent("x"), Unavailable("x"), RateLimited("x"), NonceRejected("x")])
    def test_never(self, kind, error):
        """A call that creates something or moves money is never repeated."""
        assert not repeatable(kind, error, 1)

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        "error",
        [
            Blocked("x"),
            RedirectRefused("x"),
            DecodeError("x"),
            Rejected("x"),
            NotFound("x"),
            InvalidRequest("x"),
            AuthenticationFailed("x"),
            errors.UsageError("x"),
            errors.RateLimitTimeout("x"),
            errors.StateError("x"),
        ],
    )
    def test_what_does_not_pass(self, kind, error):
        """A failure that would be the same again is not repeated."""
        assert not repeatable(kind, error, 1)


class TestLockout:
    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            (None, 60.0),
            ("30", 30.0),
            (" 30 ", 30.0),
            ("0", 0.0),
            ("3600", 3600.0),
            ("3601", 3600.0),
            ("9" * 400, 3600.0),
            ("-5", 60.0),
            ("1.5", 60.0),
            ("30s", 60.0),
            ("1_0", 60.0),
            ("٣", 60.0),
            ("", 60.0),
            ("soon", 60.0),
            ("NaN", 60.0),
            ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
            ("Wednesday, 21-Oct-15 07:28:00 GMT", 0.0),
            ("Wed Oct 21 07:28:00 2015", 0.0),
            ("Wed, 21 Oct 2999 07:28:00 GMT", 3600.0),
            ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
            ("Wed, 31 Feb 2015 07:28:00 GMT", 60.0),
            ("Wed, 21 Oct 99999 07:28:00 GMT", 60.0),
            ("Wed, 21 Oct 2015 99:28:00 GMT", 60.0),
        ],
    )
    def test_header(self, header, seconds):
        """`Retry-After` counts seconds or names a moment, at most an hour; any other value is ignored."""
        assert seconds == lockout_seconds(Problem(RateLimited), header, 60.0)

    @pytest.mark.parametrize(("said", "seconds"), [(5.0, 5.0), (0.0, 0.0), (-1.0, 0.0), (1e9, 3600.0)])
    def test_the_body_before_the_header(self, said, seconds):
        """The seconds in the body override the header."""
        assert seconds == lockout_seconds(Problem(RateLimited, retry_after_seconds=said), "30", 60.0)

    def test_a_moment_to_come(self, noon):
        """A moment in the future gives the seconds until then."""
        moment = format_datetime(noon + timedelta(seconds=1800), usegmt=True)

        assert 1800 == lockout_seconds(Problem(RateLimited), moment, 60.0)

    @pytest.mark.parametrize(
        "written", ["%a, %d %b %Y %H:%M:%S", "%a, %d %b %Y %H:%M:%S -0000", "%a %b %d %H:%M:%S %Y"]
    )
    def test_a_moment_without_a_zone(self, monkeypatch, noon, written):
        """A moment without a zone is in UTC, whatever the time zone of the machine."""
        with monkeypatch.context() as patched:
            patched.setenv("TZ", "JST-9")
            time.tzset()
            seconds = lockout_seconds(Problem(RateLimited), f"{noon + timedelta(seconds=1800):{written}}", 60.0)
        time.tzset()

        assert 1800 == seconds
