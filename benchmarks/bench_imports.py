"""What it takes to import the library, each time in a fresh process that finds everything compiled, as installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec

from rounds import Figure, Target, Wanted, of, rounds

OURS = "from exchanges import Bitstamp"
DECLARED = "import anyio, attrs, cattrs, certifi, h11, httptools, httpx, msgspec, sniffio, asyncio"
LOADED = "import attrs, cattrs, httptools, msgspec, asyncio"
PEER = "from ccxt.async_support import bitstamp"
_TIMED = "import time; began = time.process_time()\n{}\nprint(time.process_time() - began)"


def figures(wanted: Wanted) -> Iterator[Figure]:
    """Measure the rows that are wanted."""
    statements = [OURS, DECLARED, LOADED, *([PEER] if find_spec("ccxt") else [])]
    with tempfile.TemporaryDirectory() as compiled:
        # Of its own, since an editable package may not be compiled; the round that warms up fills it.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        results = rounds(wanted["import"], *(_side(statement, environment) for statement in statements))
    yield Figure("import of a client / of the libraries that it needs and asyncio", of(results, 0, 1), Target(1.25))
    yield Figure("import of a client / of those of them that it loads, and asyncio", of(results, 0, 2))
    if len(statements) > 3:
        yield Figure("import of the same client of ccxt / of ours", of(results, 3, 0))


def _side(statement: str, environment: dict[str, str]) -> Callable[[], float]:
    command = [sys.executable, "-c", _TIMED.format(statement)]

    def side() -> float:
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)  # noqa: S603 - constants above
        return float(run.stdout)

    return side
