"""Keepers between a market whose true book is known, its channel and its endpoint, in virtual time."""

import pytest

from tests.support.book_runs import Case, play

KINDS = ("whole", "diff", "numbered")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [10.0, 0.5])
def test_a_kept_book_is_the_true_one(kind, rate):
    """Without a fault a book is soon good, and equals the true one at its moment."""
    seen = play(Case(kind, rate=rate, seconds=60.0), "polite")

    assert (0, True) == (seen.wrong, seen.checks > 10)
    assert seen.good_seconds / seen.seconds > 0.9
