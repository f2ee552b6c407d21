"""The fast path and the reference path give the same values, for documented answers and for malformed ones."""

import json
import random
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges.bitstamp import OrderBook, PriceLevel
from exchanges.errors import DecodeError
from exchanges.wire import Deviation, Row, TextDecimal, Wire, decode, dumps, encode, loads
from tests.support.strategies import ENDPOINTS, QUICK, examples, values

pytestmark = pytest.mark.sweep

SPECIMENS = Path(__file__).parent.parent / "specimens"
WIRE = Wire()
FAST_WIRE = Wire()

# No document shows these.
CELLS = r"""
null true false 0 1 -1 -0 99 0.0 -0.0 1.5 2.0 1e0 1e5 1E-7 1e29 1.0e25 0e5 -2.5E+3 1.0000000000 01 1. .5 NaN
999999999999999999999999999999 9999999999999999999999999999999 9223372036854775808 18446744073709551616
9007199254740991 9007199254740992 -9223372036854775809 -Infinity
"1" "1.5" "1e5" "-1" "␣1␣" "1_000" "+1" ".5" "5." "." "-.5" "-" "1.2.3" "1-2" "--1" "0x10" "1E+400" "1/2" "1\n"
"\t5" "\u0031" "1\u0030" "\/1" "1e30" "1e-31" "1.234567890123456789012345678901" "00012" "1,5" "1'000" "7\u007f"
"NaN" "nan" "-nan" "sNaN12" "Na\u004e" "\u004eaN" "inf" "-Infinity" "i\u006ef" "␣inf" "\u0661" "\u00a01" "1\u2003"
"null" "NULL" "␣null" "\u006eull" "n\u0075ll" "true" "on" "" "␣" "abc" "1address" "nano" "info" "null␣and␣void"
"2015-01-01" "2015-01-01T00:00:00Z" "2015-01-01␣00:00:00" "20150101T000000Z" "201\u0035-01-01T00:00:00Z" "12:00"
"2015\u002d01-01T00:00:00Z" "P1D" "UNKNOWN_9" "\ud83d\ude00" "\ud83d" "a\\" "a\"1\"" "\u0000" "\u007f" "\u007f1"
[] [1] [[]] [["1","2"]] [["1"]] [["1","2","3","4"]] {} {"a":1} {"1":"NaN"} "946685400" "946685400.5"
253402300799 253402300800 -62135596800 -62135596801 9007199254740990.9 1.0000000000000000000001 1e-400 1e400 0e-400
946685400.00000001 946685399.99999999 946685400.000000000000000000001 4.0000000000000001 1.0000000000000000e0
946685400.5 946685400.123456 8615030400.000001 946685400.0 9466854e2 -0.5 946685400000
"""
ODD = [cell.replace("␣", " ").encode() for cell in CELLS.split()]
ODD += ['"١٢"'.encode(), '"１２"'.encode(), '"ñ"'.encode(), b'"\xff"', b'"\x7f"', b'"\x7f1"', b'"\x01"']  # noqa: RUF001 - digits of other scripts


def documented():
    """Yield each endpoint that answers in JSON with its documented answer, without the envelope."""
    for file in sorted(SPECIMENS.glob("*/*.txt")):
        endpoint_id = f"{file.parent.name}.{file.stem}"
        endpoint = ENDPOINTS.get(endpoint_id)
        if endpoint is not None and not endpoint.text and not endpoint.is_silent:
            answer, payload = loads(file.read_text().partition("\n\n")[2].encode()), ENDPOINTS[endpoint_id].api.payload
            yield endpoint_id, answer if payload is None else payload(answer)


ANSWERS = dict(documented())
FAST = [name for name, answer in ANSWERS.items() if WIRE.rows(dumps(answer), ENDPOINTS[name].answer) is not None]
fast = pytest.mark.parametrize("endpoint", FAST)
drawn = pytest.mark.parametrize("number", [10, pytest.param(len(ODD), marks=pytest.mark.stress)], ids=["some", "every"])


def places(value, place=()):
    """Yield the path of each value in *value*, and of *value* itself."""
    yield place
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*place, key))


def distinct_places(value, place=()):
    """Yield the paths of *value* without repetition: of objects of one kind in a list only those of the first."""
    yield place
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        first = {}
        for i, item in enumerate(value):
            first.setdefault((item.get("type"), *item) if isinstance(item, dict) else i, (i, item))
        items = list(first.values())
    else:
        items = []
    for key, item in items:
        yield from distinct_places(item, (*place, key))


def text(value, changes, place=()):
    """Return *value* as JSON, with the texts of *changes* at their paths; None leaves the value out."""
    if place in changes:
        return changes[place]
    if isinstance(value, dict):
        parts = {key: text(item, changes, (*place, key)) for key, item in value.items()}
        return b"{" + b", ".join(dumps(key) + b":" + part for key, part in parts.items() if part is not None) + b"}"
    if isinstance(value, list):
        cells = [text(item, changes, (*place, i)) for i, item in enumerate(value)]
        return b"[" + b", ".join(cell for cell in cells if cell is not None) + b"]"
    return dumps(value)


