"""The transport that most tests of this folder send with."""

import pytest

from exchanges.http.transport import HttpTransport
from tests.support.tls_servers import trusting


@pytest.fixture
async def transport():
    """Create a transport with pools of its own."""
    transport = HttpTransport(ssl_context=trusting())
    yield transport
    await transport.aclose()
