"""Ids as arguments: those of the exchange, and the client's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from exchanges.endpoint import Param

# Quirk: no number is published for lists of ids; 50 keep the address within three kilobytes.
MAX_IDS = 50
_ORIGIN_ID = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9]{1,100}", re.ASCII)


def fault_of_origin_id(origin_id: str) -> str | None:
    """Return what is wrong with a client's id; None if nothing is."""
    return None if _ORIGIN_ID.fullmatch(origin_id) else "must be 1 to 40 of A-Z, a-z, 0-9, _ and -"


def fault_of_id(value: str) -> str | None:
    """Return what is wrong with an id of the exchange; None if nothing is."""
    return None if _ID.fullmatch(value) else "must be an id: letters and digits"


def joined(pattern: re.Pattern[str], echo: str | None = None, refers: str | None = None) -> Param:
    """Return a list of ids that match *pattern*, joined by commas.

    Args:
        pattern: Of one id.
        echo: The field of each row of the answer that has one of them.
        refers: The field with the exchange's id of what one of them names.
    """

    def render(ids: Sequence[str]) -> str:
        if isinstance(ids, str) or not isinstance(ids, Sequence):
            raise TypeError(f"must be a list of ids, not {type(ids).__name__}")
        # Copied once: what is checked must be what is sent, whatever a class of the caller's own iterates over.
        items: list[object] = list(ids)
        if not 1 <= len(items) <= MAX_IDS:
            raise ValueError(f"must hold 1 to {MAX_IDS} ids")
        texts = [str.__str__(item) for item in items if isinstance(item, str)]
        if len(texts) != len(items) or not all(map(pattern.fullmatch, texts)):
            raise ValueError("must hold ids")
        return ",".join(texts)

    return Param(type="list", render=render, echo=echo, refers=refers)


def an_id(echo: str) -> Param:
    """Return the id of what the answer must be about, which shows it as *echo*."""
    return Param(check=fault_of_id, echo=echo)


Ids = Annotated[Sequence[str] | None, joined(_ID)]
Oids = Annotated[Sequence[str] | None, joined(_ID, "oid")]
OriginIds = Annotated[Sequence[str] | None, joined(_ORIGIN_ID)]
NamedIds = Annotated[Sequence[str] | None, joined(_ORIGIN_ID, refers="oid")]
Oid = Annotated[str, an_id("oid")]
OriginId = Annotated[str | None, Param(check=fault_of_origin_id, call_id=True)]


NamedBook = Annotated[str, Param(echo="book")]
"""A book that the answer must be about, and each of its rows."""
Word = Annotated[str, Param(canonical=str.lower)]
"""A book or a currency, in whatever case."""


def one_of_both(first: str, second: str) -> Callable[[Mapping[str, Any]], str | None]:
    """Return a check that demands exactly one of two arguments."""

    def check(arguments: Mapping[str, Any]) -> str | None:
        given = [name for name in (first, second) if arguments.get(name) is not None]
        return None if len(given) == 1 else f"give exactly one of {first} and {second}"

    return check
