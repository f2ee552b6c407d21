"""JSON to values and back: exact numbers, moments, open enums, positional rows.

Two paths lead from bytes to objects, and they return equal objects:

* The reference path: `loads` (the only parser of JSON) returns plain values, `Wire.structure` turns those into attrs
  classes through the hooks of a cattrs converter and reports the place of every deviation.
* The fast path, `Wire.rows`, for answers that are long lists of rows: see `exchanges.wire.fast_rows`. What it does not
  accept it leaves to the reference path, which decodes or explains it. Strict clients use the reference path alone.
"""

from exchanges.wire.codecs import (
    Amount,
    Choice,
    Deviation,
    Id,
    Json,
    Number,
    OpenIntEnum,
    OpenStrEnum,
    RawJson,
    TextDecimal,
    loads,
    plain,
)
from exchanges.wire.converter import Wire, decode, dumps, encode
from exchanges.wire.currencies import CurrencyAmounts, CurrencyBalance, CurrencyBalances
from exchanges.wire.evidence import Address, BitcoinAddress, Confirmation, NoBody, RippleAddress
from exchanges.wire.models import Model, Row, TaggedRow, UnknownRow
from exchanges.wire.moments import (
    Epoch,
    IsoTime,
    NaiveTime,
    UnixMicrosText,
    UnixMillis,
    UnixTime,
    UnixTimeText,
)

__all__ = [
    "Address",
    "Amount",
    "BitcoinAddress",
    "Choice",
    "Confirmation",
    "CurrencyAmounts",
    "CurrencyBalance",
    "CurrencyBalances",
    "Deviation",
    "Epoch",
    "Id",
    "IsoTime",
    "Json",
    "Model",
    "NaiveTime",
    "NoBody",
    "Number",
    "OpenIntEnum",
    "OpenStrEnum",
    "RawJson",
    "RippleAddress",
    "Row",
    "TaggedRow",
    "TextDecimal",
    "UnixMicrosText",
    "UnixMillis",
    "UnixTime",
    "UnixTimeText",
    "UnknownRow",
    "Wire",
    "decode",
    "dumps",
    "encode",
    "loads",
    "plain",
]
