from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import frozen

from exchanges.bitex import Bitex
from exchanges.endpoint.call import prepare
from exchanges.errors import DecodeError, OutcomeUnknown
from exchanges.outcomes.response import mismatches
from tests.support.fourth import Order, Orders, Sent, Side
from tests.support.lagging_exchange import placing
from tests.support.scripted_transport import Script, answer
from tests.support.virtual_time import in_virtual_time

ORDER = {"id": 1, "amount": "3", "price": "5", "side": "buy", "created_at": 1_700_000_000}
SENT = {"number": 1}


@frozen
class Opened:
    """What was opened."""

    withdrawal_id: str | int
    owner_id: str | None = None


def sent_as(told, **arguments):
    """Return the names of the fields of an answer that contradict the request."""
    asked = prepare(Orders.send.endpoint, {"currency": "btc", "amount": 3, "to": "there"} | arguments, "https://x.test")
    return mismatches(asked, Sent(**SENT | told))


@pytest.mark.parametrize(
    ("told", "arguments"),
    [
        ({}, {}),
        ({"quantity": Decimal(3), "address": "there", "currency": "btc"}, {}),
        ({"quantity": Decimal("3.00")}, {}),
        ({"quantity": Decimal(3)}, {"amount": "3.00"}),
        ({"quantity": Decimal("0.33")}, {"amount": "0.3333333"}),
        ({"quantity": Decimal("0.34")}, {"amount": "0.3366666"}),
        ({"quantity": Decimal("100.3")}, {"amount": "100.295"}),
        ({"quantity": Decimal("0.00000001")}, {"amount": "0.000000014"}),
        ({"currency": "BTC"}, {}),
        ({"address": " There "}, {}),
        ({"fast": True}, {"fast": True}),
        ({"fast": False}, {"fast": False}),
        ({"count": 7}, {"count": 7}),
        ({"side": Side.BUY}, {"side": Side.BUY}),
        ({"side": Side.BUY}, {"side": "buy"}),
        ({"memo": "another"}, {"memo": "secret"}),
        ({"number": 2}, {"number": 3}),
        ({"fast": True, "count": 5, "side": Side.SELL, "memo": "x"}, {}),
    ],
)
def test_what_fits(told, arguments):
    """An answer fits if it repeats the argument as a value, rounded, in other case, or not at all."""
    assert [] == sent_as(told, **arguments)


@pytest.mark.parametrize(
    ("told", "arguments", "expected"),
    [
        ({"quantity": Decimal("3.1")}, {}, ["quantity"]),
        ({"quantity": Decimal("0.32")}, {"amount": "0.3333333"}, ["quantity"]),
        ({"quantity": Decimal(100)}, {"amount": "100.5"}, ["quantity"]),
        ({"quantity": Decimal("100.5")}, {"amount": "100.54"}, ["quantity"]),
        ({"quantity": Decimal(0)}, {}, ["quantity"]),
        ({"quantity": Decimal("0.00")}, {"amount": "0.004"}, ["quantity"]),
        ({"quantity": Decimal("0.01")}, {"amount": "0.006"}, ["quantity"]),
        ({"currency": "ltc"}, {}, ["currency"]),
        ({"address": "elsewhere"}, {}, ["address"]),
        ({"fast": False}, {"fast": True}, ["fast"]),
        ({"count": 8}, {"count": 7}, ["count"]),
        ({"side": Side.SELL}, {"side": Side.BUY}, ["side"]),
        ({"side": Side("hold")}, {"side": Side.BUY}, ["side"]),
        ({"quantity": Decimal(4), "address": "x", "currency": "y"}, {}, ["currency", "quantity", "address"]),
    ],
)
def test_what_does_not_fit(told, arguments, expected):
    """Each field of the answer with another amount, word, choice or number than the argument is listed."""
    assert expected == sent_as(told, **arguments)


@pytest.mark.parametrize(("side", "expected"), [(Side.BUY, []), (Side.SELL, ["side"]), (None, [])])
def test_what_the_declaration_says(side, expected):
    """The answer must have what the declaration says, whatever the arguments."""
    asked = prepare(Orders.buy.endpoint, {"amount": 3, "price": 5}, "https://x.test")

    assert expected == mismatches(asked, Order(1, Decimal(3), Decimal(5), side))


