"""Reading one HTTP/1.1 answer from the bytes of a connection, without any I/O.

Theory. llhttp (`httptools`) validates the head and decodes chunks. It does not report how many bytes an answer took,
but a connection may only be reused if none followed: they would be read as the answer to the next request. So this
module finds the end of the head and counts ``Content-Length`` itself, and passes the last byte of each chunked read to
llhttp alone: if the answer is complete before that byte, there is a surplus.

Rules for editors:

1. An answer is complete only by its own framing: by its length, its last chunk, its status, or, if it has none of
   these, by an orderly end of the connection.
2. Contradictory framing is rejected, never repaired.
3. Surplus bytes do not invalidate a complete answer; they make the connection unusable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from exchanges.http.answer import ORDINARY_BYTES, Answer, BadAnswer, Lost
from exchanges.http.bodies import BodyDecoder, body_decoder, checked
from exchanges.wire.row_cutter import RowCutter

__all__ = ["MAX_HEAD_BYTES", "AnswerReader", "Malformed"]

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADER_LINES = 256
_HEAD_END = re.compile(rb"\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?")
_FRAMING = (b"content-length", b"transfer-encoding", b"content-encoding", b"connection")
_KEEP_ALIVE_TIMEOUT = re.compile(r"\btimeout=([0-9]{1,6})\b", re.IGNORECASE)
_NO_BODY = (204, 304)


class Malformed(Lost):
    """The bytes that arrived are not an HTTP/1.1 answer."""


class _Complete(Exception):
    """Stops llhttp at the end of a chunked answer."""


class AnswerReader:
    """One answer while it arrives.

    Attributes:
        is_complete: Whether the whole answer has arrived.
        has_surplus: Whether more bytes arrived than belong to it.
        has_begun: Whether any byte of it has arrived.

    Args:
        max_bytes: Largest size of the decoded body.
        cutter: Reads the body of a successful answer, if that is a large list.
    """

    __slots__ = (
        "_body",
        "_chunk_overhead",
        "_cutter",
        "_head",
        "_head_bytes",
        "_headers",
        "_is_head_done",
        "_is_kept_alive",
        "_left",
        "_max_bytes",
        "_parser",
        "_read",
        "_status",
        "_unchunked",
        "_whole",
        "has_begun",
        "has_surplus",
        "is_complete",
        "on_body",
    )

    def __init__(self, max_bytes: int, cutter: RowCutter | None = None) -> None:
        self.is_complete = self.has_surplus = self.has_begun = False
        self._max_bytes, self._cutter = max_bytes, cutter
        self._head = b""
        self._head_bytes = self._status = self._left = self._chunk_overhead = 0
        self._headers: dict[str, str] = {}
        self._is_head_done = self._is_kept_alive = False
        self._parser: HttpResponseParser | None = None
        self._body: BodyDecoder | None = None
        self._whole = b""
        # A plain function: a bound method would be a reference cycle.
        self._read: Callable[[AnswerReader, bytes], None] | None = None

    # What the connection calls

    def feed(self, data: bytes) -> None:
        """Read the next bytes of the connection.

        Raises:
            Malformed: Not an HTTP/1.1 answer, or one that contradicts itself.
            BadAnswer: Too large, or its body cannot be decoded.
        """
        self.has_begun = True
        while self._read is None:  # more than once where interim answers (1xx) come first
            end = self._end_of_head(data)
            if end is None:
                return
            head, data = self._head[:end], self._head[end:]
            self._head = b""
            self._parse_head(head)
        if data:
            self._read(self, data)

    def end(self, *, orderly: bool) -> None:
        """Handle the end of the connection; it completes an answer that announces no length.

        Args:
            orderly: Whether the server itself ended it: by FIN, over TLS by ``close_notify``, which cannot be forged.

        Raises:
            Lost: The answer is incomplete.
            BadAnswer: The body is complete, but cannot be decoded.
        """
        if self.is_complete:
            return
        if self._read is AnswerReader._read_until_end and orderly:
            self._finish()
            return
        if not self.has_begun:
            raise Lost("the connection was closed before the answer began")
        if self._read is None:
            raise Lost("the connection was closed inside the head of the answer")
        raise Lost(f"the connection was closed inside the answer, after {len(self._body or b'')} bytes of its body")

    def steps(self) -> Generator[None, None, None]:
        """Decode what is left of a complete answer, in steps of bounded work.

        Raises:
            BadAnswer: Too large, or its body cannot be decoded.
        """
        if self._body is not None:
            yield from self._body.steps()

    def answer(self) -> Answer:
        """Return the complete answer, when all steps are done."""
        if self._body is None:
            return Answer(self._status, self._headers, checked(self._whole))
        return Answer(self._status, self._headers, self._body.end(), self._body.rows)

    @property
    def allows_reuse(self) -> bool:
        """Whether this answer allows another request on the connection."""
        # A second copy of a refusal that comes late would be the refusal of the next call, and nothing would tell.
        is_refusal = self._status >= 400
        return self.is_complete and self._is_kept_alive and not self.has_surplus and not is_refusal

    @property
    def keep_alive_seconds(self) -> float | None:
        """How long the server keeps an idle connection open; None if it is not specified."""
        text = self._headers.get("keep-alive")
        match = _KEEP_ALIVE_TIMEOUT.search(text) if text is not None else None
        return float(match[1]) if match is not None else None

    # What llhttp calls

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header, or a further value of one."""
        if self._is_head_done:  # trailers are not used, and must not replace headers
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        headers = self._headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        """Record whether the connection persists; llhttp resets this when the answer is complete."""
        self._is_head_done = True
        self._is_kept_alive = self._parser is not None and self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        """Record that the answer is complete, and stop llhttp: it would parse the surplus as another answer."""
        self.is_complete = True
        if self._read is not None:
            raise _Complete

    # Head

    def _end_of_head(self, data: bytes) -> int | None:
        if not self._head:
            self._head = data
            match = _HEAD_END.search(data)
        else:
            start = max(0, len(self._head) - 2)  # an end may lie across two reads
            self._head += data
            match = _HEAD_END.search(self._head, start)
        size = len(self._head) if match is None else match.end()
        if self._head_bytes + size > MAX_HEAD_BYTES:  # including interim answers, which may be endless
            raise BadAnswer(f"an answer whose head takes more than {MAX_HEAD_BYTES} bytes")
        return None if match is None else size

    def _parse_head(self, head: bytes) -> None:
        self._head_bytes += len(head)
        if head.count(b"\n") > MAX_HEADER_LINES:
            raise BadAnswer(f"an answer with more than {MAX_HEADER_LINES} header lines")
        try:
            self._parse(head)
        except HttpParserUpgrade:
            raise Malformed("the server changed the protocol, which was not requested") from None
        except HttpParserError:
            self._parse_repaired(head)
        if not head.startswith(b"HTTP/1.") or not self._is_head_done:
            raise Malformed("the server sent something other than an HTTP/1.1 answer")
        if self._status == 101:
            raise Malformed("the server changed the protocol, which was not requested")
        if self._status >= 200:
            self._choose_framing()

    def _parse_repaired(self, head: bytes) -> None:
        try:
            self._parse(_repaired(head))
        except HttpParserError as error:
            # The text of llhttp names the rule that was broken, and contains nothing that the server sent.
            raise Malformed(f"the head of the answer is malformed: {error}") from None

    def _parse(self, head: bytes) -> None:
        self._headers, self._is_head_done, self.is_complete = {}, False, False
        self._unchunked = bytearray()
        self.on_body = self._unchunked.extend  # called by llhttp for each piece of a chunk
        self._parser = parser = HttpResponseParser(self)
        parser.feed_data(head)
        self._status = parser.get_status_code()
        if self._status < 200:
            self.is_complete = False  # an interim answer; the final one follows

    # Body

    def _choose_framing(self) -> None:
        coding, length = self._headers.get("transfer-encoding"), self._headers.get("content-length")
        if self.is_complete or self._status in _NO_BODY:
            self._read = AnswerReader._read_surplus
            self._finish()
            return
        is_plain = coding is None and self._cutter is None and "content-encoding" not in self._headers
        if is_plain and length is not None and (size := int(length)) <= self._max_bytes and size <= ORDINARY_BYTES:
            self._left, self._read = size, AnswerReader._read_plain
            return
        self._body = body_decoder(self._status, self._headers, self._max_bytes, self._cutter)
        if coding is not None:
            if coding.lower() != "chunked":
                raise BadAnswer("an answer in a transfer coding that was not requested")
            self._read = AnswerReader._read_chunks
        elif length is not None:
            self._left = int(length)
            self._body.expect(self._left)
            self._read = AnswerReader._read_length
        else:
            self._is_kept_alive = False
            self._read = AnswerReader._read_until_end

    def _read_plain(self, data: bytes) -> None:
        """Read a body that needs no decoding; most come whole with the head."""
        if len(data) == self._left:
            self._whole, self._read = data, AnswerReader._read_surplus
            self._finish()
            return
        self._body, self._read = BodyDecoder("", self._max_bytes), AnswerReader._read_length
        self._read_length(data)

    def _read_length(self, data: bytes) -> None:
        body = self._body
        if body is None or self.is_complete:
            self._read_surplus(data)
            return
        if len(data) > self._left:
            self.has_surplus = True
            data = data[: self._left]
        body.add(data)
        self._left -= len(data)
        if not self._left:
            self._finish()

    def _read_until_end(self, data: bytes) -> None:
        if self._body is not None:
            self._body.add(data)

    def _read_surplus(self, _: bytes) -> None:
        self.has_surplus = True

    def _read_chunks(self, data: bytes) -> None:
        view = memoryview(data)
        self._feed_chunks(view[:-1])
        if self.is_complete:
            self.has_surplus = True  # at least the last byte
        else:
            self._feed_chunks(view[-1:])
        if self.is_complete:
            self._finish()

    def _feed_chunks(self, data: memoryview) -> None:
        parser, body = self._parser, self._body
        if parser is None or body is None:
            return
        try:
            parser.feed_data(data)
        except HttpParserError as error:
            if not self.is_complete:  # else `on_message_complete` stopped it
                raise Malformed(f"the body of the answer is malformed: {error}") from None
        # Chunk extensions and trailers count neither as head nor as body, and may be endless as well.
        self._chunk_overhead = 0 if self._unchunked else self._chunk_overhead + len(data)
        if self._chunk_overhead > MAX_HEAD_BYTES:
            raise BadAnswer(f"an answer with more than {MAX_HEAD_BYTES} bytes between two chunks")
        if self._unchunked:
            body.add(self._unchunked)
            self._unchunked.clear()

    def _finish(self) -> None:
        self.is_complete = True
        self._parser = None  # a reference cycle otherwise


def _repaired(head: bytes) -> bytes:
    """Return *head* without lines that are not headers, as other parsers read it.

    Quirk: Incapsula in front of Bitstamp has sent cookies folded by a bare LF, and a space between name and colon.
    Lines about framing are kept as they are, so that llhttp rejects them.
    """
    status, *lines = _LINE_END.split(head.rstrip(b"\r\n"))
    unfolded: list[bytes] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and unfolded:  # obsolete folding, RFC 9112 5.2
            unfolded[-1] += b" " + line.strip()
        else:
            unfolded.append(line)
    if _STATUS_LINE.fullmatch(status) is None:
        raise Malformed("the server sent something other than an HTTP/1.1 answer")
    kept: list[bytes] = []
    for line in unfolded:
        is_framing = any(name in line.lower() for name in _FRAMING)
        # The same Content-Length twice is not a contradiction, RFC 9110 8.6.
        if is_framing and line in kept:
            continue
        if is_framing or _HEADER_LINE.fullmatch(line) is not None:
            kept.append(line)
    return b"\r\n".join([status, *kept, b"", b""])
