"""The guides: each block is run, and what they name exists."""

import os
import re
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import pytest

import exchanges
from exchanges import errors
from exchanges.commands.clients import CLIENTS, limits
from exchanges.endpoint import Areas, areas_of, waiting
from tests.support.documented_programs import (
    FOREIGN,
    GUIDES,
    PYTEST_INI,
    README,
    ROOT,
    blocks_of,
    direct_clients_to,
    programs,
    run,
    section,
)
from tests.support.redis_servers import NOWHERE, executable, redis_server
from tests.support.redis_states import short_lease
from tests.support.simulator_thread import simulated

pytestmark = pytest.mark.sweep

DOCS = ROOT / "docs"
PAGES = {page.stem: page for page in GUIDES}
PROGRAM, TEST, ALONE = "asyncio.run(main())", "def test_", "simulate("
GUIDED = (
    "quickstart bitso bitstamp polling streams unknown-outcomes "
    "limits testing frameworks ccxt operating hosts observing raw"
)
NAMED = re.compile(r"`((?:bitso|bitstamp|bitex)(?:\.v\d)?\.[a-z_0-9]+\.[a-z_0-9]+)\b")


def test_every_block_is_a_program_or_a_test():
    """Every Python block is run by a test of this file or of the README's."""
    blocks = [code for page in [README, *GUIDES] for code in blocks_of(page)]

    assert [] == [code for code in blocks if PROGRAM not in code and TEST not in code]


@pytest.mark.parametrize("name", GUIDED.split())
def test_the_first_block_needs_nothing(name):
    """The first block of a guide brings the simulator, or is a test that does."""
    first = blocks_of(PAGES[name])[0]

    assert ALONE in first


@pytest.fixture
def server_of_state(tmp_path, monkeypatch):
    """Return what runs a Redis server that is new, for which nobody waits long."""
    with ExitStack() as stack:

        def start():
            if executable() is None:
                pytest.skip(NOWHERE)
            monkeypatch.setenv("REDIS_URL", stack.enter_context(redis_server(tmp_path)).url)
            stack.enter_context(short_lease(2.0))

        yield start


@pytest.mark.parametrize("code", programs(GUIDES, PROGRAM))
def test_programs_run(code, monkeypatch, capsys, tmp_path, server_of_state):
    """A program of a guide runs unchanged, prints something, and the exchange reports no error."""
    if "RedisState" in code:
        server_of_state()
    if (needed := FOREIGN.search(code)) is not None:
        pytest.importorskip(needed[1], reason=f"needs {needed[1]}: nox -s interop")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.0)
    refused = 0
    if ALONE in code:
        run(code)
    else:
        with simulated() as sim:
            direct_clients_to(sim, monkeypatch)
            run(code)
        refused = sim.errors

    assert (0, True) == (refused, bool(capsys.readouterr().out))


def test_tests_pass(tmp_path):
    """The tests of README and guides, and the example of some, pass where they are copied to."""
    (tmp_path / "test_with_simulator.py").write_bytes((ROOT / "examples" / "test_with_simulator.py").read_bytes())
    for number, code in enumerate(code for page in [README, *GUIDES] for code in blocks_of(page) if TEST in code):
        (tmp_path / f"test_block_{number}.py").write_text(code, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(PYTEST_INI, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(Path(exchanges.__file__).parent.parent)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "."]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout


def test_the_injected_answer_keeps_its_digits(monkeypatch, capsys):
    """The mock transport's price is printed with its last zero."""
    (program,) = (code for code in blocks_of(PAGES["testing"]) if "MockTransport" in code)
    run(program)

    assert "58211.30\n" == capsys.readouterr().out


def test_the_outcome_is_found(capsys):
    """The order whose answer is lost is found by its client id."""
    run(blocks_of(PAGES["unknown-outcomes"])[0])
    said = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]

    assert ["perhaps placed", "it was placed"] == said


def test_the_table_of_extras_is_fresh():
    """Each extra of the package has a row, and no other."""
    listed = re.findall(r"^\| `(\w+)` \|", section(PAGES["quickstart"], "Install"), re.MULTILINE)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]

    assert sorted(extras) == sorted(listed)


def test_errors_are_listed_for_operators():
    """The page for operators has a line for every class of error that can leave a call."""
    listed = section(PAGES["operating"], "What each error means")
    expected = set(errors.__all__) - {"ExchangeError", "Rejected"}

    assert set() == {name for name in expected if f"`{name}`" not in listed} - {"StateError"}


def test_the_table_of_limits_is_fresh():
    """Each window of a limit is listed as it is enforced."""
    listed = set(re.findall(r"\d+ in \d+ s", section(PAGES["limits"], "What is kept").partition("\n\n")[0]))

    assert {str(window) for limit in limits() for window in limit.windows} == listed


@pytest.mark.parametrize("page", [README, *GUIDES], ids=lambda page: page.stem)
def test_calls_exist(page):
    """Each call that a page names exists."""
    missing = [name for name in set(NAMED.findall(page.read_text("utf-8"))) if not found(name)]

    assert [] == missing


def found(name):
    """Return whether a client, or the package of an exchange, has what a dotted name says."""
    exchange, *path = name.split(".")
    if path[-1].endswith("_"):
        return True  # the beginning of several, as in `create_*`
    if path[0] == "streams":
        return hasattr(import_module(f"exchanges.{exchange}.streams").Streams, path[1])
    kind = CLIENTS[exchange]
    for part in path:
        kind = areas_of(kind).get(part) if issubclass(kind, Areas) else getattr(kind, part, None)
        if not isinstance(kind, type):
            break
    return kind is not None
