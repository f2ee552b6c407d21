"""Documents of json:api: resources that hold what they refer to, and the way back.

A document is about the resources in ``data``. Those refer to others by type and id, and the others stand in
``included``. `unfolded` puts each resource where it is referred to; `flat` makes the fields of one resource, so that a
model decodes it like any object. `resource` and `folded` lead back. A model uses them in ``from_wire`` and ``to_wire``.

All functions are pure. What does not have the shape of a document is a `Deviation`.

Source:
    json:api 1.0, "Document Structure"; Bitex developer guide, "List all KYC Rejection Reasons" and Concierge.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from exchanges.wire import Deviation

if TYPE_CHECKING:
    from exchanges.wire import Json

__all__ = ["flat", "folded", "resource", "unfolded"]

MAX_PARTS = 100_000
MAX_DEPTH = 8

Object: TypeAlias = "dict[str, Json]"
Identity: TypeAlias = tuple[str, str]


def unfolded(document: Object) -> Object:
    """Put the resources of ``included`` where they are referred to.

    Each relationship becomes the resource, the list of resources, or None, that it refers to. A resource that is not
    included stays a bare type and id, and so does one that would stand inside itself.
    """
    if "data" not in document:
        raise Deviation("a json:api document with data")
    unfolding = _Unfolding(_list(document.get("included", [])))
    data = document["data"]
    rest = {key: value for key, value in document.items() if key != "included"}
    return {**rest, "data": [unfolding.filled(r) for r in data] if isinstance(data, list) else unfolding.filled(data)}


def folded(document: Object) -> Object:
    """Take the resources out of where they are referred to, and put each once into ``included``, nearest first."""
    data = document["data"]
    primary = [_object(r) for r in (data if isinstance(data, list) else [data])]
    seen = {_identity(r) for r in primary}
    included: list[Json] = []
    waiting = deque(_referred_to(primary))
    while waiting:
        found = waiting.popleft()
        identity = _identity(found)
        if identity not in seen and found.keys() - {"id", "type"}:
            seen.add(identity)
            included.append(_referring(found))
            waiting.extend(_referred_to([found]))
    referring: list[Json] = [_referring(r) for r in primary]
    whole: Object = {**document, "data": referring if isinstance(data, list) else referring[0]}
    return {**whole, "included": included} if included else whole


def flat(value: Json, kind: str) -> Object:
    """Make one object of id, attributes and relationships of a resource of type *kind*."""
    item = _object(value)
    if item.get("type") != kind:
        raise Deviation(f"a resource of type {kind}")
    own = {key: part for key, part in item.items() if key not in ("type", "attributes", "relationships")}
    return {**_object(item.get("attributes", {})), **_object(item.get("relationships", {})), **own}


def resource(fields: Object, kind: str, relationships: Iterable[str] = ()) -> Object:
    """Make a resource of type *kind* from the *fields* of a model; those named in *relationships* are resources."""
    names = {"id", *relationships}
    made: Object = {"id": fields["id"], "type": kind}
    made["attributes"] = {key: value for key, value in fields.items() if key not in names}
    if related := {name: fields[name] for name in relationships if name in fields}:
        made["relationships"] = related
    return made


class _Unfolding:
    """The included resources of one document, and how many of their parts may still be put where they are referred to.

    A large resource costs its bytes once and may be referred to again and again: without a bound a small document
    could unfold into a huge one.
    """

    def __init__(self, included: list[Json]) -> None:
        self._known = {_identity(r): _object(r) for r in included}
        self._left = MAX_PARTS

    def filled(self, value: Json, above: tuple[Identity, ...] = ()) -> Object:
        """Fill in what *value* refers to, unless it stands *above*."""
        item = _object(value)
        within = (*above, _identity(item))
        if item.get("relationships") is None:
            return item
        links = _object(item["relationships"])
        return {**item, "relationships": {name: self._linked(link, within) for name, link in links.items()}}

    def _linked(self, link: Json, above: tuple[Identity, ...]) -> Json:
        data = _object(link).get("data")
        if data is None:
            return None
        return [self._found(r, above) for r in data] if isinstance(data, list) else self._found(data, above)

    def _found(self, reference: Json, above: tuple[Identity, ...]) -> Json:
        identity = _identity(reference)
        self._left -= _size(self._known.get(identity, {}))
        if self._left < 0 or len(above) > MAX_DEPTH:
            raise Deviation("a json:api document of bounded size")
        if identity in above or identity not in self._known:
            return reference
        return self.filled(self._known[identity], above)


def _referred_to(resources: Iterable[Object]) -> Iterator[Object]:
    for item in resources:
        for related in _object(item.get("relationships", {})).values():
            for one in related if isinstance(related, list) else [related]:
                if one is not None:
                    yield _object(one)


def _referring(item: Object) -> Object:
    """Leave of each related resource its type and id."""
    if "relationships" not in item:
        return item
    related = _object(item["relationships"]).items()
    return {**item, "relationships": {name: {"data": _references(value)} for name, value in related}}


def _references(value: Json) -> Json:
    if value is None:
        return None
    if isinstance(value, list):
        return [_references(one) for one in value]
    item = _object(value)
    return {"id": item["id"], "type": item["type"]}


def _identity(value: Json) -> Identity:
    item = _object(value)
    kind, number = item.get("type"), item.get("id")
    # Quirk: the guide writes the ids of users as numbers, against json:api.
    if not isinstance(kind, str) or type(number) not in (str, int):
        raise Deviation("a json:api resource with type and id")
    return kind, str(number)


def _object(value: Json) -> Object:
    if not isinstance(value, dict):
        raise Deviation("an object of a json:api document")
    return value


def _size(item: Object) -> int:
    """Count what a model copies of a resource."""
    return 1 + len(item) + sum(len(part) for part in item.values() if isinstance(part, dict))


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise Deviation("a list of json:api resources")
    return value
