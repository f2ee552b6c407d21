"""The numbers of an object, which are read at once: nothing is read otherwise than one by one."""

from decimal import Decimal

import pytest
from attrs import frozen

from exchanges.errors import DecodeError
from exchanges.wire import TextDecimal
from exchanges.wire.codecs import Deviation, Number
from exchanges.wire.converter import Wire
from exchanges.wire.layouts import MAX_LAYOUTS, Entry, Layouts
from exchanges.wire.models import fields_of


@frozen(kw_only=True)
class Price:
    """Two prices as text, one as a number, and a word."""

    bid: TextDecimal
    ask: TextDecimal | None = None
    last: Decimal | None = None
    word: str = ""


TEXTS = [
    "1", "1.50", "-0", ".5", "1e5", "0.00000001", "9" * 60, "9" * 61, "0." + "1" * 60, "", " ", " 1", "1 ", "1\n",
    "\n1", "1\n2", "1\r2", "NaN", "Infinity", "1_000", "\uff11", "1,5", "0x1", "+1", "1e999", "1.", "--1", None, 1,
    True, [], {}, Decimal("1.5"), Decimal("NaN"),
]  # fmt: skip


def result_of(read):
    """Return what *read* returns, with all its digits, or the error that it raises."""
    try:
        return repr(read())
    except (DecodeError, Deviation) as error:
        return getattr(error, "expected", str(error).partition("expected ")[2])


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("ask", TEXTS, ids=repr)
def test_a_number_among_others(ask, strict):
    """A number beside others is what it is by itself, digit by digit, or the same error."""
    alone = result_of(lambda: None if ask is None or ask == "" else Number(text=True).read(ask, strict=strict))
    beside = result_of(lambda: Wire(strict=strict).structure({"bid": "2", "ask": ask}, Price, "a").ask)

    assert alone == beside


@pytest.mark.parametrize("last", ["1.5", Decimal("1.50"), 2])
def test_a_strict_client(last):
    """Text where the documents show a number is drift that a strict client refuses, beside other numbers too."""
    value = {"bid": "2", "ask": "3", "last": last}
    strict = result_of(lambda: Wire(strict=True).structure(value, Price, "a").last)

    assert (Decimal(last), "a decimal number" if last == "1.5" else repr(Decimal(last))) == (
        Wire().structure(value, Price, "a").last,
        strict,
    )


def test_objects_with_other_keys():
    """What is missing keeps its default, what is required is demanded, and what is new is reported, in any order."""
    wire = Wire()
    whole = wire.structure({"bid": "1", "ask": "2", "word": "a", "last": 3}, Price, "a")
    part = wire.structure({"ask": "2", "bid": "1"}, Price, "a")
    with pytest.raises(DecodeError, match=r"Price\.bid: expected a value, found none"):
        wire.structure({"ask": "2", "last": "1"}, Price, "a")
    with pytest.raises(DecodeError, match="1 more"):
        Wire(strict=True).structure({"ask": "2", "bid": "1", "new": ""}, Price, "a")

    assert (3, "a", None, "") == (whole.last, whole.word, part.last, part.word)


def test_ever_new_keys():
    """A server that sends ever new keys does not fill the memory."""
    layouts = Layouts([Entry.of(field, str, strict=False) for field in fields_of(Price)])
    sizes = {layouts.add(("bid", f"new_{number}")).surplus for number in range(2 * MAX_LAYOUTS)}
    layouts.clear()
    layouts.add(tuple(map(str, range(1000))))

    assert ({1}, 0) == (sizes, len(layouts))


def test_how_many_are_kept():
    """Only some sets of keys are kept."""
    layouts = Layouts([])
    for number in range(2 * MAX_LAYOUTS):
        layouts.add((str(number),))

    assert MAX_LAYOUTS == len(layouts)
