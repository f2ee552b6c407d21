"""Changes to the JSON of an answer: other key order, unknown fields, numbers as strings and strings as numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import TypeAlias

from exchanges.simulator.faults.points import FaultPoint
from exchanges.wire import Deviation, Json, dumps, loads

Object: TypeAlias = dict[str, Json]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,12})?", re.ASCII)
_UNKNOWN_VALUES: tuple[Json, ...] = (None, True, "new", Decimal("1.5"), ["new"], {"new": None})


def change_json(point: FaultPoint, body: bytes, random: Random) -> bytes:
    """Return *body* as *point* changes it; unchanged if *point* is not about JSON, or *body* is not JSON."""
    if point not in _CHANGES:
        return body
    try:
        return dumps(_change(loads(body), random, *_CHANGES[point]))
    except Deviation:
        return body


def _change(
    value: Json, random: Random, objects: Callable[[Object, Random], Object], values: Callable[[Json], Json]
) -> Json:
    """Apply *objects* to every object in *value*, and *values* to everything that is no object or list."""
    if isinstance(value, dict):
        return objects({key: _change(item, random, objects, values) for key, item in value.items()}, random)
    return [_change(item, random, objects, values) for item in value] if isinstance(value, list) else values(value)


def _shuffle(value: Object, random: Random) -> Object:
    # Sampling all of the items draws them in random order.
    return dict(random.sample([*value.items()], len(value)))


def _add_field(value: Object, random: Random) -> Object:
    return {"simulated_news": random.choice(_UNKNOWN_VALUES), **value}


def _as_string(value: Json) -> Json:
    # In Python a bool is an int; in JSON it is not a number.
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _as_number(value: Json) -> Json:
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _same_object(value: Object, _: Random) -> Object:
    return value


def _same_value(value: Json) -> Json:
    return value


_CHANGES = {
    FaultPoint.SHUFFLE_KEYS: (_shuffle, _same_value),
    FaultPoint.ADD_FIELDS: (_add_field, _same_value),
    FaultPoint.NUMBERS_AS_STRINGS: (_same_object, _as_string),
    FaultPoint.STRINGS_AS_NUMBERS: (_same_object, _as_number),
}
