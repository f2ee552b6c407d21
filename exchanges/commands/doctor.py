"""``doctor``: what is installed, where from, and which credentials are set."""

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

__all__ = ["arguments", "run"]

DISTRIBUTION = "aioexchanges"
ABSENT = "not installed"
_NAME = re.compile(r"[\w.-]+")


def arguments(_: argparse.ArgumentParser) -> None:
    """Declare no arguments."""


def run(_: argparse.Namespace) -> int:
    """Print the findings."""
    facts = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "exchanges": f"{exchanges.__version__}, loaded from {Path(exchanges.__file__).parent}",
        "event loop": asyncio.run(_event_loop()),
        **{name: _version(name) for name in _dependencies()},
        **{name: "set" if os.environ.get(name) else "not set" for name in _credentials()},
    }
    print(aligned(("what", "found"), list(facts.items())))
    return 0


async def _event_loop() -> str:
    kind = type(asyncio.get_running_loop())
    return f"{kind.__module__}.{kind.__qualname__}"


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ABSENT


def _dependencies() -> list[str]:
    """Name what the distribution asks for, those of its extras too; only itself if it was never installed."""
    try:
        required = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        required = []
    names = {name[0] for requirement in required if (name := _NAME.match(requirement))}
    return [DISTRIBUTION, *sorted({*names, "rich"})]


def _credentials() -> list[str]:
    """Name the variables that clients read their credentials from."""
    needed = [f"{e.api.exchange}_{name}".upper() for e in endpoints() for name in e.api.scheme.needs]
    return sorted(set(needed))
