"""Router: from verb and path to the declared endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import field, frozen

from exchanges.endpoint import Api, Endpoint

_PLACEHOLDER = re.compile(r"\\{(\w+)\\}")


def _needed(endpoint: Endpoint) -> set[str]:
    return {argument.wire for argument in endpoint.arguments if argument.required}


def _needs(endpoint: Endpoint) -> int:
    return len(_needed(endpoint))


@frozen
class Match:
    """The result of routing a request.

    Attributes:
        api: The API generation whose prefix the path has.
        endpoint: The declared endpoint; None if none is declared for this verb and path.
        in_path: Arguments in the path by name, unquoted.
        other_verb: Whether an endpoint is declared for the path with another verb.
    """

    api: Api
    endpoint: Endpoint | None = None
    in_path: dict[str, str] = field(factory=dict[str, str])
    other_verb: bool = False


class Router:
    """Routes requests to *endpoints*. The host is ignored: the path prefixes of all APIs differ."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._prefixes: list[tuple[str, Api]] = []
        self._plain: dict[str, dict[str, list[Endpoint]]] = {}
        self._patterns: dict[int, list[tuple[re.Pattern[str], Endpoint]]] = {}
        for endpoint in endpoints:
            self._add(endpoint)
        # The longest prefix first: /api (Bitstamp v1) is also the beginning of /api/v3 (Bitso).
        self._prefixes.sort(key=lambda pair: len(pair[0]), reverse=True)

    def _add(self, endpoint: Endpoint) -> None:
        prefix = urlsplit(endpoint.api.base_url).path
        if not any(known == prefix for known, _ in self._prefixes):
            self._prefixes.append((prefix, endpoint.api))
        path = prefix + endpoint.route
        if "{" in path:
            pattern = re.compile(_PLACEHOLDER.sub(r"(?P<\1>[^/]+)", re.escape(path)))
            self._patterns.setdefault(path.count("/"), []).append((pattern, endpoint))
        else:
            # Two declarations of one path differ in what they need; without arguments it is the one that needs none.
            known = self._plain.setdefault(path, {}).setdefault(endpoint.verb, [])
            known.append(endpoint)
            known.sort(key=_needs, reverse=True)

    def find(self, verb: str, path: str, query: str = "") -> Match | None:
        """Return the match of *verb*, *path* and *query*; None if no API has such a prefix."""
        api = next((api for prefix, api in self._prefixes if path.startswith(prefix + "/")), None)
        if api is None:
            return None
        # Most paths have no placeholder and need a dictionary only; patterns are tried for paths of equal depth.
        by_verb = self._plain.get(path, {})
        if verb in by_verb:
            *needy, last = by_verb[verb]
            given = {name for name, _ in parse_qsl(query, keep_blank_values=True)} if needy else set[str]()
            endpoint = next((one for one in needy if _needed(one) <= given), last)
            return Match(endpoint.api, endpoint)
        other_verb = bool(by_verb)
        for pattern, endpoint in self._patterns.get(path.count("/"), ()):
            if found := pattern.fullmatch(path):
                if endpoint.verb == verb:
                    in_path = {name: unquote(value) for name, value in found.groupdict().items()}
                    return Match(endpoint.api, endpoint, in_path)
                other_verb = True
        return Match(api, other_verb=other_verb)
