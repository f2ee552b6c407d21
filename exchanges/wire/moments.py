"""Codecs of moments: every one is read as aware UTC, and cut to microseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Annotated

from attrs import frozen

from exchanges.wire.codecs import MAX_DIGITS, Deviation, Json, Number, plain

# Wide enough for every moment; the decimal context of the caller must not change what a moment is.
_COUNTING = Context(prec=2 * MAX_DIGITS, traps=[])
_NUMBER, _TEXT = Number(), Number(text=True)
_MOST_DIGITS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE, _TIME, _ZONE = r"(?P<date>\d{4}-\d\d-\d\d)", r"(?P<time>\d\d:\d\d:\d\d)", r"(?P<zone>Z|[+-]\d\d:?\d\d)"
_ISO = re.compile(rf"{_DATE}T{_TIME}(?:\.(?P<fraction>\d{{1,6}}))?{_ZONE}", re.ASCII)
_NAIVE = re.compile(rf"{_DATE} {_TIME}(?:\.(?P<fraction>\d{{1,6}}))?(?P<zone>)", re.ASCII)
# What servers of several languages write: nanoseconds, a blank for the T, lower case, a zone where none is documented.
_MOMENT = re.compile(rf"{_DATE}[T ]{_TIME}(?:\.(?P<fraction>\d{{1,9}}))?{_ZONE}?", re.ASCII | re.IGNORECASE)


@frozen(eq=False)
class Epoch:
    """An aware UTC moment, on the wire a count since 1970, as a number or as text."""

    per_second: int = 1
    text: bool = False

    def read(self, value: Json, *, strict: bool) -> datetime:
        factor = 1_000_000 // self.per_second
        # Almost all are whole numbers as documented; what is anything else is read as a decimal number.
        if self.text and type(value) is str and len(value) <= _MOST_DIGITS and value.isascii() and value.isdecimal():
            microseconds = int(value) * factor
        else:
            count = (_TEXT if self.text else _NUMBER).read(value, strict=strict)
            microseconds = int(_COUNTING.multiply(count, factor))
        try:
            return _EPOCH + timedelta(0, 0, microseconds)
        except OverflowError as error:
            raise Deviation("a moment between the years 1 and 9999") from error

    def write(self, value: datetime) -> Json:
        count = _COUNTING.divide((value - _EPOCH) // timedelta(microseconds=1), 1_000_000 // self.per_second)
        number = int(count) if count == int(count) else count.normalize(_COUNTING)
        return plain(Decimal(number)) if self.text else number


class Iso:
    """An aware UTC moment as ISO 8601 text, with or without a fraction, zone as +00:00, +0000 or Z."""

    def read(self, value: Json, *, strict: bool) -> datetime:
        return _moment(value, _ISO if strict else _MOMENT, "2016-04-08T17:52:31+00:00")

    def write(self, value: datetime) -> Json:
        return value.isoformat(timespec="milliseconds" if value.microsecond % 1000 == 0 < value.microsecond else "auto")


class Naive:
    """An aware UTC moment, on the wire without its zone: 2013-09-26 23:15:04, sometimes with microseconds."""

    def read(self, value: Json, *, strict: bool) -> datetime:
        return _moment(value, _NAIVE if strict else _MOMENT, "2013-09-26 23:15:04", zone="Z")

    def write(self, value: datetime) -> Json:
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def _moment(value: Json, form: re.Pattern[str], example: str, *, zone: str = "") -> datetime:
    """Return the moment that a text names; *zone* is that of a text which names none."""
    found = form.fullmatch(value) if type(value) is str else None
    zone = zone if found is None else found["zone"] or zone
    if found is None or not zone:
        raise Deviation(f"a moment as {example}")
    # Cut to microseconds, not rounded: what happened does not happen later because of us.
    fraction = (found["fraction"] or "")[:6].ljust(6, "0")
    try:
        return datetime.fromisoformat(f"{found['date']}T{found['time']}.{fraction}{zone.upper()}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Deviation("a moment that exists") from error


UnixTime = Annotated[datetime, Epoch()]
UnixTimeText = Annotated[datetime, Epoch(text=True)]
UnixMillis = Annotated[datetime, Epoch(per_second=1000)]
UnixMicrosText = Annotated[datetime, Epoch(per_second=1_000_000, text=True)]
IsoTime = Annotated[datetime, Iso()]
NaiveTime = Annotated[datetime, Naive()]
