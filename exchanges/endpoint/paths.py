"""Paths that calls of one API must not share: an argument in a path must not form the path of another endpoint.

Such a call would be signed and sent as something else than what it is recorded as: a cancel of the order called
"all" is a cancel of all orders.
"""

from __future__ import annotations

import re
from functools import cache

from exchanges.endpoint.definition import Endpoint
from exchanges.errors import UsageError, quotable

_routes: dict[tuple[str, str], list[str]] = {}


def register(endpoint: Endpoint) -> None:
    """Record the route of a declared call."""
    _routes.setdefault((endpoint.api.base_url, endpoint.verb), []).append(endpoint.route)
    _pattern.cache_clear()


def require_own_path(endpoint: Endpoint, path: str) -> None:
    """Check that *path*, the route of *endpoint* with its arguments, neither is nor begins that of another endpoint.

    Raises:
        UsageError: It does; nothing is sent.
    """
    pattern = _pattern(endpoint.api.base_url, endpoint.verb, endpoint.route)
    if pattern is not None and pattern.fullmatch(path.strip("/")):
        words = f"{endpoint.id} ({endpoint}): the arguments form the path of another call, {quotable(path)}"
        raise UsageError(f"{words}; nothing was sent", endpoint=endpoint.id)


@cache
def _pattern(base_url: str, verb: str, route: str) -> re.Pattern[str] | None:
    own = route.strip("/").split("/")
    filled = [place for place, segment in enumerate(own) if "{" in segment]
    rivals = [other.strip("/").split("/")[: len(own)] for other in _routes.get((base_url, verb), ()) if other != route]
    # Only where the other endpoint has a word of its own in the place of an argument: two arguments are no conflict.
    words = ["/".join(map(_segment, r)) for r in rivals if len(r) == len(own) and any("{" not in r[i] for i in filled)]
    return re.compile("|".join(words), re.IGNORECASE) if words else None


def _segment(segment: str) -> str:
    return "[^/]+".join(map(re.escape, re.split(r"\{\w+\}", segment)))
