"""Suggestions for misspelled names."""

from __future__ import annotations

from collections.abc import Iterable


def no_attribute(module: str, name: str, names: Iterable[str]) -> AttributeError:
    """Build the error for an unknown attribute of a module.

    Args:
        module: Name of the module.
        name: The unknown attribute.
        names: The attributes that exist; those most similar to *name* are suggested.
    """
    import difflib  # noqa: PLC0415 - for messages alone

    similar = difflib.get_close_matches(name, names)
    suggestion = f"; did you mean {' or '.join(map(repr, similar))}?" if similar else ""
    # `name` without `obj`: with neither, the interpreter would add a suggestion of its own to the traceback.
    return AttributeError(f"module {module!r} has no attribute {name!r}{suggestion}", name=name)


def hint(message: str, word: str, known: Iterable[str], *, lists_all: bool = False) -> str:
    """Add the nearest of the known words to a message, if one is near; otherwise all of them, if that is asked for."""
    import difflib  # noqa: PLC0415 - as above

    words = list(known)
    near = difflib.get_close_matches(word, words, n=1)
    others = f"; there are {', '.join(words)}" if lists_all and words else ""
    return f"{message}; did you mean {near[0]}?" if near else f"{message}{others}"
