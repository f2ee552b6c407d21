from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from typing import Annotated

import pytest

from exchanges.errors import DecodeError
from exchanges.wire import (
    Epoch,
    IsoTime,
    NaiveTime,
    Number,
    OpenIntEnum,
    OpenStrEnum,
    RawJson,
    TextDecimal,
    UnixMicrosText,
    UnixMillis,
    UnixTime,
    UnixTimeText,
    Wire,
)

STRICT, TOLERANT = Wire(strict=True), Wire()
MOMENT = datetime(2017, 3, 27, 9, 0, 0, tzinfo=UTC)  # 1490605200 by `date -u -d @1490605200`
MICROS = datetime(2017, 3, 27, 9, 0, 0, 123456, tzinfo=UTC)
MILLIS = datetime(2017, 3, 27, 9, 0, 0, 123000, tzinfo=UTC)


class Colour(OpenIntEnum):
    RED = 1


class Taste(OpenStrEnum):
    SWEET = "sweet"


DOCUMENTED = [
    (Decimal, Decimal("1.50"), Decimal("1.50")),
    (Decimal, 5, Decimal(5)),
    (Decimal, Decimal("-0.5"), Decimal("-0.5")),
    (TextDecimal, "1.50", Decimal("1.50")),
    (TextDecimal, "-3", Decimal(-3)),
    (TextDecimal, ".5", Decimal("0.5")),
    (TextDecimal, "1e-7", Decimal("1E-7")),
    (int, 7, 7),
    (int, 10**60 - 1, 10**60 - 1),
    (Decimal, Decimal("1." + "2" * 59), Decimal("1." + "2" * 59)),
    (TextDecimal, "1." + "2" * 59, Decimal("1." + "2" * 59)),
    (str, "x", "x"),
    (str, "", ""),
    (bool, True, True),
    (UnixTime, 1490605200, MOMENT),
    (UnixTime, Decimal("1490605200.123456"), MICROS),
    (UnixTime, -1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    (UnixTimeText, "1490605200", MOMENT),
    (UnixMillis, 1490605200123, MILLIS),
    (UnixMicrosText, "1490605200123456", MICROS),
    (IsoTime, "2017-03-27T09:00:00+00:00", MOMENT),
    (IsoTime, "2017-03-27T09:00:00Z", MOMENT),
    (IsoTime, "2017-03-27T04:00:00-0500", MOMENT),
    (IsoTime, "2017-03-27T09:00:00.123456+00:00", MICROS),
    (IsoTime, "2017-03-27T09:00:00.123+0000", MILLIS),
    (IsoTime, "2017-03-27T03:00:00-06:00", MOMENT),
    (NaiveTime, "2017-03-27 09:00:00", MOMENT),
    (NaiveTime, "2017-03-27 09:00:00.123456", MICROS),
    (Colour, 1, Colour.RED),
    (Taste, "sweet", Taste.SWEET),
    (RawJson, {"a": [1, None]}, {"a": [1, None]}),
    (RawJson, "", ""),
]
BENT = [
    (Decimal, "1.50", Decimal("1.50")),
    (TextDecimal, Decimal("1.50"), Decimal("1.50")),
    (TextDecimal, 5, Decimal(5)),
    (int, "7", 7),
    (int, "-7", -7),
    (int, Decimal("7.0"), 7),
    (str, 7, "7"),
    (bool, 1, True),
    (bool, 0, False),
    (UnixTime, "1490605200", MOMENT),
    (UnixTimeText, 1490605200, MOMENT),
    (Colour, 9, Colour(9)),
    (Colour, "1", Colour.RED),
    (Taste, "salty", Taste("salty")),
]
# Servers in Go, .NET and Java write more digits than microseconds have; others differ in letters and blanks.
BENT += [
    (kind, text, expected)
    for kind in (IsoTime, NaiveTime)
    for text, expected in (
        ("2017-03-27T09:00:00.1234569Z", MICROS),
        ("2017-03-27T09:00:00.123456999Z", MICROS),
        ("2017-03-27T09:00:00.123000000+00:00", MILLIS),
        ("2017-03-27 09:00:00Z", MOMENT),
        ("2017-03-27t09:00:00z", MOMENT),
        ("2017-03-27 09:00:00.1+0000", MOMENT.replace(microsecond=100_000)),
        ("2017-03-27 03:00:00-06:00", MOMENT),
    )
]
BENT += [(NaiveTime, "2017-03-27T09:00:00", MOMENT), (NaiveTime, "2017-03-27 09:00:00.123456789", MICROS)]
NO_NUMBERS = [
    "NaN",
    "nan",
    "sNaN",
    "Infinity",
    "-inf",
    " 1",
    "1 ",
    " 1 ",
    "1_000",
    "1,5",
    "\u0661\u0662",
    "\uff11\uff12",
    "",
    "+1",
    ".",
    "5.",
    "0x10",
    "1e",
    "1e1000000",
    "1e60",
    "1e-61",
    "1." + "2" * 60,
    "1\n",
    "abc",
    True,
    None,
    [],
    [1],
    {},
    {"a": 1},
]
REFUSED = [
    *((kind, value) for kind in (Decimal, TextDecimal, UnixTime, UnixTimeText) for value in NO_NUMBERS),
    *((kind, 10**60) for kind in (Decimal, TextDecimal, int, str, UnixTime)),
    *((int, v) for v in (Decimal("7.5"), "7.0", " 7", "\u0667", "1_0", "", True, None, [], {}, "1" * 61)),
    *(
        (kind, Decimal(number))
        for kind in (Decimal, TextDecimal, int, UnixTime)
        for number in ("NaN", "1e400", "1e999999999", "1e-999999999", "1." + "2" * 60)
    ),
    *((str, v) for v in (Decimal("7.5"), True, None, [], {})),
    *((bool, v) for v in (2, "true", "", None, Decimal("0.5"), [], {})),
    *((UnixTime, v) for v in (253402300800, -62135596801, 10**29)),
    *(
        (IsoTime, v)
        for v in ("2017-03-27", "2017-03-27T09:00:00", "2017-03-27 09:00:00", "2017-02-30T09:00:00Z", 1, None)
    ),
    *(
        (IsoTime, v)
        for v in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-00:01", "\uff12017-03-27T09:00:00Z", "")
    ),
    *((NaiveTime, v) for v in ("2017-03-27", "2017-13-27 09:00:00", "2017-03-27 09:00:00 Z", 1, None, "")),
    *((Colour, v) for v in ("red", "", Decimal("1.5"), True, None, [], {})),
    *((Taste, v) for v in (True, None, [], {}, Decimal("1.5"))),
]


def read(kind, value, *, strict=False):
    """Structure *value* as *kind*."""
    return (STRICT if strict else TOLERANT).structure(value, kind, "it")


def write(kind, value):
    """Unstructure a value of *kind*."""
    return TOLERANT._unstructure_hook(kind)(value)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(("kind", "value", "expected"), DOCUMENTED)
def test_as_documented(kind, value, expected, strict):
    """A value as documented is read, strictly or not."""
    actual = read(kind, value, strict=strict)

    assert (type(expected), expected) == (type(actual), actual)


@pytest.mark.parametrize(("kind", "value", "expected"), BENT)
def test_survived(kind, value, expected):
    """A value of a related type with the same meaning is accepted."""
    actual = read(kind, value)

    assert (type(expected), expected) == (type(actual), actual)


@pytest.mark.parametrize(("kind", "value", "expected"), BENT)
def test_not_survived_strictly(kind, value, expected):
    """A strict client refuses the same value."""
    with pytest.raises(DecodeError):
        read(kind, value, strict=True)


@pytest.mark.sweep
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(("kind", "value"), REFUSED)
def test_refused(kind, value, strict):
    """A value that cannot be read is refused, and never guessed."""
    with pytest.raises(DecodeError):
        read(kind, value, strict=strict)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Decimal, Decimal("1.50"), Decimal("1.50")),
        (TextDecimal, Decimal("1.50"), "1.50"),
        (TextDecimal, Decimal("1E+2"), "100"),
        (TextDecimal, Decimal("1E-8"), "0.00000001"),
        (UnixTime, MOMENT, 1490605200),
        (UnixTime, MICROS, Decimal("1490605200.123456")),
        (UnixTimeText, MOMENT, "1490605200"),
        (UnixMillis, MILLIS, 1490605200123),
        (UnixMicrosText, MICROS, "1490605200123456"),
        (IsoTime, MOMENT, "2017-03-27T09:00:00+00:00"),
        (IsoTime, MILLIS, "2017-03-27T09:00:00.123+00:00"),
        (IsoTime, MICROS, "2017-03-27T09:00:00.123456+00:00"),
        (NaiveTime, MOMENT, "2017-03-27 09:00:00"),
        (NaiveTime, MICROS, "2017-03-27 09:00:00.123456"),
        (Colour, Colour.RED, 1),
        (Colour, Colour(9), 9),
        (Taste, Taste.SWEET, "sweet"),
        (Taste, Taste("salty"), "salty"),
    ],
)
def test_written(kind, value, expected):
    """Each codec writes what the exchange sends."""
    actual = write(kind, value)

    assert (type(expected), expected) == (type(actual), actual)


