from typing import Literal, get_args, get_origin

import pytest

from exchanges import Bitex, Bitso, Bitstamp
from exchanges.endpoint import endpoints_of
from exchanges.endpoint.arguments import enum_of

CLOSED = [
    (endpoint.id, argument)
    for client in (Bitex, Bitso, Bitstamp)
    for endpoint in endpoints_of(client)
    for argument in endpoint.arguments
    if enum_of(argument.annotation) is not None
]


@pytest.mark.parametrize(("endpoint", "argument"), CLOSED, ids=[f"{name} {argument.name}" for name, argument in CLOSED])
def test_words_of_a_closed_set(endpoint, argument):
    """The type of an argument with a closed set of words is its enum, or one of these words as text, and no other."""
    parts = get_args(argument.annotation)
    words = {word for part in parts if get_origin(part) is Literal for word in get_args(part)}

    assert {member.value for member in enum_of(argument.annotation)} == words
    assert str not in parts
