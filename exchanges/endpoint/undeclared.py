"""Calls of endpoints that this package does not declare: signed, limited and judged like the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, cast

from exchanges.endpoint.areas import Areas, endpoints_of
from exchanges.endpoint.arguments import converter_of, json_object, text
from exchanges.endpoint.definition import VERBS, Access, Api, Argument, Endpoint, Kind, Param
from exchanges.errors import UsageError, quotable
from exchanges.wire import Deviation, Json, RawJson, loads
from exchanges.wire.codecs import Anything

__all__ = ["undeclared"]

# Nothing that a server may read as another path, and no query: arguments are passed by name.
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9_.~:@-]+)+/?")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)
# An answer of which no model is known: by these names and words any API says that it did not do what was asked.
_ANSWERS_YES = frozenset(
    {"ok", "success", "succeeded", "successful", "accepted", "executed", "result", "valid", "done", "completed"}
)
_TELLS = _ANSWERS_YES | {"status", "state", "outcome", "code", "message", "msg", "reason", "detail", "description"}
_FAULT_NAME = re.compile("error|exception|fail|reject|denied|refus|invalid|(?<!de)fault|(?:^|_)errs?(?:$|_)")
_FAULT = re.compile(
    r"\b(?:errors?|exception|fail\w*|reject\w*|den(?:y|ied)|refus\w*|invalid|forbidden|unauthori[sz]ed|unavailable"
    r"|unknown|unsupported|missing|insufficient|expired|timeout|timed out|no|not|none|null|false|bad|ko|nok|nak"
    r"|declin\w*|unsuccess\w*|block\w*|suspend\w*|halt\w*|disabled|throttl\w*|abort\w*|void\w*|revers\w*)\b"
)
# What a cancel asks for is the end of anything else.
_ENDED = re.compile(r"\bcancel\w*\b")


class _Something:
    """JSON that says something, and nothing of a failure: the answer to a call of which only its kind is known.

    Args:
        is_once: Whether the call is never repeated; of others ``true`` and an empty list are answers too.
    """

    def __init__(self, *, is_once: bool) -> None:
        self._is_once = is_once

    def read(self, value: Json, *, strict: bool) -> Json:
        """Return an object or a list that holds something."""
        if not self._is_once and (value is True or value == []):
            return value
        if not isinstance(value, dict | list) or not value:
            raise Deviation("an object or a list that is not empty: anything else proves nothing")
        Anything().read(value, strict=strict)  # its numbers are handed out
        if (sign := next(_failures(value, is_once=self._is_once), None)) is not None:
            raise Deviation(f"an answer without a sign of failure, and {quotable(sign)} is one")
        return value

    def write(self, value: Json) -> Json:
        """Return it unchanged."""
        return value


def _failures(value: Json, name: str = "", *, is_once: bool) -> Iterator[str]:
    """Iterate over the names in an answer under which it says that something failed."""
    word = name.lower()
    if _FAULT_NAME.search(word) and value not in (None, False, "", []):
        yield name
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _failures(part, key, is_once=is_once)
    elif isinstance(value, list):
        for part in value:
            yield from _failures(part, name or "message", is_once=is_once)
    elif (word in _ANSWERS_YES and not value) or (
        word in _TELLS and isinstance(value, str) and _tells_of_failure(value, is_once=is_once)
    ):
        yield name


def _tells_of_failure(said: str, *, is_once: bool) -> bool:
    words = re.sub(r"[_-]+", " ", said.lower())
    return bool(_FAULT.search(words) or (is_once and _ENDED.search(words)))


def undeclared(
    client: type[Areas],
    exchange: str,
    verb: str,
    path: str,
    *,
    kind: str,
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
    # By its type: an object may claim to be of any class, and to equal any text.
    if not issubclass(type(kind), str) or str.__str__(kind) not in {member.value for member in Kind}:
        words = f"kind must be one of {', '.join(Kind)}: it decides whether the call may be repeated"
        raise UsageError(f"{name}: {words}; nothing was sent", endpoint=name)
    kind = Kind(str.__str__(kind))
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
        arguments=tuple(_argument(name, _param(client, api, name)) for name in values),
        answer=RawJson if kind is Kind.READ else Annotated[Json, _Something(is_once=kind.is_once)],
        api=api,
        body=api.body,
        positional=None,
        doc="",
        is_declared=False,
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


def _param(client: type[Areas], api: Api, name: str) -> Param:
    """Return the facts of an argument: a secret, or a client's id, where a declared call has one of this name."""
    same = [a.param for e in endpoints_of(client) if e.api.name == api.name for a in e.arguments if a.wire == name]
    return Param(
        echo=None,
        render=_unchanged,
        secret=any(param.secret for param in same),
        call_id=any(param.call_id for param in same),
        canonical=_likeness,
    )


def _likeness(words: str) -> str:
    """Return the form in which arguments are the same that nearly any API takes for the same: 1.50 is 1.5, BTC is btc.

    Of a call about which nothing is known rather too many are the same: its twin waits until its outcome is known.
    """
    try:
        return _form(loads(words.encode()) if words[:1] in ("{", "[") else words)
    except Deviation:
        return _form(words)


def _form(value: Json) -> str:
    if isinstance(value, dict):
        parts = {name: _form(part) for name, part in value.items()}
        return repr(sorted((name, part) for name, part in parts.items() if part))
    if isinstance(value, list):
        return repr([_form(part) for part in value])
    words = "" if value is None else text(value).strip().casefold()
    if not _NUMBER.fullmatch(words):
        return words
    return (words.rstrip("0").rstrip(".") if "." in words else words).lstrip("0") or "0"


def _argument(name: str, param: Param) -> Argument:
    # Checked already, as a part of all arguments.
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
        param=param,
    )


def _unchanged(value: Any) -> Any:
    return value
