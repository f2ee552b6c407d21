"""TLS: what an SSL context must verify before a key is sent through it, and the context that all clients share.

Nothing is read from the environment: neither certificates (``SSL_CERT_FILE``) nor a file for session keys
(``SSLKEYLOGFILE``), which the default context of the standard library opens.
"""

from __future__ import annotations

import functools
import ssl
from typing import cast

__all__ = ["MINIMUM", "fault_of", "shared_context", "takes_anonymous_servers"]

MINIMUM = ssl.TLSVersion.TLSv1_2


def fault_of(context: ssl.SSLContext) -> str | None:
    """Return what is wrong with a context, which may have been changed since it was last checked."""
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        return "must verify certificates and host names"
    if context.minimum_version < MINIMUM:
        return "must speak nothing older than TLS 1.2"
    # `ssl.create_default_context` sets it from SSLKEYLOGFILE: whoever reads that file reads the API key.
    if cast("str | None", context.keylog_filename) is not None:
        return "must not write the keys of its sessions to a file; set its keylog_filename to None"
    return None


def takes_anonymous_servers(context: ssl.SSLContext) -> bool:
    """Whether it allows ciphers without a server certificate, so that there is nothing to verify."""
    return any(cipher["auth"] == "auth-null" for cipher in context.get_ciphers())


@functools.cache
def shared_context(*, secure: bool) -> ssl.SSLContext:
    """Create the context of all clients that pass none, once: it costs 15 ms. Plain loopback needs no certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if secure:
        import certifi  # noqa: PLC0415 - not needed without TLS

        context.minimum_version = MINIMUM
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN  # default of newer Pythons
        context.load_verify_locations(certifi.where())
    return context
