import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import exchanges
from exchanges import client, errors
from exchanges.__main__ import COMMANDS
from exchanges.commands.clients import endpoints, limits
from exchanges.commands.endpoints import table
from exchanges.endpoint import waiting
from exchanges.simulator import Simulator, Venue
from tests.support.simulator_thread import simulated

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
DOCS = Path(__file__).parent.parent.parent / "docs"
OPERATING = (DOCS / "operating.md").read_text(encoding="utf-8")
TESTING = (DOCS / "testing.md").read_text(encoding="utf-8")
ENDPOINTS = (DOCS / "endpoints.md").read_text(encoding="utf-8")
PYTEST_INI = """
[pytest]
filterwarnings = error
asyncio_mode = strict
asyncio_default_fixture_loop_scope = function
"""
BLOCK = re.compile(r"^## (?P<title>[^\n]+)\n|^```python\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> Iterator[tuple[str, str]]:
    """Yield every Python block of the README and of the page about testing with its heading."""
    title = ""
    for found in BLOCK.finditer(README + TESTING):
        title = found["title"] or title
        if found["code"] is not None:
            yield title, found["code"]


PROGRAMS = {title: code for title, code in blocks() if "asyncio.run(main())" in code}
TESTS = {title: code for title, code in blocks() if "def test_" in code}

FENCED = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
GUIDES = [code for name in ("bitso", "bitstamp") for code in FENCED.findall((DOCS / f"{name}.md").read_text("utf-8"))]


def run(code: str) -> None:
    """Run a program as the main module."""
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - the code is the README's


def direct_clients_to(sim: Simulator, monkeypatch: pytest.MonkeyPatch, **options) -> None:
    """Direct clients without a base URL to *sim*, and put its credentials into the environment."""
    made = client.configure

    def configure(cls, exchange, keys, given, **facts):
        return made(cls, exchange, keys, {"base_url": sim.base_url, **options, **given}, **facts)

    monkeypatch.setattr(client, "configure", configure)
    for venue in Venue:
        for name, value in sim.account(venue).items():
            monkeypatch.setenv(f"{venue.value}_{name}".upper(), value)


class LosesAnswersToOrders(httpx.AsyncHTTPTransport):
    """Executes requests and loses the answers."""

    async def handle_async_request(self, request):
        response = await super().handle_async_request(request)
        if "/buy/" in request.url.path:
            await response.aclose()
            raise httpx.ReadError("connection reset")
        return response


def test_every_block_is_a_program_or_a_test():
    """Every Python block is run by a test of this file, and no two have the same heading."""
    expected = [code for _, code in blocks()]

    assert sorted(expected) == sorted([*PROGRAMS.values(), *TESTS.values()])


@pytest.mark.parametrize("title", PROGRAMS)
def test_programs_run(title, monkeypatch, capsys):
    """A program of the README runs unchanged, prints something, and the exchange reports no error."""
    with simulated() as sim:
        direct_clients_to(sim, monkeypatch)
        run(PROGRAMS[title])

    assert (0, True) == (sim.errors, bool(capsys.readouterr().out))


@pytest.mark.parametrize("code", GUIDES)
def test_programs_of_guides_run(code, monkeypatch, capsys):
    """A program of a guide runs unchanged, prints something, and the exchange reports no error."""
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.0)
    with simulated() as sim:
        direct_clients_to(sim, monkeypatch)
        run(code)

    assert (0, True) == (sim.errors, bool(capsys.readouterr().out))


@pytest.mark.parametrize("title", TESTS)
def test_tests_pass(title, tmp_path):
    """A test of the README passes unchanged."""
    (tmp_path / "test_block.py").write_text(TESTS[title], encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(PYTEST_INI, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(Path(exchanges.__file__).parent.parent)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_block.py"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout


def test_polling_prints_every_exchange(monkeypatch, capsys):
    """The polling program prints a line for each exchange."""
    with simulated() as sim:
        direct_clients_to(sim, monkeypatch)
        run(PROGRAMS["Polling"])
    lines = capsys.readouterr().out.splitlines()

    assert ["bitso", "bitstamp"] == sorted(line.split()[0] for line in lines)


def test_the_order_is_placed_and_cancelled(monkeypatch):
    """The program about an order places it and cancels it."""
    with simulated() as sim:
        direct_clients_to(sim, monkeypatch)
        run(PROGRAMS["An order"])

    assert ["bitstamp.trading.buy", "bitstamp.trading.cancel_order"] == [seen.endpoint for seen in sim.requests]


@pytest.mark.parametrize("code", re.findall(r"^```python\n(.*?)^```", OPERATING, re.MULTILINE | re.DOTALL))
def test_programs_for_operators_run(code, monkeypatch, capsys, tmp_path):
    """A program of the page for operators runs unchanged."""
    monkeypatch.chdir(tmp_path)
    with simulated() as sim:
        direct_clients_to(sim, monkeypatch)
        run(code)

    assert (True, True) == ((tmp_path / "exchanges.db").exists(), bool(capsys.readouterr().out))


def test_errors_are_listed_for_operators():
    """The page for operators has a line for every class of error that can leave a call."""
    listed = OPERATING.partition("## What each error means")[2].partition("\n## ")[0]
    expected = set(errors.__all__) - {"ExchangeError", "Rejected"}

    assert set() == {name for name in expected if f"`{name}`" not in listed} - {"StateError"}


def test_an_order_is_reconciled_before_it_is_repeated(monkeypatch, capsys):
    """When the answer to the order is lost, the program finds the order by its client id."""
    with simulated() as sim:
        transport = LosesAnswersToOrders(limits=httpx.Limits(max_keepalive_connections=0))
        direct_clients_to(sim, monkeypatch, transport=transport)
        run(PROGRAMS["An order"])
    said = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]

    assert ["perhaps placed", "it was placed"] == said


def test_the_injected_answer_keeps_its_digits(monkeypatch, capsys):
    """The mock transport's price is printed with its last zero."""
    run(PROGRAMS["Injecting a transport"])

    assert "58211.30\n" == capsys.readouterr().out


def test_the_table_of_endpoints_is_fresh():
    """The table is what `python -m exchanges endpoints --markdown` prints."""
    found = re.search(r"<!-- endpoints -->\n(.*?)\n<!-- /endpoints -->", ENDPOINTS, re.DOTALL)

    assert table(list(endpoints())) == (found and found[1])


def test_the_table_of_limits_is_fresh():
    """Each window of a limit is listed as it is enforced."""
    listed = set(re.findall(r"\d+ in \d+ s", README.partition("## Limits and nonces")[2].partition("\n## ")[0]))

    assert {str(window) for limit in limits() for window in limit.windows} == listed


def test_the_commands_exist():
    """Every command in the README exists."""
    named = set(re.findall(r"python -m exchanges (\w+)", README))

    assert named <= COMMANDS.keys()
