"""Answers of a hostile or broken server: too large, too slow, too deep, or not HTTP at all."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import string
import struct
import zlib
from collections.abc import Callable
from functools import partial

from exchanges.wire.codecs import is_heavy
from tests.support.raw_server import Heard, Talk, answering, once, response

MIB = 1024 * 1024
LETTERS = string.ascii_letters + string.digits
ANSWER = b'[1, 12345678, 946685400, 100.0, 50.0, 1000.0, 2, 0, 0.1, "ApiKey#1", 0.01]'
"""A valid answer: a bid of Bitex."""
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"
ZIPPED = b"Content-Encoding: gzip\r\n"
DRIP_SECONDS = 0.02
FLOOD = 64 * 1024
_EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"


def _for_ever(first: bytes, piece: bytes, seconds: float | None = None) -> Talk:
    """Repeat *piece* without end: as fast as possible, or one byte every *seconds*."""

    async def talk(heard: Heard) -> None:
        await heard.request()
        await heard.say(first)
        if seconds is None:
            flood = piece * max(1, FLOOD // len(piece))
            while True:
                await heard.say(flood)
        for byte in itertools.cycle(piece):
            await heard.say(bytes([byte]))
            await asyncio.sleep(seconds)

    return talk


def _silent(first: bytes = b"") -> Talk:
    """Send *first*, and then nothing."""

    async def talk(heard: Heard) -> None:
        await heard.request()
        await heard.say(first)
        await heard.reader.read()

    return talk


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _zipped(body: bytes, *more: bytes) -> Talk:
    return once(response(body + b"".join(more), b"Content-Encoding: gzip"))


def _bomb(megabytes: int) -> bytes:
    """Compress zeros with gzip, repeating one compressed block."""
    squeezer, zeros, checksum = zlib.compressobj(wbits=-15), bytes(MIB), 0
    squeezer.compress(zeros)
    squeezer.flush(zlib.Z_FULL_FLUSH)
    megabyte = squeezer.compress(zeros) + squeezer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(megabytes):
        checksum = zlib.crc32(zeros, checksum)
    ends = struct.pack("<II", checksum, megabytes * MIB)
    return _GZIP_HEAD + megabyte * megabytes + squeezer.flush() + ends


BOMB = _bomb(64)
WHOLE = gzip.compress(ANSWER)

# Ends before the deadline.
FAST: dict[str, Talk] = {
    # Size
    "a body that is too large": once(response(b"1" * (2 * MIB))),
    "a body without end": _for_ever(CHUNKED + b"\r\n", _chunk(b"1" * 1000)),
    "a body of a terabyte": _for_ever(HEAD + b"Content-Length: 1000000000000\r\n\r\n", b"1"),
    "a body without end or length": _for_ever(HEAD + b"\r\n", b"1"),
    "a header of 200 kB": once(HEAD + b"X: " + b"a" * 200_000 + b"\r\n\r\n"),
    "a header without end": _for_ever(HEAD + b"X: ", b"a"),
    "headers without end": _for_ever(HEAD, b"a:b\r\n"),
    "a status without end": _for_ever(b"HTTP/1.1 200 ", b"a"),
    "trailers without end": _for_ever(CHUNKED + b"\r\n" + _chunk(ANSWER) + b"0\r\n", b"a:b\r\n"),
    "a chunk that is announced without end": _for_ever(CHUNKED + b"\r\n1;", b"a"),
    "chunks of one byte": _for_ever(CHUNKED + b"\r\n", b"1\r\n1\r\n"),
    "patience without end": _for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a length of 5,000 digits": once(HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"),
    "a chunk of 5,000 digits": once(CHUNKED + b"\r\n" + b"f" * 5000 + b"\r\n"),
    # Gzip
    "a bomb": _zipped(BOMB),
    "a bomb in small chunks": once(
        CHUNKED + ZIPPED + b"\r\n", *(_chunk(BOMB[i : i + 100]) for i in range(0, len(BOMB), 100))
    ),
    "a bomb within a bomb": _zipped(gzip.compress(BOMB)),
    "gzip twice": _zipped(gzip.compress(WHOLE)),
    "gzip twice, declared twice": once(response(gzip.compress(WHOLE), b"Content-Encoding: gzip, gzip")),
    "gzip of nothing without end": _for_ever(
        CHUNKED + ZIPPED + b"\r\n" + _chunk(_GZIP_HEAD), _chunk(_EMPTY_BLOCK * 1000)
    ),
    "gzip with more behind it": _zipped(WHOLE, b"and on"),
    "gzip and gzip": _zipped(WHOLE, WHOLE),
    "gzip that ends early": _zipped(WHOLE[:-9]),
    "gzip of a wrong sum": _zipped(WHOLE[:-8], b"\0\0\0\0", WHOLE[-4:]),
    "no gzip": _zipped(ANSWER),
    "another encoding": once(response(zlib.compress(ANSWER), b"Content-Encoding: deflate")),
    "an encoding that commands": once(response(ANSWER, b"Content-Encoding: \x1b[2J\xe2\x80\xae")),
    # Length and frame
    "an answer that is cut": once(response(ANSWER, length=len(ANSWER) + 10)),
    "a negative length": once(response(ANSWER, length=-1)),
    "two lengths": once(response(ANSWER, b"Content-Length: 3")),
    "half a chunk": once(CHUNKED + b"\r\n50\r\n" + ANSWER[:10]),
    "no chunk": once(CHUNKED + b"\r\n" + ANSWER),
    "nothing": once(),
    "half a line": once(b"HTTP/1.1 2"),
    "half a head": once(HEAD + b"Content-Length: 1"),
    "no HTTP": once(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10),
    "another protocol": once(b"HTTP/9.9 200 OK\r\n\r\n" + ANSWER),
    "a header that breaks the line": once(response(ANSWER, b"X: a\rSet-Cookie: b", b"Y: \0")),
    "a header without a name": once(response(ANSWER, b": a")),
    # Status
    **{f"status {status}": once(response(ANSWER, status=status.encode())) for status in ("099", "1000", "20", "-200")},
    **{f"status {status}": once(response(ANSWER, status=status.encode())) for status in ("600", "999", "101", "304")},
    **{f"status {status}": once(response(b"", status=status.encode())) for status in ("200", "204", "205", "418")},
}
# Ends at the deadline.
SLOW: dict[str, Talk] = {
    "silence": _silent(),
    "silence inside the head": _silent(HEAD + b"Content-Le"),
    "silence inside the body": _silent(HEAD + b"Content-Length: 100\r\n\r\n["),
    "a head in drops": _for_ever(HEAD, b"X-Drop: a\r\n", DRIP_SECONDS),
    "a body in drops": _for_ever(HEAD + b"Content-Length: 1000000\r\n\r\n", b"1", DRIP_SECONDS),
    "chunks in drops": _for_ever(CHUNKED + b"\r\n", b"1\r\n1\r\n", DRIP_SECONDS),
    "gzip in drops": _for_ever(CHUNKED + ZIPPED + b"\r\n" + _chunk(_GZIP_HEAD), _chunk(_EMPTY_BLOCK), DRIP_SECONDS),
    "patience in drops": _for_ever(b"", b"HTTP/1.1 102 Processing\r\n\r\n", DRIP_SECONDS),
}


def answered(body: bytes, status: str = "200 OK") -> Talk:
    """Answer every request with *body*."""
    return answering(response(body, status=status.encode()))


# Stand in place of a number, and are none, or none of bounded length.
NUMBERS: tuple[bytes, ...] = (
    *(b"9" * 1_000_000, b"-" + b"9" * 5000, b"0." + b"3" * 1_000_000, b"1" * 61, b"1e60", b"1e-61", b"[" * 100_000),
    *(b"1e1000000", b"1e-1000000", b"1e99999999999999999999", b"0e1000000", b"NaN", b"Infinity", b"-Infinity"),
    *(b'"NaN"', b'"Infinity"', b'"sNaN"', b'" 1 "', b'"1_000"', b"1_000", b'"+1"', b"+1", b'"0x10"', b"0x10"),
    *('"١٢"'.encode(), '"１２"'.encode(), b'"\\u0661"', "١".encode(), b"01", b"1.", b'"1/2"', b'"1e1000"'),  # noqa: RUF001
    *(b'"1,5"', b"true", b'""', b"[1]", b'{"a":1}', b'"' + b"9" * 1_000_000 + b'"', b'"1"2"', b"null"),
)


def _filled(piece: bytes, size: int = MIB, first: bytes = b"[", last: bytes = b"]") -> bytes:
    """Build a body of *size* from many *piece*s."""
    number = (size - len(first) - len(last) + 1) // (len(piece) + 1)
    return first + b",".join([piece] * number) + last


def _keys(value: bytes, size: int = MIB, name: str = "%s", first: bytes = b"{", last: bytes = b"}") -> bytes:
    """Build a body of *size* with many keys, no two of them equal."""
    each = len(name % "abc") + len(value) + 4
    number = (size - len(first) - len(last)) // each
    names = map("".join, itertools.islice(itertools.product(LETTERS, repeat=3), number))
    return first + b",".join([b'"%s":%s' % ((name % n).encode(), value) for n in names]) + last


def _references(size: int) -> bytes:
    """Build a json:api document with many references to one large resource."""
    user = _keys(b"0", size // 2, first=b'{"type":"users","id":"1","relationships":{},')
    order = b'{"type":"work_order_requests","id":"1","attributes":{},"relationships":{"inputs":{"data":%s}}}'
    return b'{"data":%s,"included":[%s]}' % (order % _filled(b'{"type":"users","id":"1"}', size // 3), user)


def _light(build: Callable[[int], bytes], size: int) -> bytes:
    """Build the largest body of up to *size* that is not refused for the memory that it would take."""
    return next(body for body in map(build, range(size, 0, -MIB // 16)) if not is_heavy(body))


# Take many times their size in memory once they are parsed.
DENSE: dict[str, Callable[[int], bytes]] = {
    "lists": partial(_filled, b"[]"),
    "objects": partial(_filled, b"{}"),
    "objects with a key": partial(_filled, b'{"":1e1}'),
    "objects with a text": partial(_filled, b'{"":"0123456789"}'),
    "numbers": partial(_filled, b"1e1"),
    "whole numbers": partial(_filled, b"999999999"),
    "texts": partial(_filled, b'"12"'),
    "keys": partial(_keys, b"1e1"),
    "fees": partial(_keys, b"1e1", name="%s_fee"),
    "rates": partial(_keys, b'"1"', name="%s_btc"),
    "branches": partial(_keys, b"[]", first=b'{"x":' * 15 + b"{", last=b"}" * 16),
    "rows": partial(_filled, b"[946685400,1,1.1,1.1]"),
    "orders": partial(_filled, b"[1,1,946685400,1,1,1,1,1]"),
    "rows of a book": partial(_filled, b"[1.1,1.1]", first=b'{"bids":[', last=b'],"asks":[]}'),
    "texts of a book": partial(_filled, b'["1.1","1.1"]', first=b'{"timestamp":"1","bids":[', last=b'],"asks":[]}'),
    "references": _references,
    "errors": partial(
        _filled, b'{"code":"1","detail":"no","source":{"pointer":"/a"}}', first=b'{"errors":[', last=b"]}"
    ),
    "fields": partial(_keys, b'"no"', first=b'{"success":false,"error":{', last=b"}}"),
    "words": partial(_filled, b'"nonce"', first=b'{"error":[', last=b"]}"),
}
_SINGLE: dict[str, bytes] = {
    "deep lists": b"[" * 380_000,
    "deep lists that end": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "deep objects that end": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep errors": b'{"error":' * 50_000 + b"1" + b"}" * 50_000,
    "less deep lists": b"[" * 500 + b"]" * 500,
    "a long word": b'{"error":"nonce ' + b"than " * 200_000 + b'"}',
    "a word of control": b'{"error":"' + b"\\u001b[2J\\r\\n\\u202e" * 50_000 + b'"}',
    "a number of a million digits": b"9" * 1_000_000,
    "numbers of a thousand digits": _filled(b"9" * 1000),
    "one text": b'"' + b"x" * (MIB - 2) + b'"',
    "one wide text": b'"' + b"x" * (MIB - 6) + "😀".encode() + b'"',
    "no JSON": b"x" * MIB,
    "quotes": b'"' * MIB,
    "blanks": b" " * MIB,
    "zeros": bytes(MIB),
    "UTF-16": '{"error": "x"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + ANSWER,
    "bad UTF-8": b'{"error": "\xff\xfe"}',
    "half a surrogate": b'{"error": "\\ud800"}',
    "HTML": b"<html><script>alert(1)</script></html>",
}


def _bodies(size: int) -> dict[str, Callable[[], bytes]]:
    """Return complete answers, the dense ones of up to *size*; each is built when it is called for."""
    return {
        **{name: partial(bytes, body) for name, body in _SINGLE.items()},
        **{f"too many {name}": partial(build, MIB) for name, build in DENSE.items()},
        **{f"many {name}": partial(_light, build, size) for name, build in DENSE.items()},
    }


BODIES, SMALL_BODIES = _bodies(MIB), _bodies(MIB // 10)
"""Near the bound of one mebibyte, for the stress stage `hostile`; at a tenth of it, for ordinary tests."""


def _rows(row: bytes, last: bytes | None = None) -> Callable[[int], bytes]:
    """Return what builds a list of equal rows, with another one at its end."""
    return lambda size: b"[" + (row + b",") * (size // (len(row) + 1)) + (row if last is None else last) + b"]"


LARGE: dict[str, Callable[[int], bytes]] = {
    "good rows": _rows(b"[1490605200,1,1.5,1.5]"),
    "a bad row at the end": _rows(b"[1490605200,1,1.5,1.5]", b"[1490605200]"),
    "a row that breaks off at the end": _rows(b"[1490605200,1,1.5,1.5]", b"[1490605200,1"),
    "prices in text": _rows(b'[1490605200,1,"1.5","1.5"]'),
    "prices in odd text": _rows(b'[1490605200,1,"1_5","1.5"]'),
    "numbers of forty places": _rows(b"[1490605200,1,1.%040d,1]" % 1),
    "good movements": _rows(ANSWER),
    "a class that nobody knows": _rows(b"[99,1]"),
    "empty rows": _rows(b"[]"),
    "no rows": _rows(b"1"),
    "texts": _rows(b'"],["'),
    "every second row bad": _rows(b"[1490605200,1,1.5,1.5],[]"),
    "brackets": lambda size: b"[" * size,
    "a quote": lambda size: b'["' + b"x" * size,
    "blanks": lambda size: b"[" + b" " * size + b"]",
    "an object": lambda size: b'{"a":[' + b"1," * (size // 2) + b"1]}",
}
"""Bodies of any size where a large list is expected."""