@pytest.mark.parametrize("kind", [UnixTime, UnixTimeText, UnixMillis, UnixMicrosText, IsoTime, NaiveTime])
def test_moments_are_utc(kind):
    """Every moment is read as aware UTC."""
    assert UTC is read(kind, write(kind, MICROS)).tzinfo


def test_any_zone_is_written_as_a_moment():
    """A moment is written in UTC, whatever zone its value is in."""
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=-5)))

    assert (1490605200, "2017-03-27 09:00:00") == (write(UnixTime, elsewhere), write(NaiveTime, elsewhere))


@pytest.mark.parametrize("kind", [UnixTime, UnixMillis, UnixMicrosText])
def test_moments_in_a_coarse_context(kind):
    """The caller's decimal context, however coarse, does not change a moment."""
    with localcontext() as context:
        context.prec = 3
        moment = read(kind, write(kind, MICROS))

    assert MICROS == moment


def test_a_fraction_beyond_microseconds_is_cut():
    """Digits after the microseconds are dropped."""
    assert MICROS == read(UnixTime, Decimal("1490605200.1234569"))


@pytest.mark.parametrize("kind", [Annotated[Decimal, Number()], Annotated[datetime, Epoch()]])
def test_the_message_keeps_the_value_to_itself(kind):
    """The message has the expected type, never the value."""
    with pytest.raises(DecodeError) as caught:
        read(kind, "secret")

    assert "it: expected a decimal number" == str(caught.value)
