"""``endpoints``: the list of all declared endpoints, or live channels, as text, JSON or Markdown."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Sequence
from urllib.parse import urlsplit

from exchanges.commands.clients import channels, endpoints
from exchanges.commands.tables import aligned, markdown
from exchanges.endpoint import Argument, Endpoint
from exchanges.streams.channel import Channel
from exchanges.wire import Json, dumps

HEADS = ("id", "kind", "verb", "path", "access", "arguments")
CHANNEL_HEADS = ("id", "delivery", "access", "channel", "arguments")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a list of objects, one per line")
    form.add_argument("--markdown", action="store_true", help="print a table in Markdown")
    parser.add_argument("--channels", action="store_true", help="list the live channels instead")


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    if args.channels:
        live = list(channels())
        _print(args, [_described_channel(c) for c in live], CHANNEL_HEADS, [_channel_row(c) for c in live])
        return 0
    declared = list(endpoints())
    if args.markdown:
        print(table(declared))
    else:
        rows = [(e.id, e.kind.value, e.verb, _path(e), e.access.value, _signature(e)) for e in declared]
        _print(args, [described(e) for e in declared], HEADS, rows)
    return 0


def _print(
    args: argparse.Namespace, facts: list[Json], heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]
) -> None:
    if args.json:
        # A valid list, and still one item per line for grep.
        lines = ",\n".join(f"  {dumps(fact).decode()}" for fact in facts)
        print(f"[\n{lines}\n]")
    elif args.markdown:
        print(markdown(heads, rows))
    else:
        print(aligned(heads, rows))


def _channel_row(channel: Channel) -> tuple[str, ...]:
    arguments = ", ".join((*channel.arguments, *(f"{name}={value!r}" for name, value in channel.options.items())))
    return channel.id, channel.delivery.value, channel.access.value, channel.template, arguments


def _described_channel(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "host": urlsplit(channel.api.url).netloc,
        "channel": channel.template,
        "access": channel.access.value,
        "delivery": channel.delivery.value,
        "arguments": list(channel.arguments),
    }


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
