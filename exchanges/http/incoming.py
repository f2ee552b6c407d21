"""Headers of requests that an exchange sends to us, as web frameworks pass them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias, cast

Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]
"""The headers of a request: a mapping, or pairs as in ASGI."""


def only_value(headers: Headers, name: bytes) -> bytes:
    """Return the value of a header, empty if it is missing or occurs twice.

    Args:
        headers: As received.
        name: In lower case.

    Raises:
        TypeError: *headers* are of another type.
        ValueError: As before.
    """
    pairs: Iterable[tuple[str | bytes, str | bytes]]
    try:
        pairs = cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
        values = [_bytes(value) for found, value in pairs if _bytes(found).lower() == name]
    except (TypeError, ValueError):
        raise
    except Exception as error:  # noqa: BLE001 - an object of the caller's own may raise anything
        raise TypeError(f"headers raise {type(error).__name__}") from None
    return values[0] if len(values) == 1 else b""


def _bytes(text: str | bytes) -> bytes:
    # A replaced character is part of no digest and no base64, so it never compares equal.
    return text.encode("ascii", "replace") if isinstance(text, str) else bytes(text)
