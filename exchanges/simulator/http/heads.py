"""What the head of a request says beside its target."""

from __future__ import annotations

import h11


def wants_upgrade(head: h11.Request) -> bool:
    """Return whether a request asks for a WebSocket."""
    return any(name == b"upgrade" and value.lower() == b"websocket" for name, value in head.headers)


def has_body(head: h11.Request) -> bool:
    """Return whether a head announces a body."""
    return any(name in (b"content-length", b"transfer-encoding") and value != b"0" for name, value in head.headers)


def accepts_gzip(head: h11.Request) -> bool:
    """Return whether a client accepts gzip."""
    accepted = b",".join(value for name, value in head.headers if name == b"accept-encoding").lower()
    choices = (choice.partition(b";") for choice in accepted.split(b","))
    weights = [weight.replace(b" ", b"") for coding, _, weight in choices if coding.strip() == b"gzip"]
    # A weight of zero means "not acceptable" (RFC 9110 section 12.4.2); at most three decimals.
    return bool(weights) and weights[0] not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
