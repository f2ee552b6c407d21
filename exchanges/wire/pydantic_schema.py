"""What pydantic needs to take a model as a field, or FastAPI as an answer; pydantic itself is not needed.

The schemas are the plain dictionaries that pydantic documents for types of others.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import attrs

from exchanges.errors import DecodeError
from exchanges.wire.by_name import CLASS, from_dict, to_dict
from exchanges.wire.codecs import Anything

__all__ = ["core_schema", "json_schema"]


def core_schema(cls: type[Any]) -> dict[str, Any]:
    """Return the schema by which pydantic validates and writes a model."""

    def validated(value: Any) -> Any:
        try:
            return value if isinstance(value, cls) else from_dict(cls, value)
        except DecodeError as error:
            raise ValueError(str(error)) from None

    return {
        "type": "function-plain",
        "function": {"type": "no-info", "function": validated},
        "serialization": {"type": "function-plain", "function": to_dict},
    }


_VALUES: dict[Any, dict[str, Any]] = {
    Decimal: {"type": "string", "format": "decimal"},
    datetime: {"type": "string", "format": "date-time"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    str: {"type": "string"},
    NoneType: {"type": "null"},
}


def json_schema(annotation: Any) -> dict[str, Any]:
    """Return the JSON schema of what `to_dict` returns for a model, or for a value of its fields."""
    arguments, origin = get_args(annotation), get_origin(annotation)
    if origin is Annotated:
        return {} if any(isinstance(mark, Anything) for mark in arguments[1:]) else json_schema(arguments[0])
    if origin is not None:
        return _container(origin, arguments)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        # Open: an exchange may send what nobody has documented.
        return {"type": "string", "examples": list(annotation.__members__)}
    if isinstance(annotation, type) and attrs.has(annotation):
        return _object(annotation)
    return _VALUES.get(annotation, {})


def _container(origin: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    if origin in (Union, UnionType):
        return {"anyOf": [json_schema(member) for member in arguments]}
    if not issubclass(origin, Mapping):
        return {"type": "array", "items": json_schema(arguments[0])}
    if arguments[0] is not str:
        return {"type": "array"}
    return {"type": "object", "additionalProperties": json_schema(arguments[1])}


def _object(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls, include_extras=True)
    properties = {a.name: json_schema(hints[a.name]) for a in attrs.fields(cls)}
    return {
        "title": cls.__name__,
        "type": "object",
        "properties": {CLASS: {"const": cls.__name__}, **properties},
        "required": list(properties),
    }
