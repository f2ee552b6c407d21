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
    RateLimited,
    RedirectRefused,
    Rejected,
    Unavailable,
)
from exchanges.outcomes.classify import repeatable

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
