"""``endpoints``: the list of all declared endpoints, as text, JSON or Markdown."""

from __future__ import annotations

import argparse
import inspect
from urllib.parse import urlsplit

from exchanges.commands.clients import endpoints
from exchanges.commands.tables import aligned, markdown
from exchanges.endpoint import Argument, Endpoint
from exchanges.wire import Json, dumps

HEADS = ("id", "kind", "verb", "path", "access", "arguments")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a list of objects, one per line")
    form.add_argument("--markdown", action="store_true", help="print the table of docs/endpoints.md")


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    declared = list(endpoints())
    if args.json:
        # A valid list, and still one endpoint per line for grep.
        lines = ",\n".join(f"  {dumps(described(e)).decode()}" for e in declared)
        print(f"[\n{lines}\n]")
    elif args.markdown:
        print(table(declared))
    else:
        rows = [(e.id, e.kind, e.verb, _path(e), e.access, _signature(e)) for e in declared]
        print(aligned(HEADS, rows))
    return 0


def described(endpoint: Endpoint) -> Json:
    """Describe *endpoint* in plain JSON."""
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
    """Format the list as a Markdown table; the kind of money calls is in bold."""
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
    return ", ".join(_in_signature(a) for a in endpoint.arguments)


def _in_signature(argument: Argument) -> str:
    """Format an argument as in a signature, with its default if it has one."""
    if argument.default is inspect.Parameter.empty:
        return argument.name
    return f"{argument.name}={argument.default!r}"
