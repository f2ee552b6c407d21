"""Decoding of answer bodies: bounded, and only in the encodings that requests accept.

A body is decoded while it arrives, so that one that grows without end is rejected at the bound and not behind it.
"""

from __future__ import annotations

import zlib

from exchanges.http.answer import ORDINARY_BYTES, BadAnswer
from exchanges.wire.codecs import is_heavy

__all__ = ["BodyDecoder", "is_gzip"]

_GZIP_WBITS = 31
_GZIP_MAGIC = b"\x1f\x8b"
_IDENTITY = ("identity", "")
_GZIP = ("gzip", "x-gzip")  # RFC 9110 8.4.1.3: a recipient treats both names alike
_SLICE = 16 * 1024
_FREE_MEMBERS = 64
_BYTES_PER_MEMBER = 512


def is_gzip(encoding: str) -> bool:
    """Return whether a ``Content-Encoding`` means gzip.

    Raises:
        BadAnswer: An encoding that was not requested.
    """
    name = encoding.strip().lower()
    if name in _IDENTITY:
        return False
    if name not in _GZIP:
        raise BadAnswer("an answer in an encoding that was not requested")
    return True


class BodyDecoder:
    """One body, decoded piece by piece within a bound.

    Args:
        encoding: The value of ``Content-Encoding``; empty if the answer has none.
        max_bytes: Largest size of the decoded body; on the wire it may take twice that.

    Raises:
        BadAnswer: An encoding that was not requested.
    """

    __slots__ = ("_body", "_is_heavy_allowed", "_max_bytes", "_members", "_received")

    def __init__(self, encoding: str, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._is_heavy_allowed = max_bytes > ORDINARY_BYTES
        self._members = _Members() if is_gzip(encoding) else None
        self._body = bytearray()  # not a list of chunks: a server may send one byte in each
        self._received = 0

    def __len__(self) -> int:
        return len(self._body)

    def expect(self, size: int) -> None:
        """Reject a body of *size* bytes on the wire that is too large, before any of it arrives."""
        if size > (2 * self._max_bytes if self._members else self._max_bytes):
            raise self._too_large()

    def add(self, chunk: bytes | bytearray | memoryview) -> None:
        """Decode the next bytes of the body.

        Raises:
            BadAnswer: Too large, or not the gzip that the head announced.
        """
        self._received += len(chunk)
        # Gzip that inflates to nothing is endless too.
        if self._received > 2 * self._max_bytes:
            raise self._too_large()
        if self._members is None:
            self._body += chunk
        else:
            self._members.inflate(memoryview(chunk), self._body, self._max_bytes + 1)
        if len(self._body) > self._max_bytes:
            raise self._too_large()

    def end(self) -> bytes:
        """Return the whole body.

        Raises:
            BadAnswer: The gzip is incomplete, or the JSON would take many times its size once it is parsed.
        """
        if self._members is not None and self._received and not self._members.is_whole:
            raise BadAnswer("an answer whose gzip is incomplete")
        if not self._is_heavy_allowed and is_heavy(self._body):
            raise BadAnswer(f"an answer with too many values for {len(self._body)} bytes")
        return bytes(self._body)

    def _too_large(self) -> BadAnswer:
        return BadAnswer(f"an answer of more than {self._max_bytes} bytes")


class _Members:
    """The members of a gzip file, one after the other (RFC 1952 2.2), and the zeros that may pad it."""

    __slots__ = ("_count", "_head", "_inflater", "_is_padded")

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(_GZIP_WBITS)
        self._head: bytes = b""  # what follows a member, while it is too short to be recognised
        self._count = 1
        self._is_padded = False

    @property
    def is_whole(self) -> bool:
        """Whether the last member is complete and nothing else has begun."""
        return self._inflater.eof and not self._head

    def inflate(self, data: memoryview, body: bytearray, bound: int) -> None:
        """Append what *data* inflates to, until *body* has *bound* bytes."""
        # At the end of a member zlib copies everything behind it; slices keep many small members from being quadratic.
        for start in range(0, len(data), _SLICE):
            rest: bytes | memoryview = data[start : start + _SLICE]
            while len(rest) and len(body) < bound:
                rest = self._next(bytes(rest), len(body)) if self._inflater.eof else self._inflate(rest, body, bound)

    def _inflate(self, data: bytes | memoryview, body: bytearray, bound: int) -> bytes:
        try:
            body += self._inflater.decompress(data, bound - len(body))
        except zlib.error:
            raise BadAnswer("an answer that is not valid gzip") from None
        # Input that zlib did not consume is not returned: *body* has reached its bound, and the answer is rejected.
        return self._inflater.unused_data

    def _next(self, data: bytes, size: int) -> bytes:
        """Start the next member if *data* opens one; return the input that belongs to it."""
        data = self._head + data
        self._head = b""
        if self._is_padded or data[0] == 0:
            self._is_padded = True
            if data.strip(b"\0"):
                raise BadAnswer("an answer with bytes behind its gzip")
            return b""
        if len(data) < len(_GZIP_MAGIC) and _GZIP_MAGIC.startswith(data):
            self._head = data
            return b""
        if not data.startswith(_GZIP_MAGIC):
            raise BadAnswer("an answer with bytes behind its gzip")
        self._count += 1
        if self._count > _FREE_MEMBERS + size // _BYTES_PER_MEMBER:  # each costs time and memory, however small
            raise BadAnswer("an answer with too many members of gzip")
        self._inflater = zlib.decompressobj(_GZIP_WBITS)
        return data
