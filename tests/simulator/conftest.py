"""A simulator without delay or limits, and a plain HTTP client for it."""

import httpx
import pytest_asyncio

from exchanges.simulator import Simulator
from tests.simulator.calling import simulated


@pytest_asyncio.fixture
async def sim():
    """All three venues."""
    async with simulated() as simulator:
        yield simulator


@pytest_asyncio.fixture
async def http(sim: Simulator):
    """A client that knows nothing of exchanges."""
    async with httpx.AsyncClient(base_url=sim.base_url, trust_env=False) as client:
        yield client
