from collections.abc import Iterator

import pytest

from exchanges.simulator import Simulator
from tests.support.simulator_thread import simulated


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """The three simulated exchanges, in a thread."""
    with simulated() as sim:
        yield sim
