"""What the documentation shows of the declarations: tables of endpoints and limits, pages of the API reference.

All of it is plain text, generated when the site is built; `conf.py` hands it to Sphinx.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from exchanges.__main__ import COMMANDS
from exchanges.client import Client
from exchanges.commands.clients import CLIENTS, limits
from exchanges.commands.tables import markdown
from exchanges.endpoint import Area, Areas, Endpoint, areas_of
from exchanges.streams.channel import Channel, Channels, Delivery

DOCS = Path(__file__).parent
RECORD = json.loads((DOCS / "confidence.json").read_text("utf-8"))
CONFIDENCE: dict[str, str] = RECORD["confidence"]
"""How far the sources of an endpoint agree: high (several that are current), or medium (one, or an older one)."""
CONFIRMED: dict[str, str] = RECORD["confirmed"]
"""On which day `verify` confirmed an endpoint at the exchange itself."""
RETIRED = "retired"
SLOW = {
    Delivery.LOSSLESS: "every item, or a gap",
    Delivery.NEWEST: "the newest item",
    Delivery.KEPT: "the book as it is",
}
PACKAGES = (
    "exchanges",
    "exchanges.client",
    "exchanges.instrumentation",
    "exchanges.simulator",
    "exchanges.spot",
    "exchanges.state",
    "exchanges.streams.books",
    "exchanges.streams.live",
)
"""Packages and modules that belong to no exchange and hold what users meet."""


def areas(bundle: type[Areas], name: str) -> Iterator[tuple[str, type[Area]]]:
    """Iterate over the areas of a client, older generations included, with their attribute paths."""
    for attribute, kind in areas_of(bundle).items():
        path = f"{name}.{attribute}"
        if issubclass(kind, Area):
            yield path, kind
        else:
            yield from areas(kind, path)


def address(endpoint: Endpoint) -> str:
    """Return verb and whole path of an endpoint."""
    return f"{endpoint.verb} {urlsplit(endpoint.api.base_url).path}{endpoint.route}"


def confirmed(endpoint: Endpoint) -> str:
    """Return whether `verify` has ever confirmed an endpoint live, and when."""
    return CONFIRMED.get(endpoint.id, "never")


def endpoint_tables(exchange: str) -> str:
    """Format a table for each area of an exchange as Markdown."""
    heads = ("Call", "Kind", "Access", "Request", "Confidence", "Confirmed live")
    parts = [
        f"### {path}\n\n" + markdown(heads, [_row(endpoint, path, area) for endpoint in area.endpoints])
        for path, area in areas(CLIENTS[exchange], exchange)
        if area.endpoints
    ]
    return "\n\n".join(parts) + "\n"


def _row(endpoint: Endpoint, path: str, area: type[Area]) -> tuple[str, ...]:
    name = endpoint.id.removeprefix(f"{path}.")
    call = f"{{py:meth}}`{name} <{area.__module__}.{area.__qualname__}.{name}>`"
    kind = f"**{endpoint.kind}**" if endpoint.kind == "money" else endpoint.kind.value
    confidence = CONFIDENCE.get(endpoint.id, RETIRED)
    return call, kind, endpoint.access.value, f"`{address(endpoint)}`", confidence, confirmed(endpoint)


def channels(exchange: str) -> type[Channels] | None:
    """Return the live channels of an exchange; None if it has none."""
    package = f"exchanges.{exchange}.streams"
    return import_module(package).Streams if find_spec(package) else None


def channel_table(exchange: str) -> str:
    """Format the live channels of an exchange as Markdown."""
    declared = channels(exchange)
    heads = ("Channel", "Access", "On the wire", "A slow reader gets", "Kept or read again")
    rows = [_channel_row(c, declared) for c in declared.channels] if declared else []
    return markdown(heads, rows) + "\n"


def _channel_row(declared: Channel, streams: type[Channels]) -> tuple[str, ...]:
    name = declared.id.rpartition(".")[2]
    # A method may have another name than what it keeps.
    method = next(n for n, f in vars(streams).items() if getattr(f, "channel", None) is declared)
    call = f"{{py:meth}}`{name} <{streams.__module__}.{streams.__qualname__}.{method}>`"
    kept = "a kept book" if declared.book else "missed items, from REST" if declared.catch_up else "-"
    return call, declared.access.value, f"`{declared.template}`", SLOW[declared.delivery], kept


def limit_table() -> str:
    """Format every limit that an exchange sets as Markdown."""
    rows = [(x.name, x.scope.value, " and ".join(map(str, x.windows))) for x in limits()]
    return markdown(("Limit", "Counted by", "Calls"), rows) + "\n"


def command_table() -> str:
    """Format the commands as Markdown."""
    return markdown(("Command", "What it does"), [(f"`{name}`", words) for name, words in COMMANDS.items()]) + "\n"


def facts(endpoint: Endpoint) -> list[str]:
    """Return the lines that stand above the docstring of an endpoint."""
    repeated = "never repeated" if endpoint.kind.is_once else "repeated where that is safe"
    counted = "counted against no limit" if endpoint.exempt else f"counted as {endpoint.limit.name}"
    confidence = CONFIDENCE.get(endpoint.id, RETIRED)
    words = [
        f"``{address(endpoint)}``",
        f"**{endpoint.kind}**, {repeated}",
        endpoint.access.value,
        counted,
        f"confidence: {confidence}",
        f"confirmed live: {confirmed(endpoint)}",
    ]
    return [" · ".join(words), ""]


def signature(endpoint: Endpoint) -> str:
    """Return the arguments of an endpoint with the names of their types, as `help` and the checkers know them."""
    words: list[str] = []
    for argument in endpoint.arguments:
        if argument.name != endpoint.positional and "*" not in words:
            words.append("*")
        default = "" if argument.required else f" = {argument.default!r}"
        words.append(f"{argument.name}: {argument.type}{default}")
    return f"({', '.join(words)})"


def reference_pages() -> Iterator[tuple[str, str]]:
    """Iterate over the pages of the API reference: name and text in reStructuredText."""
    # What several packages export is shown once.
    shown: set[type] = set(CLIENTS.values())
    for exchange, client in CLIENTS.items():
        yield exchange, "\n\n".join(_exchange(exchange, client, shown)) + "\n"
    for package in PACKAGES:
        yield package, "\n\n".join(_package(package, shown)) + "\n"


def _exchange(exchange: str, client: type[Client], shown: set[type]) -> Iterator[str]:
    package = f"exchanges.{exchange}"
    yield _title(f"{client.__name__}: calls and models")
    yield f".. autoclass:: {package}.{client.__name__}\n   :members:\n   :exclude-members: searches"
    for path, area in areas(client, exchange):
        yield _title(path, "-")
        # A part of an area may be declared in a base class of its own.
        yield f".. autoclass:: {area.__module__}.{area.__qualname__}\n   :members:\n   :inherited-members: Area"
    if streams := channels(exchange):
        yield _title(f"{exchange}.streams", "-")
        yield f".. autoclass:: {streams.__module__}.{streams.__qualname__}\n   :members:"
        shown.add(streams)
        yield from _members(streams.__module__, shown)
    yield _title("Models", "-")
    for name in [package, *_older(client, package)]:
        yield from _members(name, shown)


def _older(client: type[Client], package: str) -> list[str]:
    return [f"{package}.{name}" for name, kind in areas_of(client).items() if not issubclass(kind, Area)]


def _package(package: str, shown: set[type]) -> Iterator[str]:
    yield _title(package)
    yield f".. automodule:: {package}"
    yield from _members(package, shown)


def _members(package: str, shown: set[type]) -> Iterator[str]:
    """Iterate over what a package exports, without what is *shown* already, under this or another name."""
    module = import_module(package)
    for name in module.__all__:
        if inspect.isclass(found := getattr(module, name)):
            if found in shown or issubclass(found, Areas | Area):
                continue
            shown.add(found)
            inherited = (
                "\n   :inherited-members:\n   :exclude-members: add_note, with_traceback"
                if issubclass(found, Exception)
                else ""
            )
            yield f".. autoclass:: {package}.{name}\n   :members:{inherited}"
        elif inspect.isroutine(found):
            yield f".. autofunction:: {package}.{name}"


def _title(text: str, line: str = "=") -> str:
    return f"{text}\n{line * len(text)}"
