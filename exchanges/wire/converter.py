"""The converter: hooks that structure plain JSON into models and unstructure models into plain JSON.

Every hook is built once per type by a factory and then only called: what the annotations state is read when the hook is
built. A hook that cannot structure a value raises `Deviation`, to which each level on the way out prepends its place.

Rules for editors: a message names the place and what was expected, never the value, which may be a secret. Drift that
can be tolerated goes through `_deviate`, so that strict clients raise and others log each kind once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_origin

import attrs
import cattrs
import msgspec

from exchanges.errors import DecodeError, quotable
from exchanges.instrumentation.lines import Log
from exchanges.wire import large_lists
from exchanges.wire.codecs import Anything, Deviation, Json, Text, kept, loads, optional, without_mark
from exchanges.wire.layouts import Entry, Layouts
from exchanges.wire.models import Field, Row, UnknownRow, codec_of, fields_of, optional_of, row_classes
from exchanges.wire.odd_rows import without_odd_rows
from exchanges.wire.rows import Rows

if TYPE_CHECKING:
    from exchanges.wire.fast_books import BookReader, LevelsReader
    from exchanges.wire.fast_rows import RowReader

logger = Log(__name__)

MAX_KEYS = 10_000
_JSON = msgspec.json.Encoder(decimal_format="number")

T = TypeVar("T")
StructureHook = Callable[..., Any]
UnstructureHook = Callable[[Any], Any]

_origin_of: Callable[[Any], Any] = cache(get_origin)  # asked for every answer


def _is_row(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Row)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and attrs.has(annotation) and annotation is not UnknownRow


class Wire:
    """Structures and unstructures models. Tolerates drift unless *strict*.

    Args:
        strict: Raise on every deviation from the documents instead of tolerating it.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self._fast_readers: dict[Any, RowReader | LevelsReader | BookReader | None] = {}
        self._structure_hooks: dict[Any, StructureHook] = {}
        self._reported: set[str] = set()
        self._converter = converter = cattrs.Converter()
        # cattrs asks the factories in reverse order: the last one registered whose predicate is true is used.
        hooks: tuple[tuple[Callable[[Any], bool], Any, Any], ...] = (
            (_is_model, self._object_structure_hook, self._object_unstructure_hook),
            (_is_row, self._row_structure_hook, self._row_unstructure_hook),
            (lambda a: get_origin(a) in (list, tuple), self._list_structure_hook, self._list_unstructure_hook),
            (lambda a: get_origin(a) is Sequence, self._sequence_structure_hook, self._list_unstructure_hook),
            (lambda a: get_origin(a) is dict, self._dict_structure_hook, self._dict_unstructure_hook),
            (lambda a: bool(row_classes(a)), self._reference_structure_hook, self._reference_unstructure_hook),
            (lambda a: a is UnknownRow, self._unknown_structure_hook, self._unknown_unstructure_hook),
            (lambda a: optional_of(a) is not None, self._optional_structure_hook, self._optional_unstructure_hook),
        )
        for predicate, structure, unstructure in hooks:
            converter.register_structure_hook_factory(predicate, structure)
            converter.register_unstructure_hook_factory(predicate, unstructure)

    def structure(self, value: Json, annotation: Any, where: str, *, set_apart: bool = False) -> Any:
        """Structure plain JSON as *annotation* states.

        Args:
            value: What was parsed.
            annotation: A model, or a list of models.
            where: What the message begins with.
            set_apart: Whether single rows of a list that cannot be read are left out, and reported, unless strict.

        Raises:
            DecodeError: Names *where*, class, position and what was expected; never the value.
        """
        try:
            return self.hook(annotation)(value)
        except Deviation as deviation:
            origin, report = get_origin(annotation), self.report_of(where, set_apart=set_apart)
            if report is not None and origin in (list, Sequence) and type(value) is list:
                rows = without_odd_rows(self.hook(get_args(annotation)[0]), value, report)
                if rows is not None:
                    return rows if origin is list else Rows[Any].of(rows)
            place = quotable(deviation.place)  # where there is no model it contains keys that the exchange sent
            raise DecodeError(f"{where}{place}: expected {deviation.expected}", endpoint=where) from None

    def hook(self, annotation: Any) -> StructureHook:
        """Return what structures plain JSON as *annotation* states, and raises `Deviation`."""
        hook = self._structure_hooks.get(annotation)  # cattrs takes several steps to its own cache
        if hook is None:
            hook = self._structure_hooks[annotation] = self._structure_hook(annotation)
        return hook

    def rows(self, body: bytes, annotation: Any) -> Any | None:
        """Decode long lists of rows on the fast path; None if the reference path has to decode *body*."""
        if self._fast_readers.get(annotation, self) is None:
            return None
        if _origin_of(annotation) is Sequence:
            return large_lists.read(self, body, annotation)
        if self.strict:
            return None
        if annotation not in self._fast_readers:
            # A client that reads no rows needs neither of these.
            from exchanges.wire.fast_books import compile_book, compile_levels  # noqa: PLC0415
            from exchanges.wire.fast_rows import Fallback, compile_rows  # noqa: PLC0415

            fallback = Fallback(self._cell_structure_hook, self._deviate)
            compiled = compile_levels(annotation) or compile_rows(annotation, fallback)
            self._fast_readers[annotation] = compiled or compile_book(annotation, self._structure_hook)
        reader = self._fast_readers[annotation]
        return reader.read(without_mark(body)) if reader is not None else None

    def report_of(self, where: str, *, set_apart: bool) -> Callable[[str, str], None] | None:
        """Return what reports rows that are left out of a list; None if they are an error."""
        if self.strict or not set_apart:
            return None
        return lambda expected, place: self._deviate(expected, f" in {where}{quotable(place)}")

    def unstructure(self, value: Any) -> Json:
        """Return plain JSON for a model, or for a list of models."""
        if isinstance(value, list | tuple | Rows):
            return [self.unstructure(v) for v in cast("list[Any]", value)]
        return cast("Json", self._unstructure_hook(type(value))(value))

    # Codecs come before the converter: its own hooks for `int`, `str` and `bool` precede every predicate and coerce.

    def _structure_hook(self, annotation: Any) -> StructureHook:
        codec = codec_of(annotation)
        if codec is not None:
            return partial(codec.read, strict=self.strict)
        # cattrs passes the annotation too; a hook that was built for it does not need it, so it has a default there.
        return self._converter.get_structure_hook(annotation)

    def _unstructure_hook(self, annotation: Any) -> UnstructureHook:
        codec = codec_of(annotation)
        return self._converter.get_unstructure_hook(annotation) if codec is None else codec.write

    def _deviate(self, expected: str, place: str = "", *, tolerable: bool = True) -> None:
        """Raise if strict, or not *tolerable*; otherwise log this kind of drift once."""
        if self.strict or not tolerable:
            raise Deviation(expected, place)
        if place + expected not in self._reported:
            self._reported.add(place + expected)
            logger.warning("drift%s: expected %s", place, expected)

    # Single values

    def _optional_structure_hook(self, annotation: Any, null_in: str | None = None) -> StructureHook:
        inner = optional_of(annotation)
        # A strict client raises, and then the row adds the place.
        place = "" if self.strict else null_in or ""
        on_null = None if null_in is None else partial(self._deviate, "a number, found null", place)
        is_text = isinstance(codec_of(inner), Text | Anything)
        return optional(self._structure_hook(inner), blank=None if is_text else "", on_null=on_null)

    def _optional_unstructure_hook(self, annotation: Any) -> UnstructureHook:
        write = self._unstructure_hook(optional_of(annotation))
        return lambda value: None if value is None else write(value)

    # Containers

    def _list_structure_hook(self, annotation: Any) -> StructureHook:
        inner, origin = get_args(annotation)[0], get_origin(annotation)
        read = self._structure_hook(inner)

        def items(value: Json, _: Any = None) -> Any:
            if type(value) is not list:
                raise Deviation("a list")
            result: list[Any] = []
            try:
                result.extend(read(item) for item in value)
            except Deviation as deviation:
                raise deviation.inside(f"[{len(result)}]") from None  # `extend` has kept what came before
            return result if origin is list else tuple(result)

        return items

    def _sequence_structure_hook(self, annotation: Any) -> StructureHook:
        read = self._structure_hook(GenericAlias(list, get_args(annotation)))

        def sequence(value: Json, _: Any = None) -> Rows[Any]:
            return Rows[Any].of(read(value))

        return sequence

    def _list_unstructure_hook(self, annotation: Any) -> UnstructureHook:
        write = self._unstructure_hook(get_args(annotation)[0])
        return lambda items: [write(item) for item in items]

    def _dict_structure_hook(self, annotation: Any) -> StructureHook:
        inner = get_args(annotation)[1]
        read = self._structure_hook(inner)

        def mapping(value: Json, _: Any = None) -> Any:
            if type(value) is not dict or len(value) > MAX_KEYS:
                raise Deviation("an object")
            return {key: read(item) for key, item in value.items()}

        return mapping

    def _dict_unstructure_hook(self, annotation: Any) -> UnstructureHook:
        write = self._unstructure_hook(get_args(annotation)[1])
        return lambda mapping: {key: write(item) for key, item in mapping.items()}

    # Objects

    def _object_structure_hook(self, cls: type) -> StructureHook:
        entries = [Entry.of(f, self._structure_hook(f.annotation), strict=self.strict) for f in fields_of(cls)]
        layouts, reshape = Layouts(entries, cls), getattr(cls, "from_wire", None)

        def model(value: Json, _: Any = None) -> Any:
            if type(value) is not dict or len(value) > MAX_KEYS:  # `from_wire` copies the object
                raise Deviation("an object", f": {cls.__name__}")
            if reshape is not None:
                value = cast("dict[str, Json]", reshape(value))
            layout = layouts.get(keys := tuple(value)) or layouts.add(keys)
            numbers, build = layout.numbers(value), layout.build
            if build is not None and numbers is not None:
                try:
                    return build(value, numbers)
                except Deviation:  # read again by field, which says where it is
                    pass
            attributes = layout.attributes(cls, value, numbers)
            if layout.surplus:
                self._deviate(f"no keys but the documented ones ({layout.surplus} more)", f": {cls.__name__}")
            return cls(**attributes)

        return model

    def _object_unstructure_hook(self, cls: type) -> UnstructureHook:
        plan = [(field, self._unstructure_hook(field.annotation)) for field in fields_of(cls)]
        nullable = {field.wire for field, _ in plan if field.required}
        reshape = getattr(cls, "to_wire", None)

        def plain_object(model: Any) -> Any:
            pairs = ((field.wire, write(getattr(model, field.name))) for field, write in plan)
            value = {key: item for key, item in pairs if item is not None or key in nullable}
            return value if reshape is None else reshape(value)

        return plain_object

    # Rows

    def _row_structure_hook(self, cls: type) -> StructureHook:
        reference = getattr(cls, "class_reference", None)
        first = 0 if reference is None else 1
        plan = [(field, self._cell_structure_hook(cls, field)) for field in fields_of(cls)]
        last = first + len(plan)
        keeps_extra = any(a.name == "extra" for a in attrs.fields(cls))

        def row(cells: Json, _: Any = None) -> Any:
            if type(cells) is not list:
                raise Deviation("a row", f": {cls.__name__}")
            if reference is not None and (not cells or cells[0] != reference or type(cells[0]) is not int):
                # The right reference in another type (as text, or 1.0) is drift; another reference is another class,
                # whose row with the same number, such as an ask for a bid, says something else.
                same = cells[:1] in ([reference], [str(reference)])
                expected = f"class reference {reference}"
                self._deviate(expected, f": {cls.__name__} position 0", tolerable=same)
            values: list[Any] = []
            for cell, (field, read) in zip(cells[first:last], plan, strict=False):
                try:
                    values.append(read(cell))
                except Deviation as deviation:
                    raise deviation.inside(_position(cls, first + len(values), field)) from None
            if len(values) < len(plan):
                self._end_of_row(cls, len(cells), plan[len(values)][0], last)
            if len(cells) > last:
                self._deviate(f"a row of {last}", f": {cls.__name__}")
                if keeps_extra:
                    return cls(*values, extra=kept(cells[last:]))
            return cls(*values)

        return row

    def _end_of_row(self, cls: type, length: int, missing: Field, documented: int) -> None:
        """Raise, log or accept that a row ends before the field *missing*."""
        if missing.required:
            raise Deviation("a value, found the end of the row", _position(cls, length, missing))
        if length < (getattr(cls, "shortest", None) or documented):
            self._deviate(f"a row of {documented}", f": {cls.__name__}")

    def _cell_structure_hook(self, cls: type, field: Field) -> StructureHook:
        """Build the hook of a cell; null where the documents show a number is tolerated, but it is drift."""
        if field.required or not field.is_number:
            return self._structure_hook(field.annotation)
        return self._optional_structure_hook(field.annotation, f": {cls.__name__} ({field.name})")

    def _row_unstructure_hook(self, cls: type) -> UnstructureHook:
        reference = getattr(cls, "class_reference", None)
        plan = [(field, self._unstructure_hook(field.annotation)) for field in fields_of(cls)]

        def plain_row(model: Any) -> Any:
            cells = [] if reference is None else [reference]
            cells.extend(write(getattr(model, field.name)) for field, write in plan)
            if extra := getattr(model, "extra", ()):
                return [*cells, *extra]
            while cells and cells[-1] is None:  # what was missing at the end is not sent as null
                cells.pop()
            return cells

        return plain_row

    def _reference_structure_hook(self, annotation: Any) -> StructureHook:
        table = {cls.class_reference: self._structure_hook(cls) for cls in row_classes(annotation)}
        open_set = UnknownRow in get_args(annotation)

        def by_reference(cells: Json, _: Any = None) -> Any:
            reference = cells[0] if type(cells) is list and cells else None
            if type(reference) is int and reference in table:
                return table[reference](cells)
            place = ": row position 0"
            expected = f"a class reference among {sorted(table)}"
            if type(cells) is not list or type(reference) is not int or not open_set:
                raise Deviation(expected, place)
            self._deviate(expected, place)
            return UnknownRow(kept(cells))

        return by_reference

    def _reference_unstructure_hook(self, _: Any) -> UnstructureHook:
        return self.unstructure

    def _unknown_structure_hook(self, _: Any) -> StructureHook:
        def unknown(cells: list[Json], _: Any = None) -> UnknownRow:
            return UnknownRow(kept(cells))

        return unknown

    def _unknown_unstructure_hook(self, _: Any) -> UnstructureHook:
        return lambda row: list(row.cells)


