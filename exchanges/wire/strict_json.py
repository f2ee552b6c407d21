"""Strict JSON for bodies that anybody may have sent.

`loads` accepts numbers that are no JSON, which exchanges send. So the standard parser, which shows them, parses the
body too; both must accept.
"""

from __future__ import annotations

from typing import NoReturn

from exchanges.wire.codecs import Deviation, Json, is_heavy, loads


def read_strictly(body: bytes, *, max_bytes: int) -> Json:
    """Parse JSON of at most *max_bytes*, in which no object has a key twice.

    Raises:
        Deviation: The body is anything else.
    """
    if not isinstance(body, bytes) or len(body) > max_bytes or is_heavy(body):
        raise Deviation(f"at most {max_bytes} bytes, and not too many values")
    value = loads(body)
    import json  # noqa: PLC0415 - for callbacks alone

    try:
        json.loads(body.decode(), parse_int=str, parse_float=str, parse_constant=_reject)
    except (ValueError, RecursionError):
        raise Deviation("JSON without numbers that are none") from None
    return value


def _reject(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
