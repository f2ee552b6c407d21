"""``doctor``: installed versions, the path of the package, which credentials are set, and what a state file holds."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
from importlib import metadata
from pathlib import Path

import exchanges
from exchanges import UsageError
from exchanges.commands.clients import CLIENTS, endpoints
from exchanges.commands.headroom import headroom
from exchanges.commands.parsers import add_server
from exchanges.commands.tables import aligned
from exchanges.state import FileState

DISTRIBUTION = "aioexchanges"
_NAME = re.compile(r"[\w.-]+")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    words = "a state file: show the limits that its processes share, and the unresolved calls of the keys that are set"
    parser.add_argument("--state", type=Path, metavar="FILE", help=words)
    add_server(parser)


def run(args: argparse.Namespace) -> int:
    """Print the report."""
    if args.state is not None and not args.state.is_file():
        raise UsageError(f"--state: there is no file {args.state}")
    report = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "exchanges": f"{exchanges.__version__}, loaded from {Path(exchanges.__file__).parent}",
        "event loop": asyncio.run(_event_loop()),
        **{name: _version(name) for name in _dependencies()},
        # Never the value: the report is meant to be pasted into an issue.
        **{name: "set" if os.environ.get(name) else "not set" for name in _credentials()},
    }
    print(aligned(("what", "found"), list(report.items())))
    if args.state is not None:
        print("", *asyncio.run(_state(args.state, args.base_url)), sep="\n")
    return 0


async def _state(path: Path, base_url: str | None) -> list[str]:
    """Return what a state file shows now; nothing is sent."""
    with FileState(path) as state:
        lines = list[str]()
        for client_of in CLIENTS.values():
            async with client_of(state=state, base_url=base_url) as client:
                lines += headroom(client)
                lines += [f"unresolved: {call.intent}" for call in client.unresolved.values()]
    return lines


async def _event_loop() -> str:
    kind = type(asyncio.get_running_loop())
    return f"{kind.__module__}.{kind.__qualname__}"


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _dependencies() -> list[str]:
    """List the distribution and what it requires, extras included."""
    try:
        required = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        required = []  # a source tree that was never installed
    # rich is optional and looked for by name: list it even if the metadata does not.
    names = {name[0] for requirement in required if (name := _NAME.match(requirement))}
    return [DISTRIBUTION, *sorted({*names, "rich"})]


def _credentials() -> list[str]:
    """List the environment variables from which clients read their credentials."""
    needed = [f"{e.api.exchange}_{name}".upper() for e in endpoints() for name in e.api.scheme.needs]
    return sorted(set(needed))
