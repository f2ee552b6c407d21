import importlib
import inspect

import attrs
import pytest
from hypothesis import given, settings

from exchanges import bitex
from exchanges.wire import decode, dumps, encode
from tests.support.strategies import LISTS, MODELS, QUICK, name_of, values

# Made of what annotations do not tell (paths, documents whose resources stand once): test_bitex_rates, _funding,
# _instructions, _kyc and _concierge send these round with values of their own.
SHAPED = {
    *(bitex.RatesTree, bitex.WithdrawalInstruction, bitex.KycRejectionReasons, bitex.WorkOrderRequests),
    *(bitex.WorkOrderRequest, bitex.WorkOrderInput, bitex.WorkOrderBitcoinInput, bitex.WorkOrderOutput),
}
# What is sent or posted, not answered.
NO_ANSWERS = {
    *(bitex.Bot, bitex.Input, bitex.BitcoinInput, bitex.Output, bitex.PaymentUpdate, bitex.KycProfileUpdate),
    *(bitex.DomesticBank, bitex.MoreMtPickUp, bitex.InternationalBank, bitex.ThirdParty, bitex.PointOfSalePages),
}
PACKAGES = ["exchanges.bitex", "exchanges.bitso", "exchanges.bitso.v2", "exchanges.bitstamp", "exchanges.bitstamp.v1"]


def test_every_model_is_here():
    """Each model that an exchange exports is the answer, or part of the answer, of an endpoint."""
    exported = {
        value
        for package in map(importlib.import_module, PACKAGES)
        for value in (getattr(package, name) for name in package.__all__)
        if inspect.isclass(value) and attrs.has(value)
    }

    assert exported - NO_ANSWERS == set(MODELS) - NO_ANSWERS


@pytest.mark.parametrize("model", [m for m in MODELS if m not in SHAPED], ids=name_of)
def test_a_model(model):
    """Every value of the model is equal after a round trip."""

    @settings(QUICK, max_examples=12)
    @given(values(model))
    def holds(value):
        assert value == decode(dumps(encode(value)), model)

    holds()


@pytest.mark.parametrize("endpoint", LISTS)
def test_a_list(endpoint):
    """Every list of models that an endpoint answers with is equal after a round trip."""
    annotation = LISTS[endpoint]

    @settings(QUICK, max_examples=12)
    @given(values(annotation))
    def holds(value):
        assert value == decode(dumps(encode(value)), annotation)

    holds()
