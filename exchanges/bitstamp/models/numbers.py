"""Numbers and moments that the exchange writes in more than one way."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from exchanges.wire import Json, Number
from exchanges.wire.moments import Iso, Naive


class _EitherNumber:
    """A decimal that travels as text here and as a number there; written as text."""

    _number = Number(text=True)

    def read(self, value: Json, *, strict: bool) -> Decimal:  # noqa: ARG002 - both are documented
        return self._number.read(value, strict=False)

    def write(self, value: Decimal) -> Json:
        return self._number.write(value)


class _EitherMoment:
    """A moment in UTC, without its zone or as ISO 8601."""

    _naive, _iso = Naive(), Iso()

    def read(self, value: Json, *, strict: bool) -> datetime:
        codec = self._iso if isinstance(value, str) and "T" in value else self._naive
        return codec.read(value, strict=strict)

    def write(self, value: datetime) -> Json:
        return self._iso.write(value)


EitherDecimal = Annotated[Decimal, _EitherNumber()]
EitherTime = Annotated[datetime, _EitherMoment()]
