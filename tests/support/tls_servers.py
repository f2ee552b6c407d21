"""TLS servers on loopback with the certificates of ``tests/certificates``, and contexts that trust them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, field

from tests.support.raw_server import RawServer, Talk, answering, response

CERTIFICATES = Path(__file__).parent.parent / "certificates"
AUTHORITY = CERTIFICATES / "authority.pem"


def trusting() -> ssl.SSLContext:
    """Return a client context that trusts the authority of the tests only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(AUTHORITY)
    return context


def presenting(name: str) -> ssl.SSLContext:
    """Return a server context with a certificate: ``here``, ``elsewhere``, ``unnamed``, ``expired`` or ``nobody``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / f"{name}.pem")
    return context


@define(eq=False)
class Secure(RawServer):
    """A server that speaks TLS.

    Attributes:
        names: The server names that clients asked for.
        versions: Of TLS, by connection.
    """

    names: list[str | None] = field(factory=list[str | None])
    versions: list[str] = field(factory=list[str])

    @property
    def origin(self) -> str:
        """Its URL."""
        return f"https://127.0.0.1:{self.port}"

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection whose handshake succeeded."""
        self.versions.append(writer.get_extra_info("ssl_object").version())
        await super().take(reader, writer)


@asynccontextmanager
async def secured(
    context: ssl.SSLContext | None = None, talk: Talk | None = None, *, host: str = "127.0.0.1"
) -> AsyncIterator[Secure]:
    """Serve every connection with *talk*, by default with a good answer."""
    context = context or presenting("here")
    server = Secure(talk or answering(response()))
    context.sni_callback = lambda _, name, __: server.names.append(name)
    listener = await asyncio.start_server(server.take, host, 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in server.tasks:
            task.cancel()
        if server.tasks:
            await asyncio.wait(server.tasks)
        await listener.wait_closed()
