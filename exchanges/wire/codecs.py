"""Codecs of single values, in both directions: exact numbers, texts, open enums.

`loads` is the only parser of JSON. Numbers become `int` or `Decimal` with every digit, never a `float`; `NaN` and
`Infinity`, which some servers send though JSON has neither, become a NaN. It rejects values that are nested too deeply,
but no number: what nobody reads must not make an answer unreadable. The codecs reject a number that is read if it has
more than 60 digits or an exponent beyond 60, and every NaN.

Rules for editors: a string that `Decimal` accepts but that is no plain number ("NaN", " 1 ", "1_000", Arabic digits)
never becomes money. Reading and writing of one codec stand next to each other, and ``read(write(x)) == x``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Clamped, Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Rounded, Subnormal
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Protocol, Self, TypeVar, cast

import msgspec
from attrs import field, frozen

from exchanges.errors import quotable
from exchanges.wire.unique_keys import has_unique_keys

T = TypeVar("T")

if TYPE_CHECKING:
    Json = None | bool | int | Decimal | str | list["Json"] | dict[str, "Json"]
else:  # annotations of models are resolved in their own modules, where the recursive name is unknown
    Json = None | bool | int | Decimal | str | list | dict

Amount = Decimal | int | str
"""Money in arguments: exact types only, a `float` is rejected."""

MAX_DIGITS = 60


def bounds_of(digits: int) -> Context:
    """Build a context that raises for a number which needs more than *digits* digits without an exponent."""
    traps = [Inexact, Rounded, Overflow, Subnormal, Clamped, InvalidOperation]
    return Context(prec=digits, Emax=digits - 1, Emin=-digits, traps=traps)


BOUNDS = bounds_of(MAX_DIGITS)
_INT_BOUND = 10**MAX_DIGITS
PLAIN = r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?"
PLAIN_NUMBER = re.compile(PLAIN)
_WHOLE = re.compile(rf"-?[0-9]{{1,{MAX_DIGITS}}}")


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


# Numbers

_create_decimal = BOUNDS.create_decimal


def _too_long() -> Deviation:
    return Deviation(f"a number of at most {MAX_DIGITS} digits")


def bounded(number: Decimal) -> Decimal:
    """Return a number that was parsed; reject one that is too long or too large, and NaN."""
    try:
        BOUNDS.plus(number)
    except DecimalException as error:
        raise _too_long() from error
    if not number.is_finite():
        raise Deviation("a decimal number")
    return number


def plain(number: Decimal) -> str:
    """Render a number without an exponent and without losing a digit."""
    return format(number, "f")


MAX_DEPTH = 64
MAX_MEMORY = 10 * 1024 * 1024
_MOST_TIMES = 116  # no body can need more than so many times its size, by the figures of `is_heavy`
_DECODER = msgspec.json.Decoder[Any](float_hook=Decimal)
_BOM = b"\xef\xbb\xbf"
_UTF_16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00")
_NOT_NUMBERS = rb"NaN|Infinity|[0-9]{100}|[eE][+-]?[0-9]{9}"
_LONGEST_ODD = 128 * 1024  # what is longer arrives in pieces, or is no JSON; the search alone would take long
_SURROGATE = rb"\\u[dD][89a-fA-F]"
_LONGEST_INT = 100


def without_mark(body: bytes) -> bytes:
    """Return *body* without the byte order mark that some servers send before JSON."""
    return body.removeprefix(_BOM)


def loads(body: bytes) -> Json:
    """Parse JSON exactly, with or without a byte order mark.

    Raises:
        Deviation: Not JSON in UTF-8, nested too deeply, or an object has a key twice.
    """
    body = body.removeprefix(_BOM)
    try:
        value: Json = _DECODER.decode(body)
    except RecursionError as error:
        raise Deviation("JSON of bounded depth") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, DecimalException) as error:
        value = _loads_odd(body, error)
    # Counting brackets is cheap and an upper bound of the depth; only what exceeds it is walked.
    if len(body) > 2 * MAX_DEPTH and body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_deep(value):
        raise Deviation("JSON of bounded depth")
    # What is read by itself is often a single cell.
    if type(value) is not str and b":" in body and not has_unique_keys(body, value):
        raise Deviation("JSON in which no key appears twice")
    return value


def _loads_odd(body: bytes, reason: Exception) -> Json:
    """Parse JSON with numbers that the fast parser does not accept; it was rejected for *reason*."""
    if body.startswith(_UTF_16_OR_32) or body[1:2] == b"\x00":
        raise Deviation("JSON in UTF-8, found another encoding") from reason
    # Only where such a number can be: everything else that was rejected is no JSON, and need not be parsed again.
    # The standard parser accepts half a surrogate pair, which no text can hold.
    if len(body) > _LONGEST_ODD or not re.search(_NOT_NUMBERS, body) or re.search(_SURROGATE, body):
        raise Deviation("JSON") from reason
    import json  # noqa: PLC0415 - few bodies are odd

    try:
        return cast("Json", json.loads(body, parse_float=_number, parse_int=_number, parse_constant=_number))
    except RecursionError as error:
        raise Deviation("JSON of bounded depth") from error
    except ValueError as error:
        raise Deviation("JSON") from error


def _number(text: str) -> int | Decimal:
    """Return a number of any length; NaN for infinity, and for an exponent that no `Decimal` holds."""
    if len(text) <= _LONGEST_INT and text.lstrip("-").isdigit():
        return int(text)
    try:
        number = Decimal(text)
    except DecimalException:
        return Decimal("NaN")
    return number if number.is_finite() else Decimal("NaN")


def is_heavy(body: bytes | bytearray, most: int = MAX_MEMORY) -> bool:
    """Whether *body* may need more than *most* bytes once parsed: ``[{},{},{},`` needs fifty times its size."""
    if len(body) < most // _MOST_TIMES:
        return False
    # What CPython needs for a number, a list, an object with one key, and the two quotes of a text or a key.
    bytes_by_sign = ((b",", 112), (b"[", 64), (b"{", 232), (b'"', 30))
    return sum(body.count(sign) * size for sign, size in bytes_by_sign) > most


def _is_deep(value: Json) -> bool:
    """Whether lists and objects are nested more than `MAX_DEPTH` deep."""
    # Level by level, not recursively: the recursion limit belongs to the program that calls.
    level: list[list[Json] | dict[str, Json]] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        contents = (whole.values() if isinstance(whole, dict) else whole for whole in level)
        level = [part for content in contents for part in content if isinstance(part, dict | list)]
    return bool(level)


# Codecs


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
        if type(value) is str and (self.text or not strict) and PLAIN_NUMBER.fullmatch(value):
            try:
                return _create_decimal(value)
            except DecimalException as error:
                raise _too_long() from error
        if not (self.text and strict):
            if type(value) is Decimal:
                return bounded(value)
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
            # The bounds first: to write out a number with a huge exponent would need all memory.
            if type(value) is Decimal and bounded(value) == value.to_integral_value():
                return int(value)
        raise Deviation("a whole number")


@frozen(eq=False)
class Text(_Unchanged):
    """A `str`; ids sometimes arrive as numbers, and the documents show some of them as either."""

    number: bool = False

    def read(self, value: Json, *, strict: bool) -> str:
        if type(value) is str and (value.strip() or not self.number):  # an id is not empty
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
    _by_value: dict[Json, OpenIntEnum | OpenStrEnum] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        # As they are documented: a call of an enum takes longer than everything else here.
        known = {str(m.value) if self.text else m.value: m for m in self.members}
        object.__setattr__(self, "_by_value", known)

    def read(self, value: Json, *, strict: bool) -> OpenIntEnum | OpenStrEnum:
        if (type(value) is str or (type(value) is int and not self.text)) and value in self._by_value:
            return self._by_value[value]
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
    """Plain JSON, kept as received; its numbers are handed out, so they must be what was sent."""

    def read(self, value: Json, *, strict: bool) -> Json:
        level: list[Json] = [value]
        while level:
            for part in level:
                if type(part) is Decimal:
                    bounded(part)
            inside = (p.values() if isinstance(p, dict) else p for p in level if isinstance(p, dict | list))
            level = [part for parts in inside for part in parts]
        return value


def kept(cells: Iterable[Json]) -> tuple[Json, ...]:
    """Return cells that no model reads; None in place of one with a number that is out of bounds."""

    def read(cell: Json) -> Json:
        try:
            return Anything().read(cell, strict=False)
        except Deviation:
            # What nobody reads must not spoil the row, nor be handed out: to write out 1e-1000000 takes a megabyte.
            return None

    return tuple(map(read, cells))


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
        if value is None:
            if on_null is not None:
                on_null()
            return None
        return None if value == blank else read(value)

    return value_or_none


Id = Annotated[str, Text(number=True)]
TextDecimal = Annotated[Decimal, Number(text=True)]
RawJson = Annotated[Json, Anything()]
