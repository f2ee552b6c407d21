import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges.wire import Deviation, loads
from exchanges.wire.splitting import Splitter
from tests.support.strategies import QUICK, examples

MARK = "the list "
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**6) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=60,
)


def split(body, piece_bytes):
    """Split *body*, and put it together again."""
    splitter = Splitter(body, MARK, piece_bytes)
    list(splitter.steps())
    lists = [b"[" + b"".join(pieces)[:-1] + b"]" for pieces in splitter.lists]
    joined = re.sub(rb'"the list ([0-9]+)"', lambda match: lists[int(match[1])], bytes(splitter.skeleton))
    return joined, splitter


@examples
def test_the_parts_are_the_whole(number):
    """Any JSON is split into parts that are the same JSON when they are put together, or refused."""
    settings(QUICK, max_examples=number * 4)(
        given(values, st.sampled_from([8, 20, 50]), st.sampled_from([None, 1]))(check)
    )()


def check(value, piece_bytes, indent):
    """Split one value, and compare."""
    body = json.dumps(value, indent=indent, ensure_ascii=False).encode()
    try:
        joined, splitter = split(body, piece_bytes)
    except Deviation:
        # Long objects inside each other are split to a depth of eight.
        assert body.count(b"{") > 8
        return

    assert loads(body) == loads(joined)
    assert all(loads(b"[" + piece[:-1] + b"]") is not None for pieces in splitter.lists for piece in pieces)


@pytest.mark.parametrize("text", ["[]", "{}", '"a"', "1", " [ 1 , 2 ] ", '{"a": [1, 2]}', "null"])
def test_what_is_short_is_not_cut(text):
    """What fits into a piece stays as it is."""
    joined, splitter = split(text.encode(), 4096)

    assert (text.strip().encode(), []) == (joined, splitter.lists)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "[", "]", "[1,2", "[1,2}", "{", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', "{1:2}", "[1,,2]"),
        *("[1,2,]", "[,1]", "[1] 2", "[1]]", '"a', '{"a":1 "b":2}', '[1, "2]', "[[1,2,3],[4,5,6]", "1 2"),
    ],
)
@pytest.mark.parametrize("piece_bytes", [4, 4096])
def test_what_is_no_json_is_refused_or_stays_none(text, piece_bytes):
    """What is no JSON is refused, or is none either when it is put together."""
    with pytest.raises(Deviation):
        loads(split(text.encode(), piece_bytes)[0])
