"""Detection of objects that have a key twice: of two values nobody knows which one the exchange meant.

The parser keeps the last one silently, and one that shows all pairs takes several times as long. So keys are counted
first: each pair of a document has a quote and a colon behind it. If what was parsed has as many keys, none was lost. A
document that has more of them, such as inside of a text, is parsed once more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["has_unique_keys"]

# Faster than to ask for ``__class__``, and the type of what was parsed stays open.
_class_of: Callable[[object], object] = type


def has_unique_keys(body: bytes, value: Any) -> bool:
    """Return whether no object of *body*, which was parsed as *value*, has a key twice."""
    colons = body.count(b":")
    # Each pair has one. This is so of most objects that hold no others, and spares them the rest.
    if _class_of(value) is dict and len(value) == colons:
        return True
    most = body.count(b'":')
    # A colon that stands elsewhere is in a text, or a blank is between it and the quote of its key.
    if most != colons:
        most = body.translate(None, b" \t\r\n").count(b'":')
    return not most or _has_keys(value, most) or _shows_unique_keys(body)


def _has_keys(value: object, count: int) -> bool:
    """Return whether the objects in *value* have so many keys, which is the most that they can have."""
    parts: list[Any] = [value]
    found = 0
    # It grows meanwhile. Level by level: most documents have no object below the last of their keys, and what the rows
    # of a list hold is never walked.
    for part in parts:
        kind = _class_of(part)
        if kind is dict:
            found += len(part)
            if found == count:
                return True
            parts += part.values()
        elif kind is list:
            parts += part
    return False


def _shows_unique_keys(body: bytes) -> bool:
    import json  # noqa: PLC0415 - few documents are in doubt

    try:
        # Numbers stay text: only the keys matter here, and `int` would refuse, or take long for, thousands of digits.
        json.loads(body.decode(), object_pairs_hook=_require_unique, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return False
    return True


def _require_unique(pairs: list[tuple[str, object]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key appears twice")
