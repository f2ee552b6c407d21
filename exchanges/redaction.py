"""Removes secrets from foreign text, however they are encoded there.

A server, or a proxy before it, may repeat what it was sent: unchanged, percent-encoded, escaped as in JSON or HTML, in
upper or lower case, in base64, in hex, or truncated. So text and secret are both decoded into one plain form in which
the origin of every byte is recorded, the secret is searched for there, and what is found is removed from the original.

Servers truncate what they quote, so any eight consecutive characters of a long secret are removed, or sixteen if it
contains blanks. Words stay readable: a short secret counts only where it stands alone.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import cast

__all__ = ["REDACTED", "redacted"]

REDACTED = "[redacted]"

SHORT = 6
"""Shorter secrets are found only where they stand alone: any word may contain them."""
PIECE = 8
LONG = 2 * PIECE
SEARCHED = 4000
"""Characters of a text that are searched; only the first few of them are ever shown."""
CUT = 100
"""Searched in a text that is longer, but not shown: a secret there may have been cut in two."""
ROUNDS = 4
"""How many encodings may be nested."""

# Compiled when an error is first shown; `re` keeps it.
_ESCAPE = rb"(?s)%([0-9A-Fa-f]{2})|\\x([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|(&#?[0-9A-Za-z]{2,8};)|\\(.)"
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_STANDARD = bytes.maketrans(b"-_", b"+/")
_ALONE = re.compile(rb"[0-9A-Za-z\x80-\xff]")

Places = list[tuple[int, int]]
"""For every byte of a plain form, where in the text it begins and ends."""


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Replace each of *secrets* in *text* by `REDACTED`."""
    wanted = {part for secret in secrets for part in _parts(secret) if part}
    if not wanted:
        return text
    shown = len(text) if len(text) <= SEARCHED else SEARCHED - CUT
    text = text[:SEARCHED]
    plain, places = _plain(text)
    folded, standard = _folded(plain), plain.translate(_STANDARD)
    # Marked first and removed at once: pieces overlap, and positions must not move while others are searched for.
    marked = bytearray(len(text))
    for secret in wanted:
        for start, end in (*_as_text(folded, secret), *_in_code(folded, standard, secret)):
            for first, last in places[start:end]:
                marked[first:last] = b"\x01" * (last - first)
    runs = groupby(zip(marked[:shown], text[:shown], strict=True), lambda pair: pair[0])
    return "".join(REDACTED if is_secret else "".join(c for _, c in run) for is_secret, run in runs)


def _parts(secret: str) -> Iterator[str]:
    """List the texts of a secret that is a JSON object or list, without its keys; the secret itself otherwise."""
    if secret[:1] not in ("{", "["):
        yield secret
        return
    import json  # noqa: PLC0415 - few secrets are JSON

    try:
        yield from _texts(json.loads(secret, parse_int=str, parse_float=str))
    except (ValueError, RecursionError):
        yield secret


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        items = cast("Iterable[object]", value.values() if isinstance(value, dict) else value)
        for item in items:
            yield from _texts(item)


# The plain form


def _plain(text: str) -> tuple[bytes, Places]:
    encoded = [c.encode(errors="surrogatepass") for c in text]
    data = b"".join(encoded)
    places = [(n, n + 1) for n, c in enumerate(encoded) for _ in c]
    for _ in range(ROUNDS):  # bounded: a text could be made of nothing but layers
        if not re.search(_ESCAPE, data):
            break
        data, places = _unescaped(data, places)
    return data, places


def _unescaped(data: bytes, places: Places) -> tuple[bytes, Places]:
    """Decode one layer of escapes."""
    pieces, kept, end = list[bytes](), Places(), 0
    for match in re.finditer(_ESCAPE, data):
        decoded = _decoded(match)
        pieces += [data[end : match.start()], decoded]
        kept += places[end : match.start()]
        kept += [(places[match.start()][0], places[match.end() - 1][1])] * len(decoded)
        end = match.end()
    return b"".join([*pieces, data[end:]]), kept + places[end:]


def _decoded(match: re.Match[bytes]) -> bytes:
    percent, byte, unit, entity, escaped = match.groups()
    if percent or byte:
        return bytes.fromhex((percent or byte).decode())
    if unit:
        return chr(int(unit, 16)).encode(errors="surrogatepass")
    if entity:
        import html  # noqa: PLC0415 - for messages alone

        return html.unescape(entity.decode()).encode(errors="surrogatepass")
    return _CONTROLS.get(escaped, cast("bytes", escaped))


def _folded(plain: bytes) -> bytes:
    """Convert letters to lower case, and the plus of HTML forms to a blank."""
    return plain.lower().replace(b"+", b" ")


# Searching


def _as_text(folded: bytes, secret: str) -> Iterator[tuple[int, int]]:
    wanted = _folded(_plain(secret)[0])
    piece = LONG if " " in secret else PIECE
    for start, end in _occurrences(folded, wanted, piece if len(wanted) >= LONG else len(wanted)):
        if len(wanted) >= SHORT or not (_ALONE.match(folded, end) or _ALONE.match(folded[start - 1 : start])):
            yield start, end


def _in_code(folded: bytes, standard: bytes, secret: str) -> Iterator[tuple[int, int]]:
    """List where the secret is in hex and in base64."""
    raw = secret.encode(errors="surrogatepass")
    if len(raw) < SHORT:
        return
    yield from _occurrences(folded, raw.hex().encode(), LONG)
    # Base64 encodes groups of three bytes: the text of a secret depends on where in a group it begins. Of the first and
    # last characters of it only those are compared that depend on the secret alone.
    for shift in range(3):
        code = base64.b64encode(bytes(shift) + raw).rstrip(b"=")
        first, last = (0, 2, 3)[shift], len(code) - bool((shift + len(raw)) % 3)
        yield from _occurrences(standard, code[first:last], PIECE)


def _occurrences(data: bytes, wanted: bytes, piece: int) -> Iterator[tuple[int, int]]:
    """List where pieces of *wanted*, of *piece* bytes each, are in *data*."""
    size = min(piece, len(wanted))
    for begin in {wanted[n : n + size] for n in range(len(wanted) - size + 1)}:
        at = data.find(begin)
        while at >= 0:
            yield at, at + size
            at = data.find(begin, at + 1)
