"""Codecs of single values, in both directions: exact numbers, moments, open enums.

`loads` is the only parser of JSON. Numbers become `int` or `Decimal` with every digit, never a `float`. It rejects a
number with a fraction or an exponent if it has more than 30 digits or an exponent beyond 30, and values that are nested
too deeply; the codecs reject whole numbers of more than 30 digits.

Rules for editors: a string that `Decimal` accepts but that is no plain number ("NaN", " 1 ", "1_000", Arabic digits)
never becomes money. Reading and writing of one codec stand next to each other, and ``read(write(x)) == x``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Clamped, Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Rounded, Subnormal
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Protocol, Self, TypeVar, cast

import msgspec
from attrs import frozen

from exchanges.errors import quotable

T = TypeVar("T")

if TYPE_CHECKING:
    Json = None | bool | int | Decimal | str | list["Json"] | dict[str, "Json"]
else:  # annotations of models are resolved in their own modules, where the recursive name is unknown
    Json = None | bool | int | Decimal | str | list | dict

Amount = Decimal | int | str
"""Money in arguments: exact types only, a `float` is rejected."""

MAX_DIGITS = 30
# The largest number is below 10**30, so that none has more than 30 digits when it is written without an exponent.
BOUNDS = Context(
    prec=MAX_DIGITS,
    Emax=MAX_DIGITS - 1,
    Emin=-MAX_DIGITS,
    traps=[Inexact, Rounded, Overflow, Subnormal, Clamped, InvalidOperation],
)
# Wide enough for every moment; the decimal context of the caller must not change what a moment is.
_COUNTING = Context(prec=2 * MAX_DIGITS, traps=[])
_INT_BOUND = 10**MAX_DIGITS
PLAIN = r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?"
_PLAIN = re.compile(PLAIN)
_WHOLE = re.compile(r"-?[0-9]{1,30}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?", re.ASCII)


class Deviation(Exception):
    """A value is not what the model states; `place` grows while it propagates."""

    def __init__(self, expected: str, place: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.place = place

    def inside(self, place: str) -> Self:
        """Prepend the place of the value."""
        self.place = place + self.place
        return self


# Numbers --------------------------------------------------------------------------------------------------------------


def exact(text: str) -> Decimal:
    """Parse a plain number with every digit; reject one that is too long or too large."""
    try:
        return BOUNDS.create_decimal(text)
    except DecimalException as error:
        raise Deviation(f"a number of at most {MAX_DIGITS} digits") from error


def plain(number: Decimal) -> str:
    """Render a number without an exponent and without losing a digit."""
    return format(number, "f")


MAX_DEPTH = 64
MAX_MEMORY = 10 * 1024 * 1024
_LIGHT_BYTES = 90_000  # no body as short as this can need `MAX_MEMORY`
_DECODER = msgspec.json.Decoder[Any](float_hook=exact)


def loads(body: bytes) -> Json:
    """Parse JSON exactly.

    Raises:
        Deviation: Not JSON in UTF-8, nested too deeply, or a number out of bounds.
    """
    try:
        value = cast("Json", _DECODER.decode(body))
    except RecursionError as error:
        raise Deviation("JSON of bounded depth") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Deviation("JSON with numbers in bounds") from error
    # Counting brackets is cheap and an upper bound of the depth; only what exceeds it is walked.
    if len(body) > 2 * MAX_DEPTH and body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_deep(value):
        raise Deviation("JSON of bounded depth")
    return value


def is_heavy(body: bytes | bytearray) -> bool:
    """Whether *body* may need more than `MAX_MEMORY` once parsed: ``[{},{},{},`` needs fifty times its size."""
    if len(body) < _LIGHT_BYTES:
        return False
    # What CPython needs for a number, a list, an object with one key, and the two quotes of a text or a key.
    bytes_by_sign = ((b",", 112), (b"[", 64), (b"{", 232), (b'"', 30))
    return sum(body.count(sign) * size for sign, size in bytes_by_sign) > MAX_MEMORY


def _is_deep(value: Json) -> bool:
    """Whether lists and objects are nested more than `MAX_DEPTH` deep."""
    # Level by level, not recursively: the recursion limit belongs to the program that calls.
    level: list[list[Json] | dict[str, Json]] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        contents = (whole.values() if isinstance(whole, dict) else whole for whole in level)
        level = [part for content in contents for part in content if isinstance(part, dict | list)]
    return bool(level)


# Codecs ---------------------------------------------------------------------------------------------------------------


class Codec(Protocol[T]):
    """Both directions of one value. Models name a codec with ``Annotated[type, codec]``."""

    def read(self, value: Json, *, strict: bool) -> T:
        """Return the value; raise `Deviation` if it has none, or (strict) if it is not as documented."""
        ...

    def write(self, value: T) -> Json:
        """Return what is sent."""
        ...


class _Unchanged:
    """Values that are sent as they are."""

    def write(self, value: Any) -> Json:
        return cast("Json", value)


@frozen(eq=False)
class Number:
    """A `Decimal`, as a JSON number or as text."""

    text: bool = False

    def read(self, value: Json, *, strict: bool) -> Decimal:
        if type(value) is str and (self.text or not strict) and _PLAIN.fullmatch(value):
            return exact(value)
        if not (self.text and strict):
            if type(value) is Decimal:
                return value
            if type(value) is int and -_INT_BOUND < value < _INT_BOUND:
                return Decimal(value)
        raise Deviation("a decimal number as text" if self.text and strict else "a decimal number")

    def write(self, value: Decimal) -> Json:
        return plain(value) if self.text else value


class Whole(_Unchanged):
    """An `int`."""

    def read(self, value: Json, *, strict: bool) -> int:
        if type(value) is int and -_INT_BOUND < value < _INT_BOUND:
            return value
        if not strict:
            if type(value) is str and _WHOLE.fullmatch(value):
                return int(value)
            if type(value) is Decimal and value == value.to_integral_value():
                return int(value)
        raise Deviation("a whole number")


@frozen(eq=False)
class Text(_Unchanged):
    """A `str`; ids sometimes arrive as numbers, and the documents show some of them as either."""

    number: bool = False

    def read(self, value: Json, *, strict: bool) -> str:
        if type(value) is str:
            return value
        if (self.number or not strict) and type(value) is int and -_INT_BOUND < value < _INT_BOUND:
            return str(value)
        raise Deviation("an id" if self.number else "a text")


class Flag(_Unchanged):
    """A `bool`."""

    def read(self, value: Json, *, strict: bool) -> bool:
        if type(value) is bool:
            return value
        if not strict and value in (0, 1):
            return value == 1
        raise Deviation("true or false")


@frozen(eq=False)
class Epoch:
    """An aware UTC moment, on the wire a count since 1970, as a number or as text."""

    per_second: int = 1
    text: bool = False

    def read(self, value: Json, *, strict: bool) -> datetime:
        count = Number(text=self.text).read(value, strict=strict)
        try:
            return _EPOCH + timedelta(microseconds=int(_COUNTING.multiply(count, 1_000_000 // self.per_second)))
        except OverflowError as error:
            raise Deviation("a moment between the years 1 and 9999") from error

    def write(self, value: datetime) -> Json:
        count = _COUNTING.divide((value - _EPOCH) // timedelta(microseconds=1), 1_000_000 // self.per_second)
        number = int(count) if count == int(count) else count.normalize(_COUNTING)
        return plain(Decimal(number)) if self.text else number


class Iso:
    """An aware UTC moment as ISO 8601 text, with or without a fraction, zone as +00:00, +0000 or Z."""

    def read(self, value: Json, *, strict: bool) -> datetime:
        if type(value) is str and _ISO.fullmatch(value):
            return _moment(value)
        raise Deviation("a moment as 2016-04-08T17:52:31+00:00")

    def write(self, value: datetime) -> Json:
        return value.isoformat(timespec="milliseconds" if value.microsecond % 1000 == 0 < value.microsecond else "auto")


class Naive:
    """An aware UTC moment, on the wire without its zone: 2013-09-26 23:15:04, sometimes with microseconds."""

    def read(self, value: Json, *, strict: bool) -> datetime:
        if type(value) is str and _NAIVE.fullmatch(value):
            return _moment(value + "+00:00")
        raise Deviation("a moment as 2013-09-26 23:15:04")

    def write(self, value: datetime) -> Json:
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Deviation("a moment that exists") from error


class _Open:
    """What lets an enum preserve a value that the documents do not list."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        kind: Any = cast("Any", cls)._member_type_
        new: Any = kind.__new__
        if type(value) is not kind:
            return None
        member = new(cls, value)
        # Not added to the members: an exchange that sends ever new words would fill the memory.
        member._name_, member._value_ = f"UNKNOWN_{quotable(str(value))}", value
        return member

    def __reduce_ex__(self, _: object) -> tuple[object, ...]:
        """Pickle by value: some releases of Python pickle by name, which an unknown one lacks."""
        return type(self), (cast("Any", self).value,)

    @property
    def is_known(self) -> bool:
        """Whether the documents list it."""
        return cast("Any", self).name in cast("Any", type(self)).__members__


class OpenIntEnum(_Open, IntEnum):
    """A set of codes that preserves an unknown one: ``UNKNOWN_9`` equals 9 and encodes as 9."""


class OpenStrEnum(_Open, StrEnum):
    """A set of words that preserves an unknown one."""


@frozen(eq=False)
class Choice:
    """A member of an open enum; a code as a number, or as text."""

    members: type[OpenIntEnum | OpenStrEnum]
    text: bool = False

    def read(self, value: Json, *, strict: bool) -> OpenIntEnum | OpenStrEnum:
        if self.text and strict and type(value) is not str:
            raise Deviation("a code as text")
        if issubclass(self.members, OpenIntEnum):
            number = Whole().read(value, strict=strict and not self.text)
            member: OpenIntEnum | OpenStrEnum = self.members(number)
        else:
            member = self.members(Text().read(value, strict=strict))
        if strict and not member.is_known:
            raise Deviation(f"a documented value of {self.members.__name__}")
        return member

    def write(self, value: OpenIntEnum | OpenStrEnum) -> Json:
        return str(value.value) if self.text else value.value


class Anything(_Unchanged):
    """Plain JSON, kept as received."""

    def read(self, value: Json, *, strict: bool) -> Json:
        return value


def optional(
    read: Callable[[Json], Any], *, blank: str | None, on_null: Callable[[], None] | None = None
) -> Callable[..., Any]:
    """Return a reader of values that may be null.

    Args:
        read: Reads a value.
        blank: The text that stands for null. An empty text is a text, but no number and no moment: some exchanges send
            it for "none".
        on_null: Reports null where the documents show a value.
    """

    def value_or_none(value: Json, _: Any = None) -> Any:
        if value is None and on_null is not None:
            on_null()
        return None if value is None or value == blank else read(value)

    return value_or_none


class Nothing(_Unchanged):
    """A bare confirmation; what the API wraps it in was removed before."""

    def read(self, value: Json, *, strict: bool) -> None:
        if value is not None:
            raise Deviation("a confirmation")


Done = Annotated[None, Nothing()]
Id = Annotated[str, Text(number=True)]
TextDecimal = Annotated[Decimal, Number(text=True)]
UnixTime = Annotated[datetime, Epoch()]
UnixTimeText = Annotated[datetime, Epoch(text=True)]
UnixMillis = Annotated[datetime, Epoch(per_second=1000)]
UnixMicrosText = Annotated[datetime, Epoch(per_second=1_000_000, text=True)]
IsoTime = Annotated[datetime, Iso()]
NaiveTime = Annotated[datetime, Naive()]
RawJson = Annotated[Json, Anything()]
