"""An HTTP/1.1 server that answers the requests of each connection one after the other.

h11 implements the protocol; this module moves bytes and counts connections. There are no tasks: a request is passed to
the application together with a function that receives its answer, now or later. While an answer is pending nothing more
is parsed on that connection. So pipelined requests are answered in order, and reading from a peer is paused if it sends
more meanwhile or does not read its answers.

A `Gate` decides which connections and requests fail, and an answer's `Sending` decides how it is sent: unless it is
sent complete, a `ScriptRunner` writes it. A request for a WebSocket leaves this module: its connection is handed over.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol, TypeAlias, cast

import h11

from exchanges.simulator.faults.plan import DrawnFault
from exchanges.simulator.faults.points import FaultPoint
from exchanges.simulator.http.delivery import WHOLE, ScriptRunner, reset, script_of
from exchanges.simulator.http.heads import accepts_gzip, has_body, wants_upgrade
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest, Reply
from exchanges.simulator.http.upgrade import Endable, Upgrade

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 17 * 1024 * 1024
MAX_WAITING_BYTES = 64 * 1024
"""How much is read of further requests while an answer is pending."""
GZIP_FROM_BYTES = 1024
GZIP_LEVEL = 1
GRACE_SECONDS = 1.0
"""How long pending answers may take when the server stops."""

Application: TypeAlias = Callable[[HttpRequest, Reply, DrawnFault | None], None]
"""Receives each request with the function that sends its answer and the fault that the gate has drawn for it."""


class Gate(Protocol):
    """Decides which connections and requests fail, before a request is complete."""

    @property
    def idle_seconds(self) -> float | None:
        """Time after an answer at which a connection is closed; None: never."""
        ...

    def accept(self) -> DrawnFault:
        """Draw the fault of a new connection."""
        ...

    def begin(self, verb: str, path: str) -> DrawnFault:
        """Draw the fault of a request whose head has been read."""
        ...


class Listener:
    """Accepts connections and passes their requests to an application.

    Args:
        application: Receives each request and calls its `Reply` once, now or later.
        malformed: Called with the status of the answer for each request that is not valid HTTP.
        upgrade: Takes over the connections of requests for a WebSocket; None: such a request is like any other.

    Attributes:
        gate: Decides which connections and requests fail; None: none.
    """

    def __init__(
        self, application: Application, malformed: Callable[[int], None], upgrade: Upgrade | None = None
    ) -> None:
        self.application = application
        self.malformed = malformed
        self.upgrade = upgrade
        self.gate: Gate | None = None
        self.connections: set[Endable] = set()
        self.stopping = False
        self._empty = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop accepting, wait for pending answers, close every connection."""
        if self._server is None:
            return
        self.stopping = True
        await self._stop_accepting(self._server)
        try:
            for connection in tuple(self.connections):
                connection.end()
            if self.connections:
                async with asyncio.timeout(GRACE_SECONDS):
                    await self._empty.wait()
        except TimeoutError:
            pass
        finally:
            for connection in tuple(self.connections):
                connection.abort()
        await self._server.wait_closed()

    @staticmethod
    async def _stop_accepting(server: asyncio.Server) -> None:
        """Close the server once all accepted connections have reached `connection_made`.

        asyncio accepts a connection in one step of the loop and creates its transport in the next. If the server is
        closed in between, it logs a traceback.
        """
        loop = asyncio.get_running_loop()
        for sock in server.sockets:
            with suppress(NotImplementedError):  # Windows accepts in one step
                loop.remove_reader(sock.fileno())
        await asyncio.sleep(0)  # transports of accepted connections are created
        server.close()
        await asyncio.sleep(0)  # `connection_made` is called on them

    def lost(self, connection: Endable) -> None:
        """Remove a closed connection."""
        self.connections.discard(connection)
        if self.stopping and not self.connections:
            self._empty.set()


