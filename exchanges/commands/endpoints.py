"""``endpoints``: everything that is declared, as text, JSON or Markdown."""

from __future__ import annotations

import argparse
import inspect
from urllib.parse import urlsplit

from exchanges.commands.clients import endpoints
from exchanges.commands.tables import aligned, markdown
from exchanges.endpoint import Argument, Endpoint
from exchanges.wire import Json, dumps

__all__ = ["arguments", "described", "run", "table"]

HEADS = ("id", "kind", "verb", "path", "access", "arguments")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a list of objects, one a line")
    form.add_argument("--markdown", action="store_true", help="the table of README.md")


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    declared = list(endpoints())
    if args.json:
        lines = ",\n".join(f"  {dumps(described(e)).decode()}" for e in declared)
        print(f"[\n{lines}\n]")
    elif args.markdown:
        print(table(declared))
    else:
        rows = [(e.id, e.kind, e.verb, _path(e), e.access, _signature(e)) for e in declared]
        print(aligned(HEADS, rows))
    return 0


def described(endpoint: Endpoint) -> Json:
    """Say in plain values what is declared of *endpoint*."""
    return {
        "id": endpoint.id,
        "verb": endpoint.verb,
        "host": urlsplit(endpoint.api.base_url).netloc,
        "path": _path(endpoint),
        "access": endpoint.access.value,
        "kind": endpoint.kind.value,
        "arguments": [_described(a) for a in endpoint.arguments],
    }


def table(declared: list[Endpoint]) -> str:
    """Write the list in Markdown; a money call is in bold."""
    return markdown(("Call", "Kind", "Access", "Request"), [_row(e) for e in declared])


def _row(endpoint: Endpoint) -> tuple[str, str, str, str]:
    call = f"`{endpoint.id}({_signature(endpoint)})`"
    kind = f"**{endpoint.kind}**" if endpoint.kind == "money" else endpoint.kind.value
    return call, kind, endpoint.access.value, f"`{endpoint.verb} {_path(endpoint)}`"


def _path(endpoint: Endpoint) -> str:
    return urlsplit(endpoint.api.base_url).path + endpoint.route


def _described(argument: Argument) -> Json:
    return {"name": argument.name, "wire": argument.wire, "type": argument.type, "required": argument.required}


def _signature(endpoint: Endpoint) -> str:
    return ", ".join(_spelled(a) for a in endpoint.arguments)


def _spelled(argument: Argument) -> str:
    """Write an argument as in a call, its default where it has one."""
    if argument.default is inspect.Parameter.empty:
        return argument.name
    return f"{argument.name}={argument.default!r}"
