"""The import of a client loads what calls need, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own: this one has loaded and used everything.
_SCRIPT = """
import sys
from exchanges import Bitstamp
from exchanges.values import _Generated

ours = [vars(module) for name, module in sys.modules.items() if name.partition(".")[0] == "exchanges"]
classes = {value for names in ours for value in names.values() if isinstance(value, type)}
made = [kind for kind in classes if "__attrs_attrs__" in vars(kind)]
waiting = [kind for kind in made if isinstance(vars(kind)["__attrs_attrs__"], _Generated)]
print(len(made) - len(waiting), len(waiting), *sys.modules)
"""


@pytest.fixture(scope="module")
def imported() -> list[str]:
    """Return how many classes attrs has made, how many it has not, and the modules that are loaded."""
    run = subprocess.run([sys.executable, "-c", _SCRIPT], stdout=subprocess.PIPE, text=True, check=True)
    return run.stdout.split()


@pytest.mark.parametrize(
    "name",
    [
        "difflib",
        "httpx",
        "redis",
        "sqlite3",
        "websockets",
        "exchanges.bitex",
        "exchanges.bitso",
        "exchanges.bitstamp.reconcile",
        "exchanges.commands",
        "exchanges.endpoint.undeclared",
        "exchanges.http.httpx_sender",
        "exchanges.polling",
        "exchanges.simulator",
        "exchanges.spot",
        "exchanges.state.file",
        "exchanges.streams",
    ],
)
def test_what_few_programs_need_is_not_loaded(imported: list[str], name: str) -> None:
    """It is loaded when it is first used."""
    assert name not in imported[2:]


def test_few_classes_are_generated(imported: list[str]) -> None:
    """Those of declarations and limits; models and what calls create wait for their first use."""
    made, waiting = map(int, imported[:2])

    assert made <= 15
    assert waiting >= 100
