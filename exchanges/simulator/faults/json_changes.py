"""Changes to the JSON of an answer: other key order, unknown fields, numbers as strings and strings as numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from random import Random

from exchanges.simulator.faults.points import FaultPoint
from exchanges.wire import Deviation, Json, dumps, loads

__all__ = ["change_json"]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,12})?", re.ASCII)
_UNKNOWN_VALUES: tuple[Json, ...] = (None, True, "new", Decimal("1.5"), ["new"], {"new": None})


def change_json(point: FaultPoint, body: bytes, random: Random) -> bytes:
    """Return *body* as *point* changes it; unchanged if *point* is not about JSON, or *body* is not JSON."""
    if point not in _CHANGES:
        return body
    try:
        return dumps(_CHANGES[point](loads(body), random))
    except Deviation:
        return body


def _shuffle_keys(value: Json, random: Random) -> Json:
    if isinstance(value, dict):
        items = [(key, _shuffle_keys(item, random)) for key, item in value.items()]
        random.shuffle(items)
        return dict(items)
    return [_shuffle_keys(item, random) for item in value] if isinstance(value, list) else value


def _add_fields(value: Json, random: Random) -> Json:
    if isinstance(value, dict):
        added = {"simulated_news": random.choice(_UNKNOWN_VALUES)}
        return {**added, **{k: _add_fields(item, random) for k, item in value.items()}}
    return [_add_fields(item, random) for item in value] if isinstance(value, list) else value


def _numbers_as_strings(value: Json, random: Random) -> Json:
    if isinstance(value, dict):
        return {key: _numbers_as_strings(item, random) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers_as_strings(item, random) for item in value]
    # In Python a bool is an int; in JSON it is not a number.
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _strings_as_numbers(value: Json, random: Random) -> Json:
    if isinstance(value, dict):
        return {key: _strings_as_numbers(item, random) for key, item in value.items()}
    if isinstance(value, list):
        return [_strings_as_numbers(item, random) for item in value]
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


_CHANGES: dict[FaultPoint, Callable[[Json, Random], Json]] = {
    FaultPoint.SHUFFLE_KEYS: _shuffle_keys,
    FaultPoint.ADD_FIELDS: _add_fields,
    FaultPoint.NUMBERS_AS_STRINGS: _numbers_as_strings,
    FaultPoint.STRINGS_AS_NUMBERS: _strings_as_numbers,
}
