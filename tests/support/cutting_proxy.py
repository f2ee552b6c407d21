"""A server between a state and its server, which cuts a connection in the middle of an answer; with TLS if asked."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field


@define(eq=False)
class CuttingProxy:
    """Passes bytes on, with a thread for each direction of each connection.

    Attributes:
        path: The socket of the server.
        context: For TLS; None without.
        cut: How many bytes of answers are passed on before the connection is closed; None: all of them.
    """

    path: Path
    context: ssl.SSLContext | None = None
    cut: int | None = None
    _listener: socket.socket = field(factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _sockets: list[socket.socket] = field(factory=list[socket.socket])
    _threads: list[threading.Thread] = field(factory=list[threading.Thread])

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    def start(self) -> None:
        """Accept connections."""
        self._run(self._accept)

    def close(self) -> None:
        """Close every socket, and wait for every thread."""
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:  # grows no more, as the first of them is that which accepts
            thread.join()
        for one in self._sockets:
            one.close()

    def _run(self, work, *args) -> None:
        thread = threading.Thread(target=work, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self._run(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            if self.context is not None:
                client = self.context.wrap_socket(client, server_side=True)
                self._sockets.append(client)
            server = socket.socket(socket.AF_UNIX)
            self._sockets.append(server)
            server.connect(str(self.path))
            self._run(self._pass, client, server)
            self._pass(server, client, cuts=True)

    def _pass(self, source: socket.socket, target: socket.socket, *, cuts: bool = False) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if cuts and self.cut is not None and len(data) >= self.cut:
                    data, self.cut = data[: self.cut], None
                    target.sendall(data)
                    break
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(path: Path, context: ssl.SSLContext | None = None) -> Iterator[CuttingProxy]:
    """Run a proxy in the block; in threads, as readers of a state stop the loop of the test."""
    proxy = CuttingProxy(path, context)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.close()
