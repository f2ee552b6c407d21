"""Models in pydantic and FastAPI, which this package does not need."""

import json
from decimal import Decimal

import pytest

from exchanges import bitex, bitso
from exchanges.wire import decode
from tests.support.specimens import specimen_of

pydantic = pytest.importorskip("pydantic")
pytestmark = pytest.mark.interop

RATE = bitso.FlatRate(maker=Decimal("0.500"), taker=Decimal("0.123456789012345678901234567890"))
SHOWN = {"maker": "0.500", "taker": "0.123456789012345678901234567890"}


def test_a_field():
    """A model is a field of a pydantic model, and keeps every digit."""
    quote = pydantic.create_model("Quote", rate=(bitso.FlatRate, ...))

    assert RATE == quote(rate=RATE).rate
    assert RATE == quote.model_validate_json(json.dumps({"rate": SHOWN})).rate
    assert {"rate": SHOWN} == json.loads(quote(rate=RATE).model_dump_json())


@pytest.mark.parametrize("given", [{**SHOWN, "maker": 0.5}, {}, 7, None])
def test_what_is_no_model(given):
    """What is no model is an error of pydantic's own, and a number in place of a text is none."""
    with pytest.raises(pydantic.ValidationError):
        pydantic.TypeAdapter(bitso.FlatRate).validate_python(given)


def test_a_schema():
    """The JSON schema has every field: amounts are texts."""
    schema = pydantic.TypeAdapter(bitso.FlatRate).json_schema(mode="serialization")

    assert {"type": "string", "format": "decimal"} == schema["properties"]["maker"]
    assert ["maker", "taker"] == schema["required"]


def test_fastapi():
    """A service of FastAPI returns models, single and in lists, with every digit, and describes them."""
    fastapi = pytest.importorskip("fastapi")
    client = pytest.importorskip("fastapi.testclient")
    specimen, app = specimen_of("bitex.trading.orders"), fastapi.FastAPI()
    orders = decode(specimen.answer, specimen.endpoint.answer)

    @app.get("/rate")
    async def rate() -> bitso.FlatRate:
        return RATE

    @app.get("/orders")
    async def listed() -> list[bitex.Bid | bitex.Ask]:
        return orders

    service = client.TestClient(app)
    shown = service.get("/orders").json()

    assert SHOWN == service.get("/rate").json()
    assert ([type(order).__name__ for order in orders], 200) == (
        [row["class"] for row in shown],
        service.get("/openapi.json").status_code,
    )
