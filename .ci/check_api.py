"""Compare the public surface with that of a release: `nox -s api`.

The surface is what the public packages export (docs/versions.md). A break fails unless the version that is to be
released allows it: before 1.0 a new minor version may break, a patch never.
"""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import griffe

PUBLIC = (
    "exchanges",
    "exchanges.bitex",
    "exchanges.bitso",
    "exchanges.bitso.v2",
    "exchanges.bitstamp",
    "exchanges.bitstamp.v1",
    "exchanges.instrumentation",
    "exchanges.instrumentation.otel",
    "exchanges.simulator",
    "exchanges.spot",
    "exchanges.state",
    "exchanges.streams",
)
VERSION_FILE = "exchanges/version.py"


def git(*words: str) -> str:
    """Return what a command of git prints; empty if it fails."""
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.strip() if done.returncode == 0 else ""


def version(text: str) -> tuple[int, ...]:
    """Return the version that a file states, or that a tag is named for."""
    return tuple(map(int, re.findall(r"\d+", re.findall(r"\d+\.\d+\.\d+", text)[0])))


def surface(tree: griffe.Object | griffe.Alias) -> Iterator[tuple[str, str]]:
    """Yield the path of everything exported, as it is imported, and as it is defined."""
    for package in PUBLIC:
        _, _, name = package.partition(".")
        try:
            module = tree[name] if name else tree
        except KeyError:
            continue  # newer than the release
        for exported in map(str, module.exports or ()):
            if exported in module.members:
                yield f"{package}.{exported}", module.members[exported].canonical_path


def breaks(old: griffe.Object | griffe.Alias, new: griffe.Object | griffe.Alias) -> list[str]:
    """Return what a program of the old surface would meet in the new one."""
    imported = dict(surface(old))
    defined = set(imported.values()) - imported.keys()
    found: list[str] = []
    for breakage in griffe.find_breaking_changes(old, new):
        path = breakage.obj.path
        if path in defined and breakage.kind is griffe.BreakageKind.OBJECT_REMOVED:
            continue  # it moved; if it is exported no more, that is a breakage of its own
        parts = path.split(".")
        if not {".".join(parts[:length]) for length in range(1, len(parts) + 1)}.isdisjoint({*imported, *defined}):
            found.append(breakage.explain(style=griffe.ExplanationStyle.ONE_LINE))
    return found


def main() -> int:
    """Print the breaks; return 0 if there are none, or if the version allows them."""
    logging.getLogger("griffe").setLevel(logging.ERROR)
    # Not HEAD: a release is compared with the one before it.
    reference = sys.argv[1] if sys.argv[1:] else git("describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^")
    if not reference:
        print("there is no release to compare with")
        return 0
    old = griffe.load_git("exchanges", ref=reference, resolve_aliases=True)
    new = griffe.load("exchanges", search_paths=["."], resolve_aliases=True)
    found = breaks(old, new)
    before, now = version(git("show", f"{reference}:{VERSION_FILE}")), version(Path(VERSION_FILE).read_text("utf-8"))
    is_allowed = now[0] > before[0] or (before[0] == 0 and now[1] > before[1])
    print(*found, sep="\n")
    print(f"{len(found)} breaks since {reference}; version {'.'.join(map(str, now))} allows them: {is_allowed}")
    return 1 if found and not is_allowed else 0


if __name__ == "__main__":
    sys.exit(main())
