"""TLS servers on loopback with the certificates of ``tests/certificates``, and contexts that trust them."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from attrs import define, field

from tests.support.raw_server import RawServer, Talk, answering, listening, response, serving

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


def secured(
    context: ssl.SSLContext | None = None, talk: Talk | None = None, *, host: str = "127.0.0.1"
) -> AbstractAsyncContextManager[Secure]:
    """Serve every connection with *talk*, by default with a good answer."""
    context = context or presenting("here")
    server = Secure(talk or answering(response()))
    context.sni_callback = lambda _, name, __: server.names.append(name)
    return listening(server, host=host, context=context)


def served(kind: str, talk: Talk) -> AbstractAsyncContextManager[RawServer]:
    """Serve every connection with *talk*, ``plain`` or over ``tls``."""
    return secured(talk=talk) if kind == "tls" else serving(talk)
