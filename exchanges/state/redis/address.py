"""Where the server of a state is, from its URL. What is secret in the URL is in no message and no `repr`."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from attrs import field, frozen

from exchanges.errors import UsageError

PORT = 6379
_HOST = re.compile(r"[0-9A-Za-z._:-]+")
_DATABASE = re.compile(r"[0-9]{1,4}")
_PREFIX = re.compile(r"[0-9A-Za-z._:-]{1,64}")
TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
FORM = (
    "RedisState needs a URL such as redis://host:6379/0, rediss://user:password@host:6379/0 or unix:///path?db=0, with "
    "what is special in user and password percent-encoded"
)


@frozen
class Address:
    """One database of one server.

    Attributes:
        name: What messages call it.
        scheme: ``redis``, ``rediss`` for TLS, ``unix`` for a socket.
        options: Returns the keyword arguments of a connection. A function, as whatever prints an object prints values.
        secrets: Returns what must not be shown.
    """

    name: str
    scheme: str
    options: Callable[[], dict[str, Any]] = field(repr=False)
    secrets: Callable[[], tuple[str, ...]] = field(repr=False)


def parse(url: str) -> Address:
    """Parse the URL of a server.

    Raises:
        UsageError: It is none.
    """
    address = _parsed(url) if issubclass(type(url), str) else None
    del url  # a traceback may show the locals of this frame
    if address is None:
        raise UsageError(FORM)
    return address


def require_prefix(prefix: str) -> str:
    """Return the prefix of all keys.

    Raises:
        UsageError: It would not be one in every key.
    """
    if not issubclass(type(prefix), str) or not _PREFIX.fullmatch(prefix):
        raise UsageError("prefix must be 1 to 64 letters, digits, dots, colons, dashes or underscores")
    return str.__str__(prefix)


def _parsed(url: str) -> Address | None:
    try:
        parts = urlsplit(url)
        port = parts.port
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        return None
    # A password with a slash or a number sign that is not encoded would be taken for something else, and be shown.
    if parts.fragment or len(dict(query)) < len(query):
        return None
    where = _socket(parts, dict(query)) if parts.scheme == "unix" else _host(parts, dict(query), port)
    if where is None:
        return None
    name, options = where
    user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    given = {key: text for key, text in (("username", user), ("password", password)) if text}
    return Address(name, parts.scheme, lambda: options | given, lambda: tuple(given.values()))


def _socket(parts: SplitResult, query: dict[str, str]) -> tuple[str, dict[str, Any]] | None:
    database = query.pop("db", "0")
    if query or parts.hostname or not parts.path.startswith("/") or not _DATABASE.fullmatch(database):
        return None
    # Nor one with a slash, of which all but the beginning would be the path of the socket.
    if "@" in parts.path or parts.netloc.rpartition("@")[2]:
        return None
    return f"unix://{parts.path}?db={database}", {"path": unquote(parts.path), "db": int(database)}


def _host(parts: SplitResult, query: dict[str, str], port: int | None) -> tuple[str, dict[str, Any]] | None:
    host, database = parts.hostname or "", parts.path.removeprefix("/") or "0"
    if parts.scheme not in ("redis", "rediss") or not _HOST.fullmatch(host) or not _DATABASE.fullmatch(database):
        return None
    if query.keys() - (TLS_FILES if parts.scheme == "rediss" else ()):
        return None
    options: dict[str, Any] = {"host": host, "port": PORT if port is None else port, "db": int(database)} | query
    if parts.scheme == "rediss":
        # Stated, as some versions of redis-py do not compare the name of the host with the certificate by default.
        options |= {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_min_version": ssl.TLSVersion.TLSv1_2}
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{options['port']}/{int(database)}", options
