import pytest

from tests.stress.evidence import Count, interpreted, sample
from tests.support.odd_answers import CONFIRMATIONS, SPECIMENS, Odd
from tests.support.specimens import specimen_of


def test_nothing_is_taken_for_an_answer():
    """No odd answer to any endpoint is taken for done, rejected, not sent, or nothing there; a part of all of them."""
    count = Count()
    for odd in sample(11, 211):
        count.note(odd, interpreted(odd))

    assert ([], set()) == (count.found, count.refused)
    assert count.pairs > 10 * len(SPECIMENS)


@pytest.mark.parametrize(
    "body", [b"null", b"", b'""', b"0", b"{}", b"[]", b"false", b'"ok"', b'"true"', b"true", b"[null]"]
)
@pytest.mark.parametrize("endpoint", CONFIRMATIONS)
def test_confirmations(endpoint, body):
    """Only the documented value of that very endpoint confirms it."""
    error = interpreted(Odd(specimen_of(endpoint), "", 200, body))

    assert (error is None) is (CONFIRMATIONS[endpoint].encode() == body)


@pytest.mark.parametrize(
    "body", [b"", b"<html>Not Found</html>", b'{"message":"no Route matched with those values"}', b"{}"]
)
@pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.id)
def test_a_foreign_404(specimen, body):
    """A status 404 without the exchange's own words never says that something is not there."""
    error = interpreted(Odd(specimen, "", 404, body))

    assert type(error).__name__ in ("OutcomeUnknown", "ReadFailed")
