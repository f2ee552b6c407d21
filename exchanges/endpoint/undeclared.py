"""Calls of endpoints that this package does not declare: signed, limited and judged like the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, cast

from exchanges.endpoint.areas import Areas, endpoints_of
from exchanges.endpoint.arguments import converter_of, json_object
from exchanges.endpoint.definition import Access, Api, Argument, Endpoint, Kind, Param
from exchanges.errors import UsageError, quotable
from exchanges.wire import Deviation, Json, RawJson

__all__ = ["undeclared"]

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Nothing that a server may read as another path, and no query: arguments are passed by name.
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9_.~:@-]+)+/?")


class _Something:
    """JSON that says something: the answer to a call of which nothing but its kind is known."""

    def read(self, value: Json, *, strict: bool) -> Json:  # noqa: ARG002 - as declared
        """Return an object or a list that holds something."""
        if not isinstance(value, dict | list) or not value:
            raise Deviation("an object or a list that is not empty: anything else proves nothing")
        return value

    def write(self, value: Json) -> Json:
        """Return it unchanged."""
        return value


def undeclared(
    client: type[Areas],
    exchange: str,
    verb: str,
    path: str,
    *,
    kind: Kind,
    arguments: Mapping[str, Any],
    access: Access,
) -> tuple[Endpoint, dict[str, Any]]:
    """Return the endpoint of a call, and its arguments.

    Raises:
        UsageError: The verb, the path, the kind or an argument is wrong, or a call with this path is declared.
    """
    name, apis = f"{exchange}.request", [e.api for e in endpoints_of(client)]
    # Of several APIs under one name the current one is declared first.
    api = next((api for api in apis if api.name == exchange), apis[0])
    if verb not in VERBS:
        raise UsageError(f"{name}: the verb must be one of {', '.join(VERBS)}; nothing was sent", endpoint=name)
    if not issubclass(type(path), str) or not _PATH.fullmatch(path):
        words = "the path must be plain, begin with a slash and have no query: pass arguments by name"
        raise UsageError(f"{name}: {words}; nothing was sent", endpoint=name)
    if not isinstance(cast("object", kind), Kind):
        words = "kind must be a member of exchanges.Kind: it decides whether the call may be repeated"
        raise UsageError(f"{name}: {words}; nothing was sent", endpoint=name)
    _require_new(client, api, verb, path, name)
    try:
        values = cast("dict[str, Any]", json_object({n: v for n, v in arguments.items() if v is not None}))
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{name}: arguments {error}; nothing was sent", endpoint=name) from None
    endpoint = Endpoint(
        id=name,
        verb=verb,
        route=path,
        kind=kind,
        access=access,
        arguments=tuple(_argument(name) for name in values),
        answer=Annotated[Json, _Something()] if kind.is_once else RawJson,
        api=api,
        body=api.body,
        positional=None,
        doc="",
    )
    return endpoint, values


def _require_new(client: type[Areas], api: Api, verb: str, path: str, name: str) -> None:
    """Raise for the path of a declared call, which has checks and an answer that this one would lack."""
    asked = path.strip("/").casefold()
    for endpoint in endpoints_of(client):
        pieces = map(re.escape, re.split(r"\{\w+\}", endpoint.route.strip("/").casefold()))
        is_same = endpoint.api.base_url == api.base_url and endpoint.verb == verb
        if is_same and re.fullmatch("[^/]+".join(pieces), asked):
            words = f"{verb} {quotable(path)} is declared as {endpoint.id}; call that; nothing was sent"
            raise UsageError(f"{name}: {words}", endpoint=name)


def _argument(name: str) -> Argument:
    # Checked already; the annotation of an amount, so that twins that differ in zeros are known as such, is not known.
    return Argument(
        name=name,
        wire=name,
        annotation=str,
        convert=converter_of(str)[1],
        type="any",
        default=None,
        required=True,
        in_path=False,
        echo=None,
        param=Param(echo=None, render=_unchanged),
    )


def _unchanged(value: Any) -> Any:
    return value