def reference(body, answer):
    """Read *body* by the reference path."""
    try:
        return WIRE.structure(loads(body), answer, "it")
    except (DecodeError, Deviation):
        return "refused"


def agree(body, answer):
    """Return whether both paths give equal objects of equal types, or the fast path leaves *body* to the other."""
    rows = FAST_WIRE.rows(body, answer)
    if rows is None:
        return True
    expected = reference(body, answer)
    # 1 == Decimal(1): only the text tells the types apart.
    return expected == rows and repr(expected) == repr(rows)


@fast
@examples
def test_valid(endpoint, number):
    """Both paths read the same objects from every valid answer."""
    answer = ENDPOINTS[endpoint].answer

    @settings(QUICK, max_examples=number)
    @given(values(answer))
    def holds(value):
        assert agree(dumps(encode(value)), answer)

    holds()


def one_odd_value(value, chance, number):
    """Yield *value* with an odd value at each place."""
    return (text(value, {place: odd}) for place in places(value) for odd in chance.sample(ODD, number))


def one_value_less(value, *_):
    """Yield *value* without the value at each place."""
    return (text(value, {place: None}) for place in places(value) if place)


def one_value_more(value, chance, number):
    """Yield *value* with one more cell in each row, and one more key in each object."""
    for place in places(value):
        whole = text(_at(value, place), {})
        if whole[-1:] in (b"]", b"}"):
            before = b"," if whole[-1:] == b"]" else b',"new":'
            yield from (
                text(value, {place: whole[:-1] + before + odd + whole[-1:]}) for odd in chance.sample(ODD, number)
            )


def several_odd_values(value, chance, _):
    """Yield *value* with two or three odd or missing values."""
    everywhere, cells = [place for place in places(value) if place], [*ODD, None]
    for _ in range(500):
        yield text(value, {chance.choice(everywhere): chance.choice(cells) for _ in range(chance.randrange(2, 4))})


@fast
@drawn
@pytest.mark.parametrize("change", [one_odd_value, one_value_less, one_value_more, several_odd_values])
def test_a_changed_answer(endpoint, number, change):
    """Both paths agree on answers with odd values, and with values too few or too many."""
    bodies = change(ANSWERS[endpoint], random.Random(endpoint), number)

    assert [] == [body for body in bodies if not agree(body, ENDPOINTS[endpoint].answer)]


def _at(value, place):
    for key in place:
        value = value[key]
    return value


@fast
@drawn
def test_the_same_drift(endpoint, number):
    """Both paths report the same drift: null in place of a number, a row that ends early."""
    value, answer = ANSWERS[endpoint], ENDPOINTS[endpoint].answer
    last = {place[:-1]: place for place in places(value) if place}
    bodies = [text(value, {place: b"null"}) for place in distinct_places(value)]
    bodies += [text(value, dict.fromkeys(_tail(value, place, n))) for place in last for n in range(1, 9)]
    differing, fast, slow, chance = [], Wire(), Wire(), random.Random(endpoint)

    for body in chance.sample(bodies, min(len(bodies), 4 * number)):
        # Compiled readers report each length once: they go, the converters stay, whose hooks are slow to build.
        fast._fast_readers.clear()
        fast._reported.clear()
        slow._reported.clear()
        if fast.rows(body, answer) is not None:
            slow.structure(loads(body), answer, "it")
            differing += [body] if fast._reported != slow._reported else []

    assert [] == differing


def _tail(value, place, length):
    """Return the paths of the last *length* cells of a row."""
    cells = _at(value, place)
    return [(*place, i) for i in range(max(0, len(cells) - length), len(cells))] if isinstance(cells, list) else []


@fast
def test_the_reference_path_explains(endpoint):
    """An answer that the fast path leaves is refused with the place of its fault."""
    where = ENDPOINTS[endpoint].answer

    with pytest.raises(DecodeError) as caught:
        decode(text(ANSWERS[endpoint], {(): b"null"}), where)

    assert "expected a" in str(caught.value)


ODD_TEXTS = st.text('0123456789.+-_eE nNaAiIfFtTyYsSoO\u0661\u00a0\u2003\x1f"\\', max_size=8)


@QUICK
@given(ODD_TEXTS, st.booleans(), st.sampled_from(["issuer", "amount"]))
def test_any_text(text, escaped, field):
    """Both paths agree on every text, also in place of a number, written plainly or in escapes."""
    written = "".join(f"\\u{ord(c):04x}" for c in text) if escaped else json.dumps(text)[1:-1]
    cells = ["1", "7", "946685400", "1", "1", "1", "1", "1", "0", "1", '"abc"', "1"]
    cells[{"issuer": 10, "amount": 4}[field]] = f'"{written}"'

    assert agree(f"[[{','.join(cells)}]]".encode(), ENDPOINTS["bitex.trading.orders"].answer)


