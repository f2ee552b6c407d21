"""What it takes to import the library, each time in a fresh process that finds everything compiled, as installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

from rounds import Figure, Target, of, rounds

OURS = "from exchanges import Bitstamp"
NEEDED = "import httpx, attrs, cattrs, anyio, msgspec"
RUNNING = f"{NEEDED}, asyncio"
PEER = "from ccxt.async_support import bitstamp"
_TIMED = "import time; began = time.process_time()\n{}\nprint(time.process_time() - began)"


def figures(number: int) -> Iterator[Figure]:
    """Measure all rows."""
    with tempfile.TemporaryDirectory() as compiled:
        # Of its own, since an editable package may not be compiled; the round that warms up fills it.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        results = rounds(number, *(_side(statement, environment) for statement in (OURS, NEEDED, RUNNING, PEER)))
    yield Figure("import of a client / of the libraries that it needs", of(results, 0, 1), Target(1.3))
    yield Figure("import of a client / of these and asyncio, without which none of them sends", of(results, 0, 2))
    yield Figure("import of the same client of ccxt / of the libraries that ours needs", of(results, 3, 1))


def _side(statement: str, environment: dict[str, str]) -> Callable[[], float]:
    command = [sys.executable, "-c", _TIMED.format(statement)]

    def side() -> float:
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)  # noqa: S603 - constants above
        return float(run.stdout)

    return side
