import importlib
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import exchanges

ROOT = Path(__file__).parent.parent.parent
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
# The package need not stand beside the tests: `nox -s wheel` installs it.
PACKAGE = Path(exchanges.__file__).parent
BASES = (ROOT, PACKAGE, PACKAGE.parent)
EXCHANGES = ("bitex", "bitso", "bitstamp")
FILES = sorted(set(re.findall(r"`((?:[\w<>]+/)+\w+(?:\.py)?)`", ARCHITECTURE)))
STEP = re.compile(r"`(?P<file>[\w/]+\.py)`|`(?P<name>[\w.]+)\(\)`")
MODULES = {module.name for module in pkgutil.walk_packages(exchanges.__path__, "exchanges.")}


def named():
    """Yield each function that the steps of one order name, with the file named last before it."""
    steps = ARCHITECTURE.partition("## One order, step by step")[2].partition("\n## ")[0]
    file = ""
    for found in STEP.finditer(steps):
        file = found["file"] or file
        if found["name"]:
            yield file, found["name"]


@pytest.mark.parametrize("file", FILES)
def test_every_file_exists(file):
    """Each file and package that the architecture names exists, for every exchange where it names all of them."""
    places = [file.replace("<exchange>", name) for name in EXCHANGES] if "<exchange>" in file else [file]
    missing = [place for place in places if not any(_exists(base / place) for base in BASES)]

    assert [] == missing


def _exists(path):
    return path.exists() or path.with_suffix(".py").exists()


@pytest.mark.parametrize(("file", "name"), sorted(set(named())))
def test_every_function_exists(file, name):
    """Each function that the steps of one order name is in the module named before it."""
    found = importlib.import_module("exchanges." + file.removesuffix(".py").replace("/", "."))
    for part in name.split("."):
        found = getattr(found, part)

    assert callable(found)


def test_the_steps_name_functions():
    """The steps of one order name functions, so that there is something to check."""
    assert len(set(named())) > 10


def test_the_drawing():
    """The packages are drawn in the order that their imports are held to."""
    drawn = ARCHITECTURE.partition("```\n")[2].partition("\n```")[0].splitlines()
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = [set(re.findall(r"exchanges\.(\w+)", layer)) for layer in contracts[0]["layers"]]
    lines = [set(re.findall(r"\w+", line.partition("  ")[0])) for line in drawn]
    place = {name: number for number, line in enumerate(lines) for name in line}
    # A line may stand for several layers, and not every name of a layer is drawn.
    places = [sorted({place[name] for name in layer if name in place}) for layer in layers]

    assert [] == [layer for layer, found in zip(layers, places, strict=True) if len(found) != 1]
    assert sorted(places) == places
