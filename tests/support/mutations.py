"""Malformed bodies: documented ones with random changes of bytes and of JSON tokens."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from attrs import frozen

from exchanges.wire import Deviation, loads

STATUSES = (*([200] * 12), 201, 400, 403, 404, 420, 422, 429, 500, 503)
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[^][{}:,"\s]+|[][{}:,]')

# What stands in place of a value: numbers, moments and words that readers choke on, shapes that nobody expects.
HOSTILE = (
    *rb"""
null true false 0 -0 -0.0 1 -1 0.1 1e5 1E-7 1e29 1e30 1e-30 1e-31 1e20000 1e-1000000 1e99999999999999999999
9007199254740993 18446744073709551616 999999999999999999999999999999 9999999999999999999999999999999 2147483648
-9223372036854775809 1.2345678901234567890123456789012 946685400.5 253402300800 -62135596801 1e15 0e100 4e2 2.0
NaN Infinity -Infinity 01 1. .5 +1 1_000 0x10 "NaN" "Infinity" "-inf" "sNaN" "1_000" "" "1e5" "1e999999" "+1" "."
"1.5" "-1" "1/2" "0x10" "\u0661" "\u00a01" "1\u2003" "\u0000" "\u001b[2J" "\u202e" "\ud800" "\ud83d\ude00" "\"" "\\"
"2015-01-01T00:00:00Z" "2015-02-31T00:00:00Z" "0001-01-01T00:00:00+23:59" "9999-12-31T23:59:59-23:59" "25:61"
"2013-09-26T23:15:04" "true" "ok" "error" "nonce" "than 99999999999999999999" "invalid" "not found" "API0004" "0301"
[] [[]] [{}] [null] [1] [[1,2],[3]] {} {"a":1} {"":[]} {"error":"x"} {"errors":[{}]} {"success":false} {"code":[1]}
{"data":{"type":"x","id":"1"}} {"data":[]} {"error":{"__all__":[["x"]]}} {"error":{"code":null,"message":{}}} ] } , :
""".split(),
    '"\u0661\u0662"'.encode(),
    b'"\xff\xfe"',
    b"\xef\xbb\xbf1",
    b'" 1 "',
    b'"a\nb"',
    b"9" * 5000,
    b"1." + b"3" * 5000,
    b'"' + b"x" * 3000 + b'"',
    b'{"a":' * 300 + b"1" + b"}" * 300,
)


def _is_let_in(text: bytes) -> bool:
    try:
        loads(text)
    except Deviation:
        return False
    return True


_LET_IN = tuple(text for text in HOSTILE if _is_let_in(text))


def _hostile(chance: random.Random) -> bytes:
    """Choose a piece, mostly one that the JSON parser accepts."""
    return chance.choice(_LET_IN if chance.random() < 0.8 else HOSTILE)


@frozen(eq=False, repr=False)
class Seed:
    """A body, and the places of its values and keys.

    Attributes:
        body: As it came.
        spans: Beginning and end of each value and key, containers among them.
    """

    body: bytes
    spans: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, body: bytes) -> Seed:
        """Return a seed with the places of its values; a body that is not JSON is one value."""
        spans: list[tuple[int, int]] = []
        begun: list[int] = []
        for token in _TOKEN.finditer(body):
            sign = token[0]
            if sign in b"[{":
                begun.append(token.start())
            elif sign in b"]}" and begun:
                spans.append((begun.pop(), token.end()))
            elif sign not in b":,":
                spans.append(token.span())
        return cls(body, tuple(spans) or ((0, len(body)),))


def mutated(seed: Seed, others: Sequence[Seed], chance: random.Random) -> bytes:
    """Change *seed* at one of its places, and up to twice more anywhere."""
    body = chance.choice(_TOKENS)(seed, others, chance)
    for _ in range(chance.choice((0, 0, 0, 0, 0, 1, 2))):
        body = chance.choice(_BYTES)(body, chance)
    return body


def _part(seed: Seed, chance: random.Random) -> tuple[int, int]:
    return seed.spans[int(chance.random() * len(seed.spans))]


# Changes that know JSON


def _replace(seed: Seed, others: Sequence[Seed], chance: random.Random) -> bytes:
    begin, end = _part(seed, chance)
    return seed.body[:begin] + _hostile(chance) + seed.body[end:]


def _retype(seed: Seed, others: Sequence[Seed], chance: random.Random) -> bytes:
    """Turn a value into a text, or a text into a value."""
    begin, end = _part(seed, chance)
    part = seed.body[begin:end]
    changed = part[1:-1] if part[:1] == b'"' else b'"' + part.replace(b'"', b'\\"') + b'"'
    return seed.body[:begin] + changed + seed.body[end:]


def _nest(seed: Seed, others: Sequence[Seed], chance: random.Random) -> bytes:
    begin, end = _part(seed, chance)
    depth = chance.choice((1, 1, 2, 30, 700, 700))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'{"error":', b"}"), (b'{"payload":', b"}")))
    return seed.body[:begin] + opening * depth + seed.body[begin:end] + closing * depth + seed.body[end:]


def _drop(seed: Seed, others: Sequence[Seed], chance: random.Random) -> bytes:
    """Remove a value, with the comma or colon behind it."""
    begin, end = _part(seed, chance)
    return seed.body[:begin] + seed.body[end:].lstrip(b" \n:,")


def _repeat(seed: Seed, others: Sequence[Seed], chance: random.Random) -> bytes:
    begin, end = _part(seed, chance)
    times = chance.choice((2, 2, 3, 20))
    return seed.body[:begin] + b",".join([seed.body[begin:end]] * times) + seed.body[end:]


def _more(seed: Seed, others: Sequence[Seed], chance: random.Random) -> bytes:
    """Insert a cell, or a key, behind a value."""
    _, end = _part(seed, chance)
    key = chance.choice((b"", b"", b'"new":', b'"error":', b'"amount":'))
    return seed.body[:end] + b"," + key + _hostile(chance) + seed.body[end:]


def _swap(seed: Seed, others: Sequence[Seed], chance: random.Random) -> bytes:
    begin, end = _part(seed, chance)
    from_, until = _part(seed, chance)
    return seed.body[:begin] + seed.body[from_:until] + seed.body[end:]


def _graft(seed: Seed, others: Sequence[Seed], chance: random.Random) -> bytes:
    """Replace a value by one of another body."""
    other = chance.choice(others)
    begin, end = _part(seed, chance)
    from_, until = _part(other, chance)
    return seed.body[:begin] + other.body[from_:until] + seed.body[end:]


def _splice(seed: Seed, others: Sequence[Seed], chance: random.Random) -> bytes:
    other = chance.choice(others)
    return seed.body[: _part(seed, chance)[1]] + other.body[_part(other, chance)[0] :]


def _other(seed: Seed, others: Sequence[Seed], chance: random.Random) -> bytes:
    """Replace the whole body."""
    return chance.choice(others).body


def _anywhere(seed: Seed, others: Sequence[Seed], chance: random.Random) -> bytes:
    return chance.choice(_BYTES)(seed.body, chance)


# Changes of bytes


def _flip(body: bytes, chance: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if changed:
            changed[int(chance.random() * len(changed))] ^= 1 << int(chance.random() * 8)
    return bytes(changed)


def _cut(body: bytes, chance: random.Random) -> bytes:
    place = int(chance.random() * (len(body) + 1))
    return body[:place] if chance.random() < 0.5 else body[:place] + body[place + int(chance.random() * 20) :]


def _insert(body: bytes, chance: random.Random) -> bytes:
    place = int(chance.random() * (len(body) + 1))
    return body[:place] + _hostile(chance) + body[place:]


def _again(body: bytes, chance: random.Random) -> bytes:
    """Repeat a piece."""
    place = int(chance.random() * (len(body) + 1))
    return body[:place] + body[max(0, place - int(chance.random() * 60)) :]


_TOKENS: tuple[Callable[[Seed, Sequence[Seed], random.Random], bytes], ...] = (
    # Values are changed more often than shapes: most readers break there.
    *(_replace, _replace, _replace, _replace, _retype, _retype, _nest, _drop, _drop, _repeat, _more, _more),
    *(_swap, _graft, _splice, _other, _anywhere),
)
_BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flip, _flip, _cut, _insert, _again)
