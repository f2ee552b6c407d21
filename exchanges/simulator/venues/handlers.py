"""Handlers: functions marked with the declared method whose requests they answer.

A handler is a method, or built by a function such as `lists`::

    class TradingHandlers(SpotHandlers):
        open_orders = lists(v1.Trading.open_orders, lambda self, call: self.engine.open_orders(call.wallet, BOOK))

        @handles(v1.Trading.buy)
        def buy(self, call: SpotCall) -> v1.Order: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar, cast

import attrs

from exchanges.wire import Json, Row, TaggedRow, encode

Handler = Callable[[Any, Any], object]
H = TypeVar("H", bound=Handler)
T = TypeVar("T")


def handles(method: Callable[..., Any]) -> Callable[[H], H]:
    """Mark the handler of a declared method; it returns a model, a list of models, or plain JSON."""

    def mark(handler: H) -> H:
        cast("Any", handler).__handles__ = cast("Any", method).endpoint.id
        return handler

    return mark


def answers(method: Callable[..., Any], value: Handler) -> Handler:
    """Return a handler that answers with *value*, called with handlers and call."""
    return handles(method)(value)


def lists(
    method: Callable[..., Any], rows: Callable[[Any, Any], Iterable[T]], show: Callable[[T], object] = lambda row: row
) -> Handler:
    """Return a handler that answers with *rows* (called with handlers and call), each converted by *show*."""
    return answers(method, lambda handlers, call: [show(row) for row in rows(handlers, call)])


def show(model: type[T], source: object, **fields: object) -> T:
    """Build a model of *fields*, and for its other fields of the attributes of *source* that have their names."""
    names = [a.name for a in attrs.fields(cast("Any", model)) if a.name not in fields and hasattr(source, a.name)]
    return model(**fields, **{name: getattr(source, name) for name in names})


class Handlers:
    """The handlers of one area; a subclass marks them with `handles`, or builds them with functions such as `lists`."""

    handlers: ClassVar[dict[str, Handler]] = {}
    """By id of the endpoint."""

    def __init_subclass__(cls) -> None:
        """Collect the handlers."""
        super().__init_subclass__()
        # Of this class alone: a handler is always found in the class that shows it.
        cls.handlers = {m.__handles__: m for m in vars(cls).values() if hasattr(m, "__handles__")}


def id_of(value: object) -> str | None:
    """Return the id in an answer, which is a model or plain JSON."""
    for name in ("id", "oid", "user_id", "public_address"):
        found = cast("dict[str, object]", value).get(name) if isinstance(value, dict) else getattr(value, name, None)
        if found is not None:
            return str(found)
    return None


def encode_answer(value: object) -> Json:
    """Encode a model or a list of models; plain JSON stays as it is."""
    if isinstance(value, list):
        models = cast("list[object]", value)
        if not models or not attrs.has(type(models[0])):
            return cast("Json", models)
        return [_padded(model, row) for model, row in zip(models, cast("list[Json]", encode(models)), strict=True)]
    return _padded(value, encode(value)) if attrs.has(type(value)) else cast("Json", value)


def _padded(model: object, encoded: Json) -> Json:
    """Append null for the absent cells at the end of a row, as an exchange does."""
    if not isinstance(model, Row) or not isinstance(encoded, list):
        return encoded
    return encoded + [None] * (_width(type(model)) - len(encoded))


def _width(kind: type) -> int:
    names = [a.name for a in attrs.fields(cast("Any", kind))]
    return len(names) - ("extra" in names) + issubclass(kind, TaggedRow)
