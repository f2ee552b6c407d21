"""Objects whose keys are currencies (an amount each) and pairs of currencies (a price each)."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from typing import cast

from exchanges.wire.codecs import Json

__all__ = ["flatten_currencies", "nest_currencies"]

AMOUNTS, RATES = "amounts", "rates"
_CURRENCY = re.compile(r"[a-z0-9]{2,10}")
_PAIR = re.compile(r"[a-z0-9]{2,10}_[a-z0-9]{2,10}")


def nest_currencies(value: dict[str, Json], known: Collection[str]) -> dict[str, Json]:
    """Move the keys that are data into two objects: ``amounts`` by currency and ``rates`` by pair.

    Keys that are *known*, that look like neither, or whose value is no number stay where they are.
    """
    rest: dict[str, Json] = {}
    amounts: dict[str, Json] = {}
    rates: dict[str, Json] = {}
    for key, item in value.items():
        if key in known or isinstance(item, bool) or not isinstance(item, str | int | Decimal):
            rest[key] = item
        elif _PAIR.fullmatch(key):
            rates[key] = item
        else:
            (amounts if _CURRENCY.fullmatch(key) else rest)[key] = item
    return {**rest, AMOUNTS: amounts, RATES: rates}


def flatten_currencies(value: dict[str, Json]) -> dict[str, Json]:
    """Undo `nest_currencies`."""
    flat = {key: item for key, item in value.items() if key not in (AMOUNTS, RATES)}
    for group in (AMOUNTS, RATES):
        flat.update(cast("dict[str, Json]", value[group]))
    return flat
