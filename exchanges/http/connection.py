"""One HTTP/1.1 connection: sends a request, reads its answer, and decides whether it can be reused.

Theory. Only the code that writes to the socket can prove that nothing was sent. So this is an `asyncio` protocol
directly on the transport: ``evidence.started`` is set together with the first write of a request, and a failure before
it means that nothing was sent. The connection also reads while it is idle: an end, or unexpected bytes, close it at
once.

Rules for editors:

1. Between the last check of the socket (`Connection.is_quiet`) and the first write there is no ``await``.
2. An exchange that does not end with a complete answer closes the connection.
3. No exception is set on a future: asyncio would report it if the waiting task was cancelled meanwhile.
"""

from __future__ import annotations

import asyncio
import math
import select
import ssl
import sys
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import cast

from exchanges.errors import quotable
from exchanges.http.answer import Evidence, Lost, Silent, TimedOut
from exchanges.http.answer_reader import AnswerReader
from exchanges.http.endings import Ended, OnEnd, end_now, ending
from exchanges.http.records import TlsRecords
from exchanges.http.request import Attachment

__all__ = ["Connection"]

BUFFER_BYTES = 64 * 1024
# After a `sleep(0)` the task runs again before the loop reads the socket: two turns for one read, and two more for TLS
# records that arrive meanwhile.
QUIET_TURNS = 4


