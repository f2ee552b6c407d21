"""Documents of json:api: resources with the resources that they refer to, and back.

A document is about the resources in ``data``. These refer to others by type and id, and the others are listed in
``included``. `expand` puts each resource where it is referred to; `flatten` turns one resource into the fields of a
model, so that it is decoded like any object. `build_resource` and `compact` reverse them. `Resource` and `Resources` do
so for models, in ``from_wire`` and ``to_wire``.

All functions are pure. What does not have the shape of a document is a `Deviation`.

Source:
    json:api 1.0, "Document Structure"; Bitex developer guide, "List all KYC Rejection Reasons" and Concierge.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, ClassVar, TypeAlias, TypeVar, overload

from exchanges.values import frozen
from exchanges.wire import Deviation, Json

MAX_PARTS = 100_000  # a resource costs its bytes once, but may be referred to again and again
# The deepest document of the guide, an order with the users of its outputs, has three levels.
MAX_DEPTH = 8

Object: TypeAlias = "dict[str, Json]"
Identity: TypeAlias = tuple[str, str]
T = TypeVar("T")


class _Id:
    """An id as a whole number; json:api writes it as text, the guide at times as a number."""

    def read(self, value: Json, *, strict: bool) -> int:  # noqa: ARG002 - both ways are documented
        if type(value) is int:
            return value
        # At most the digits that any number may have; `int` alone would accept other scripts and spaces.
        if type(value) is str and value.removeprefix("-").isdecimal() and value.isascii() and len(value) <= 31:
            return int(value)
        raise Deviation("a whole number, or one as text")

    def write(self, value: int) -> Json:
        return str(value)


ResourceId = Annotated[int, _Id()]


@frozen
class Resource:
    """A model that is a resource on the wire.

    Attributes:
        resource_type: Its ``type`` on the wire.
        related: Fields that hold other resources.
    """

    resource_type: ClassVar[str]
    related: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def from_wire(cls, value: Object) -> Object:
        """Read a resource that holds the resources it refers to."""
        return flatten(value, cls.resource_type)

    @classmethod
    def to_wire(cls, value: Object) -> Object:
        """Build a resource that holds the resources it refers to."""
        return build_resource(value, cls.resource_type, cls.related)


class Resources(Sequence[T]):
    """A model that is a document about several resources on the wire: an immutable sequence of them.

    Attributes:
        data: The resources in the exchange's order; each subclass declares their class.
        list_key: The list that may be long: its elements can be read apart, with the rest of the document.
    """

    __slots__ = ()

    list_key: ClassVar[str] = "data"

    data: tuple[T, ...]

    @classmethod
    def from_wire(cls, value: Object) -> Object:
        """Read a document about several resources."""
        return expand(value)

    @classmethod
    def to_wire(cls, value: Object) -> Object:
        """Build a document about several resources."""
        return compact(value)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.data[index]

    def __len__(self) -> int:
        return len(self.data)


def expand(document: Object) -> Object:
    """Replace references by the resources of ``included``.

    Each relationship becomes the resource, the list of resources, or None, that it refers to. A resource that is not
    included stays a bare type and id, and so does one that would be inside itself.
    """
    if "data" not in document:
        raise Deviation("a json:api document with data")
    expansion = _Expansion(_list(document.get("included", [])))
    data = document["data"]
    rest = {key: value for key, value in document.items() if key != "included"}
    return {**rest, "data": [expansion.expand(r) for r in data] if isinstance(data, list) else expansion.expand(data)}


def compact(document: Object) -> Object:
    """Move resources from where they are referred to into ``included``, each once, nearest first."""
    data = document["data"]
    primary = [_object(r) for r in (data if isinstance(data, list) else [data])]
    seen = {_identity(r) for r in primary}
    included: list[Json] = []
    queue = deque(_related_resources(primary))
    while queue:
        item = queue.popleft()
        identity = _identity(item)
        # A bare type and id is a reference to something that was not included, and stays one.
        if identity not in seen and item.keys() - {"id", "type"}:
            seen.add(identity)
            included.append(_with_references(item))
            queue.extend(_related_resources([item]))
    references: list[Json] = [_with_references(r) for r in primary]
    whole: Object = {**document, "data": references if isinstance(data, list) else references[0]}
    return {**whole, "included": included} if included else whole


def flatten(value: Json, kind: str) -> Object:
    """Merge id, attributes and relationships of a resource of type *kind* into one object."""
    item = _object(value)
    if item.get("type") != kind:
        raise Deviation(f"a resource of type {kind}")
    own = {key: part for key, part in item.items() if key not in ("type", "attributes", "relationships")}
    return {**_object(item.get("attributes", {})), **_object(item.get("relationships", {})), **own}


def build_resource(fields: Object, kind: str, relationships: Iterable[str] = ()) -> Object:
    """Build a resource of type *kind* from the *fields* of a model; those named in *relationships* are resources."""
    names = {"id", *relationships}
    item: Object = {"id": fields["id"], "type": kind}
    item["attributes"] = {key: value for key, value in fields.items() if key not in names}
    if related := {name: fields[name] for name in relationships if name in fields}:
        item["relationships"] = related
    return item


class _Expansion:
    """The included resources of one document, and how many parts of them may still be inserted.

    Without that bound a small document could expand into a huge one.
    """

    def __init__(self, included: list[Json]) -> None:
        self._included = {_identity(r): _object(r) for r in included}
        self._parts_left = MAX_PARTS

    def expand(self, value: Json, above: tuple[Identity, ...] = ()) -> Object:
        """Insert the resources that *value* refers to, except those *above* it."""
        item = _object(value)
        path = (*above, _identity(item))
        if item.get("relationships") is None:
            return item
        links = _object(item["relationships"])
        return {**item, "relationships": {name: self._follow(link, path) for name, link in links.items()}}

    def _follow(self, link: Json, above: tuple[Identity, ...]) -> Json:
        data = _object(link).get("data")
        if data is None:
            return None
        return [self._insert(r, above) for r in data] if isinstance(data, list) else self._insert(data, above)

    def _insert(self, reference: Json, above: tuple[Identity, ...]) -> Json:
        identity = _identity(reference)
        self._parts_left -= _size(self._included.get(identity, {}))
        if self._parts_left < 0 or len(above) > MAX_DEPTH:
            raise Deviation("a json:api document of bounded size")
        # A resource that leads back to itself would be expanded for ever.
        if identity in above or identity not in self._included:
            return reference
        return self.expand(self._included[identity], above)


def _related_resources(resources: Iterable[Object]) -> Iterator[Object]:
    for item in resources:
        for related in _object(item.get("relationships", {})).values():
            for one in related if isinstance(related, list) else [related]:
                if one is not None:
                    yield _object(one)


def _with_references(item: Object) -> Object:
    """Replace each related resource by its type and id."""
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
    # As text, so that 7 and "7" are the same resource.
    return kind, str(number)


def _object(value: Json) -> Object:
    if not isinstance(value, dict):
        raise Deviation("an object of a json:api document")
    return value


def _size(item: Object) -> int:
    """Count the parts of a resource that a model copies."""
    return 1 + len(item) + sum(len(part) for part in item.values() if isinstance(part, dict))


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise Deviation("a list of json:api resources")
    return value
