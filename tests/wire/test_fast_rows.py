"""The fast way and the reference way held together, on answers as documented and on answers as nobody wants them."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchanges.errors import DecodeError
from exchanges.wire import Deviation, Wire, decode, dumps, encode, loads
from tests.support.strategies import ENDPOINTS, QUICK, values

SPECIMENS = Path(__file__).parent.parent / "specimens"
WIRE = Wire()
FAST_WIRE = Wire()

# What no document shows.
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
    """The documented answers out of their envelopes, by endpoint."""
    for file in sorted(SPECIMENS.glob("*/*.txt")):
        endpoint_id = f"{file.parent.name}.{file.stem}"
        if endpoint_id in ENDPOINTS and not ENDPOINTS[endpoint_id].text:
            _, _, answer = file.read_text().partition("\n\n")
            yield endpoint_id, ENDPOINTS[endpoint_id].api.payload(loads(answer.encode()))


ANSWERS = dict(documented())
FAST = [name for name, answer in ANSWERS.items() if WIRE.rows(dumps(answer), ENDPOINTS[name].answer) is not None]
fast = pytest.mark.parametrize("endpoint", FAST)


def places(value, place=()):
    """The way to each value in *value*, itself among them."""
    yield place
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*place, key))


def telling(value, place=()):
    """The way to each value unlike those beside it: of objects of one kind in a list the first stands for all."""
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
        yield from telling(item, (*place, key))


def text(value, changes, place=()):
    """*value* as JSON, in which *changes* tell the text of some places; None: without it."""
    if place in changes:
        return changes[place]
    if isinstance(value, dict):
        parts = {key: text(item, changes, (*place, key)) for key, item in value.items()}
        return b"{" + b", ".join(dumps(key) + b":" + part for key, part in parts.items() if part is not None) + b"}"
    if isinstance(value, list):
        cells = [text(item, changes, (*place, i)) for i, item in enumerate(value)]
        return b"[" + b", ".join(cell for cell in cells if cell is not None) + b"]"
    return dumps(value)


def outcome(body, answer):
    """What the reference way makes of *body*."""
    try:
        return WIRE.structure(loads(body), answer, "it")
    except (DecodeError, Deviation):
        return "refused"


def held(body, answer):
    """Whether both ways agree on *body*: equal objects of equal types, or the fast way left it to the other."""
    made = FAST_WIRE.rows(body, answer)
    if made is None:
        return True
    expected = outcome(body, answer)
    return expected == made and repr(expected) == repr(made)


@fast
def test_valid(endpoint):
    """Both ways make the same objects of every valid answer."""
    answer = ENDPOINTS[endpoint].answer

    @settings(QUICK, max_examples=15)
    @given(values(answer))
    def holds(value):
        assert held(dumps(encode(value)), answer)

    holds()


@fast
def test_one_odd_value(endpoint):
    """Both ways agree whatever stands in any one place."""
    value, answer = ANSWERS[endpoint], ENDPOINTS[endpoint].answer
    bodies = [text(value, {place: odd}) for place in places(value) for odd in ODD]

    assert [] == [body for body in bodies if not held(body, answer)]


@fast
def test_one_value_less(endpoint):
    """Both ways agree whatever is missing."""
    value, answer = ANSWERS[endpoint], ENDPOINTS[endpoint].answer
    bodies = [text(value, {place: None}) for place in places(value) if place]

    assert [] == [body for body in bodies if not held(body, answer)]


@fast
def test_one_value_more(endpoint):
    """Both ways agree on rows with anything at their end, and on objects with any key."""
    value, answer = ANSWERS[endpoint], ENDPOINTS[endpoint].answer
    whole = {place: text(_at(value, place), {}) for place in places(value)}
    ends = {place: body[-1:] for place, body in whole.items() if body[-1:] in (b"]", b"}")}
    bodies = [
        text(value, {place: whole[place][:-1] + (b"," if end == b"]" else b',"new":') + odd + end})
        for place, end in ends.items()
        for odd in ODD
    ]

    assert [] == [body for body in bodies if not held(body, answer)]


def _at(value, place):
    for key in place:
        value = value[key]
    return value


@fast
def test_many_odd_values(endpoint):
    """Both ways agree on answers with several odd or missing values."""
    value, answer, chance = ANSWERS[endpoint], ENDPOINTS[endpoint].answer, random.Random(endpoint)
    everywhere = [place for place in places(value) if place]
    bodies = [
        text(value, {chance.choice(everywhere): chance.choice([*ODD, None]) for _ in range(chance.randrange(2, 4))})
        for _ in range(500)
    ]

    assert [] == [body for body in bodies if not held(body, answer)]


@fast
def test_the_same_drift(endpoint):
    """Both ways report the same drift: null where a number is due, a row that ends early."""
    value, answer = ANSWERS[endpoint], ENDPOINTS[endpoint].answer
    last = {place[:-1]: place for place in places(value) if place}
    bodies = [text(value, {place: change}) for place in telling(value) for change in (b"null",)]
    bodies += [text(value, dict.fromkeys(_tail(value, place, n))) for place in last for n in range(1, 9)]
    differing = []

    for body in bodies:
        fast, reference = Wire(), Wire()
        if fast.rows(body, answer) is not None:
            reference.structure(loads(body), answer, "it")
            differing += [body] if fast._reported != reference._reported else []

    assert [] == differing


def _tail(value, place, length):
    """The way to the last cells of a row."""
    cells = _at(value, place)
    return [(*place, i) for i in range(max(0, len(cells) - length), len(cells))] if isinstance(cells, list) else []


@fast
def test_the_reference_way_explains(endpoint):
    """An answer that the fast way leaves is refused with the place of its fault."""
    where = ENDPOINTS[endpoint].answer

    with pytest.raises(DecodeError) as caught:
        decode(text(ANSWERS[endpoint], {(): b"null"}), where)

    assert "expected a" in str(caught.value)


ODD_TEXTS = st.text('0123456789.+-_eE nNaAiIfFtTyYsSoO\u0661\u00a0\u2003\x1f"\\', max_size=8)


@QUICK
@given(ODD_TEXTS, st.booleans(), st.sampled_from(["issuer", "amount"]))
def test_any_text(text, escaped, field):
    """Both ways agree on every text, also where a number is due, written as it is or in escapes."""
    written = "".join(f"\\u{ord(c):04x}" for c in text) if escaped else json.dumps(text)[1:-1]
    cells = ["1", "7", "946685400", "1", "1", "1", "1", "1", "0", "1", '"abc"', "1"]
    cells[{"issuer": 10, "amount": 4}[field]] = f'"{written}"'

    assert held(f"[[{','.join(cells)}]]".encode(), ENDPOINTS["bitex.trading.orders"].answer)


def test_many_odd_texts():
    """A list of more odd texts than anybody says is left to the reference way."""
    row = b'[1, 7, 946685400, 1, 1, 1, 1, 1, 0, 1, "1_0", 1]'
    made = [WIRE.rows(b"[" + b",".join([row] * n) + b"]", ENDPOINTS["bitex.trading.orders"].answer) for n in (9, 5000)]

    assert (9, None) == (len(made[0]), made[1])


@pytest.mark.parametrize("issuer", ["", "abc", "1address..", "ApiKey#1", "Bank of 5", "d1"])
def test_common_texts_are_fast(issuer):
    """A common text in one row does not slow down the whole list."""
    body = dumps([[1, 7, 946685400, 1, 1, 1, 1, 1, 0, 1, issuer, 1]])

    assert WIRE.rows(body, ENDPOINTS["bitex.trading.orders"].answer) is not None


def test_strict_clients_take_the_reference_way():
    """Strictly, nothing is read the fast way."""
    assert Wire(strict=True).rows(b"[]", ENDPOINTS["bitex.market.transactions"].answer) is None


@pytest.mark.parametrize("endpoint", ["bitso.market.trades", "bitstamp.market.transactions", "bitex.market.ticker"])
def test_other_answers_take_the_reference_way(endpoint):
    """What holds no long list of rows is not read the fast way."""
    assert endpoint not in FAST


@pytest.mark.parametrize("endpoint", ANSWERS)
def test_mutated_bytes(endpoint):
    """Whatever becomes of the bytes of an answer, it is a value or a `DecodeError`."""
    body, chance, others = dumps(ANSWERS[endpoint]), random.Random(endpoint), []

    for _ in range(150):
        garbled = _garbled(body, chance)
        try:
            decode(garbled, ENDPOINTS[endpoint].answer)
        except DecodeError:
            pass
        except Exception as error:  # noqa: BLE001 - whether there is any is the question
            others.append((garbled, error))

    assert [] == others


# Endpoints that answer with the same model have the same reader; the longest documented answer says most of it.
OF_EACH_MODEL = {
    repr(ENDPOINTS[name].answer): name for name in sorted(ANSWERS, key=lambda name: len(dumps(ANSWERS[name])))
}


@pytest.mark.parametrize("endpoint", OF_EACH_MODEL.values())
def test_any_odd_value(endpoint):
    """Whatever stands in any one place of an answer, it is a value or a `DecodeError`."""
    value, others = ANSWERS[endpoint], []

    for body in (text(value, {place: odd}) for place in telling(value) for odd in ODD):
        try:
            decode(body, ENDPOINTS[endpoint].answer)
        except DecodeError:
            pass
        except Exception as error:  # noqa: BLE001 - whether there is any is the question
            others.append((body, error))

    assert [] == others


def _garbled(body, chance):
    for _ in range(chance.randrange(1, 5)):
        place = chance.randrange(len(body) + 1)
        again = body[:place][-chance.randrange(1, 40) :]
        piece = chance.choice([b"", bytes([chance.randrange(256)]), chance.choice(ODD), again])
        body = body[:place] + piece + body[place + chance.randrange(6) :]
    return body
