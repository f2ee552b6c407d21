"""What travels, in both directions: JSON, exact numbers, moments, open enums, positional rows.

Two ways lead from bytes to objects, and they give equal objects:

* The reference way: `loads` (the only door for JSON) makes plain values, `Wire.structure` turns those into attrs
  classes through the hooks of a cattrs converter and knows the place of every deviation.
* The fast way, `Wire.rows`, for answers that are long lists of rows: see `exchanges.wire.fast_rows`. Whatever it
  does not like it leaves to the reference way, which decodes or explains. Strict clients use the reference way alone.
"""

from exchanges.wire.codecs import (
    Amount,
    Choice,
    Codec,
    Deviation,
    Done,
    Epoch,
    Id,
    IsoTime,
    Json,
    NaiveTime,
    Number,
    OpenIntEnum,
    OpenStrEnum,
    RawJson,
    TextDecimal,
    UnixMicrosText,
    UnixMillis,
    UnixTime,
    UnixTimeText,
    loads,
    plain,
)
from exchanges.wire.converter import Wire, decode, dumps, encode
from exchanges.wire.currencies import flatten_currencies, nest_currencies
from exchanges.wire.models import Row, TaggedRow, UnknownRow, flatten_keys, named, nest_keys

__all__ = [
    "Amount",
    "Choice",
    "Codec",
    "Deviation",
    "Done",
    "Epoch",
    "Id",
    "IsoTime",
    "Json",
    "NaiveTime",
    "Number",
    "OpenIntEnum",
    "OpenStrEnum",
    "RawJson",
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
    "flatten_currencies",
    "flatten_keys",
    "loads",
    "named",
    "nest_currencies",
    "nest_keys",
    "plain",
]
