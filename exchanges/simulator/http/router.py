"""Router: from verb and path to the declared endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import field, frozen

from exchanges.endpoint import JSON, Api, Endpoint

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
    """Routes requests to *endpoints*. The host is ignored: the path prefixes of all APIs differ.

    Args:
        endpoints: What is declared.
        aliases: Prefixes of paths under which a real server answers too, each with the one that is declared.
        strict: Whether a path is refused that differs from the declared one by an alias, or by a slash at its end.
    """

    def __init__(
        self, endpoints: Iterable[Endpoint], *, aliases: Mapping[str, str] = MappingProxyType({}), strict: bool = False
    ) -> None:
        self._aliases = aliases
        self._strict = strict
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
        match = self._find(verb, path, query)
        if self._strict or (match is not None and match.endpoint is not None):
            return match
        variants = (self._find(verb, variant, query) for variant in self._variants(path))
        return next((other for other in variants if other is not None and _takes_variants(other.endpoint)), match)

    def _variants(self, path: str) -> Iterator[str]:
        """Iterate over the spellings of *path* that mean the same to a real server."""
        spellings = [path]
        spellings += [own + path.removeprefix(alias) for alias, own in self._aliases.items() if path.startswith(alias)]
        for spelling in spellings:
            yield spelling
            yield spelling.removesuffix("/") if spelling.endswith("/") else f"{spelling}/"

    def _find(self, verb: str, path: str, query: str) -> Match | None:
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


def _takes_variants(endpoint: Endpoint | None) -> bool:
    """Whether a real server answers under spellings of the path: a form that it would have to redirect is lost."""
    return endpoint is not None and (endpoint.verb == "GET" or endpoint.body is JSON)
