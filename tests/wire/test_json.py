import tracemalloc
from decimal import Context, Decimal, localcontext

import pytest
from attrs import frozen

from exchanges.bitstamp.v1.models import OrderBook
from exchanges.errors import DecodeError
from exchanges.wire import Deviation, decode, dumps, loads
from exchanges.wire.codecs import MAX_DEPTH, MAX_MEMORY, is_heavy


@frozen
class Price:
    price: Decimal


REFUSED = {
    "a leading zero": b"01",
    "a lonely point": b"1.",
    "underscores": b"1_000",
    "a plus": b"+1",
    "Arabic digits": "١٢".encode(),
    "nothing": b"",
    "blanks": b" \n",
    "half a text": b'"a',
    "half a list": b"[1, ",
    "two values": b"1 2",
    "a trailing comma": b"[1,]",
    "single quotes": b"{'a': 1}",
    "a comment": b"[1] // one",
    "bad UTF-8": b'"\xff"',
    "half a surrogate pair": b'"\\ud800"',
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf1",
    "NaN in other letters": b"nan",
    "half a NaN": b"[NaN, Na]",
    "half a surrogate pair beside a NaN": b'["\\ud800", NaN]',
    "deep lists of NaN": b"[" * 100_000 + b"NaN" + b"]" * 100_000,
    "UTF-16": '"a"'.encode("utf-16"),
    "a control character": b'"\x01"',
    "deep lists": b"[" * 100_000,
    "deep lists that end": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "HTML": b"<html></html>",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_refused(body):
    """A body that is not JSON, or that contains a number out of bounds, is refused."""
    with pytest.raises(Deviation):
        loads(body)


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_refused_as_our_own_error(body):
    """A refused body raises `DecodeError`, without a cause."""
    with pytest.raises(DecodeError) as caught:
        decode(body, list[int])

    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "body", [b"1.2345678901234567890123456789", b"0.1", b"1.10", b"12345678901234567890123456789.0"]
)
def test_every_digit(body):
    """A number keeps every digit, including trailing zeros."""
    assert body.decode() == str(loads(body))


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (b"0", 0),
        (b"-0", 0),
        (b"9007199254740993", 2**53 + 1),
        (b"999999999999999999999999999999", 10**30 - 1),
        (b"0.1", Decimal("0.1")),
        (b"9007199254740993.1", Decimal("9007199254740993.1")),
        (b"1e5", Decimal("1E+5")),
        (b"1E-30", Decimal("1E-30")),
        (b"9.99e29", Decimal("9.99E+29")),
    ],
)
def test_exact(body, number):
    """A whole number becomes an int and every other one a Decimal, never a float in between."""
    assert (type(number), number) == (type(loads(body)), loads(body))


def nested(depth, opening=b"[", closing=b"]"):
    """Build nested lists, or objects."""
    return opening * depth + b"1" * (opening != b"[") + closing * depth


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_the_deepest(opening, closing):
    """JSON is accepted sixty-four levels deep, and refused deeper, however large the stack is."""
    loads(nested(MAX_DEPTH, opening, closing))

    with pytest.raises(Deviation, match="bounded depth"):
        loads(nested(MAX_DEPTH + 1, opening, closing))


def test_depth_in_a_corner():
    """A value that is deep in one place of a long list is refused too."""
    corner = b'[{"a": %s}]' % nested(MAX_DEPTH)

    with pytest.raises(Deviation, match="bounded depth"):
        loads(b"[" + b"[1], " * 1000 + corner + b"]")


@pytest.mark.parametrize("body", [b'"' + b"[{" * 1000 + b'"', b"[" + b"[], {}, " * 1000 + b"1]"])
def test_what_is_not_deep(body):
    """Brackets in a text, and side by side, do not count as depth."""
    assert loads(body)


@pytest.mark.parametrize("piece", [b"[]", b"{}", b'{"":1e1}', b"1e1", b"[1.1,1.1]", b'"12"', b'["1.1","1.1"]'])
def test_is_heavy(piece):
    """A body that would need many times its size is recognized before parsing; a small one is accepted."""
    assert (True, False) == (is_heavy(b",".join([piece] * 300_000)), is_heavy(b",".join([piece] * 5000)))


def test_memory_of_what_is_not_heavy():
    """A body that is not heavy needs no more than the bound, once it is parsed."""
    body = b"[" + b",".join([b'{"":1e1}'] * 25_000) + b"]"
    tracemalloc.start()
    value = loads(body)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (25_000, False, True) == (len(value), is_heavy(body), most < MAX_MEMORY)


def test_the_caller_s_context_decides_nothing():
    """A coarse decimal context of the caller neither rounds a number nor admits a wrong one."""
    with localcontext() as context:
        context.prec = 2
        context.clear_traps()
        number = loads(b"123456789.123456789")

    assert "123456789.123456789" == str(number)


