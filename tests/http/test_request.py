"""How fields travel in queries and forms."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.http.request import url_encoded

CHARACTERS = [*map(chr, range(256)), "\u0131", "\u0660", "\uff11", "\U0001f600"]


@pytest.mark.parametrize("name", [False, True])
def test_every_character(name):
    """Each character in a name or a value is escaped as `urlencode` escapes it."""
    texts = [f"a{character}1" for character in CHARACTERS]
    fields = [{text: "b"} if name else {"b": text} for text in texts]

    assert [urlencode(one) for one in fields] == [url_encoded(one) for one in fields]


@pytest.mark.parametrize(
    "fields", [{}, {"a": ""}, {"": "b"}, {"a": 1, "b": "2"}, {"a": None}, {"a": "b", "c": "d&e=f"}]
)
def test_odd_fields(fields):
    """Nothing, empty texts, and values that are no texts are encoded as by `urlencode`."""
    assert urlencode(fields) == url_encoded(fields)


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=4))
def test_what_arrives(fields):
    """What is encoded is decoded to the same fields."""
    assert fields == dict(parse_qsl(url_encoded(fields), keep_blank_values=True))
