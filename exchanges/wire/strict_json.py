"""Strict JSON for bodies that anybody may have sent, and for answers that prove something about money.

`loads` silently keeps the last of two equal keys, and neither a key that identifies the sender nor one that says what
became of a call may appear twice. So the standard parser, which shows all pairs, parses the body too; both must accept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from exchanges.wire.codecs import Deviation, Json, is_heavy, loads, without_mark


def read_strictly(body: bytes, *, max_bytes: int) -> Json:
    """Parse JSON of at most *max_bytes*, in which no object has a key twice.

    Raises:
        Deviation: The body is anything else.
    """
    if not isinstance(body, bytes) or len(body) > max_bytes or is_heavy(body):
        raise Deviation(f"at most {max_bytes} bytes, and not too many values")
    value = loads(body)
    _require_unique_keys(body, _reject)
    return value


def loads_unique(body: bytes) -> Json:
    """Parse JSON as `loads` does; reject objects that have a key twice.

    Raises:
        Deviation: Not JSON, or an object says two things.
    """
    value = loads(body)
    _require_unique_keys(without_mark(body), str)
    return value


def _require_unique_keys(body: bytes, parse_constant: Callable[[str], object]) -> None:
    import json  # noqa: PLC0415 - calls that only read do without

    try:
        # Numbers stay text: only the keys matter here, and `int` would refuse, or take long for, thousands of digits.
        json.loads(
            body.decode(),
            object_pairs_hook=_require_unique,
            parse_int=str,
            parse_float=str,
            parse_constant=parse_constant,
        )
    except (ValueError, RecursionError):
        raise Deviation("JSON in which no key appears twice") from None


def _require_unique(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key appears twice")


def _reject(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
