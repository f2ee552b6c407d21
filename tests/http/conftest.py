"""The transport that most tests of this folder send with."""

import pytest

from exchanges.http.transport import HttpTransport


@pytest.fixture
async def transport():
    """Create a transport with pools of its own."""
    transport = HttpTransport()
    yield transport
    await transport.aclose()
