import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings

from exchanges.bitex.concierge import BitcoinInput, Input, Output
from exchanges.bitex.models.concierge import (
    WorkOrderBitcoinInput,
    WorkOrderInput,
    WorkOrderOutput,
    WorkOrderRequest,
    WorkOrderRequests,
    WorkOrderStatus,
    WorkOrderUser,
)
from exchanges.bitex.models.places import CurrencyCode
from exchanges.errors import DecodeError
from exchanges.wire import decode, dumps, encode, loads
from tests.support import bitex_requests
from tests.support.bitex_requests import text
from tests.support.strategies import QUICK, examples, values

CREATE = "concierge.create_work_order_request"
SPECIMENS = Path(__file__).parent.parent / "specimens" / "bitex"
MODELS = [WorkOrderBitcoinInput, WorkOrderInput, WorkOrderOutput, WorkOrderRequest, WorkOrderRequests, WorkOrderUser]

PESOS = Input(amount="1000.0", country="AR", currency="ARS")
COINS = BitcoinInput(amount=2)
PAYEE = Output(user_id=1, country="US", currency="USD", amount=Decimal("100.50"), withdrawal_instruction_id=2)
OPEN = Output(user_id=2, country="MX", currency="MXN", withdrawal_instruction_id=3)


def documented(name):
    """Return the documented answer."""
    return (SPECIMENS / f"concierge.{name}.txt").read_text().partition("\n\n")[2].encode()


def sent(**arguments):
    """Return the body of the request."""
    return loads(text(CREATE, payer_id=9, **arguments).encode())


refused = partial(bitex_requests.refused, CREATE, payer_id=9)


class TestRequests:
    def test_body(self):
        """Amounts are numbers with every digit, the open one is null, omitted arguments are not sent."""
        assert {
            "payer_id": 9,
            "inputs": [{"amount": Decimal("1000.0"), "country": "AR", "currency": "ARS"}],
            "outputs": [
                {
                    "user_id": 1,
                    "country": "US",
                    "currency": "USD",
                    "amount": Decimal("100.50"),
                    "withdrawal_instruction_id": 2,
                },
                {"user_id": 2, "country": "MX", "currency": "MXN", "amount": None, "withdrawal_instruction_id": 3},
            ],
        } == sent(inputs=[PESOS], outputs=(PAYEE, OPEN))

    def test_mappings(self):
        """Plain mappings with the same fields are accepted too."""
        assert sent(bitcoin_inputs=[COINS], outputs=[OPEN]) == sent(
            bitcoin_inputs=[{"amount": 2}], outputs=[attrs.asdict(OPEN)]
        )

    def test_codes_by_name(self):
        """A currency may be given as a member of its enum."""
        body = sent(bitcoin_inputs=[COINS], outputs=[attrs.evolve(OPEN, currency=CurrencyCode.MXN)])

        assert "MXN" == body["outputs"][0]["currency"]

    @pytest.mark.parametrize(
        ("ways", "count"),
        [
            ({"inputs": [PESOS], "outputs": [PAYEE]}, 0),
            ({"inputs": [attrs.evolve(PESOS, amount=None)], "outputs": [PAYEE, OPEN]}, 2),
            ({"inputs": [PESOS], "bitcoin_inputs": [BitcoinInput()], "outputs": [OPEN]}, 2),
            ({"inputs": [PESOS], "outputs": [OPEN, OPEN, PAYEE]}, 2),
        ],
    )
    def test_not_one_open(self, ways, count):
        """Any other number of open amounts than one is rejected."""
        words = f"exactly one amount must be open (None): who bears the costs; got {count}"

        assert words in refused(**ways)

    @pytest.mark.parametrize(
        "ways",
        [
            {"inputs": [attrs.evolve(PESOS, amount=None)], "outputs": [PAYEE]},
            {"bitcoin_inputs": [BitcoinInput()], "inputs": [PESOS], "outputs": [PAYEE]},
            {"inputs": [PESOS], "bitcoin_inputs": [COINS], "outputs": [OPEN, PAYEE]},
            {"inputs": None, "bitcoin_inputs": [COINS], "outputs": [OPEN]},
        ],
    )
    def test_one_open(self, ways):
        """Any one input or output may have the open amount."""
        assert b"null" in dumps(sent(**ways))

    @pytest.mark.parametrize("ways", [{"inputs": [PESOS], "outputs": []}, {"inputs": [], "outputs": [OPEN]}])
    def test_a_way_is_missing(self, ways):
        """An order without inputs or without outputs is rejected."""
        assert "a work order needs an input or bitcoin input, and an output" in refused(**ways)

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"amount": 1.5}, "outputs [1].amount must be a Decimal, an int or a decimal str, not float"),
            ({"amount": 0}, "outputs [1].amount must be a finite number above zero"),
            ({"amount": "1e3"}, "outputs [1].amount must be written in plain decimal digits"),
            ({"country": "us"}, "outputs [1].country must be one of AD, AR, AT"),
            ({"country": "UY"}, "outputs [1].country must be one of AD, AR, AT"),
            ({"country": ["US"]}, "outputs [1].country must be one of AD, AR, AT"),
            ({"currency": "UYU"}, "outputs [1].currency must be one of ARS, AUD, BGN"),
            ({"user_id": "1"}, "outputs [1].user_id must be an id, an int above zero"),
            ({"withdrawal_instruction_id": True}, "outputs [1].withdrawal_instruction_id must be an id"),
            ({"user_id": 0}, "outputs [1].user_id must be an id, an int above zero"),
        ],
    )
    def test_wrong_fields(self, wrong, words):
        """An error in one output names its index and field."""
        assert words in refused(inputs=[PESOS], outputs=[PAYEE, attrs.evolve(OPEN, **wrong)])

    @pytest.mark.parametrize(
        ("outputs", "words"),
        [
            (PAYEE, "outputs must be a sequence of Output, not Output"),
            (None, "outputs must be a sequence of Output, not NoneType"),
            ("x", "outputs must be a sequence of Output, not str"),
            ({"user_id": 1}, "outputs must be a sequence of Output, not dict"),
            ([PESOS], "outputs [0] must be Output, or a mapping of its fields: user_id, country"),
            ([{"user": 1}], "outputs [0] must be Output, or a mapping of its fields: user_id, country"),
            ([7], "outputs [0] must be Output, or a mapping of its fields: user_id, country"),
        ],
    )
    def test_wrong_kinds(self, outputs, words):
        """Anything but a sequence of outputs is rejected."""
        assert words in refused(inputs=[PESOS], outputs=outputs)

    def test_countries_and_currencies(self):
        """The Concierge pays to 51 countries in 33 currencies, not in Colombia and Uruguay."""
        faults = [
            refused(inputs=[attrs.evolve(PESOS, **{name: "??"})], outputs=[OPEN]) for name in ("country", "currency")
        ]

        assert [51, 33] == [fault.partition("must be one of ")[2].partition(";")[0].count(",") + 1 for fault in faults]


