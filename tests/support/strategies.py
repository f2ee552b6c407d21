"""Values of every model, generated from its annotations alone, and cells as no document shows them."""

import inspect
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from exchanges import Bitex, Bitso, Bitstamp
from exchanges.bitex import PointOfSale
from exchanges.bitso.models.trading import CancelledId
from exchanges.bitstamp.models.funding import InWords
from exchanges.endpoint import endpoints_of
from exchanges.wire import Address, BitcoinAddress, Epoch, Json, OpenIntEnum, OpenStrEnum, Row, TaggedRow, UnknownRow
from exchanges.wire.codecs import Text
from exchanges.wire.evidence import BITCOIN

CLIENTS = (Bitex, Bitso, Bitstamp)
ENDPOINTS = {e.id: e for client in CLIENTS for e in endpoints_of(client)}

QUICK = settings(deadline=None, database=None, derandomize=True)
examples = pytest.mark.parametrize("number", [4, pytest.param(25, marks=pytest.mark.stress)], ids=["few", "many"])
"""How many values are drawn for each of the many models: a few, and more in `nox -s stress`."""


def _models(annotation):
    """All attrs classes that *annotation* reaches."""
    if isinstance(annotation, type) and attrs.has(annotation):
        yield annotation
        for hint in _hints(annotation).values():
            yield from _models(hint)
    for inner in get_args(annotation):
        yield from _models(inner)


def _hints(cls):
    hints = get_type_hints(cls, include_extras=True)
    return {a.name: hints[a.name] for a in attrs.fields(cls)}


MODELS = tuple(dict.fromkeys(m for e in ENDPOINTS.values() for m in _models(e.answer)))
ROWS = tuple(m for m in MODELS if issubclass(m, Row))
LISTS = {e.id: e.answer for e in ENDPOINTS.values() if get_origin(e.answer) is list}


def name_of(model):
    """A model as tests name it: ``bitstamp.v1 Ticker``."""
    return f"{model.__module__.removeprefix('exchanges.').rpartition('.')[0]} {model.__name__}"


# Keys that are data of some shape.
KEYS = {
    "amounts": st.sampled_from(("btc", "usd", "mxn", "1inch")),
    "rates": st.sampled_from(("btc_usd", "btc_mxn", "eth_btc")),
}

# Values


@st.composite
def decimals(draw):
    """Up to 30 digits, from 10**-30 to below 10**30."""
    digits = draw(st.integers(0, 10**30 - 1).map(str))
    exponent = draw(st.integers(-29 - len(digits), 30 - len(digits)))
    return Decimal((draw(st.sampled_from((0, 1))), tuple(map(int, digits)), exponent))


texts = st.text(st.characters(codec="utf-8"), max_size=12)
words = texts.filter(bool)  # where an empty text is taken for nothing
whole = st.integers(-(10**30) + 1, 10**30 - 1)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - made aware
recent = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - as above
plain = st.recursive(
    st.none() | st.booleans() | whole | decimals() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


def values(annotation):
    """Values of *annotation* that can be sent."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(*inner)
    if origin in (Union, UnionType):
        return st.one_of(*(st.none() if a is NoneType else values(a) for a in inner))
    if origin is dict:
        return st.dictionaries(words, values(inner[1]), max_size=3)
    if origin in (list, tuple, Sequence):
        return st.lists(values(inner[0]), max_size=4).map(tuple if origin is tuple else list)
    return _single(annotation)


def _annotated(kind, *forms):
    if kind == Json:
        return plain
    if inspect.isclass(kind) and issubclass(kind, OpenIntEnum):  # a code in text has a length
        return st.sampled_from(kind) | st.integers(0, 10**9 - 1).map(kind)
    are_checked = {get_args(kind)[1] for kind in (CancelledId, InWords)}
    if any(isinstance(form, Address | BitcoinAddress) for form in forms) or not are_checked.isdisjoint(forms):
        # An address is letters and digits, as the id of a cancelled order is; a status in words may be.
        return st.from_regex(BITCOIN, fullmatch=True)
    if any(isinstance(form, Text) and form.number for form in forms):  # an id is not empty
        return words.filter(str.strip)
    # Whole seconds are documented; with a fraction, sixteen digits are what a float holds.
    if any(f.per_second == 1 for f in forms if isinstance(f, Epoch)):
        return moments.map(lambda m: m.replace(microsecond=0)) | recent
    return values(kind)


def _single(kind):
    single = {Decimal: decimals(), int: whole, str: texts, bool: st.booleans(), datetime: moments}
    if kind in single:
        return single[kind]
    if issubclass(kind, OpenIntEnum | OpenStrEnum):
        return st.sampled_from(kind) | (whole if issubclass(kind, OpenIntEnum) else words).map(kind)
    if kind is UnknownRow:
        return st.lists(plain, max_size=4).map(lambda cells: UnknownRow((99, *cells)))
    assert attrs.has(kind), f"no strategy makes {kind}"
    fields = {name: values(hint) for name, hint in _hints(kind).items()}
    fields |= {name: st.dictionaries(KEYS[name], decimals(), max_size=3) for name in KEYS.keys() & fields.keys()}
    if issubclass(kind, TaggedRow):
        fields["extra"] = st.just(()) | fields["extra"]
    built = st.builds(kind, **fields)
    # An object without any setting is none.
    return built.filter(lambda value: value != kind()) if kind is PointOfSale else built
