import importlib
import inspect

import attrs
import pytest
from hypothesis import given, settings

from exchanges.wire import decode, dumps, encode
from tests.wire.strategies import LISTS, MODELS, QUICK, name_of, values

PACKAGES = ["exchanges.bitex", "exchanges.bitso", "exchanges.bitso.v2", "exchanges.bitstamp", "exchanges.bitstamp.v1"]


def test_every_model_is_here():
    """Each model that an exchange exports is the answer, or part of the answer, of an endpoint."""
    exported = {
        value
        for package in map(importlib.import_module, PACKAGES)
        for value in (getattr(package, name) for name in package.__all__)
        if inspect.isclass(value) and attrs.has(value)
    }

    assert exported == set(MODELS)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_a_model(model):
    """Every value of the model comes back as it went out."""

    @settings(QUICK, max_examples=25)
    @given(values(model))
    def holds(value):
        assert value == decode(dumps(encode(value)), model)

    holds()


@pytest.mark.parametrize("endpoint", LISTS)
def test_a_list(endpoint):
    """Every list of the models that an endpoint answers with comes back as it went out."""
    annotation = LISTS[endpoint]

    @settings(QUICK, max_examples=25)
    @given(values(annotation))
    def holds(value):
        assert value == decode(dumps(encode(value)), annotation)

    holds()
