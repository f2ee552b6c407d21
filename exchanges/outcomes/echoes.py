"""What an answer repeats of its request. An answer that repeats something else belongs to another request. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, DecimalException
from enum import Enum
from typing import Any

from exchanges.endpoint.call import PreparedCall
from exchanges.wire import Json

__all__ = ["mismatches"]

CENTS = -2


def mismatches(call: PreparedCall, value: Any) -> list[str]:
    """Name the fields of the answer *value* that are not what *call* asked for; what it does not repeat is fine."""
    return [name for name, wanted in _expected(call) if not _same(wanted, getattr(value, name, None))]


def _expected(call: PreparedCall) -> Iterator[tuple[str, Any]]:
    yield from call.endpoint.echoes.items()
    for argument in call.endpoint.arguments:
        echo = argument.name if argument.param.echo == "=" else argument.param.echo
        if echo is not None and not argument.param.secret and argument.name in call.values:
            yield echo, call.values[argument.name]


def _same(wanted: Any, told: Any) -> bool:
    """Compare as values what was rendered with what was decoded; kinds that cannot be compared are fine."""
    wanted = wanted.value if isinstance(wanted, Enum) else wanted
    told = told.value if isinstance(told, Enum) else told
    if isinstance(told, Decimal):
        number = _number(wanted)
        return number is None or number == told or _is_rounded(told, number)
    if isinstance(told, str | int) and isinstance(wanted, str | int):
        return _word(told) == _word(wanted)
    return True


def _number(value: Json) -> Decimal | None:
    try:
        return Decimal(str(value))
    except DecimalException:
        return None


def _is_rounded(told: Decimal, wanted: Decimal) -> bool:
    """Whether *told* is *wanted* with fewer decimals, but with cents."""
    digits = told.as_tuple().exponent
    return isinstance(digits, int) and digits <= CENTS and abs(told - wanted) < Decimal(1).scaleb(digits)


def _word(value: str | int) -> str:
    """Write a word as it is compared: an exchange may print letters larger than it was given them."""
    return str(value).strip().casefold()
