"""Long answers are interpreted in steps, with the same result as short ones."""

import json
from pathlib import Path

import pytest

from exchanges.endpoint.call import prepare
from exchanges.errors import DecodeError, OutcomeUnknown, Unavailable
from exchanges.http.answer import Answer
from exchanges.http.signing import Stamp
from exchanges.outcomes import long_answers
from exchanges.outcomes.long_answers import interpret_in_steps, is_long
from exchanges.outcomes.response import interpret
from exchanges.wire.converter import wire
from exchanges.wire.splitting import MAX_ELEMENT_BYTES, PIECE_BYTES
from tests.support.attempts import attempt_of
from tests.support.long_answers import LONG
from tests.support.strategies import ENDPOINTS

BOOK, TRADES, LEVELS = "bitso.market.order_book", "bitso.market.trades", "bitstamp.market.order_book"
ORDERS = "bitex.trading.orders"
ARGUMENTS = {"bitso": {"book": "btc_mxn"}, "bitstamp": {"market": "btcusd"}, "bitex": {}}
SPECIMENS = Path(__file__).parent.parent / "specimens"
SMALL = 20_000
every = pytest.mark.parametrize("name", LONG)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Lower the bound of long answers, so that these tests take little time."""
    monkeypatch.setattr(long_answers, "MAX_AT_ONCE", SMALL)
    monkeypatch.setattr(long_answers, "MAX_ROWS_AT_ONCE", SMALL)


def asked(name, body, status=200, arguments=None):
    """Return a call that was sent, and its answer."""
    endpoint = ENDPOINTS[name]
    call = prepare(
        endpoint, ARGUMENTS[name.partition(".")[0]] if arguments is None else arguments, endpoint.api.base_url
    )
    return attempt_of(call, Stamp("7", 1_700_000_000_000), call.render()), Answer(status, {}, body)


def in_steps(name, body, status=200, arguments=None, *, strict=False):
    """Interpret an answer in steps; return the result and the number of steps."""
    steps, number = interpret_in_steps(*asked(name, body, status, arguments), wire(strict=strict)), 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, number
        number += 1


def error(name, body, *args, **options):
    """Return the error of an answer that is interpreted in steps."""
    return in_steps(name, body, *args, **options)[0].error


def changed(name, change):
    """Return the long answer with a change of its content."""
    content = json.loads(LONG[name])
    change(content)
    return json.dumps(content).encode()


@pytest.mark.sweep
@every
@pytest.mark.parametrize("strict", [False, True], ids=["lax", "strict"])
def test_the_same_value(name, strict):
    """A long answer has the value that it has if it is read at once, to the types of its fields."""
    result, _ = in_steps(name, LONG[name], strict=strict)
    expected = interpret(*asked(name, LONG[name]), wire(strict=strict))

    assert (None, None) == (result.error, expected.error)
    assert expected.value == result.value
    assert repr(expected.value) == repr(result.value)


@every
def test_a_long_answer_takes_steps(name):
    """Each step of a long answer reads a piece of a few kilobytes."""
    _, steps = in_steps(name, LONG[name])

    assert is_long(Answer(200, {}, LONG[name]))
    assert steps >= len(LONG[name]) / (4 * PIECE_BYTES)


def test_a_short_answer(monkeypatch):
    """An answer of usual size is read at once."""
    monkeypatch.undo()
    row = b"[946685400,1,1.1,1.1],"

    assert not is_long(Answer(200, {}, row * 1000))
    assert is_long(Answer(200, {}, row * 3000))


def test_rows_that_are_read_fast(monkeypatch):
    """A list of rows is read at once on the fast path, up to a larger bound."""
    monkeypatch.undo()
    rows = b"[%b]" % b",".join([b"[946685400,1,1.1,1.1]"] * 3000)
    result, steps = in_steps("bitex.market.transactions", rows)

    assert (3000, 1, True) == (len(result.value), steps, result.is_judged)


def test_a_byte_order_mark():
    """A byte order mark and blanks do not matter."""
    body = b"\xef\xbb\xbf \n" + LONG[TRADES].replace(b", ", b"\r\n,\t") + b"\n "

    assert in_steps(TRADES, LONG[TRADES])[0].value == in_steps(TRADES, body)[0].value


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            ORDERS,
            lambda c: c[799].__setitem__(4, "NaN"),
            r"orders\[799\]: Bid position 4 \(amount\): expected a decimal",
        ),
        (
            ORDERS,
            lambda c: c[3].__delitem__(slice(6, None)),
            r"orders\[3\]: Bid position 6 \(price\): expected a value",
        ),
        (ORDERS, lambda c: c.append(7), r"orders\[800\]: row position 0: expected a class reference"),
        (TRADES, lambda c: [t.pop("tid") for t in c["payload"][3:300]], r"trades\[3\]: Trade.tid: expected a value"),
        (
            BOOK,
            lambda c: c["payload"]["asks"][700].update(price=[]),
            r"book.*: OrderBook.asks\[700\]: PriceLevel.price",
        ),
        (LEVELS, lambda c: c["asks"][700].__setitem__(1, True), r"book.*: OrderBook.asks\[700\]: PriceLevel"),
        (LEVELS, lambda c: c["bids"].append([]), r"book.*: OrderBook.bids\[2400\]: PriceLevel"),
        (LEVELS, lambda c: c.pop("timestamp"), r"book.*: OrderBook.timestamp: expected a value, found none"),
        (LEVELS, lambda c: c.update(bids={"1": c["asks"]}), "book.*expected no long list in bids"),
        (LEVELS, lambda c: c.update(timestamp=c["asks"]), "book.*expected no long list in timestamp"),
        (LEVELS, lambda c: c["bids"].append("x" * MAX_ELEMENT_BYTES), "elements of at most"),
        (LEVELS, lambda c: c.update({f"key{i}": i for i in range(5000)}), "outside of long lists"),
        (LEVELS, lambda c: c.update(note="x" * MAX_ELEMENT_BYTES), "outside of long lists"),
    ],
)
def test_a_deviation(name, change, said):
    """What is not as documented is an error that names the element by its number in the whole list."""
    found = error(name, changed(name, change))

    assert isinstance(found, DecodeError)
    with pytest.raises(DecodeError, match=said):
        raise found


DAMAGES = {
    "a byte less": lambda b: b[:-1],
    "half": lambda b: b[: len(b) // 2],
    "a bracket more": lambda b: b + b"]",
    "a number more": lambda b: b + b"1",
    "a comma more": lambda b: b.replace(b", ", b",, ", 1),
    "a comma less": lambda b: b.replace(b"], [", b"] [", 1).replace(b"}, {", b"} {", 1),
    "backwards": lambda b: b[::-1],
    "other quotes": lambda b: b.replace(b"1", b"'1'"),
    "a word before": lambda b: b"x" + b,
    "brackets": lambda b: b"[" * len(b),
    "no UTF-8": lambda b: b.replace(b"1", b"\xff"),
}


@pytest.mark.parametrize("name", [LEVELS, TRADES, "bitex.trading.orders"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_no_json(name, damage):
    """What is no JSON is refused."""
    assert isinstance(error(name, DAMAGES[damage](LONG[name])), DecodeError)


def test_a_list_that_nobody_reads():
    """A long list under a key that nobody reads changes nothing."""
    body = changed(LEVELS, lambda c: c.update(more=c["bids"] * 2, other={"deep": c["asks"]}))

    assert in_steps(LEVELS, LONG[LEVELS])[0].value == in_steps(LEVELS, body)[0].value


def test_a_list_where_an_object_is_meant():
    """A long list in place of an object, and an object in place of a long list, are refused."""
    for name, body in (("bitex.market.ticker", LONG[ORDERS]), ("bitex.market.transactions", LONG[LEVELS])):
        assert "expected no long list" in str(error(name, body))


def test_an_error_with_a_long_list():
    """The error table sees a long list by its first elements."""
    content = {"success": False, "error": {"code": "0201", "message": "no"}, "payload": [{}] * 20_000}
    found = error(TRADES, json.dumps(content).encode())

    assert (Unavailable, "0201") == (type(found), found.code)


@pytest.mark.parametrize("status", [400, 500])
def test_another_status(status):
    """A long answer with the status of an error proves no more than its status."""
    body = json.dumps({"success": False, "error": {"code": "0201", "message": "no"}, "more": [{}] * 20_000}).encode()
    long, empty = error(TRADES, body, status), error(TRADES, b"", status)

    assert (type(empty), empty.text) == (type(long), long.text)


@pytest.mark.parametrize("body", [LONG["bitex.trading.orders"], b'{"error": "x", "more": [%b1]}' % (b"{}," * 20_000)])
def test_a_call_that_is_never_repeated(body):
    """A long answer to an order proves nothing."""
    found = error("bitex.trading.create_bid", body, arguments={"amount": 100, "price": 5})

    assert isinstance(found, OutcomeUnknown)


@pytest.mark.parametrize("place", ["row", "outside"])
@pytest.mark.parametrize("twice", [False, True])
def test_a_key_that_appears_twice(place, twice):
    """A long answer to a cancel in which an object has a key twice, wherever it is, says nothing of what was done."""
    row = '{"id": %d, "amount": 1, "price": 2, "type": 0, "market": "BTC/USD"}'
    rows = [row % number for number in range(1, 600)]
    more = ""
    if twice and place == "row":
        rows[300] = rows[300].replace('"amount": 1', '"amount": 1, "amount": 2')
    elif twice:
        more = ', "x": {"a": 1, "a": 2}'
    body = f'{{"canceled": [{", ".join(rows)}], "success": true{more}}}'.encode()
    result, steps = in_steps("bitstamp.trading.cancel_all_orders", body, arguments={})

    assert twice or steps > 1
    assert (DecodeError if twice else type(None), not twice) == (type(result.error), result.value is not None)


@pytest.mark.parametrize("name", [BOOK, TRADES, LEVELS, ORDERS])
def test_a_key_that_appears_twice_in_a_long_list(name):
    """In a long answer to a read as well, wherever it is."""
    body = LONG[name]
    at = body.rfind(b'"', 0, body.rfind(b'":')) + 1 if b'":' in body else 0
    key = body[at : body.find(b'"', at)]
    twice = body[: at - 1] + b'"%b":1,' % key + body[at - 1 :] if at else body.replace(b"]", b',{"a":1,"a":2}]', 1)

    assert isinstance(error(name, twice), DecodeError)


def test_a_mark_in_the_answer():
    """A text that looks like the mark of a list is a text."""
    body = changed(ORDERS, lambda c: c.insert(0, "list 0123456789abcdef 0"))

    assert "[0]: row position 0: expected a class reference" in str(error(ORDERS, body))


def test_rows_that_are_left_out():
    """Of a public list single elements are left out if they cannot be read; a strict client gets an error."""
    body = changed(TRADES, lambda c: c["payload"][7].update(price="NaN"))
    result, _ = in_steps(TRADES, body)
    whole = in_steps(TRADES, LONG[TRADES])[0].value

    assert [*whole[:7], *whole[8:]] == result.value
    assert "[7]: Trade.price" in str(error(TRADES, body, strict=True))


SINGLE = [endpoint.id for endpoint in ENDPOINTS.values() if endpoint.single and not endpoint.kind.is_once]


@pytest.mark.parametrize("name", SINGLE)
def test_a_single_object_in_a_long_list(name):
    """A long list where a list with one object is meant is no proof that there is none."""
    arguments = {argument.name: "a1B2c3D4" for argument in ENDPOINTS[name].arguments if argument.required}
    body = json.dumps({"success": True, "payload": [{"oid": "a1B2c3D4"}] * 2000}).encode()

    assert isinstance(error(name, body, arguments=arguments), DecodeError)


def document(number):
    """Return a json:api document about *number* orders with one input."""
    name = "bitex.concierge.work_order_requests"
    text = (SPECIMENS / "bitex" / "concierge.work_order_requests.txt").read_text().partition("\n\n")[2]
    content = json.loads(text)
    return name, content | {"data": [content["data"][0] | {"id": str(order)} for order in range(number)]}


def test_a_document():
    """The resources of a long document are read in pieces, with what they refer to."""
    name, content = document(100)
    body = json.dumps(content).encode()
    result, steps = in_steps(name, body, arguments={})

    assert interpret(*asked(name, body, arguments={}), wire()).value == result.value
    assert len(result.value) == 100
    assert steps > 10


def test_a_document_with_a_long_list_elsewhere():
    """A document is refused if what its resources refer to is a long list, or if its resources are none."""
    name, content = document(100)
    more = content | {"included": content["included"] * 50}
    odd = content | {"data": [*content["data"], 7]}

    assert "expected no long list but in data" in str(error(name, json.dumps(more).encode(), arguments={}))
    assert isinstance(error(name, json.dumps(odd).encode(), arguments={}), DecodeError)