class _Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._transport: asyncio.Transport | None = None
        self._address = ""
        self._head: h11.Request | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._busy = False  # an answer is pending
        self._writing_paused = False  # the peer does not read
        self._reading_paused = False  # the peer has sent too much
        self._parsing = False
        self._fault: DrawnFault | None = None
        self._runner: ScriptRunner | None = None
        self._idle_timer: asyncio.TimerHandle | None = None

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer: Sequence[object] | None = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else "local"
        self._listener.connections.add(self)
        if self._listener.stopping:
            self.abort()
        elif self._listener.gate is not None:
            # Not before the next step of the loop: it has to register the socket before the socket can be reset.
            asyncio.get_running_loop().call_soon(self._fail_on_accept, self._listener.gate.accept())

    def data_received(self, data: bytes) -> None:
        self._cancel_idle_timer()
        self._http.receive_data(data)
        self._advance()
        waiting = self._busy or self._writing_paused
        if waiting and len(self._http.trailing_data[0]) > MAX_WAITING_BYTES and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        if self._runner is not None and self._runner.hangs:
            return False  # the transport closes; a silent connection has nothing left to send
        self._http.receive_data(b"")
        self._advance()
        return self._transport is not None and not self._transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the connection is gone either way
        self._transport = None
        self._cancel_idle_timer()
        if self._runner is not None:
            self._runner.stop()
        self._listener.lost(self)

    def pause_writing(self) -> None:
        self._writing_paused = True
        if self._runner is not None:
            self._runner.pause()

    def resume_writing(self) -> None:
        self._writing_paused = False
        if self._runner is not None:
            self._runner.resume()
        self._advance()
        self._resume_reading()

    # Called by the listener

    def end(self) -> None:
        """Close the connection now, or after the pending answer."""
        if self._runner is not None:
            self.abort()  # a script may never end
        elif not self._busy:
            self._close()

    def abort(self) -> None:
        """Close the connection without sending what is buffered."""
        if self._transport is not None:
            self._transport.abort()

    # Requests

    def _advance(self) -> None:
        """Parse events until an answer is pending or more bytes are needed."""
        # An application that answers at once calls this again from within: the loop below continues instead, or a
        # long pipeline of requests would exceed the recursion limit.
        if self._parsing:
            return
        self._parsing = True
        try:
            while not (self._busy or self._writing_paused) and self._transport is not None and self._parse():
                pass
        finally:
            self._parsing = False

    def _parse(self) -> bool:
        """Handle the next event; return whether there may be another one."""
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            self._refuse(error.error_status_hint)
            return False
        if isinstance(event, h11.Request):
            self._begin(event)
        elif isinstance(event, h11.Data):
            return self._add_to_body(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            self._dispatch()
        else:
            return self._need_data(closed=isinstance(event, h11.ConnectionClosed))
        return True

    def _begin(self, head: h11.Request) -> None:
        self._head, self._parts, self._size = head, [], 0
        if self._listener.upgrade is not None and self._transport is not None and wants_upgrade(head):
            self._hand_over(head, self._listener.upgrade, self._transport)
            return
        if self._listener.gate is not None:
            path = head.target.decode("ascii").partition("?")[0]
            self._fault = self._listener.gate.begin(head.method.decode("ascii"), path)
            # Half of the requests with a body fail after their head, the other half within the body.
            if not (has_body(head) and self._fault.seed % 2):
                self._dispatch_if_cut()

    def _hand_over(self, head: h11.Request, upgrade: Upgrade, transport: asyncio.Transport) -> None:
        """Hand the connection over to a WebSocket, or answer that there is none."""
        self._busy = True
        socket = upgrade(head, self._http.trailing_data[0], transport, self._address, self._listener.lost)
        if isinstance(socket, HttpAnswer):
            self._send(socket, close=True)
            self._close()
        else:
            self._listener.connections.add(socket)
            self._listener.connections.discard(self)
            self._transport = None

    def _dispatch_if_cut(self) -> bool:
        """Dispatch a request during which the connection is to be closed; return whether it is one."""
        cut = self._fault is not None and self._fault.point is FaultPoint.CLOSE_INSIDE_REQUEST
        if cut:
            self._dispatch()
        return cut

    def _need_data(self, *, closed: bool) -> bool:
        """Wait for more bytes, or close the connection if the peer has."""
        if closed:
            self._close()
        elif self._http.they_are_waiting_for_100_continue:
            self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
        return False

    def _add_to_body(self, data: bytes) -> bool:
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            self._refuse(413)
            return False
        return not self._dispatch_if_cut()

    def _dispatch(self) -> None:
        head = cast("h11.Request", self._head)
        self._busy = True
        request = HttpRequest(
            verb=head.method.decode("ascii"),
            target=head.target.decode("ascii"),
            headers=dict(head.headers),
            body=b"".join(self._parts),
            address=self._address,
        )
        fault, self._fault = self._fault, None
        self._listener.application(request, self._answer, fault)

    def _refuse(self, status: int) -> None:
        """Answer a request that is not valid HTTP, and close the connection."""
        self._listener.malformed(status)
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._head = None
            self._send(HttpAnswer(status, HTTPStatus(status).phrase.encode(), "text/plain"), close=True)
        self._close()

    # Answers

    def _answer(self, answer: HttpAnswer) -> None:
        """Send *answer* unless the connection is closed, and continue with its next request."""
        if self._transport is None or self._transport.is_closing():
            return
        if answer.sending is WHOLE:
            self._send(answer, close=self._listener.stopping)
            self._continue()
            return
        head, body = self._render(answer, close=False) if answer.status else (b"", b"")
        self._runner = ScriptRunner(script_of(answer.sending, head, body), self._transport, self._continue)
        self._runner.step()

    def _continue(self) -> None:
        """Continue with the next request of the connection."""
        self._runner = None
        if self._http.our_state is not h11.DONE:
            self._close()
            return
        self._http.start_next_cycle()
        self._busy = False
        self._resume_reading()
        self._advance()
        gate = self._listener.gate
        if gate is not None and gate.idle_seconds and not self._busy:
            self._cancel_idle_timer()
            self._idle_timer = asyncio.get_running_loop().call_later(gate.idle_seconds, self._close)

    def _resume_reading(self) -> None:
        if self._reading_paused and not (self._busy or self._writing_paused) and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()

    # Faults of the connection

    def _fail_on_accept(self, fault: DrawnFault) -> None:
        """Close or reset a new connection if *fault* says so."""
        if self._transport is None:
            return
        if fault.point is FaultPoint.REFUSE_TO_ACCEPT:
            reset(self._transport)
        elif fault.point is FaultPoint.CLOSE_AFTER_ACCEPT:
            self._close()

    def _cancel_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    # Bytes

    def _send(self, answer: HttpAnswer, *, close: bool) -> None:
        self._write(b"".join(self._render(answer, close=close)))

    def _render(self, answer: HttpAnswer, *, close: bool) -> tuple[bytes, bytes]:
        """Render an answer to bytes: head and body."""
        body, headers = answer.body, [(b"Content-Type", answer.content_type.encode())]
        headers += [(name.encode(), value.encode()) for name, value in answer.headers]
        if self._head is not None and len(body) > GZIP_FROM_BYTES and not answer.compressed:
            headers.append((b"Vary", b"Accept-Encoding"))
            if accepts_gzip(self._head):
                body = gzip.compress(body, GZIP_LEVEL, mtime=0)
                headers.append((b"Content-Encoding", b"gzip"))
        headers.append((b"Content-Length", b"%d" % len(body)))
        if close:
            headers.append((b"Connection", b"close"))
        # The answer to HEAD announces the length of a body that is not sent (RFC 9110 section 9.3.2).
        head_only = self._head is not None and self._head.method == b"HEAD"
        response = h11.Response(status_code=answer.status, reason=answer.reason, headers=headers)
        head = self._http.send(response) or b""
        sent = self._http.send(h11.Data(data=b"" if head_only else body)) or b""
        return head, sent + (self._http.send(h11.EndOfMessage()) or b"")

    def _write(self, data: bytes | None) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
