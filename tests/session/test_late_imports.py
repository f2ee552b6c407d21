"""What is loaded late: nothing that a call needs once it was sent."""

import ast
import asyncio
import sys
from pathlib import Path

import exchanges
from exchanges import Kind
from exchanges.simulator import FaultPoint, Faults, Venue, simulate

PACKAGE = Path(exchanges.__file__).parent
LATE = {
    "cryptography": "checks webhooks",
    "difflib": "words of a UsageError, before anything is sent",
    "socksio": "checked with the options of a client",
    "exchanges.wire.pydantic_schema": "when pydantic asks",
    "exchanges.bitso.spot": "a property, before any call",
    "exchanges.bitso.streams": "a property, before any call",
    "exchanges.bitstamp.spot": "a property, before any call",
    "exchanges.bitstamp.streams": "a property, before any call",
    "exchanges.http.httpx_sender": "chosen before anything is sent",
    "exchanges.session.streaming": "before any channel",
    "exchanges.streams": "before any channel",
    "exchanges.state.file.store": "opened with the state",
    "exchanges.state.redis.store": "opened with the state",
    "certifi": "read by a thread before a connection is open",
    "anyio": "loaded when a file is checked that is to be sent",
    "mimetypes": "loaded when a file is checked that is to be sent",
}
"""Modules that a function imports and a client with credentials does not load, and when they are loaded."""


async def report():
    """Run the clients in a process of their own, against a simulator in this one; return what it prints."""
    async with simulate(seed=1) as sim:
        accounts = [f"{venue.value}={name}={text}" for venue in Venue for name, text in sim.account(venue).items()]
        command = [sys.executable, "-m", "tests.support.cold_calls", sim.base_url, *accounts]
        pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
        process = await asyncio.create_subprocess_exec(*command, **pipes)
        lines = []
        while line := await process.stdout.readline():
            match ast.literal_eval(line.decode()):
                case ["lose" | "keep" as order]:
                    lost = Faults({FaultPoint.CLOSE_AFTER_EXECUTING: 1.0}, kinds={Kind.MONEY})
                    sim.faults = lost if order == "lose" else Faults()
                    process.stdin.write(b"\n")
                case said:
                    lines.append(said)
        assert 0 == await process.wait()
    return lines


async def test_calls_that_can_load_no_module():
    """A client with credentials has loaded all that a call needs, until the outcome of one whose answer was lost."""
    lines = await report()
    loaded, said = set(lines[0][1]), {tuple(line[:2]): line[2:] for line in lines[1:] if len(line) > 2}

    values = {name: [said[name, what] for what in ("place", "read", "cancel", "book")] for name in exchanges_of(said)}
    assert {
        "bitstamp": [["PlacedOrder"], ["list"], ["CancelledOrder"], ["OrderBook"]],
        "bitso": [["str"], ["list"], ["list"], ["OrderBook"]],
        "bitex": [["Bid"], ["Bid"], ["Bid"], ["OrderBook"]],
    } == values
    assert {"bitstamp": ["InsufficientFunds"], "bitso": ["InvalidRequest"], "bitex": ["UsageError"]} == {
        name: said[name, "refused"] for name in values
    }
    assert {("OutcomeUnknown", 1)} == {tuple(said[name, "lost"]) for name in values}
    assert {said[name, "reconcile"][0] for name in values} <= {"Reconciled", "Ambiguous"}
    assert ["wanted", []] in lines
    assert {"cold": "NotSent", "follow": "ExchangeError"}.items() <= {line[0]: line[1] for line in lines}.items()
    assert set() == {name for name in late_imports() if name not in loaded and not is_known(name)}


def exchanges_of(said):
    """Return the exchanges that were used."""
    return {name for name, _ in said} & {"bitex", "bitso", "bitstamp"}


def is_known(name):
    """Whether it is written down when a module is loaded."""
    return any(name == known or name.startswith(f"{known}.") for known in LATE)


def late_imports():
    """Return the modules that functions of the package import, but for those of its commands and its simulator."""
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] in ("commands", "simulator", "__main__.py"):
            continue
        tree = ast.parse(path.read_text())
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Import):
                        yield from (alias.name for alias in node.names)
                    elif isinstance(node, ast.ImportFrom) and node.module is not None:
                        yield node.module
                    elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
                        yield from (value.value for value in node.args if isinstance(value, ast.Constant))