def _position(cls: type, position: int, field: Field) -> str:
    return f": {cls.__name__} position {position} ({field.name})"


@cache
def wire(*, strict: bool = False) -> Wire:
    """Return the converter of one strictness, which all clients share: its hooks are expensive to build."""
    return Wire(strict=strict)


def decode(body: bytes, annotation: type[T], *, strict: bool = False) -> T:
    """Decode *body* (JSON) as the model, or list of models, that *annotation* names.

    Raises:
        DecodeError: The body is not what the model states.
    """
    converter = wire(strict=strict)
    fast = converter.rows(body, annotation)
    if fast is not None:
        return cast("T", fast)
    where = getattr(annotation, "__name__", "answer")
    try:
        value = loads(body)
    except Deviation as deviation:
        raise DecodeError(f"{where}: expected {deviation.expected}", endpoint=where) from None
    return cast("T", converter.structure(value, annotation, where))


def encode(model: object) -> Json:
    """Return what is sent for a model: a list for a row, a dict for an object, a list of those for a list.

    Money is `Decimal` where the exchange sends numbers and text where it sends text. ``None`` is not sent, but as null
    where the key is always there.
    """
    return wire().unstructure(model)


def dumps(value: Json) -> bytes:
    """Render plain JSON; each `Decimal` as a number with all its digits."""
    return _JSON.encode(value)
