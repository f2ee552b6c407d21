"""Strict JSON for bodies that anybody may have sent.

The door for JSON keeps the last of two equal keys without a word, and a key by which a sender is known must not be
said twice. So the standard parser, which shows all pairs, looks at the body as well; both must take it.
"""

from __future__ import annotations

import json
from typing import NoReturn

from exchanges.wire.codecs import Deviation, Json, is_heavy, loads

__all__ = ["read_strictly"]


def read_strictly(body: bytes, *, max_bytes: int) -> Json:
    """Read JSON of at most *max_bytes*, in which no object says a key twice.

    Raises:
        Deviation: It is anything else.
    """
    if not isinstance(body, bytes) or len(body) > max_bytes or is_heavy(body):
        raise Deviation(f"at most {max_bytes} bytes, and not too many values")
    value = loads(body)
    try:
        json.loads(body.decode(), object_pairs_hook=_each_once, parse_int=str, parse_float=str, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise Deviation("JSON in which no key stands twice") from None
    return value


def _each_once(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice")


def _refused(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")
