"""The same answer in other JSON: keys in another order, fields that nobody knows, numbers and strings exchanged."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from random import Random

from exchanges.simulator.faults.points import FaultPoint
from exchanges.wire import Deviation, Json, dumps, loads

__all__ = ["reworded"]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,12})?", re.ASCII)
_NEWS: tuple[Json, ...] = (None, True, "new", Decimal("1.5"), ["new"], {"new": None})


def reworded(point: FaultPoint, body: bytes, chance: Random) -> bytes:
    """Say what *body* says in other JSON, if *point* is about that; what is no JSON stays as it is."""
    if point not in _REWORDINGS:
        return body
    try:
        return dumps(_REWORDINGS[point](loads(body), chance))
    except Deviation:
        return body


def _shuffled(value: Json, chance: Random) -> Json:
    if isinstance(value, dict):
        items = [(key, _shuffled(item, chance)) for key, item in value.items()]
        chance.shuffle(items)
        return dict(items)
    return [_shuffled(item, chance) for item in value] if isinstance(value, list) else value


def _with_more(value: Json, chance: Random) -> Json:
    if isinstance(value, dict):
        return {"simulated_news": chance.choice(_NEWS), **{k: _with_more(item, chance) for k, item in value.items()}}
    return [_with_more(item, chance) for item in value] if isinstance(value, list) else value


def _in_strings(value: Json, chance: Random) -> Json:
    if isinstance(value, dict):
        return {key: _in_strings(item, chance) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_strings(item, chance) for item in value]
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _in_numbers(value: Json, chance: Random) -> Json:
    if isinstance(value, dict):
        return {key: _in_numbers(item, chance) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_numbers(item, chance) for item in value]
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


_REWORDINGS: dict[FaultPoint, Callable[[Json, Random], Json]] = {
    FaultPoint.SHUFFLE_KEYS: _shuffled,
    FaultPoint.ADD_FIELDS: _with_more,
    FaultPoint.NUMBERS_AS_STRINGS: _in_strings,
    FaultPoint.STRINGS_AS_NUMBERS: _in_numbers,
}
