"""Decoding of answer bodies: bounded, and only in the encodings that requests accept.

A body is decoded while it arrives, so that one that grows without end is rejected at the bound and not behind it.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Generator, Mapping

from exchanges.http.answer import ORDINARY_BYTES, BadAnswer
from exchanges.wire.codecs import is_heavy
from exchanges.wire.row_cutter import LARGE_BYTES, RowCutter, is_list

__all__ = ["BodyDecoder", "body_decoder", "checked", "is_gzip"]

_GZIP_WBITS = 31
_GZIP_MAGIC = b"\x1f\x8b"
_IDENTITY = ("identity", "")
_GZIP = ("gzip", "x-gzip")  # RFC 9110 8.4.1.3: a recipient treats both names alike
_SLICE = 16 * 1024
_PIECE, _INFLATED = 64 * 1024, 256 * 1024
"""What one step reads and writes at most."""
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


def checked(body: bytes) -> bytes:
    """Return a whole body.

    Raises:
        BadAnswer: As JSON it would take many times its size once it is parsed.
    """
    if is_heavy(body):
        raise BadAnswer(f"an answer with too many values for {len(body)} bytes")
    return body


def body_decoder(
    status: int, headers: Mapping[str, str], max_bytes: int, cutter: RowCutter | None = None
) -> BodyDecoder:
    """Return the decoder of an answer with this *status* and these *headers*.

    Raises:
        BadAnswer: An encoding that was not requested.
    """
    encoding = headers.get("content-encoding", "")
    if 200 <= status < 300:
        return BodyDecoder(encoding, max_bytes, cutter)
    return BodyDecoder(encoding, min(max_bytes, ORDINARY_BYTES))  # an error is never large


class BodyDecoder:
    """One body, decoded piece by piece within a bound.

    With a *cutter* no call does more than a bounded piece of work, however far the body inflates: what is left waits
    for the next call, and in the end for `steps`. As soon as the body is known to be a large list the cutter gets it
    all, and nothing is kept here. Everything else is bounded like ordinary answers.

    Args:
        encoding: The value of ``Content-Encoding``; empty if the answer has none.
        max_bytes: Largest size of the decoded body; on the wire it may take twice that.
        cutter: Reads large lists.

    Raises:
        BadAnswer: An encoding that was not requested.
    """

    __slots__ = ("_body", "_cutter", "_is_cut", "_max_bytes", "_members", "_received", "_size", "_waiting")

    def __init__(self, encoding: str, max_bytes: int, cutter: RowCutter | None = None) -> None:
        self._max_bytes = max_bytes
        self._members = _Members() if is_gzip(encoding) else None
        self._body = bytearray()  # not a list of chunks: a server may send one byte in each
        self._received = self._size = 0
        self._cutter, self._is_cut = cutter, False
        self._waiting: deque[memoryview] = deque()

    def __len__(self) -> int:
        return self._size

    @property
    def rows(self) -> RowCutter | None:
        """The cutter, if it got the body."""
        return self._cutter if self._is_cut else None

    def expect(self, size: int) -> None:
        """Reject a body of *size* bytes on the wire that is too large, before any of it arrives."""
        if size > (2 * self._max_bytes if self._members else self._max_bytes):
            raise self._too_large()

    def add(self, chunk: bytes | bytearray | memoryview) -> None:
        """Decode the next bytes of the body.

        Raises:
            BadAnswer: Too large, or not the gzip that the head announced.
        """
        if self._members is None and self._cutter is None:
            self._take(chunk)
            return
        self._received += len(chunk)
        # Gzip that inflates to nothing is endless too.
        if self._received > 2 * self._max_bytes:
            raise self._too_large()
        if self._cutter is None:
            self._decode(memoryview(chunk), self._max_bytes + 1 - self._size)
        else:
            self._waiting.append(memoryview(bytes(chunk)))
            self._advance()

    def steps(self) -> Generator[None, None, None]:
        """Decode what is left when the body has arrived, in steps of bounded work.

        Raises:
            BadAnswer: As from `add`.
        """
        while self._waiting:
            yield
            self._advance()
        if (rows := self.rows) is not None:
            yield from rows.steps()

    def end(self) -> bytes:
        """Return the whole body; empty if the cutter got it.

        Raises:
            BadAnswer: The gzip is incomplete, or the JSON would take many times its size once it is parsed.
        """
        if self._members is not None and self._received and not self._members.is_whole:
            raise BadAnswer("an answer whose gzip is incomplete")
        return checked(bytes(self._body))

    def _advance(self) -> None:
        """Decode a slice of what waits."""
        data = self._waiting.popleft()
        if len(data) > _PIECE:
            self._waiting.appendleft(data[_PIECE:])
        before = self._size
        rest = self._decode(data[:_PIECE], _INFLATED)
        # Where the output has reached its bound there may be more, even if all input is consumed.
        if rest or self._size - before >= _INFLATED:
            self._waiting.appendleft(memoryview(rest))

    def _decode(self, data: memoryview, most: int) -> bytes:
        """Decode *data* until it has become *most* bytes, and return the rest of it."""
        if self._members is None:
            self._take(data)
            return b""
        decoded = bytearray()
        rest = self._members.inflate(data, decoded, most, self._size)
        self._take(decoded)
        return rest

    def _take(self, decoded: bytes | bytearray | memoryview) -> None:
        self._size += len(decoded)
        if self._size > self._max_bytes:
            raise self._too_large()
        if self._is_cut and self._cutter is not None:
            self._cutter.add(decoded)
            return
        self._body += decoded
        if self._cutter is not None and self._size > LARGE_BYTES:
            self._is_cut = is_list(self._body)
            if self._is_cut:
                self._cutter.add(self._body)
                self._body = bytearray()
            else:
                self._max_bytes = min(self._max_bytes, ORDINARY_BYTES)

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

    def inflate(self, data: memoryview, body: bytearray, bound: int, before: int) -> bytes:
        """Append what *data* inflates to, until *body* has *bound* bytes; return the rest of *data*.

        Args:
            before: How many bytes came out before *body*.
        """
        # At the end of a member zlib copies everything behind it; slices keep many small members from being quadratic.
        for start in range(0, max(1, len(data)), _SLICE):
            rest: bytes | memoryview = data[start : start + _SLICE]
            if not len(rest) and not self._inflater.eof:
                self._inflate(rest, body, bound)  # the output that zlib holds back
            while len(rest) and len(body) < bound:
                is_next = self._inflater.eof
                rest = self._next(bytes(rest), before + len(body)) if is_next else self._inflate(rest, body, bound)
            if len(body) >= bound:
                return bytes(rest) + bytes(data[start + _SLICE :])
        return b""

    def _inflate(self, data: bytes | memoryview, body: bytearray, bound: int) -> bytes:
        try:
            body += self._inflater.decompress(data, bound - len(body))
        except zlib.error:
            raise BadAnswer("an answer that is not valid gzip") from None
        return self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail

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
