"""TLS of one connection, without any I/O: converts records to plaintext and back.

asyncio's own TLS does not show what it has received and not yet decrypted, where a second answer may wait when the
first one is complete. OpenSSL does not show the start of an incomplete record either, so the boundaries of records
(RFC 8446 5.1: type, version, length) are counted here.
"""

from __future__ import annotations

import ssl
from contextlib import suppress

__all__ = ["TlsRecords"]

_RECORD_BYTES = 16 * 1024
_HEADER_BYTES = 5


class TlsRecords:
    """The client's side of one TLS connection.

    Attributes:
        is_established: Whether the handshake is complete.
        has_ended: Whether the server has sent ``close_notify``, which cannot be forged.
    """

    __slots__ = ("_header", "_incoming", "_object", "_outgoing", "_record_left", "has_ended", "is_established")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.is_established = self.has_ended = False
        self._header, self._record_left = b"", 0

    def start(self) -> None:
        """Start the handshake."""
        self._shake_hands()

    def receive(self, data: bytes | memoryview) -> bytes:
        """Return the plaintext that *data* completes; empty during the handshake.

        Raises:
            ssl.SSLError: The server is not trusted, or does not use TLS.
        """
        self._count(data)
        self._incoming.write(data)
        if not self.is_established:
            self._shake_hands()
        return self._decrypt() if self.is_established else b""

    def encrypt(self, data: bytes) -> bytes:
        """Return *data* as records, behind those that the TLS layer itself has to send.

        Raises:
            ssl.SSLError: Nothing can be written now; no record contains any of *data*.
        """
        self._object.write(data)
        return self.output()

    def output(self) -> bytes:
        """Return what the TLS layer itself has to send: handshake, alerts, key updates."""
        return self._outgoing.read() if self._outgoing.pending else b""

    @property
    def has_input(self) -> bool:
        """Whether received bytes are not decrypted yet, if only a part of a record."""
        return bool(self._record_left or self._header or self._has_whole_input)

    def close(self) -> bytes:
        """Return the records that end the connection (``close_notify``)."""
        if self.is_established:
            with suppress(ssl.SSLError):  # raised because the server has not sent its own yet
                self._object.unwrap()
        return self.output()

    @property
    def _has_whole_input(self) -> bool:
        return bool(self._incoming.pending or self._object.pending())

    def _count(self, data: bytes | memoryview) -> None:
        at, size = 0, len(data)
        while at < size:
            if self._record_left:
                step = min(self._record_left, size - at)
                self._record_left -= step
            else:
                step = min(_HEADER_BYTES - len(self._header), size - at)
                self._header += bytes(data[at : at + step])
                if len(self._header) == _HEADER_BYTES:
                    self._record_left, self._header = int.from_bytes(self._header[3:], "big"), b""
            at += step

    def _shake_hands(self) -> None:
        with suppress(ssl.SSLWantReadError):
            self._object.do_handshake()
            self.is_established = True

    def _decrypt(self) -> bytes:
        chunks: list[bytes] = []
        with suppress(ssl.SSLWantReadError):
            # Reading until OpenSSL needs more input would cost an exception per answer.
            while self._has_whole_input:
                chunk = self._object.read(_RECORD_BYTES)
                if not chunk:
                    self.has_ended = True
                    break
                chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
