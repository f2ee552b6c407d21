import inspect
from typing import Annotated, TypedDict, Unpack

import pytest

from exchanges.endpoint import WRITE, Area, Param, private
from tests.support.fourth import API


class Colour(TypedDict):
    colour: str


class Fields(Colour, total=False):
    size: int | None
    owner: Annotated[str | None, Param(secret=True)]


class Things(Area, api=API):
    @private("POST /things/{thing_id}", kind=WRITE)
    async def create(self, thing_id: int, *, name: str, **fields: Unpack[Fields]) -> str:
        """Create a thing."""
        ...


def test_arguments():
    """The keys of an unpacked TypedDict are arguments, required or None by default, each with its `Param`."""
    arguments = {a.name: (a.type, a.required, a.default, a.param.secret) for a in Things.create.endpoint.arguments}

    assert {
        "thing_id": ("int", True, inspect.Parameter.empty, False),
        "name": ("str", True, inspect.Parameter.empty, False),
        "colour": ("str", True, inspect.Parameter.empty, False),
        "size": ("int", False, None, False),
        "owner": ("str", False, None, True),
    } == arguments


def test_signature():
    """The signature that `help` shows names each field."""
    expected = "(self, thing_id: int, *, name: str, colour: str, size: int | None = None, owner: str | None = None)"

    assert expected == str(inspect.signature(Things.create)).partition(" ->")[0]


def test_a_name_twice():
    """A field named like an argument fails at import."""

    async def create(self, *, size: int, **fields: Unpack[Fields]) -> str: ...

    with pytest.raises(ValueError, match="duplicate parameter name: 'size'"):
        type("Doubled", (Area,), {"create": private("POST /doubled", kind=WRITE)(create)}, api=API)
