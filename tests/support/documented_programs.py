"""The programs of README and guides, and how they are run against the simulator."""

import re
from pathlib import Path

import pytest

from exchanges import client
from exchanges.endpoint import waiting
from exchanges.simulator import Simulator, Venue

ROOT = Path(__file__).parent.parent.parent
README = ROOT / "README.md"
GUIDES = sorted((ROOT / "docs").glob("*.md"))
PYTEST_INI = """
[pytest]
filterwarnings = error
asyncio_mode = strict
asyncio_default_fixture_loop_scope = function
"""
"""Settings of a project into which a test is copied."""
FOREIGN = re.compile(r"^(?:from|import) (fastapi|pandas)\b", re.MULTILINE)
"""Imports of packages that only the group ``interop`` installs."""
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks_of(page: Path) -> list[str]:
    """Return the Python blocks of a page."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def section(page: Path, title: str) -> str:
    """Return what stands under a heading of the second level."""
    return page.read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]


def programs(pages: list[Path], containing: str) -> list[object]:
    """Return the blocks that contain a text, as parameters named by their page and number.

    Those that need a package of others are skipped without it, and run by ``nox -s interop``.
    """
    return [
        pytest.param(code, id=f"{page.stem}-{number}", marks=[pytest.mark.interop] if FOREIGN.search(code) else [])
        for page in pages
        for number, code in enumerate(blocks_of(page))
        if containing in code
    ]


def run(code: str) -> None:
    """Run a program as the main module."""
    exec(compile(code, "<block>", "exec"), {"__name__": "__main__"})  # noqa: S102 - the code is our own


def direct_clients_to(sim: Simulator, monkeypatch: pytest.MonkeyPatch, **options) -> None:
    """Direct clients without a base URL to *sim*, and put its credentials into the environment."""
    made = client.configure

    def configure(cls, exchange, keys, given, **facts):
        return made(cls, exchange, keys, {"base_url": sim.base_url, **options, **given}, **facts)

    monkeypatch.setattr(client, "configure", configure)
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.0)
    for venue in Venue:
        for name, value in sim.account(venue).items():
            monkeypatch.setenv(f"{venue.value}_{name}".upper(), value)
