"""Answers to reads that contradict themselves are none."""

import json

import httpx
import pytest

from exchanges import Bitso, Bitstamp
from exchanges.endpoint.call import prepare
from exchanges.errors import DecodeError
from exchanges.http.answer import Answer
from exchanges.http.signing import Stamp
from exchanges.outcomes.long_answers import interpret_in_steps
from exchanges.outcomes.response import interpret
from exchanges.wire.converter import wire
from tests.support import single_calls
from tests.support.attempts import attempt_of
from tests.support.scripted_transport import Script
from tests.support.specimens import specimen_of
from tests.support.strategies import ENDPOINTS

PRICES = (
    b'{"last":"1","last":"2","high":"1","low":"1","vwap":"1","volume":"1","bid":"1","ask":"1","timestamp":"1790000000"}'
)
TWICE = [
    (Bitso, lambda client: client.account.balance(), b'{"success":false,"success":true,"payload":{"balances":[]}}'),
    (Bitstamp, lambda client: client.market.ticker("btcusd"), PRICES),
    (
        Bitstamp,
        lambda client: client.market.order_book("btcusd"),
        b'{"timestamp":"1","microtimestamp":"1","bids":[["1","1"]],"bids":[["9","1"]],"asks":[]}',
    ),
    (
        Bitstamp,
        lambda client: client.account.account_balances(),
        b'[{"currency":"usd","total":"1","available":"1","reserved":"0","available":"0"}]',
    ),
]


@pytest.mark.parametrize(("client", "call", "said"), TWICE)
def test_a_key_that_appears_twice(client, call, said):
    """Of two values under one key none is taken for the one that was meant."""
    with pytest.raises(DecodeError, match="no key appears twice"):
        single_calls.ask(client, call, Script.of(httpx.Response(200, content=said)))


BOOKS = [
    ("bitstamp.market.order_book", {"market": "btcusd"}, {"group": 2}),
    ("bitso.market.order_book", {"book": "btc_mxn"}, {"aggregate": False}),
    ("bitex.market.order_book", {}, None),
    ("bitstamp.v1.market.order_book", {}, {"group": False}),
    ("bitso.v2.market.order_book", {}, {"group": False}),
]


def told(name, said, arguments):
    """Return the error of an answer to a read, None for a value; both ways of interpreting it agree."""
    endpoint = ENDPOINTS[name]
    call = prepare(endpoint, arguments, endpoint.api.base_url)
    attempt = attempt_of(call, Stamp("7", 1_700_000_000_000), call.render())
    response = Answer(200, {}, json.dumps(said).encode())
    steps = interpret_in_steps(attempt, response, wire())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            errors = end.value.error, interpret(attempt, response, wire()).error
            break
    assert type(errors[0]) is type(errors[1])
    return None if errors[0] is None else str(errors[0])


def book_of(name, bids, asks):
    """Return an order book as an exchange writes it."""
    sides = {"bids": bids, "asks": asks}
    if name == "bitso.market.order_book":
        keys = ("price", "amount")
        sides = {
            side: [{"book": "btc_mxn", **dict(zip(keys, row, strict=True))} for row in sides[side]] for side in sides
        }
        at = {"updated_at": "2026-11-29T04:00:00+00:00", "sequence": "1"}
        return {"success": True, "payload": sides | at}
    if name == "bitex.market.order_book":
        return {side: [[int(cell) for cell in row] for row in sides[side]] for side in sides}
    return sides | ({"timestamp": "1", "microtimestamp": "1"} if name == "bitstamp.market.order_book" else {})


BID, ASK = ["3", "1"], ["5", "1"]


@pytest.mark.parametrize(("name", "arguments"), [(name, arguments) for name, arguments, _ in BOOKS])
@pytest.mark.parametrize(
    ("bids", "asks", "expected"),
    [
        ([["2", "1"], BID], [ASK], "best prices first"),
        ([BID], [["6", "1"], ASK], "best prices first"),
        ([BID, ["3", "2"]], [ASK], "each once"),
        ([BID], [ASK, ["5", "2"]], "each once"),
        ([["6", "1"]], [ASK], "do not cross"),
        ([["5", "1"]], [ASK], "do not cross"),
        ([], [["0", "1"]], "prices above zero"),
        ([], [["0", "1"], ASK], "prices above zero"),
        ([BID, ["2", "0"]], [ASK], "amounts above zero"),
        ([BID], [["5", "0"]], "amounts above zero"),
    ],
)
def test_an_order_book_that_cannot_be(name, arguments, bids, asks, expected):
    """Whoever reads its first rows would be told a price that is not the best, or at which nobody trades."""
    assert expected in told(name, book_of(name, bids, asks), arguments)


