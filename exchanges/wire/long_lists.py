"""Answers with long lists, decoded in steps of bounded work.

Theory. What takes long in an answer is its lists. They are cut out (`exchanges.wire.splitting`), the rest is read like
any small answer, with empty lists, and then the lists are read piece by piece and put where they belong. Where that is
follows from the type of the answer: the answer itself, or fields of models. Everywhere else a long list is refused,
but where nobody reads it.

Rules for editors:

1. A list that is cut out must never be taken for an empty or a shorter one: what cannot be put back is an error.
2. Until then an error table sees the first elements of each list, as many as fit into a piece.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from typing import Any, cast, get_args, get_origin

import attrs
from attrs import field

from exchanges.values import define, frozen
from exchanges.wire.codecs import Deviation, Json, loads, without_mark
from exchanges.wire.models import Row, fields_of, optional_of
from exchanges.wire.odd_rows import MAX_MORE, OddRows
from exchanges.wire.piecewise import PieceReader, Reader, Report
from exchanges.wire.splitting import Splitter

__all__ = ["LongLists"]


class _Cut(list[Json]):
    """The first elements of a list that was cut out; not a list for the decoder, which asks for the exact class."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__(cast("list[Json]", loads(b"[%b]" % pieces[0][:-1])))
        self.pieces = pieces


@frozen
class _Part:
    """Reads some elements of a document together with what they refer to."""

    read: Callable[[Json], Any]


@frozen
class _Place:
    """Where a list belongs: the names of the fields on the way, and the type of its elements, or what reads them."""

    path: tuple[str, ...]
    pieces: list[bytes]
    inner: Any


@define(eq=False, repr=False)
class LongLists:
    """The long lists of one answer.

    Attributes:
        annotation: The type of the answer.
        reader: What reads small lists.
        report: Reports an element of an answer that is a list, if it cannot be read and is left out; None if that is an
            error. Lists inside of models never lose one.
        refusal: What was expected of an answer that cannot be read in steps; None for others.
    """

    annotation: Any
    reader: Reader
    report: Report | None = None
    refusal: str | None = field(default=None, init=False)
    _mark: str = field(factory=lambda: f"list {os.urandom(8).hex()} ", init=False)
    _rest: bytes = field(default=b"", init=False)
    _lists: list[list[bytes]] = field(factory=list[list[bytes]], init=False)
    _places: list[_Place] = field(factory=list[_Place], init=False)

    def split(self, body: bytes) -> Generator[None, None, None]:
        """Cut the long lists out of *body*, in steps, or refuse it."""
        splitter = Splitter(without_mark(body), self._mark)
        try:
            yield from splitter.steps()
        except Deviation as deviation:
            self.refusal = deviation.expected
        self._rest, self._lists = bytes(splitter.skeleton), splitter.lists

    def content(self) -> Json:
        """Decode what is left of the body; each list is shown by its first elements.

        Raises:
            Deviation: Not JSON, or refused.
        """
        if self.refusal is not None:
            raise Deviation(self.refusal)
        return self._shown(loads(self._rest))

    def empty(self, content: Json) -> Json:
        """Return *content* with empty lists, and remember where they belong.

        Raises:
            Deviation: A long list is where none can be put back.
        """
        self._places = []
        return self._emptied(content, self.annotation, ())

    def fill(self, value: Any) -> Generator[None, None, Any]:
        """Read the lists, in steps, and return *value* with them.

        Raises:
            Deviation: Names the element that is not as documented.
        """
        for place in self._places:
            owner, where = _owner(value, place.path)
            reader = PieceReader(self.reader, place.inner, None if place.path else self.report)
            objects: list[Any] = []
            odd = OddRows()
            for piece in place.pieces:
                yield
                try:
                    if isinstance(place.inner, _Part):
                        objects += place.inner.read(loads(b"[%b]" % piece[:-1]))
                        continue
                    objects += reader.read(piece, len(objects) + odd.count, odd)
                except Deviation as deviation:
                    raise deviation.inside(where) from None
                odd.check(len(objects), MAX_MORE)
            odd.check(len(objects))
            value = _put(value, owner, place.path, objects)
        return value

    def _shown(self, content: Json) -> Json:
        if isinstance(content, str) and content.startswith(self._mark):
            return _Cut(self._lists[int(content[len(self._mark) :])])
        if isinstance(content, list):
            return [self._shown(item) for item in content]
        if isinstance(content, dict):
            return {key: self._shown(item) for key, item in content.items()}
        return content

    def _emptied(self, content: Json, annotation: Any, path: tuple[str, ...]) -> Json:
        annotation = optional_of(annotation) or annotation
        if isinstance(content, _Cut):
            if get_origin(annotation) not in (list, tuple):
                raise Deviation(f"no long list{_inside(path)}")
            self._places.append(_Place(path, content.pieces, get_args(annotation)[0]))
            return []
        if isinstance(content, dict) and not path and (key := getattr(annotation, "list_key", None)):
            return self._emptied_document(content, annotation, key)
        if isinstance(content, dict) and _is_plain_model(annotation):
            fields = {f.wire: f for f in fields_of(annotation)}
            return {
                key: self._emptied(item, fields[key].annotation, (*path, fields[key].name)) if key in fields else item
                for key, item in content.items()
            }
        if _has_cut(content):
            raise Deviation(f"no long list{_inside(path)}")
        return content

    def _emptied_document(self, content: dict[str, Json], annotation: Any, key: str) -> Json:
        """Return a document with an empty list under *key*; its elements are read with the rest of the document."""
        cut = content.get(key)
        rest = {name: item for name, item in content.items() if name != key}
        if not isinstance(cut, _Cut) or _has_cut(list(rest.values())):
            raise Deviation(f"no long list but in {key}")
        hook = self.reader.hook(annotation)
        self._places.append(_Place((key,), cut.pieces, _Part(lambda items: getattr(hook({**rest, key: items}), key))))
        return {**rest, key: []}


def _is_plain_model(annotation: Any) -> bool:
    """Whether *annotation* is a model whose fields are read from the keys of an object as it is."""
    if not isinstance(annotation, type) or not attrs.has(annotation) or issubclass(annotation, Row):
        return False
    return not hasattr(annotation, "from_wire")


def _inside(path: tuple[str, ...]) -> str:
    return f" in {'.'.join(path)}" if path else ""


def _has_cut(content: Json) -> bool:
    if isinstance(content, _Cut):
        return True
    items = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return any(_has_cut(item) for item in items)


def _owner(value: Any, path: tuple[str, ...]) -> tuple[Any, str]:
    """Return the model that holds the list at *path*, and the place of the list in words."""
    where = ""
    for name in path[:-1]:
        where += f": {type(value).__name__}.{name}"
        value = getattr(value, name)
    return value, f"{where}: {type(value).__name__}.{path[-1]}" if path else ""


def _put(value: Any, owner: Any, path: tuple[str, ...], objects: list[Any]) -> Any:
    """Replace the empty list at *path* in *value*, whose last model is *owner*; return the new value."""
    found = getattr(owner, path[-1]) if path else value
    if type(found) not in (list, tuple) or found:
        raise Deviation(f"no long list{_inside(path)}")
    filled = objects if type(found) is list else tuple(objects)
    if not path:
        return filled
    object.__setattr__(owner, path[-1], filled)  # nobody has seen it yet
    attrs.validate(owner)
    return value
