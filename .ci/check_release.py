"""Check that a tag, the version and the changelog agree: `nox -s release -- v0.2.0`."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def faults(tag: str, version_file: str, changelog: str) -> list[str]:
    """Return what contradicts a release under *tag*."""
    (version,) = re.findall(r'__version__ = "(.+)"', version_file)
    top, date = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", changelog, re.MULTILINE)[0]
    found: list[str] = []
    if tag != f"v{version}":
        found.append(f"the tag is {tag}, the version {version}: tag v{version}, or change exchanges/version.py")
    if top != version or not date:
        found.append(f"CHANGELOG.md begins with [{top}]: head it '## [{version}] - ' and the day of the release")
    return found


def main() -> int:
    """Print what is wrong; return 0 if nothing is."""
    if len(sys.argv) != 2:
        print(f"pass the tag: {__doc__}")
        return 2
    files = [Path(name).read_text("utf-8") for name in ("exchanges/version.py", "CHANGELOG.md")]
    found = faults(sys.argv[1], *files)
    print(*found or [f"{sys.argv[1]} can be released"], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