class TestDocuments:
    @pytest.mark.parametrize("name", ["create_work_order_request", "work_order_request"])
    def test_an_order(self, name):
        """An order contains its inputs and outputs, and these contain their users."""
        order = decode(documented(name), WorkOrderRequest, strict=True)

        assert (1, 1, WorkOrderStatus.RECEIVED, datetime(2000, 1, 1, tzinfo=UTC)) == (
            order.id,
            order.payer_id,
            order.status,
            order.updated_at,
        )
        assert [Decimal(1000)] == [i.amount for i in order.inputs]
        assert [None] == [i.amount for i in order.bitcoin_inputs]
        assert [(1, "USD", "Susan Doe"), (2, "MXN", "Susan Doe")] == [
            (o.id, o.currency, o.user.name) for o in order.outputs
        ]
        assert [(1, "John Doe"), (5, "Susan Doe")] == [(user.id, user.name) for user in order.users]
        assert Decimal("58.08") == order.outputs[0].friendly_pricing_summary.fee

    def test_a_list(self):
        """A list of orders is a sequence of the same orders."""
        orders = decode(documented("work_order_requests"), WorkOrderRequests, strict=True)

        assert [decode(documented("work_order_request"), WorkOrderRequest)] == list(orders)
        assert (1, orders[0], (orders[0],)) == (len(orders), orders[-1], orders[:1])

    def test_nothing_included(self):
        """If a document includes nothing, the parts of an order have their ids only."""
        document = json.loads(documented("work_order_request"))
        del document["included"]

        order = decode(json.dumps(document).encode(), WorkOrderRequest)

        assert ([1, 2], [None, None], ()) == (
            [o.id for o in order.outputs],
            [o.amount for o in order.outputs],
            order.users,
        )

    def test_no_relationships(self):
        """An order without relationships has no parts."""
        document = json.loads(documented("work_order_request"))
        del document["data"]["relationships"]

        assert () == decode(json.dumps(document).encode(), WorkOrderRequest).outputs

    @pytest.mark.parametrize(
        "change",
        [
            lambda d: d.pop("data"),
            lambda d: d["data"].update(type="users"),
            lambda d: d["data"].update(id="one"),
            lambda d: d["data"].update(id="\u0661"),
            lambda d: d["data"].update(id="9" * 40),
            lambda d: d["data"]["attributes"].pop("status"),
            lambda d: d.update(data=None),
            lambda d: d.update(data=[d["data"]]),
            lambda d: d.update(included={}),
            lambda d: d["data"]["relationships"].update(outputs={"data": {"id": "1", "type": "users"}}),
        ],
    )
    def test_odd_documents(self, change):
        """Anything but a document about one order is a decode error."""
        document = json.loads(documented("work_order_request"))
        change(document)

        with pytest.raises(DecodeError):
            decode(json.dumps(document).encode(), WorkOrderRequest)

    def test_print_without_personal_data(self):
        """The repr of an order has no names, addresses and instructions."""
        shown = repr(decode(documented("work_order_request"), WorkOrderRequest))

        assert [] == [word for word in ("Doe", "example.com", "1...", "bank_transfer") if word in shown]


def consistent(value, found):
    """Return *value* with one resource for each type and id, as in a document."""
    if isinstance(value, tuple):
        return tuple(consistent(item, found) for item in value)
    if not attrs.has(type(value)):
        return value
    parts = {a.name: consistent(getattr(value, a.name), found) for a in attrs.fields(type(value))}
    value = attrs.evolve(value, **parts)
    return found.setdefault((type(value), value.id), value) if hasattr(value, "id") else value


@pytest.mark.sweep
@examples
@pytest.mark.parametrize("model", MODELS)
def test_round_trips(model, number):
    """Every consistent value of the model is read as it was written."""

    @settings(QUICK, max_examples=number)
    @given(values(model).map(lambda value: consistent(value, {})))
    def holds(value):
        assert value == decode(dumps(encode(value)), model)

    holds()