@pytest.mark.parametrize(("bids", "asks"), [([["-1", "1"]], []), ([BID, ["-1", "1"]], []), ([["3", "-1"]], [ASK])])
def test_numbers_below_zero(bids, asks):
    """A price or an amount below zero is none."""
    assert told("bitex.market.order_book", book_of("bitex.market.order_book", bids, asks), {})


@pytest.mark.parametrize(("name", "arguments", "single"), BOOKS)
def test_order_books_that_can_be(name, arguments, single):
    """A side may be empty, the last or only bid at 0, and orders that are not summed up at one price."""
    assert [None] * 4 == [
        told(name, book_of(name, *sides), arguments)
        for sides in (
            ([BID], [ASK]),
            ([], []),
            ([["0", "1"]], [ASK]),
            ([BID, ["2", "1"], ["0", "1"]], [ASK, ["6", "1"]]),
        )
    ]
    if single is not None:
        assert told(name, book_of(name, [BID, BID], [ASK, ASK]), arguments | single) is None


BALANCES = {
    "bitstamp.account.account_balances": {"currency": "usd", "total": "5", "available": "4", "reserved": "1"},
    "bitso.account.balance": {"currency": "mxn", "total": "5", "available": "4", "locked": "1"},
}


@pytest.mark.parametrize("name", BALANCES)
@pytest.mark.parametrize(
    ("changes", "is_right"),
    [
        ({}, True),
        ({"total": "6"}, True),  # a part that no document names
        ({"available": "-4", "total": "-3"}, True),
        ({"available": "5"}, False),
        # Each part may be rounded up, which the last decimal shows.
        ({"total": "10.01", "available": "5.01", "reserved": "5.01", "locked": "5.01"}, True),
        ({"total": "10.01", "available": "5.02", "reserved": "5.01", "locked": "5.01"}, False),
        ({"total": "10.0100000000", "available": "5.00500001", "reserved": "5.005", "locked": "5.005"}, True),
        ({"total": "10.0100000000", "available": "5.00500002", "reserved": "5.005", "locked": "5.005"}, False),
        ({"total": "10.00", "available": "5", "reserved": "6", "locked": "6"}, False),
        ({"total": "10", "available": "1E+1", "reserved": "1", "locked": "1"}, False),
        ({"available": "4.00000000000000000000000000000000001"}, True),
        ({"available": "4.00000000000000000000000000000000002"}, False),
        # A debt.
        ({"total": "-5.00", "available": "0.00", "reserved": "0.00", "locked": "0.00"}, True),
        ({"total": "-5.00", "available": "0.00"}, True),
        ({"total": "-5.00", "available": "0.01", "reserved": "0.00", "locked": "0.00"}, False),
        ({"total": "-5.00", "available": "-4.00", "reserved": "0.00", "locked": "0.00"}, False),
        ({"total": "-5.00", "available": "0.00", "reserved": "-5.00", "locked": "-5.00"}, False),
        ({"total": "0"}, False),
        ({"reserved": "-1", "locked": "-1"}, False),
    ],
)
def test_balances_of_which_a_part_exceeds_the_total(name, changes, is_right):
    """The total is what is available and what is reserved."""
    row = BALANCES[name] | {key: text for key, text in changes.items() if key in BALANCES[name]}
    said = [BALANCES[name] | {"currency": "btc"}, row]
    error = told(name, {"success": True, "payload": {"balances": said}} if "bitso" in name else said, {})

    assert is_right is (error is None)
    if "bitstamp" in name:
        single = told("bitstamp.account.account_balance", row, {"currency": "usd"})
        assert is_right is (single is None)


@pytest.mark.parametrize("name", [name for name in ENDPOINTS if ".open_orders" in name])
def test_an_order_that_is_shown_twice(name):
    """A list of open orders with two rows of one order says two things about it."""
    specimen = specimen_of(name)
    said = json.loads(specimen.answer)
    rows = said["payload"] if isinstance(said, dict) else said
    right = told(name, said, specimen.arguments)
    rows.append(rows[0])

    assert (None, True) == (right, "each order once" in told(name, said, specimen.arguments))
