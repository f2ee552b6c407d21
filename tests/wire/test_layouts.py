"""The numbers of an object, which are read at once: nothing is read otherwise than one by one."""

import copy
import weakref
from decimal import Decimal

import pytest
from attrs import Factory, field, frozen
from attrs.exceptions import FrozenInstanceError

from exchanges.errors import DecodeError
from exchanges.wire import TextDecimal
from exchanges.wire.codecs import Deviation, Number
from exchanges.wire.converter import Wire
from exchanges.wire.layouts import MAX_LAYOUTS, Entry, Layouts
from exchanges.wire.models import Model, fields_of


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


@frozen
class Level(Model):
    """An object that its builder fills directly."""

    bid: TextDecimal
    ask: TextDecimal
    word: str = "a"
    last: Decimal | None = None


@frozen
class Inner(Level):
    """One that has fields of its own and of its base."""

    side: int = 0


@frozen
class Holder(Model):
    """One that holds another."""

    bid: Level


@frozen
class Converted(Model):
    """One whose field is converted."""

    word: str = field(converter=str.upper)


@frozen
class Validated(Model):
    """One whose field is validated."""

    word: str = field(validator=lambda *_: None)


@frozen
class Listed(Model):
    """One whose default is made anew."""

    word: str
    words: list[str] = Factory(list)


@frozen
class Finished(Model):
    """One that does something when it was made."""

    word: str

    def __attrs_post_init__(self):
        """Do something."""


@frozen
class Own(Model):
    """One with an ``__init__`` of its own."""

    word: str

    def __init__(self, word):
        self.__attrs_init__(word.upper())


@frozen
class Bare:
    """One that is no model."""

    word: str


def layout_of(cls, *keys):
    """Return the layout of an object of *cls* with *keys*."""
    return Layouts([Entry.of(field, str, strict=False) for field in fields_of(cls)], cls).add(keys)


@pytest.mark.parametrize(
    ("cls", "value"),
    [
        (Level, {"bid": "1.50", "ask": "2"}),
        (Level, {"ask": "2", "word": "b", "last": None, "bid": "1"}),
        (Inner, {"bid": "1", "ask": "2", "side": 1}),
    ],
)
def test_an_object_that_is_built_directly(cls, value):
    """It is what the class itself makes of the same values: frozen, equal, and it can be copied."""
    wire = Wire()
    built = wire.structure(value, cls, "a")
    made = cls(**{name: Decimal(item) if name in ("bid", "ask") else item for name, item in value.items()})

    assert layout_of(cls, *value).build is not None
    assert (cls, made, repr(made)) == (type(built), built, repr(built))
    assert hash(made) == hash(built)
    assert [built] * 3 == [copy.deepcopy(built), copy.copy(built), weakref.ref(built)()]
    with pytest.raises(FrozenInstanceError):
        built.bid = made.bid


@pytest.mark.parametrize(
    ("cls", "keys"),
    [
        (Level, ("bid", "ask", "new")),
        (Level, ("bid", "word")),
        (Holder, ("bid",)),
        (Converted, ("word",)),
        (Validated, ("word",)),
        (Listed, ("word",)),
        (Finished, ("word",)),
        (Own, ("word",)),
        (Bare, ("word",)),
    ],
)
def test_an_object_that_is_not_built_directly(cls, keys):
    """Where anything but assignments makes an object, or something is missing or new, its class makes it."""
    assert layout_of(cls, *keys).build is None


def test_a_wrong_word_of_an_object_that_is_built_directly():
    """It is the same error as by field."""
    with pytest.raises(DecodeError, match=r"a: Level\.word: expected a text"):
        Wire().structure({"bid": "1", "ask": "2", "word": []}, Level, "a")
