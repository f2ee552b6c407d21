import asyncio
import re
import threading

import pytest

from exchanges import Bitex, Bitso, Bitstamp
from exchanges.errors import UsageError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.session.servers import origin_of, server_name
from exchanges.state import MemoryState
from tests.support.fourth import CREDENTIALS, OPEN_LIMIT, Fourth
from tests.support.raw_server import response, serving
from tests.support.scripted_transport import Script
from tests.support.virtual_time import elapsed, in_virtual_time


@pytest.mark.parametrize(
    ("client", "base_url", "name"),
    [
        (Bitstamp, None, "production"),
        (Bitstamp, "https://www.bitstamp.net", "production"),
        (Bitstamp, "https://WWW.Bitstamp.NET:443", "production"),
        (Bitstamp, "https://www.bitstamp.net./", "production"),
        (Bitstamp, "https://bitstamp.net", "production"),
        (Bitstamp, "https://www.elsewhere.example", "elsewhere.example:443"),
        (Bitstamp, "https://localhost.localdomain:444", "loopback:444"),
        (Bitstamp, "https://ip6-localhost:444", "loopback:444"),
        (Bitso, "https://www.bitso.com", "production"),
        (Bitso, "https://bitso.com", "production"),
        (Bitso, "https://api.bitso.com", "production"),
        (Bitso, "https://sandbox.bitso.com", "sandbox"),
        (Bitex, "https://sandbox.bitex.la:443", "sandbox"),
        (Bitstamp, "https://bitso.com", "bitso.com:443"),
        (Bitstamp, "https://elsewhere.example", "elsewhere.example:443"),
        (Bitstamp, "https://elsewhere.example.:443", "elsewhere.example:443"),
        (Bitstamp, "https://elsewhere.example:444", "elsewhere.example:444"),
        (Bitstamp, "http://127.0.0.1:80", "loopback:80"),
        (Bitstamp, "http://localhost", "loopback:80"),
        (Bitstamp, "https://LOCALHOST.", "loopback:443"),
        (Bitstamp, "https://app.localhost", "loopback:443"),
        (Bitstamp, "http://[::1]:8080", "loopback:8080"),
        (Bitstamp, "http://127.0.0.2:8080", "loopback:8080"),
        (Bitstamp, "https://[::ffff:127.0.0.1]:8080", "loopback:8080"),
        (Bitstamp, "https://0.0.0.0:8080", "loopback:8080"),
        (Bitstamp, "https://127.1:8080", "loopback:8080"),
        (Bitstamp, "https://2130706433:8080", "loopback:8080"),
        (Bitstamp, "https://[2001:db8:0:0::1]", "2001:db8::1:443"),
        (Bitstamp, "https://192.0.2.1", "192.0.2.1:443"),
    ],
)
def test_one_name_for_one_server(client, base_url, name):
    """All spellings of one server have one name."""
    assert name == server_name(client, None if base_url is None else origin_of(base_url))


@in_virtual_time
async def test_one_limit_under_two_names():
    """Clients that call one server by two names share its limit, and the key lock and nonces of a key."""
    state, script = MemoryState(), Script.of(seconds=0.1)
    urls = ("http://127.0.0.1:8080", "http://localhost:8080")
    clients = [Fourth(base_url=url, transport=script, state=state, timeout_seconds=60, **CREDENTIALS) for url in urls]
    await asyncio.gather(*(client.trading.order() for client in clients for _ in range(4)))
    for client in clients:
        await client.aclose()

    assert (1, sorted(set(script.nonces))) == (script.most_inside, script.nonces)
    assert elapsed() > 10  # the limit of five in ten seconds, one of them for cancels


@in_virtual_time
async def test_two_limits_of_one_name():
    """A second client with other windows for a limit that is in use is refused, and nothing is sent."""
    state, script = MemoryState(), Script.of()
    limits = [Limit(OPEN_LIMIT.name, (Window(7, 10.0),), Scope.ADDRESS)]
    async with (
        Fourth(transport=script, state=state) as one,
        Fourth(transport=script, state=state, limits=limits) as two,
    ):
        await one.market.thing()
        with pytest.raises(UsageError, match=r"in use with other windows .*pass the same limits="):
            await two.market.thing()

    assert 1 == len(script.came)


async def test_clients_in_several_threads():
    """Clients in the event loops of several threads share one key: no nonce is used twice or arrives out of order."""
    state, nonces = MemoryState(), []

    async def talk(heard):
        for _ in range(30):
            head = await heard.request()
            nonces.append(int(re.search(rb"(?i)x-nonce: (\d+)", head)[1]))
            await heard.say(response())

    async def calls(origin):
        async with Fourth(base_url=origin, state=state, limits=None, **CREDENTIALS) as client:
            await asyncio.gather(*(client.trading.order() for _ in range(10)))

    async with serving(talk) as server:
        threads = [threading.Thread(target=asyncio.run, args=(calls(server.origin),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)

    assert (30, sorted(set(nonces))) == (len(nonces), nonces)
