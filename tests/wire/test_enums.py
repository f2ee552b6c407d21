import copy
import pickle

import pytest

from exchanges.bitex import OrderStatus
from exchanges.bitso import Side

KNOWN = [OrderStatus.EXECUTING, Side.BUY]
UNKNOWN = [OrderStatus(9), Side("borrow")]


@pytest.mark.parametrize(("unknown", "value"), [(OrderStatus(9), 9), (Side("borrow"), "borrow")])
def test_an_unknown_code_keeps_its_value(unknown, value):
    """An unknown code equals what was received."""
    assert (value, value) == (unknown, unknown.value)


@pytest.mark.parametrize(("unknown", "name"), [(OrderStatus(9), "UNKNOWN_9"), (Side("borrow"), "UNKNOWN_borrow")])
def test_an_unknown_code_says_so(unknown, name):
    """The name of an unknown code shows that it is unknown."""
    assert (name, False) == (unknown.name, unknown.is_known)


@pytest.mark.parametrize("value", ["\x1b[2J", "a\nINFO b", "\u202ebuy", "x" * 1000])
def test_an_unknown_code_that_commands(value):
    """The name of an unknown code is one short line, whatever the code is; its value is unchanged."""
    unknown = Side(value)

    assert (value, True, True) == (unknown, repr(unknown).isprintable(), len(unknown.name) < 300)


@pytest.mark.parametrize("known", KNOWN)
def test_a_known_code_says_so(known):
    """A code that the documents list is known."""
    assert known.is_known


@pytest.mark.parametrize("member", KNOWN + UNKNOWN)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(member, protocol):
    """A code, known or not, survives pickling with its class."""
    revived = pickle.loads(pickle.dumps(member, protocol))  # noqa: S301 - made in the line itself

    assert (type(member), member) == (type(revived), revived)


@pytest.mark.parametrize("member", KNOWN + UNKNOWN)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copy(member, copied):
    """A copy of a code is that code."""
    assert member == copied(member)


def test_an_unknown_code_joins_no_list():
    """Reading an unknown code does not add it to the documented ones."""
    OrderStatus(77)

    assert [1, 2, 3, 4, 5] == [int(s) for s in OrderStatus]


@pytest.mark.parametrize("value", ["9", 9.5, None, [9]])
def test_a_code_is_a_number(value):
    """Only a whole number can be an unknown code."""
    with pytest.raises(ValueError, match="is not a valid OrderStatus"):
        OrderStatus(value)


@pytest.mark.parametrize("value", [1, None, b"buy"])
def test_a_word_is_a_text(value):
    """Only a text can be an unknown word."""
    with pytest.raises(ValueError, match="is not a valid Side"):
        Side(value)