def test_a_huge_number_in_a_careless_context():
    """A caller whose context traps nothing does not get a number out of bounds."""
    context = Context(traps=[])

    with localcontext(context), pytest.raises(DecodeError):
        decode(b"[1e99999999999999999999]", list[Decimal])


ODD_NUMBERS = {
    "34 digits": b"1.234567890123456789012345678901234",
    "61 digits": b"1." + b"2" * 60,
    "whole with 61 digits": b"1" * 61,
    "whole with 400 digits": b"1" * 400,
    "whole with 5000 digits": b"1" * 5000,
    "an exponent of 60": b"1e60",
    "an exponent of 400": b"1e400",
    "an exponent of a million": b"-1e1000000",
    "an exponent that is no number": b"1e99999999999999999999",
    "the same below zero": b"1e-99999999999999999999",
    "a zero far away": b"0e99999999999999999999",
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "null": b"null",
    "an object": b'{"a": [NaN]}',
}


@pytest.mark.parametrize("number", ODD_NUMBERS.values(), ids=ODD_NUMBERS)
def test_unread_numbers(number):
    """A number that nobody reads does not spoil what stands beside it."""
    level = decode(b'{"price": "1.5", "more": %b}' % number, Price)

    assert Decimal("1.5") == level.price


@pytest.mark.parametrize("number", [n for name, n in ODD_NUMBERS.items() if name != "34 digits"])
def test_read_numbers(number):
    """The same number is refused where it is read."""
    with pytest.raises(DecodeError, match=r"Price\.price: expected a"):
        decode(b'{"price": %b}' % number, Price)


@pytest.mark.parametrize("digits", [28, 31, 34, 60])
def test_long_numbers(digits):
    """A number of up to sixty digits is read exactly, as number and as text."""
    text = "1." + "7" * (digits - 1)
    prices = [decode(body.encode(), Price).price for body in (f'{{"price": {text}}}', f'{{"price": "{text}"}}')]

    assert [text, text] == [str(price) for price in prices]


@pytest.mark.parametrize("body", [b"[1, 2]", b" \r\n\t[1, 2] \n"])
def test_byte_order_mark(body):
    """One byte order mark before JSON is ignored, and so are blanks around it."""
    assert [1, 2] == loads(b"\xef\xbb\xbf" + body) == loads(body)


def test_byte_order_mark_before_rows():
    """A byte order mark does not change how rows are decoded."""
    body = b'{"bids": [["1", "2"]], "asks": []}'

    assert decode(body, OrderBook) == decode(b"\xef\xbb\xbf" + body, OrderBook)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding(encoding):
    """JSON in another encoding is refused with a message that says so."""
    with pytest.raises(DecodeError, match="expected JSON in UTF-8, found another encoding"):
        decode("[1]".encode(encoding), list[int])


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a" :2}',
        b'{"a":1,"a"\r\n\t:2}',
        b'{"a":1,"\\u0061":2}',
        b'{"a" :1,"a":2}',
        b'{"a"\n:{"b":1},"a"\t: {"b":2}}',
        b'[[{"b":":"},{"b":{"c":"x\\":","c":[]}}]]',
        b'{"a":1,"a":NaN}',
        b'\xef\xbb\xbf{"a":1,"a":2}',
    ],
)
def test_a_key_that_appears_twice(body):
    """Nobody knows which of two values was meant."""
    with pytest.raises(Deviation, match="no key appears twice"):
        loads(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":":","b":"\\":","c":"2026-11-29 04:00:00"}',
        b'[{"a" : 1, ":" : {"a":1}}, {"a":"\xc3\xb1\\ud83d\\ude00: \\":"}, ":"]',
        b'{"a":1e999999999,"b":":"}',
    ],
)
def test_colons_in_texts(body):
    """Colons of texts are no keys."""
    assert loads(body)


def test_a_key_that_appears_twice_in_an_order_book():
    """The faster way to read order books does not take one of two lists."""
    with pytest.raises(DecodeError, match="no key appears twice"):
        decode(b'{"bids": [["1", "2"]], "bids": [["9", "2"]], "asks": []}', OrderBook)


def test_no_value_in_the_message():
    """The message about a refused body does not quote it."""
    with pytest.raises(DecodeError) as caught:
        decode(b'{"secret": tru', dict[str, str])

    assert "dict: expected JSON" == str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0.10"), b"0.10"),
        ([Decimal("12345678901234567890.1234567890")], b"[12345678901234567890.1234567890]"),
        ({"a": None, "b": True}, b'{"a":null,"b":true}'),
        ("ñ", '"ñ"'.encode()),
    ],
)
def test_dumps(value, text):
    """`dumps` renders compact UTF-8, and a Decimal as a number with all its digits."""
    assert text == dumps(value)