@pytest.mark.parametrize("value", [None, "3", 5, [], ["amount"], {"amount": 4}, object()])
def test_answers_without_fields(value):
    """An answer that has no fields repeats nothing."""
    assert [] == mismatches(prepare(Orders.buy.endpoint, {"amount": 3, "price": 5}, "https://x.test"), value)


async def buy(told):
    """Place an order; return the error and the unresolved intents."""
    async with placing(Script.of(answer(ORDER | told))) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.orders.buy(amount=3, price=5)
        return caught.value, list(client.unresolved)


@in_virtual_time
async def test_an_answer_to_another_request():
    """A money call whose answer contradicts it has an unknown outcome, and the message has no value of the answer."""
    error, unresolved = await buy({"amount": "31337", "side": "sell"})

    assert (DecodeError, [error.intent], "ANSWERED") == (type(error.__cause__), unresolved, error.phase.name)
    assert (True, False) == ("does not match the request: side, amount" in str(error), "31337" in str(error))


@in_virtual_time
async def test_an_answer_that_names_an_earlier_order():
    """An answer with the id of an earlier call's order makes the outcome unknown, and is not shown."""
    async with placing(Script.of(answer(ORDER))) as client:
        await client.orders.buy(amount=3, price=5)
        with pytest.raises(OutcomeUnknown) as caught:
            await client.orders.buy(amount=3, price=5)
        (call,) = client.unresolved.values()

        assert (DecodeError, None, "ANSWERED") == (
            type(caught.value.__cause__),
            call.value,
            caught.value.phase.name,
        )
        assert "names what an earlier call made" in str(caught.value)


@in_virtual_time
async def test_the_same_id_of_another_call():
    """What two different calls create may have the same id."""
    async with placing(Script.of(answer(ORDER), answer(ORDER | {"side": None}))) as client:
        made = [await client.orders.buy(amount=3, price=5), await client.orders.note(amount=3, price=5)]

    assert [1, 1] == [order.id for order in made]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"id": 0}, ["id"]),
        ({"id": -1}, ["id"]),
        ({"price": Decimal(-5)}, ["price"]),
        ({"created_at": datetime(1970, 1, 1, tzinfo=UTC)}, ["created_at"]),
        ({"created_at": datetime(2000, 1, 1, tzinfo=UTC)}, []),
    ],
)
def test_what_nothing_that_was_made_can_have(told, expected):
    """An id that names nothing, an amount below zero, or a moment that is none is no confirmation of an order."""
    asked = prepare(Orders.buy.endpoint, {"amount": 3, "price": 5}, "https://x.test")

    assert expected == mismatches(asked, Order(**{"id": 1, "amount": Decimal(3), "side": Side.BUY} | told))


@in_virtual_time
@pytest.mark.parametrize("name", ["bid", "cancel_bid"])
async def test_an_answer_about_another_object(name):
    """An answer about another object than was named is no answer: not to a read, and not to a cancel."""
    row = [1, 8, 946685400, 1, 100, 10, 1000, 3, 0, 1.1, "ApiKey#1", 0.01]
    async with Bitex(transport=Script.of(answer(row)), api_key="key", limits=None) as client:
        with pytest.raises(DecodeError if name == "bid" else OutcomeUnknown, match="match the request: id"):
            await getattr(client.trading, name)(7)
        assert 8 == (await getattr(client.trading, name)(8)).id


@pytest.mark.parametrize("told", ["0", "-3", "00", "", "  ", "\uff10", "null", "None", 0, -1])
def test_ids_of_every_form_that_name_nothing(told):
    """What programs write where they have no id names nothing, under whatever name, and alone."""
    asked = prepare(Orders.buy.endpoint, {"amount": 3, "price": 5}, "https://x.test")

    assert ["withdrawal_id"] == mismatches(asked, Opened(withdrawal_id=told))
    assert (["id"] if isinstance(told, str) else []) == mismatches(asked, told)


@pytest.mark.parametrize("told", ["1", "01", "z1", "-a", "0a", "1463489000200001", 7])
def test_ids_that_name_something(told):
    """Other ids count, and one that may be missing says nothing about what was made."""
    asked = prepare(Orders.buy.endpoint, {"amount": 3, "price": 5}, "https://x.test")

    assert [] == mismatches(asked, Opened(withdrawal_id=told, owner_id="0"))
