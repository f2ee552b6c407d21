"""``doctor``: installed versions, the path of the package, and which credentials are set."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
from importlib import metadata
from pathlib import Path

import exchanges
from exchanges.commands.clients import endpoints
from exchanges.commands.tables import aligned

DISTRIBUTION = "aioexchanges"
_NAME = re.compile(r"[\w.-]+")


def arguments(_: argparse.ArgumentParser) -> None:
    """Declare no arguments."""


def run(_: argparse.Namespace) -> int:
    """Print the report."""
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
    return 0


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
