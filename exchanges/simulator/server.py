"""A real HTTP/1.1 server: requests in, answers out, one after the other on each connection.

h11 knows the protocol; this module moves bytes and keeps count of connections. There are no tasks: a request is handed
to the application together with the function that takes its answer, now or later. While an answer is awaited nothing
more is parsed on that connection, so pipelined requests are answered in order, and a peer that sends on regardless, or
does not read, is made to wait.

Where things go wrong a gate decides it, and an answer says how it goes out: then the connection acts a script out.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol, TypeAlias, cast

import h11

from exchanges.simulator.faults.plan import Fate
from exchanges.simulator.faults.points import FaultPoint
from exchanges.simulator.http.acting import Act, reset
from exchanges.simulator.http.delivery import WHOLE, script_of
from exchanges.simulator.http.messages import HttpAnswer, HttpRequest, Reply

__all__ = ["Gate", "HttpAnswer", "Listener"]

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 17 * 1024 * 1024
MAX_WAITING_BYTES = 64 * 1024
"""How much of the next requests is taken from a peer that does not await its answer."""
GZIP_FROM_BYTES = 1024
GZIP_LEVEL = 1
GRACE_SECONDS = 1.0
"""How long answers may take to get out when the server stops."""


Application: TypeAlias = Callable[[HttpRequest, Reply], None]


class Gate(Protocol):
    """Decides what goes wrong before a request is there."""

    @property
    def idle_seconds(self) -> float | None:
        """How long after an answer a connection is closed; None: it is not."""
        ...

    def accept(self) -> Fate:
        """Decide the fate of a connection that was made."""
        ...

    def begin(self, verb: str, path: str) -> Fate:
        """Decide the fate of a request whose head was read."""
        ...


class Listener:
    """Accepts connections and gives their requests to an application.

    Args:
        application: Takes each request and, sooner or later, calls its `Reply` once.
        malformed: Hears of each request that was none, and with which status it was answered.

    Attributes:
        gate: Decides what goes wrong with connections and requests; None: nothing does.
    """

    def __init__(self, application: Application, malformed: Callable[[int], None]) -> None:
        self.application = application
        self.malformed = malformed
        self.gate: Gate | None = None
        self.connections: set[_Connection] = set()
        self.stopping = False
        self._empty = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and say on which port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Accept nothing more, let answers out that are under way, close every connection."""
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
        """Close the server, but not on connections that it is about to make known: asyncio would log a traceback."""
        loop = asyncio.get_running_loop()
        for sock in server.sockets:
            with suppress(NotImplementedError):  # Windows, where accepting takes one step
                loop.remove_reader(sock.fileno())
        await asyncio.sleep(0)  # what was accepted gets its transport
        server.close()
        await asyncio.sleep(0)  # and is made known

    def lost(self, connection: _Connection) -> None:
        """Forget a connection."""
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
        self._busy = self._choked = self._held = self._parsing = False
        self._fate: Fate | None = None
        self._act: Act | None = None
        self._idle: asyncio.TimerHandle | None = None

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer: Sequence[object] | None = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else "local"
        self._listener.connections.add(self)
        if self._listener.stopping:
            self.abort()
        elif self._listener.gate is not None:
            # Only when the loop knows the socket can it be made to forget it.
            asyncio.get_running_loop().call_soon(self._enter, self._listener.gate.accept())

    def data_received(self, data: bytes) -> None:
        self._stop_idling()
        self._http.receive_data(data)
        self._advance()
        waits = self._busy or self._choked
        if waits and len(self._http.trailing_data[0]) > MAX_WAITING_BYTES and self._transport is not None:
            self._held = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        if self._act is not None and self._act.stays:
            return False
        self._http.receive_data(b"")
        self._advance()
        return self._transport is not None and not self._transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it is over either way
        self._transport = None
        self._stop_idling()
        if self._act is not None:
            self._act.stop()
        self._listener.lost(self)

    def pause_writing(self) -> None:
        self._choked = True
        if self._act is not None:
            self._act.choke()

    def resume_writing(self) -> None:
        self._choked = False
        if self._act is not None:
            self._act.resume()
        self._advance()
        self._read_on()

    # What the listener calls

    def end(self) -> None:
        """Close now, or after the answer that is under way."""
        if self._act is not None:
            self.abort()
        elif not self._busy:
            self._close()

    def abort(self) -> None:
        """Close without further ado."""
        if self._transport is not None:
            self._transport.abort()

    # Within

    def _advance(self) -> None:
        """Take as many requests as can be answered now."""
        if self._parsing:
            return
        self._parsing = True
        try:
            while not (self._busy or self._choked) and self._transport is not None and self._step():
                pass
        finally:
            self._parsing = False

    def _step(self) -> bool:
        """Take one event; say whether there may be more."""
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            self._refuse(error.error_status_hint)
            return False
        if isinstance(event, h11.Request):
            self._begin(event)
        elif isinstance(event, h11.Data):
            return self._take(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            self._hand_over()
        else:
            return self._pause(closed=isinstance(event, h11.ConnectionClosed))
        return True

    def _begin(self, head: h11.Request) -> None:
        self._head, self._parts, self._size = head, [], 0
        if self._listener.gate is not None:
            path = head.target.decode("ascii").partition("?")[0]
            self._fate = self._listener.gate.begin(head.method.decode("ascii"), path)
            if not (_has_body(head) and self._fate.seed % 2):
                self._break_off()

    def _break_off(self) -> bool:
        """Read no more of a request that the connection is closed in; say whether it is one."""
        broken_off = self._fate is not None and self._fate.fault is FaultPoint.CLOSE_INSIDE_REQUEST
        if broken_off:
            self._hand_over()
        return broken_off

    def _pause(self, *, closed: bool) -> bool:
        """Wait for more bytes, or leave with the peer."""
        if closed:
            self._close()
        elif self._http.they_are_waiting_for_100_continue:
            self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
        return False

    def _take(self, data: bytes) -> bool:
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            self._refuse(413)
            return False
        return not self._break_off()

    def _hand_over(self) -> None:
        head = cast("h11.Request", self._head)
        self._busy = True
        request = HttpRequest(
            verb=head.method.decode("ascii"),
            target=head.target.decode("ascii"),
            headers=dict(head.headers),
            body=b"".join(self._parts),
            address=self._address,
            fate=self._fate,
        )
        self._fate = None
        self._listener.application(request, self._answer)

    def _refuse(self, status: int) -> None:
        """Answer what is no request, and hang up."""
        self._listener.malformed(status)
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._head = None
            self._send(HttpAnswer(status, HTTPStatus(status).phrase.encode(), "text/plain"), close=True)
        self._close()

    def _answer(self, answer: HttpAnswer) -> None:
        """Send *answer* unless the peer has left, and go on to its next request."""
        if self._transport is None or self._transport.is_closing():
            return
        if answer.sending is WHOLE:
            self._send(answer, close=self._listener.stopping)
            self._go_on()
            return
        head, body = self._rendered(answer, close=False) if answer.status else (b"", b"")
        self._act = Act(script_of(answer.sending, head, body), self._transport, self._go_on)
        self._act.step()

    def _go_on(self) -> None:
        """Go on to the next request of the peer."""
        self._act = None
        if self._http.our_state is not h11.DONE:
            self._close()
            return
        self._http.start_next_cycle()
        self._busy = False
        self._read_on()
        self._advance()
        gate = self._listener.gate
        if gate is not None and gate.idle_seconds and not self._busy:
            self._stop_idling()
            self._idle = asyncio.get_running_loop().call_later(gate.idle_seconds, self._close)

    def _read_on(self) -> None:
        """Let a peer that was made to wait go on."""
        if self._held and not (self._busy or self._choked) and self._transport is not None:
            self._held = False
            self._transport.resume_reading()

    # When something goes wrong

    def _enter(self, fate: Fate) -> None:
        """Go no further than the fate of the connection lets it."""
        if self._transport is None:
            return
        if fate.fault is FaultPoint.REFUSE_TO_ACCEPT:
            reset(self._transport)
        elif fate.fault is FaultPoint.CLOSE_AFTER_ACCEPT:
            self._close()

    def _stop_idling(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    # Bytes

    def _send(self, answer: HttpAnswer, *, close: bool) -> None:
        self._write(b"".join(self._rendered(answer, close=close)))

    def _rendered(self, answer: HttpAnswer, *, close: bool) -> tuple[bytes, bytes]:
        """Make the bytes of an answer, head and body."""
        body, headers = answer.body, [(b"Content-Type", answer.content_type.encode())]
        headers += [(name.encode(), value.encode()) for name, value in answer.headers]
        if self._head is not None and len(body) > GZIP_FROM_BYTES and not answer.packed:
            headers.append((b"Vary", b"Accept-Encoding"))
            if _takes_gzip(self._head):
                body = gzip.compress(body, GZIP_LEVEL, mtime=0)
                headers.append((b"Content-Encoding", b"gzip"))
        headers.append((b"Content-Length", b"%d" % len(body)))
        if close:
            headers.append((b"Connection", b"close"))
        unseen = self._head is not None and self._head.method == b"HEAD"
        response = h11.Response(status_code=answer.status, reason=answer.reason, headers=headers)
        head = self._http.send(response) or b""
        sent = self._http.send(h11.Data(data=b"" if unseen else body)) or b""
        return head, sent + (self._http.send(h11.EndOfMessage()) or b"")

    def _write(self, data: bytes | None) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _has_body(head: h11.Request) -> bool:
    """Whether more than the head is announced."""
    return any(name in (b"content-length", b"transfer-encoding") and value != b"0" for name, value in head.headers)


def _takes_gzip(head: h11.Request) -> bool:
    """Whether the client says that it can inflate."""
    for name, value in head.headers:
        if name == b"accept-encoding":
            for choice in value.lower().split(b","):
                coding, _, weight = choice.partition(b";")
                if coding.strip() == b"gzip":
                    return weight.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False
