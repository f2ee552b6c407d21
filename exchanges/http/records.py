"""TLS of one connection, without any I/O: bytes from the network in, plaintext out, and the other way round.

asyncio's own TLS keeps to itself what it has received and not yet decrypted, and a second answer may wait there, whole
or in part, when the first one is complete. OpenSSL keeps the start of a record to itself as well, so the borders of
records (RFC 8446 5.1: type, version, length) are counted here.
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
        has_ended: Whether the server announced the end (``close_notify``): nobody on the way can forge that.
    """

    __slots__ = ("_header", "_incoming", "_object", "_outgoing", "_record_left", "has_ended", "is_established")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.is_established = self.has_ended = False
        self._header, self._record_left = b"", 0

    def start(self) -> None:
        """Begin the handshake."""
        self._shake_hands()

    def receive(self, data: bytes | memoryview) -> bytes:
        """Return the plaintext that *data* completes; empty while the handshake goes on.

        Raises:
            ssl.SSLError: The server is not trusted, or does not speak TLS.
        """
        self._count(data)
        self._incoming.write(data)
        if not self.is_established:
            self._shake_hands()
        return self._decrypt() if self.is_established else b""

    def encrypt(self, data: bytes) -> bytes:
        """Return *data* as records, after what the TLS layer itself still has to send.

        Raises:
            ssl.SSLError: The TLS layer refuses to write now; none of *data* is in a record.
        """
        self._object.write(data)
        return self.output()

    def output(self) -> bytes:
        """Return what the TLS layer has to send by itself: handshake, alerts, key updates."""
        return self._outgoing.read() if self._outgoing.pending else b""

    @property
    def has_input(self) -> bool:
        """Whether bytes have arrived that were not decrypted yet, be it a part of a record."""
        return bool(self._record_left or self._header or self._has_whole_input)

    def close(self) -> bytes:
        """Return the records that announce our end."""
        if self.is_established:
            with suppress(ssl.SSLError):  # the server's own announcement is not waited for
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
            # Asking once more when nothing is left would cost an exception for each answer.
            while self._has_whole_input:
                chunk = self._object.read(_RECORD_BYTES)
                if not chunk:
                    self.has_ended = True
                    break
                chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
