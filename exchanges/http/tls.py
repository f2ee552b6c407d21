"""What a context for TLS must do before a key may travel through it, and the one that does it for everybody.

Nothing is taken from the environment: neither certificates (``SSL_CERT_FILE``) nor a file for session keys
(``SSLKEYLOGFILE``), which the standard library's default context opens on sight.
"""

from __future__ import annotations

import functools
import ssl

__all__ = ["MINIMUM", "fault_of", "shared_context", "takes_anonymous_servers"]

MINIMUM = ssl.TLSVersion.TLSv1_2


def fault_of(context: ssl.SSLContext) -> str | None:
    """Say what is wrong with a context; it may have been changed since it was last asked."""
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        return "must verify certificates and host names"
    if context.minimum_version < MINIMUM:
        return "must speak nothing older than TLS 1.2"
    return None


def takes_anonymous_servers(context: ssl.SSLContext) -> bool:
    """Whether it knows ciphers under which a server shows no certificate, so that there is nothing to verify."""
    return any(cipher["auth"] == "auth-null" for cipher in context.get_ciphers())


@functools.cache
def shared_context(*, secure: bool) -> ssl.SSLContext:
    """Make the context of all clients that bring none, once: it costs 15 ms. Plain loopback needs no certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if secure:
        import certifi  # noqa: PLC0415 - only those who speak TLS need it

        context.minimum_version = MINIMUM
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN  # as newer releases of Python do
        context.load_verify_locations(certifi.where())
    return context
