"""Servers: what a base URL may be, and one name for a server whatever it is called.

Limits, nonces and pending calls belong to a server. If ``localhost`` and ``127.0.0.1`` were two of them, each would get
the whole limit, and a key two counters. So all spellings of one server have one name: default ports, a dot at the end,
upper case, every address and usual name of loopback, with and without www, and the exchange's own hosts spelled out.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from exchanges.endpoint import Areas, endpoints_of
from exchanges.errors import UsageError

__all__ = ["is_local_proxy", "is_loopback", "origin_of", "server_name"]

_HOST = re.compile(r"[0-9A-Za-z._:-]+")
_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"})
_PORTS = {"https": 443, "http": 80}


def origin_of(base_url: str) -> str:
    """Return scheme, host and port of *base_url*; raise for everything else in it."""
    if not issubclass(type(base_url), str):
        raise UsageError("base_url is not a URL")
    try:
        parts = urlsplit(str.__str__(base_url))
        port = parts.port
    except (AttributeError, TypeError, ValueError):
        raise UsageError("base_url is not a URL") from None
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not _HOST.fullmatch(host):
        raise UsageError("base_url must begin with https:// and name a host")
    if parts.username is not None or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise UsageError("base_url is scheme, host and port alone; each generation keeps its own path")
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageError("base_url may use http for loopback only")
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
    # What urlsplit drops or changes, such as a colon without a port, is an error of the caller.
    if netloc != parts.netloc.lower():
        raise UsageError("base_url must have the form https://127.0.0.1:8443")
    return f"{parts.scheme}://{netloc}"


def server_name(client: type[Areas], origin: str | None) -> str:
    """Return the one name of the server at *origin*; None stands for the exchange's own hosts.

    Args:
        client: The class of the client, whose APIs name the exchange's own hosts.
        origin: Scheme, host and port.
    """
    if origin is None:
        return "production"
    place = _place(origin)
    if place in set(_places(client, sandbox=False)):
        return "production"
    return "sandbox" if place in set(_places(client, sandbox=True)) else place


def _places(client: type[Areas], *, sandbox: bool) -> Iterator[str]:
    # Two versions of an API may have one name and different hosts.
    for url in {e.api.sandbox_url if sandbox else e.api.base_url for e in endpoints_of(client)}:
        if url is not None:
            yield _place(url)


def _place(url: str) -> str:
    """Return host and port in one spelling."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    address = _address(host)
    if address is not None and not (address.is_loopback or address.is_unspecified):
        host = str(address)
    elif address is not None or host in _LOCAL_NAMES or host.endswith(".localhost"):
        host = "loopback"
    # With and without www is one site: two names for it would double its limit.
    return f"{host.removeprefix('www.')}:{parts.port or _PORTS[parts.scheme]}"


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        try:
            # Numbers that no ordinary parser takes for an address, such as 127.1: name look-ups do.
            return IPv4Address(socket.inet_aton(host))
        except (OSError, UnicodeError):
            return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def is_loopback(host: str) -> bool:
    """Whether a host is an address of loopback, or ``localhost``; other names may resolve to anything."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_local_proxy(proxy: str | None) -> bool:
    """Whether there is no proxy, or one on this machine; the transport rejects one that is not a text."""
    if not isinstance(proxy, str):
        return True
    try:
        return is_loopback(urlsplit(proxy).hostname or "")
    except ValueError:
        return False
