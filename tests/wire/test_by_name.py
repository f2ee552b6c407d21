import importlib
import inspect
import json
from datetime import datetime
from decimal import Decimal
from typing import get_args, get_origin

import attrs
import pytest
from hypothesis import given, settings

from exchanges import bitex, bitso, from_dict, to_dict, to_json
from exchanges.errors import DecodeError, UsageError
from exchanges.wire import Model, UnknownRow, decode, dumps
from exchanges.wire.models import codec_of
from tests.support.specimens import SPECIMENS
from tests.support.strategies import ENDPOINTS, MODELS, QUICK, name_of, values

SHAPED = {
    *(bitex.RatesTree, bitex.WithdrawalInstruction, bitex.KycRejectionReasons, bitex.WorkOrderRequests),
    *(bitex.WorkOrderRequest, bitex.WorkOrderInput, bitex.WorkOrderBitcoinInput, bitex.WorkOrderOutput),
}
"""Models of which annotations do not tell the shape; documents show them."""


# All but single values, and lists of those.
ANSWERED = [
    s
    for s in SPECIMENS
    if not s.endpoint.is_silent
    and codec_of(s.endpoint.answer) is None
    and not any(codec_of(part) for part in get_args(s.endpoint.answer))
]
PACKAGES = ["exchanges.bitex", "exchanges.bitso", "exchanges.bitso.v2", "exchanges.bitstamp", "exchanges.bitstamp.v1"]


def test_every_exported_model_is_one():
    """Each class of attrs that an exchange exports is a `Model`."""
    exported = {
        value
        for package in map(importlib.import_module, PACKAGES)
        for value in (getattr(package, name) for name in package.__all__)
        if inspect.isclass(value) and attrs.has(value)
    }

    assert set() == {model for model in {*exported, *MODELS} if not issubclass(model, Model)}


@pytest.mark.parametrize("specimen", ANSWERED, ids=lambda s: s.id)
def test_documented_answers(specimen):
    """A documented answer passes through JSON by name, parsed by anybody, and comes back equal."""
    annotation = specimen.endpoint.answer
    value = decode(dumps(specimen.payload), annotation)
    if get_origin(annotation) is dict:
        value, annotation = next(iter(value.values())), get_args(annotation)[1]

    assert value == from_dict(annotation, json.loads(to_json(value)))


@pytest.mark.sweep
@pytest.mark.parametrize(
    "model",
    [
        pytest.param(model, id=name_of(model), marks=() if number % 10 == 0 else pytest.mark.stress)
        for number, model in enumerate(model for model in MODELS if model not in SHAPED)
    ],
)
def test_round_trip(model):
    """A value of any model passes through JSON by name, and comes back equal."""

    @settings(QUICK, max_examples=5)
    @given(values(model))
    def holds(value):
        assert value == from_dict(model, json.loads(to_json(value)))

    holds()


def test_amounts_moments_and_enums():
    """An amount keeps its zeros, a moment its zone, and an enum is its name."""
    (bid,) = decode(b'[[1,7,946685400,1,1.50,1.5e-8,1E+2,1,0,1,"x",1]]', ENDPOINTS["bitex.trading.orders"].answer)
    shown = to_dict(bid)

    assert "Bid" == shown["class"]
    assert {"1.50", "0.000000015", "100", "2000-01-01T00:10:00+00:00", "RECEIVED"} <= set(map(str, shown.values()))


@pytest.mark.parametrize(
    ("member", "name"),
    [
        (bitex.OrderStatus(77), "UNKNOWN_77"),
        (bitso.Side("BUY"), "UNKNOWN_BUY"),
        (bitso.Side("line\nbreak"), "UNKNOWN_line\nbreak"),
        (bitso.Side.BUY, "BUY"),
    ],
)
def test_unknown_members(member, name):
    """A member that no document lists keeps its value, also if it is the name of another."""
    holder = attrs.make_class("Holder", {"member": attrs.field(type=type(member))})
    shown = to_dict(holder(member))

    assert ({"member": name}, holder(member)) == (shown, from_dict(holder, shown))