class Connection(asyncio.BufferedProtocol):
    """One connection to one server, for one request at a time.

    Attributes:
        idle_since: On the clock of the loop; when its last answer was complete, or when it was opened.
        is_used: Whether it has carried a request.
        expires_after: For how many seconds the server keeps it open while it is idle; None if it does not say.
        closed: Done when the socket is closed.

    Args:
        tls: The TLS layer; None for plain HTTP.
        on_close: Called once, when the connection is closed.
    """

    def __init__(self, tls: TlsRecords | None, on_close: Callable[[Connection], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._tls, self._on_close = tls, on_close
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._transport: asyncio.Transport | None = None
        self._descriptor = -1
        self._poll: select.poll | None = None
        self._reader: AnswerReader | None = None
        self._evidence: Evidence | None = None
        self._on_end: OnEnd | None = None
        self._writable: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_writing = False
        self._end = self._silent_at = math.inf
        self.closed = self._loop.create_future()
        self.idle_since = self._loop.time()
        self.expires_after: float | None = None
        self.is_used = False

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport, and prepare to poll its socket."""
        self._transport = cast("asyncio.Transport", transport)
        self._descriptor = transport.get_extra_info("socket").fileno()
        if sys.platform != "win32":
            self._poll = select.poll()
            self._poll.register(self._descriptor, select.POLLIN)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the signature is that of asyncio
        """Return the buffer for the next read; its size bounds how long one read occupies the loop."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Process the bytes of one read."""
        if self._tls is None:
            self._receive(bytes(self._buffer[:nbytes]))
        else:
            self._receive_records(self._tls, self._buffer[:nbytes])

    def eof_received(self) -> None:
        """Handle FIN; the transport closes itself afterwards."""
        self._receive_end(orderly=self._tls is None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Record that the socket is closed, and fail the request that waits."""
        self._transport = self._poll = None
        if self._timer is not None:
            self._timer.cancel()
        if exc is not None:
            if isinstance(exc, ConnectionResetError) and self._evidence is not None:
                self._evidence.was_reset = True
            self.settle(Lost(f"the connection broke ({type(exc).__name__})"))
        if self._reader is not None:
            self._receive_end(orderly=False)
        self.settle(Lost("the connection was closed"))
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        if not self.closed.done():
            self.closed.set_result(None)
        self._on_close(self)

    def pause_writing(self) -> None:
        """Pause an upload: the buffer of the transport is full."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """Resume an upload."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    # Called by the pool

    async def handshake(self) -> None:
        """Wait until TLS is established.

        Raises:
            Lost: The server is not trusted, or does not speak TLS.
        """
        if self._tls is None or self._transport is None:
            return
        ended, self._on_end = ending(self._loop)
        try:
            self._tls.start()
            self._transport.write(self._tls.output())
            failure = await ended
        except BaseException:
            self.abort()
            raise
        finally:
            self._on_end = None
        if failure is not None:
            raise failure
        self.idle_since = self._loop.time()

    @property
    def is_open(self) -> bool:
        """Whether neither side has closed it, as far as the loop has read."""
        return self._transport is not None and not self._transport.is_closing()

    def is_quiet(self) -> bool:
        """Whether it is open, and neither socket nor TLS layer holds unread bytes."""
        transport, tls = self._transport, self._tls
        if transport is None or transport.is_closing() or (tls is not None and tls.has_input):
            return False
        if self._poll is not None:
            return not self._poll.poll(0)
        return not select.select((self._descriptor,), (), (), 0)[0]

    async def becomes_quiet(self) -> bool:
        """Wait until the loop has read what is there: session tickets of TLS are harmless, all else closes it."""
        try:
            for _ in range(QUIET_TURNS):
                if self.is_quiet() or not self.is_open:
                    break
                await asyncio.sleep(0)
        except BaseException:
            self.abort()
            raise
        return self.is_quiet()

    async def exchange(
        self,
        outgoing: bytes,
        attachment: Attachment | None,
        reader: AnswerReader,
        evidence: Evidence,
        *,
        deadline: float,
        silent_after: float | None = None,
    ) -> None:
        """Send one request and read its answer into *reader*.

        Args:
            outgoing: The head, and the body or what comes of it before a file.
            deadline: On the clock of the loop.
            silent_after: Seconds without a byte after which the connection counts as dead.

        Raises:
            Lost: No complete answer; *evidence* says whether anything was sent.
        """
        ended, on_end = ending(self._loop)
        silent_at = math.inf if silent_after is None else self._loop.time() + silent_after
        self.start(outgoing, reader, evidence, on_end, deadline=deadline, silent_at=silent_at, attachment=attachment)
        outgoing = b""  # it may contain a key, and a task that waits shows its locals
        try:
            if attachment is not None:
                await self._upload(attachment, evidence, ended)
                self._is_writing, evidence.finished = False, not ended.done()
            failure = await ended
        except BaseException:
            self._stop()
            self.abort()
            raise
        if failure is not None:
            raise failure

    def start(
        self,
        outgoing: bytes,
        reader: AnswerReader,
        evidence: Evidence,
        on_end: OnEnd,
        *,
        deadline: float,
        silent_at: float,
        attachment: Attachment | None = None,
    ) -> None:
        """Send one request and return at once; see `exchange`.

        Args:
            on_end: Called once. It must start no other exchange, which the rest of the same read could end.
            silent_at: When the connection counts as dead if no byte has come; infinity for never.
            attachment: What is to follow *outgoing*.

        Raises:
            Lost: Nothing was sent; *on_end* is not called.
        """
        self._reader, self._evidence, self._on_end = reader, evidence, on_end
        try:
            self._end, self._silent_at = deadline, silent_at
            self._arm()
            self.is_used, self._is_writing = True, attachment is not None
            self._write(outgoing, evidence)
        except BaseException:
            self._stop()
            self.abort()
            raise
        evidence.finished = attachment is None

    def settle(self, failure: Lost | None) -> None:
        """End the exchange or handshake, with success or a failure; only the first one counts."""
        if (on_end := self._on_end) is None:
            return
        if (reader := self._reader) is not None:
            # If the answer came before the end of its request, a next request would be read as the rest of this one.
            if failure is not None or self._is_writing or not self._may_be_reused(reader):
                self.abort()
            self.idle_since, self.expires_after = self._loop.time(), reader.keep_alive_seconds
        self._stop()
        on_end(failure)

    def abort(self) -> None:
        """Close the socket now, and drop what is not sent yet."""
        if self._transport is not None:
            with suppress(RuntimeError):  # the loop is closed already
                self._transport.abort()

    def close(self) -> None:
        """Close an idle connection, over TLS with ``close_notify``."""
        if self._tls is not None and self.is_open and self._transport is not None:
            with suppress(RuntimeError):
                self._transport.write(self._tls.close())
        self.abort()

    # Writing

    def _write(self, data: bytes, evidence: Evidence) -> None:
        try:
            records = data if self._tls is None else self._tls.encrypt(data)
        except ssl.SSLError as error:
            raise _tls_failure(error) from None
        if self._transport is None or self._transport.is_closing():
            raise Lost("the connection was closed before the request was sent")
        evidence.started = True
        self._transport.write(records)

    async def _upload(self, attachment: Attachment, evidence: Evidence, ended: Ended) -> None:
        """Send a file; stop when the answer comes before its end."""
        limit = asyncio.timeout_at(self._end)
        try:
            # Reading the file may hang, which nothing else can interrupt.
            async with limit, aclosing(attachment.upload.chunks()) as chunks:
                ended.add_done_callback(lambda _: end_now(limit))
                async for chunk in chunks:
                    if not await self._can_write(ended):
                        return
                    self._write(chunk, evidence)
                if await self._can_write(ended):
                    self._write(attachment.tail, evidence)
        except (OSError, ValueError) as error:  # ValueError: its owner has closed it
            if ended.done():
                return
            if limit.expired():
                raise TimedOut("sending the request") from None
            raise Lost(f"the file could not be read: {type(error).__name__}") from None

    async def _can_write(self, ended: Ended) -> bool:
        """Wait until the transport accepts more; return False if the exchange has ended."""
        if self._writable is not None and not ended.done():
            await asyncio.wait((self._writable, ended), return_when=asyncio.FIRST_COMPLETED)
        return not ended.done()

    # Reading

    def _receive_records(self, tls: TlsRecords, records: memoryview) -> None:
        was_established, failure, plain = tls.is_established, None, b""
        try:
            plain = tls.receive(records)
        except ssl.SSLError as error:
            failure = _tls_failure(error)
        if (output := tls.output()) and self._transport is not None:
            self._transport.write(output)  # including the alert that tells the server why it failed
        if failure is not None:
            self.settle(failure)
            self.abort()
            return
        if tls.is_established and not was_established:
            self.settle(None)
        if plain:
            self._receive(plain)
        if tls.has_ended:
            self._receive_end(orderly=True)
            self.abort()

    def _receive(self, data: bytes) -> None:
        reader = self._reader
        if reader is None:
            self.abort()  # unexpected bytes would be read as the next answer
            return
        try:
            reader.feed(data)
        except Lost as error:
            self.settle(error)
            self.abort()
            return
        if reader.is_complete:
            self.settle(None)

    def _receive_end(self, *, orderly: bool) -> None:
        reader = self._reader
        if reader is None:
            self.settle(Lost("the server closed the connection during the TLS handshake"))
            return
        try:
            reader.end(orderly=orderly)
        except Lost as error:
            self.settle(error)
        else:
            self.settle(None)

    def _may_be_reused(self, reader: AnswerReader) -> bool:
        transport, tls = self._transport, self._tls
        if transport is None or transport.get_write_buffer_size() or not reader.allows_reuse:
            return False
        # A part of a record is the start of a surplus.
        return tls is None or not (tls.has_input or tls.has_ended)

    # Timers

    def _arm(self) -> None:
        timer = self._timer
        # One timer serves all requests of a connection: almost all answers come in time, and each timer costs time. One
        # that a request before has left is due earlier as a rule, and is then set again.
        if timer is not None and (due := timer.when()) <= self._silent_at and due <= self._end:
            return
        moment = min(self._end, self._silent_at)
        if timer is not None:
            timer.cancel()
        self._timer = self._loop.call_at(moment, self._run_out)

    def _run_out(self) -> None:
        self._timer, reader, now = None, self._reader, self._loop.time()
        if reader is None:
            return
        if reader.has_begun:
            self._silent_at = math.inf
        if now >= self._end:
            phase = "sending the request" if self._is_writing else "waiting for the answer"
            self.settle(TimedOut("reading the answer" if reader.has_begun else phase))
        elif now >= self._silent_at:
            self.settle(Silent("no byte of an answer came on a reused connection"))
        else:
            self._arm()

    def _stop(self) -> None:
        self._reader = self._evidence = self._on_end = None
        self._is_writing = False


def _tls_failure(error: ssl.SSLError) -> Lost:
    return Lost(f"TLS failed ({quotable(str(error))})")
