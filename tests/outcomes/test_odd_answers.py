import pytest

from tests.stress.evidence import Count, interpreted, sample
from tests.support.odd_answers import CONFIRMATIONS, SPECIMENS, Odd
from tests.support.specimens import specimen_of


@pytest.mark.sweep
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
    specimen = specimen_of(endpoint)
    # Where answers have an envelope, the confirmation stands in it.
    sent = b'{"success":true,"payload":%s}' % body if b'"success"' in specimen.answer else body
    error = interpreted(Odd(specimen, "", 200, sent))

    assert (error is None) is (CONFIRMATIONS[endpoint].encode() == body)


@pytest.mark.parametrize(
    "body", [b"", b"<html>Not Found</html>", b'{"message":"no Route matched with those values"}', b"{}"]
)
def test_a_foreign_404(body):
    """A status 404 without the exchange's own words never says that something is not there."""
    errors = {specimen.id: interpreted(Odd(specimen, "", 404, body)) for specimen in SPECIMENS}
    names = {endpoint: type(error).__name__ for endpoint, error in errors.items()}

    assert {} == {endpoint: name for endpoint, name in names.items() if name not in ("OutcomeUnknown", "ReadFailed")}
