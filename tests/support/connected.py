"""A client of the fourth exchange at a server of the test."""

from exchanges.state import MemoryState
from tests.support.fourth import CREDENTIALS, Fourth


def client_of(origin, **options):
    """Create a client of the fourth exchange without limits."""
    options = {"limits": None, "state": MemoryState(), "timeout_seconds": 20.0, **options}
    return Fourth(base_url=origin, **CREDENTIALS, **options)
