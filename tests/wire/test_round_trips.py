import importlib
import inspect

import attrs
import pytest
from hypothesis import given, settings

from exchanges import bitex, bitso, bitstamp
from exchanges.wire import decode, dumps, encode
from tests.support.strategies import LISTS, MODELS, QUICK, examples, name_of, values

pytestmark = pytest.mark.sweep

# Annotations do not tell the shape of these (paths, documents whose resources stand once, fields of which some must be
# there): test_bitex_rates, _funding, _instructions, _kyc, _concierge and test_bitstamp_doubts test their round trips.
SHAPED = {
    *(bitex.RatesTree, bitex.WithdrawalInstruction, bitex.KycRejectionReasons, bitex.WorkOrderRequests),
    *(bitex.WorkOrderRequest, bitex.WorkOrderInput, bitex.WorkOrderBitcoinInput, bitex.WorkOrderOutput),
    *(bitstamp.CancelledOrder, bitstamp.CancelledOrders),
}
# Sent or posted, not answered.
NO_ANSWERS = {
    *(bitex.Bot, bitex.Input, bitex.BitcoinInput, bitex.Output, bitex.PaymentUpdate, bitex.KycProfileUpdate),
    *(bitex.DomesticBank, bitex.MoreMtPickUp, bitex.InternationalBank, bitex.ThirdParty, bitex.PointOfSalePages),
    *(bitso.Delivery, bitso.Rules, bitso.SettledOrder, bitstamp.Rules, bitstamp.SettledOrder),
}
# Endpoints whose answer no endpoint before them has.
FIRST = {repr(answer): endpoint for endpoint, answer in reversed(LISTS.items())}.values()
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


@examples
@pytest.mark.parametrize(
    "annotation",
    [
        *(pytest.param(model, id=name_of(model)) for model in MODELS if model not in SHAPED),
        *(
            pytest.param(answer, id=endpoint, marks=() if endpoint in FIRST else pytest.mark.stress)
            for endpoint, answer in LISTS.items()
        ),
    ],
)
def test_round_trip(annotation, number):
    """Every value of a model, and of a list that an endpoint answers with, is read as it was written."""

    @settings(QUICK, max_examples=number)
    @given(values(annotation))
    def holds(value):
        assert value == decode(dumps(encode(value)), annotation)

    holds()
