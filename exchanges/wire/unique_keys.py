"""Detection of objects that have a key twice: of two values nobody knows which one the exchange meant.

The parser keeps the last one silently, and one that shows all pairs takes several times as long. So keys are counted
first: each pair of a document has a quote and a colon behind it. If what was parsed has as many keys, none was lost. A
document that has more of them, such as inside of a text, is parsed once more.
"""

from __future__ import annotations

from typing import Any

__all__ = ["has_unique_keys"]


def has_unique_keys(body: bytes, value: object) -> bool:
    """Return whether no object of *body*, which was parsed as *value*, has a key twice."""
    # Without blanks every colon that ends a key stands directly behind its quote.
    most = body.translate(None, b" \t\r\n").count(b'":')
    return not most or _has_keys(value, most) or _shows_unique_keys(body)


def _has_keys(value: object, count: int) -> bool:
    """Return whether the objects in *value* have so many keys, which is the most that they can have."""
    level: list[Any] = [value]
    found = 0
    while level:
        # Level by level: most documents have no object below the one with all their keys, and are never walked.
        found += sum([len(part) for part in level if part.__class__ is dict])
        if found == count:
            return True
        inside = (part.values() if part.__class__ is dict else part for part in level)
        level = [part for parts in inside for part in parts if part.__class__ is dict or part.__class__ is list]
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