@pytest.mark.parametrize(("amount", "read"), [('"2.50"', "2.50"), ("2", "2"), ("2.50", "2.50"), ('"2_5"', None)])
def test_amounts_in_other_forms(amount, read):
    """A plain number in text, and a whole one, pass in place of an amount; other texts are left to the other path."""
    body = f'[[1, 7, 946685400, 1, {amount}, 1, 1, 1, 0, 1, "1_0", 1]]'.encode()
    rows = WIRE.rows(body, ENDPOINTS["bitex.trading.orders"].answer)

    assert read == (None if rows is None else str(rows[0].amount))
    assert rows is None or "1_0" == rows[0].issuer


# Beside an order book these are other shapes, or texts that are no plain numbers.
LEVELS = (b'[["12", "3.4"], ["5", "6"]]', b'[["12","3.4"],["5","6"]]', b"[]", b'[["1", "2", "3"]]')
PIECES = (b"0", b".", b'"', b",", b" ", b"[", b"]", b", ", b"\\", b"-", b"1,", b'"1"', b'""', b"\xff", b"1" * 40)


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("answer", [list[PriceLevel], OrderBook])
def test_what_only_looks_like_levels(levels, answer):
    """Both paths agree on lists of levels with a piece more, less or replaced at any place."""
    places = range(len(levels) + 1)
    changed = {levels[:i] + piece + levels[i + width :] for i in places for piece in PIECES for width in (0, 1)}
    changed |= {levels[:i] + levels[j:] for i in places for j in range(i, len(levels) + 1)}
    book = b'{"timestamp": "1643643584", "microtimestamp": "1643643584684047", "bids": %b, "asks": []}'
    bodies = [(book % body) if answer is OrderBook else body for body in changed]

    assert [] == [body for body in bodies if not agree(body, answer)]
    assert WIRE.rows((book % levels) if answer is OrderBook else levels, answer) is not None


def test_a_text_beside_a_number_stays_a_text():
    """Digits in a column of texts are no number."""

    @frozen
    class Named(Row):
        name: str
        price: TextDecimal

    (row,) = WIRE.rows(b'[["1", "2.50"]]', list[Named])

    assert ("1", Decimal("2.50")) == (row.name, row.price)


@pytest.mark.parametrize("issuer", ["", "abc", "1address..", "ApiKey#1", "Bank of 5", "d1"])
def test_common_texts_are_fast(issuer):
    """A common text in one row does not slow down the whole list."""
    body = dumps([[1, 7, 946685400, 1, 1, 1, 1, 1, 0, 1, issuer, 1]])

    assert WIRE.rows(body, ENDPOINTS["bitex.trading.orders"].answer) is not None


def test_strict_clients_use_the_reference_path():
    """A strict wire has no fast path."""
    assert Wire(strict=True).rows(b"[]", ENDPOINTS["bitex.market.transactions"].answer) is None


@pytest.mark.parametrize("endpoint", ["bitso.market.trades", "bitstamp.market.transactions", "bitex.market.ticker"])
def test_other_answers_use_the_reference_path(endpoint):
    """An answer without long lists of rows has no fast path."""
    assert endpoint not in FAST


@pytest.mark.parametrize("endpoint", ANSWERS)
def test_mutated_bytes(endpoint):
    """An answer with changed bytes is a value or a `DecodeError`."""
    body, chance = dumps(ANSWERS[endpoint]), random.Random(endpoint)

    assert [] == unexpected(endpoint, (_garbled(body, chance) for _ in range(150)))


def unexpected(endpoint, bodies):
    """Return the bodies whose reading raises anything but `DecodeError`, each with the exception."""
    others = []
    for body in bodies:
        try:
            decode(body, ENDPOINTS[endpoint].answer)
        except DecodeError:
            pass
        except Exception as error:  # noqa: BLE001 - whether there is any is the question
            others.append((body, error))
    return others


# Endpoints that answer with the same model share its reader; the longest documented answer covers most of it.
OF_EACH_MODEL = {
    repr(ENDPOINTS[name].answer): name for name in sorted(ANSWERS, key=lambda name: len(dumps(ANSWERS[name])))
}


@drawn
@pytest.mark.parametrize("endpoint", OF_EACH_MODEL.values())
def test_any_odd_value(endpoint, number):
    """An answer with any one odd value is a value or a `DecodeError`."""
    value, chance = ANSWERS[endpoint], random.Random(endpoint)
    bodies = (text(value, {p: odd}) for p in distinct_places(value) for odd in chance.sample(ODD, number))

    assert [] == unexpected(endpoint, bodies)


def _garbled(body, chance):
    for _ in range(chance.randrange(1, 5)):
        place = chance.randrange(len(body) + 1)
        again = body[:place][-chance.randrange(1, 40) :]
        piece = chance.choice([b"", bytes([chance.randrange(256)]), chance.choice(ODD), again])
        body = body[:place] + piece + body[place + chance.randrange(6) :]
    return body
