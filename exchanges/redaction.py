"""Takes secrets out of foreign text, however they are written there.

A server, or a proxy before it, may repeat what it was sent: as it came, percent-encoded, as JSON or HTML writes it, in
other letters, in base64, in hex, or cut off. So text and secret are both brought into one plain form in which every
byte knows where it stood, the secret is looked for in there, and what is found is taken out of the text as it came.

Servers cut what they quote, so of a long secret any eight characters in a row are taken out, of one with blanks any
sixteen. Words stay readable: a short secret counts only where it stands alone.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import cast

__all__ = ["REDACTED", "redacted"]

REDACTED = "[redacted]"

SHORT = 6
PIECE = 8
LONG = 2 * PIECE
LOOKED_AT = 4000
"""Characters of a text that are looked at; nobody is shown more than the first few of them."""
CUT = 100
"""Looked at in a text that is longer, but not shown: a secret in it may have been cut in two."""
ROUNDS = 4
"""How often what is written in one way may be written in another on top."""

_ESCAPE = re.compile(
    rb"%([0-9A-Fa-f]{2})|\\x([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|(&#?[0-9A-Za-z]{2,8};)|\\(.)", re.DOTALL
)
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_STANDARD = bytes.maketrans(b"-_", b"+/")
_ALONE = re.compile(rb"[0-9A-Za-z\x80-\xff]")

Places = list[tuple[int, int]]
"""For every byte of a plain form, where in the text it begins and ends."""


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Put `REDACTED` in place of every one of *secrets* in *text*."""
    wanted = {part for secret in secrets for part in _parts(secret) if part}
    if not wanted:
        return text
    shown = len(text) if len(text) <= LOOKED_AT else LOOKED_AT - CUT
    text = text[:LOOKED_AT]
    plain, places = _plain(text)
    folded, standard = _folded(plain), plain.translate(_STANDARD)
    marked = bytearray(len(text))
    for secret in wanted:
        for start, end in (*_as_text(folded, secret), *_in_code(folded, standard, secret)):
            for first, last in places[start:end]:
                marked[first:last] = b"\x01" * (last - first)
    runs = groupby(zip(marked[:shown], text[:shown], strict=True), lambda pair: pair[0])
    return "".join(REDACTED if is_secret else "".join(c for _, c in run) for is_secret, run in runs)


def _parts(secret: str) -> Iterator[str]:
    """Take a secret that is an object or a list in JSON for the texts in it: its keys are none."""
    if secret[:1] not in ("{", "["):
        yield secret
        return
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


# The plain form -------------------------------------------------------------------------------------------------------


def _plain(text: str) -> tuple[bytes, Places]:
    encoded = [c.encode(errors="surrogatepass") for c in text]
    data = b"".join(encoded)
    places = [(n, n + 1) for n, c in enumerate(encoded) for _ in c]
    for _ in range(ROUNDS):
        if not _ESCAPE.search(data):
            break
        data, places = _unescaped(data, places)
    return data, places


def _unescaped(data: bytes, places: Places) -> tuple[bytes, Places]:
    """Take one layer of escapes off."""
    pieces, kept, end = list[bytes](), Places(), 0
    for found in _ESCAPE.finditer(data):
        meant = _meant(found)
        pieces += [data[end : found.start()], meant]
        kept += places[end : found.start()]
        kept += [(places[found.start()][0], places[found.end() - 1][1])] * len(meant)
        end = found.end()
    return b"".join([*pieces, data[end:]]), kept + places[end:]


def _meant(found: re.Match[bytes]) -> bytes:
    percent, byte, unit, entity, escaped = found.groups()
    if percent or byte:
        return bytes.fromhex((percent or byte).decode())
    if unit:
        return chr(int(unit, 16)).encode(errors="surrogatepass")
    if entity:
        return html.unescape(entity.decode()).encode(errors="surrogatepass")
    return _CONTROLS.get(escaped, cast("bytes", escaped))


def _folded(plain: bytes) -> bytes:
    """Make letters small, and a blank of the plus that stands for one in forms."""
    return plain.lower().replace(b"+", b" ")


# Finding --------------------------------------------------------------------------------------------------------------


def _as_text(folded: bytes, secret: str) -> Iterator[tuple[int, int]]:
    wanted = _folded(_plain(secret)[0])
    piece = LONG if " " in secret else PIECE
    for start, end in _found(folded, wanted, piece if len(wanted) >= LONG else len(wanted)):
        if len(wanted) >= SHORT or not (_ALONE.match(folded, end) or _ALONE.match(folded[start - 1 : start])):
            yield start, end


def _in_code(folded: bytes, standard: bytes, secret: str) -> Iterator[tuple[int, int]]:
    """Find the secret in hex and in base64, where it may begin at any of three places in a group."""
    raw = secret.encode(errors="surrogatepass")
    if len(raw) < SHORT:
        return
    yield from _found(folded, raw.hex().encode(), LONG)
    for shift in range(3):
        code = base64.b64encode(bytes(shift) + raw).rstrip(b"=")
        first, last = (0, 2, 3)[shift], len(code) - bool((shift + len(raw)) % 3)
        yield from _found(standard, code[first:last], PIECE)


def _found(data: bytes, wanted: bytes, piece: int) -> Iterator[tuple[int, int]]:
    """Find every *piece* of *wanted* that is so long."""
    size = min(piece, len(wanted))
    for begin in {wanted[n : n + size] for n in range(len(wanted) - size + 1)}:
        at = data.find(begin)
        while at >= 0:
            yield at, at + size
            at = data.find(begin, at + 1)
