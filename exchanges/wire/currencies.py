"""Objects whose keys are currencies (an amount each, or its parts) and pairs of currencies (a price each)."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any, cast

from attrs import field, fields

from exchanges.values import frozen
from exchanges.wire.codecs import Json, TextDecimal
from exchanges.wire.models import Model

AMOUNTS, RATES = "amounts", "rates"
# Any name: there are currencies of one letter (S, T) and of digits and letters (1inch).
_CURRENCY = re.compile(r"[A-Za-z0-9]+")
_PAIR = re.compile(r"[A-Za-z0-9]+_[A-Za-z0-9]+")
# Wider than what is accepted as a number, so that an amount in a form that cannot be read is an error and not left out.
_LIKE_A_NUMBER = re.compile(r"[-+]?[0-9.,_ ]*[0-9][0-9.,_ ]*(?:[eE][-+]?[0-9]+)?")


def nest_currencies(value: dict[str, Json], known: Collection[str]) -> dict[str, Json]:
    """Move the keys that are data into two objects: ``amounts`` by currency and ``rates`` by pair.

    Keys that are *known*, that look like neither, or whose value is no number stay where they are.
    """
    rest: dict[str, Json] = {}
    amounts: dict[str, Json] = {}
    rates: dict[str, Json] = {}
    for key, item in value.items():
        if key in known or not _is_amount(item):
            rest[key] = item
        elif _PAIR.fullmatch(key):
            rates[key] = item
        else:
            (amounts if _CURRENCY.fullmatch(key) else rest)[key] = item
    return {**rest, AMOUNTS: amounts, RATES: rates}


def _is_amount(item: Json) -> bool:
    if isinstance(item, str):
        return _LIKE_A_NUMBER.fullmatch(item) is not None
    return isinstance(item, int | Decimal) and not isinstance(item, bool)


def flatten_currencies(value: dict[str, Json]) -> dict[str, Json]:
    """Undo `nest_currencies`."""
    flat = {key: item for key, item in value.items() if key not in (AMOUNTS, RATES)}
    for group in (AMOUNTS, RATES):
        flat.update(cast("dict[str, Json]", value[group]))
    return flat


class CurrencyAmounts:
    """A model with ``amounts`` and ``rates``, whose other fields are the known keys."""

    __slots__ = ()  # so that models have slots alone

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Collect the keys of currencies and pairs."""
        return nest_currencies(value, {a.name for a in fields(cast("Any", cls))} - {AMOUNTS, RATES})

    @classmethod
    def to_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Write a key for each currency and pair."""
        return flatten_currencies(value)


@frozen(kw_only=True)
class CurrencyBalance(Model):
    """The balance of one currency. Wire: three keys of the object that holds all of them."""

    balance: TextDecimal
    """Of the currency: available and reserved together."""
    reserved: TextDecimal
    """Of the currency: in open orders."""
    available: TextDecimal
    """Of the currency: free to use."""


@frozen(kw_only=True)
class CurrencyBalances:
    """A fee, and the balances of an account. Wire: flat object with three keys per currency: ``btc_available``."""

    fee: TextDecimal
    """Percent of each trade."""
    currencies: dict[str, CurrencyBalance] = field(factory=dict[str, CurrencyBalance])
    """By currency, such as btc."""

    @classmethod
    def from_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Collect the keys of each currency."""
        rest: dict[str, Json] = {}
        currencies: dict[str, Json] = {}
        for key, item in value.items():
            # The name of a currency may contain the separator too: only what is behind the last one is the part.
            currency, _, part = key.rpartition("_")
            if currency and part in ("balance", "reserved", "available"):
                cast("dict[str, Json]", currencies.setdefault(currency, {}))[part] = item
            else:
                rest[key] = item
        return {**rest, "currencies": currencies}

    @classmethod
    def to_wire(cls, value: dict[str, Json]) -> dict[str, Json]:
        """Write the keys of each currency."""
        flat = {key: item for key, item in value.items() if key != "currencies"}
        for currency, parts in cast("dict[str, dict[str, Json]]", value["currencies"]).items():
            flat.update({f"{currency}_{part}": item for part, item in parts.items()})
        return flat