def test_json_that_a_model_keeps():
    """In JSON of unknown meaning a number differs from a text, whatever its keys are."""
    row = UnknownRow((Decimal("1.50"), "1.50", 7, None, {"$decimal": "1", "$": [True], "class": "Bid"}))

    assert row == from_dict(UnknownRow, json.loads(to_json(row)))


def test_rows_of_a_list():
    """A list of rows of several classes comes back, each as its class."""
    annotation = ENDPOINTS["bitex.trading.orders"].answer
    rows = decode(b'[[1,7,946685400,1,1,1.50,1,1,0,1,"x",1],[2,8,946685400,1,1,1.50,1,1,0,1,"x",1]]', annotation)

    assert [bitex.Bid, bitex.Ask] == [type(row) for row in rows]
    assert rows == from_dict(annotation, json.loads(to_json(rows)))


def test_a_large_answer():
    """Rows that are built when they are accessed are written like a list."""
    annotation = ENDPOINTS["bitex.market.transactions_archive"].answer
    rows = decode(b"[[1,946685400,500.00,0.10],[2,946685401,500.50,0.20]]", annotation)

    assert rows == from_dict(annotation, json.loads(to_json(rows)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"maker": 1.5}, r"FlatRate\.maker: expected a decimal number as text"),
        ({"maker": "NaN"}, "a decimal number as text"),
        ({"maker": " 1"}, "a decimal number as text"),
        ({"maker": "1" * 99}, "at most 60 digits"),
        ({"maker": None}, "a decimal number as text"),
        ({"more": "1"}, r"FlatRate\.more: expected no such field"),
        ({"class": "FeeTier"}, "class FlatRate"),
    ],
)
def test_what_is_no_model(change, words):
    """What is missing, unknown or of another form is named, and nothing is guessed."""
    given = {"maker": "0.5", "taker": "0.6", **change}

    with pytest.raises(DecodeError, match=words):
        from_dict(bitso.FlatRate, given)


def test_a_missing_field():
    """A missing field is named."""
    with pytest.raises(DecodeError, match=r"FlatRate\.maker: expected a value, found none"):
        from_dict(bitso.FlatRate, {"taker": "0.6"})


@pytest.mark.parametrize(
    ("annotation", "given"),
    [
        (bitso.FlatRate, []),
        (list[bitso.FlatRate], {}),
        (bitex.Bid, {"status": "NONE"}),
        (bitex.Bid, None),
        (list[bitex.Bid | bitex.Ask], [{"class": "Buy"}]),
        (list[bitex.Bid | bitex.Ask], [7]),
    ],
)
def test_another_shape(annotation, given):
    """Another shape is a `DecodeError`."""
    with pytest.raises(DecodeError):
        from_dict(annotation, given)


@pytest.mark.parametrize("value", [7, "text", bitex.Bid, None, {"a": 1}])
def test_what_cannot_be_written(value):
    """What is no model is refused."""
    with pytest.raises(UsageError, match="needs a model"):
        to_dict(value)


@pytest.mark.parametrize("moment", ["2026-11-29T04:00:00", "2026-11-29", "20261129"])
def test_a_moment_without_an_offset(moment):
    """A moment that may be any of a day's is refused."""
    with pytest.raises(DecodeError, match="with its offset"):
        from_dict(datetime, moment)


@pytest.mark.parametrize("value", [{"a": 1}, [{"a": 1}]])
def test_the_value_first(value):
    """The value in the place of the class is refused, and the error states the order."""
    with pytest.raises(UsageError, match="a model's class and then the value"):
        from_dict(value, bitex.Bid)


@pytest.mark.parametrize("annotation", [float, dict[str, float], set[int]])
def test_what_cannot_be_read(annotation):
    """A type of which nothing is known to be exact is refused."""
    with pytest.raises(UsageError, match="is no model"):
        from_dict(annotation, {})
