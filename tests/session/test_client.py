import asyncio
import ssl

import httpx
import pytest

from exchanges.bitex import Bitex
from exchanges.bitso import Bitso
from exchanges.bitstamp import Bitstamp
from exchanges.bitstamp.v1 import V1
from exchanges.client import Client
from exchanges.errors import UsageError
from exchanges.limits.limit import Limit, Scope, Window
from tests.support.fourth import CREDENTIALS, LIMIT, Fourth
from tests.support.scripted_transport import Script, answer
from tests.support.virtual_time import elapsed, in_virtual_time

CLIENTS = [Bitex, Bitso, Bitstamp, Fourth]


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch):
    for client in CLIENTS:
        for name in ("API_KEY", "API_SECRET", "CLIENT_ID"):
            monkeypatch.delenv(f"{client.exchange}_{name}".upper(), raising=False)


async def origin_of(**options):
    """Return the URL of a public call of the fourth exchange."""
    script = Script.of()
    async with Fourth(transport=script, **options) as client:
        await client.market.thing()
    return str(script.came[0].request.url)


@in_virtual_time
@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "https://fourth.example/api/things/a"),
        ({"base_url": None}, "https://fourth.example/api/things/a"),
        ({"sandbox": True}, "https://sandbox.fourth.example/api/things/a"),
        ({"base_url": "https://other.example"}, "https://other.example/api/things/a"),
        ({"base_url": "https://other.example/"}, "https://other.example/api/things/a"),
        ({"base_url": "https://Other.Example:8443"}, "https://other.example:8443/api/things/a"),
        ({"base_url": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080/api/things/a"),
        ({"base_url": "http://127.8.9.1"}, "http://127.8.9.1/api/things/a"),
        ({"base_url": "http://localhost:8080"}, "http://localhost:8080/api/things/a"),
        ({"base_url": "http://[::1]:8080"}, "http://[::1]:8080/api/things/a"),
    ],
)
async def test_where_calls_go(options, url):
    """Calls go to production, to the sandbox, or to the given host, each below the path of its generation."""
    assert url == await origin_of(**options)


@in_virtual_time
async def test_every_generation_moves():
    """Another host replaces that of every generation, and each keeps its path."""
    script = Script.of(answer({"high": "1", "last": "1", "bid": "1", "volume": "1", "low": "1", "ask": "1"}))
    async with Bitstamp(base_url="http://127.0.0.1:8080", transport=script) as bitstamp:
        await bitstamp.v1.market.ticker()
        with pytest.raises(Exception, match=r"bitstamp\.market\.ticker"):
            await bitstamp.market.ticker("btcusd")

    assert ["http://127.0.0.1:8080/api/ticker/", "http://127.0.0.1:8080/api/v2/ticker/btcusd/"] == [
        str(c.request.url) for c in script.came
    ]


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("http://exchange.example", "http for loopback only"),
        ("http://10.0.0.1", "http for loopback only"),
        ("http://localhost.example", "http for loopback only"),
        ("http://0.0.0.0", "http for loopback only"),
        ("http://localhost.", "http for loopback only"),
        ("http://localhost.evil.example", "http for loopback only"),
        ("http://127.0.0.1.evil.example", "http for loopback only"),
        ("http://127.0.0.1\n.evil.example", "http for loopback only"),
        ("http://0x7f.1", "http for loopback only"),
        ("http://0177.0.0.1", "http for loopback only"),
        ("http://127.1", "http for loopback only"),
        ("http://2130706433", "http for loopback only"),
        ("http://[::ffff:10.0.0.1]", "http for loopback only"),
        ("http://[fe80::1]", "http for loopback only"),
        ("http://127.0.0.1@evil.example", "scheme, host and port alone"),
        ("http://evil.example@127.0.0.1", "scheme, host and port alone"),
        ("http://@127.0.0.1", "scheme, host and port alone"),
        ("http://127.0.0.1\\@evil.example", "scheme, host and port alone"),
        ("http://127.0.0.1#@evil.example", "scheme, host and port alone"),
        ("http://127.0.0.1?@evil.example", "scheme, host and port alone"),
        ("http://127.0.0.1%2eevil.example", "name a host"),
        ("http://\uff11\uff12\uff17.0.0.1", "not a URL|name a host"),
        ("http://[::1]evil.example", "not a URL|must have the form"),
        ("http://evil[::1]", "not a URL|must have the form"),
        ("http://127.0.0.1:", "must have the form"),
        ("http://127.0.0.1:080", "must have the form"),
        ("http:127.0.0.1", "name a host"),
        ("http:///127.0.0.1", "name a host"),
        ("//127.0.0.1", "must begin with https://"),
        ("ftp://a.example", "must begin with https://"),
        ("a.example", "must begin with https://"),
        ("https://", "must begin with https://"),
        ("", "must begin with https://"),
        ("https://a b.example", "name a host"),
        ("https://ä.example", "name a host"),
        ("https://a.example/api", "scheme, host and port alone"),
        ("https://a.example?x=1", "scheme, host and port alone"),
        ("https://a.example#x", "scheme, host and port alone"),
        ("https://user:word@a.example", "scheme, host and port alone"),
        ("https://a.example:port", "not a URL"),
        ("https://a.example:99999", "not a URL"),
        ("https://[::1", "not a URL"),
        (5, "not a URL"),
        (b"https://a.example", "is not a URL"),
    ],
)
def test_a_bad_base_url(base_url, said):
    """A base URL is https, or http on loopback, and nothing but scheme, host and port."""
    with pytest.raises(UsageError, match=said):
        Fourth(base_url=base_url)


@pytest.mark.parametrize("proxy", ["http://proxy.example:3128", "https://10.0.0.1", "http://localhost.evil.example"])
def test_a_way_without_tls_through_a_proxy(proxy):
    """Without TLS, only a local proxy is accepted: any other would see the key."""
    with pytest.raises(
        UsageError, match="Fourth: requests to a base_url without TLS may not go through a remote proxy"
    ):
        Fourth(base_url="http://127.0.0.1:8080", proxy=proxy)


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:3128", "http://user:word@localhost:3128", "http://[::1]:3128"])
def test_a_way_without_tls_through_a_proxy_here(proxy):
    """A local proxy may see requests to this machine."""
    assert "Fourth(" in repr(Fourth(base_url="http://127.0.0.1:8080", proxy=proxy))


def test_a_password_in_a_base_url_is_not_repeated():
    """The error about a base URL does not contain the URL."""
    with pytest.raises(UsageError) as caught:
        Fourth(base_url="https://user:canary@a.example")

    assert "canary" not in str(caught.value)


def test_base_url_and_sandbox():
    """A base URL and the sandbox exclude each other."""
    with pytest.raises(UsageError, match="exclude each other"):
        Fourth(base_url="https://a.example", sandbox=True)


class Retired(Client):
    """A client of an API that has no server for tests."""

    exchange = "bitstamp"

    v1: V1


def test_no_sandbox():
    """Asking for the sandbox of an exchange without one raises."""
    with pytest.raises(UsageError, match="Retired: this exchange has no sandbox"):
        Retired(sandbox=True)


@in_virtual_time
async def test_a_generation_without_a_sandbox():
    """A generation without a sandbox refuses calls, and nothing is sent to production."""
    script = Script.of()
    async with Fourth(transport=script, sandbox=True, **CREDENTIALS) as client:
        with pytest.raises(UsageError, match=r"fourth\.v1 has no sandbox; nothing was sent"):
            await client.v1.oldtrading.order()

    assert script.came == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timeout": 3}, "Fourth: no such option: timeout"),
        ({"b": 1, "a": 1}, "no such option: a, b"),
        ({"timeout_seconds": 0}, "timeout_seconds must be a positive number"),
        ({"timeout_seconds": -1}, "timeout_seconds must be a positive number"),
        ({"timeout_seconds": None}, "timeout_seconds must be a positive number"),
        ({"timeout_seconds": True}, "timeout_seconds must be a positive number"),
        ({"timeout_seconds": "30"}, "timeout_seconds must be a positive number"),
        ({"timeout_seconds": float("inf")}, "timeout_seconds must be a positive number"),
        ({"timeout_seconds": float("nan")}, "timeout_seconds must be a positive number"),
        ({"max_connections": 0}, "max_connections must be a whole number above zero"),
        ({"max_connections": 2.0}, "max_connections must be a whole number above zero"),
        ({"max_connections": True}, "max_connections must be a whole number above zero"),
        ({"transport": object()}, "transport must be an httpx.AsyncBaseTransport"),
        ({"transport": httpx.BaseTransport()}, "transport must be an httpx.AsyncBaseTransport"),
        ({"proxy": "a.example"}, "proxy must be the URL of an http proxy"),
        ({"proxy": "ftp://a.example"}, "proxy must be the URL of an http proxy"),
        ({"proxy": "http://[::1"}, "proxy must be the URL of an http proxy"),
        ({"proxy": 5}, "proxy must be the URL of an http proxy"),
        ({"limits": 5}, "Fourth: limits must be a list of Limit, or None"),
        ({"limits": [5]}, "Fourth: limits must be a list of Limit, or None"),
        ({"limits": [Limit("fifth", (), Scope.KEY)]}, "no such limit: fifth; there are fourth, fourth open"),
    ],
)
def test_a_bad_option(options, said):
    """An unknown or invalid option is refused when the client is created."""
    with pytest.raises(UsageError) as caught:
        Fourth(**options)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    "window", [(0, 1.0), (-1, 1.0), (1.5, 1.0), (True, 1.0), (5, 0.0), (5, -1.0), (5, float("inf"))]
)
def test_a_bad_window(window):
    """A window without slots or without end is refused."""
    with pytest.raises(UsageError, match="at least one slot and a positive number of seconds"):
        Window(*window)


def test_windows_in_a_list():
    """The windows of a limit may be a list."""
    assert Limit("a", (Window(1, 1.0),), Scope.KEY) == Limit("a", [Window(1, 1.0)], Scope.KEY)


def test_arguments_are_given_by_name():
    """Credentials and options are keyword-only."""
    with pytest.raises(TypeError):
        Fourth("key")


@in_virtual_time
async def test_a_limit_in_place_of_another():
    """A given limit replaces the exchange's limit of that name; the others stay."""
    wide = Limit(LIMIT.name, (Window(1000, 1.0),), Scope.KEY)
    async with Fourth(transport=Script.of(), limits=[wide], **CREDENTIALS) as client:
        await asyncio.gather(client.trading.order(), client.market.thing())
        shown = sorted(repr(limiter) for limiter in client._session._destinations._limiters)

    assert [
        "Limiter(fourth open: 1 of 100 in 60 s; 0 waiting)",
        "Limiter(fourth: 1 of 1000 in 1 s; 0 waiting)",
    ] == shown


@in_virtual_time
async def test_no_limits():
    """Without limits, calls wait only for connections and key locks."""
    async with Fourth(transport=Script.of(), limits=None) as client:
        await asyncio.gather(*(client.market.thing() for _ in range(500)))

    assert elapsed() == 0.0


@in_virtual_time
async def test_one_connection():
    """With one connection one call is under way at a time."""
    script = Script.of(seconds=0.01)
    async with Fourth(transport=script, max_connections=1) as client:
        await asyncio.gather(*(client.market.thing() for _ in range(5)))

    assert script.most_inside == 1


def test_a_context_of_ones_own():
    """A given TLS context is used as it is."""
    context = ssl.create_default_context()
    pool = Fourth(ssl_context=context)._session._config.transport._pool

    assert context is pool._context


@in_virtual_time
async def test_strict():
    """A strict client raises if an answer has undocumented fields; others ignore them."""
    script = Script.of(answer({"id": 1, "more": 2}))
    async with Fourth(transport=script) as tolerant, Fourth(transport=script, strict=True) as strict:
        await tolerant.market.thing()
        with pytest.raises(Exception, match=r"fourth\.market\.thing"):
            await strict.market.thing()


@in_virtual_time
@pytest.mark.parametrize(
    ("given", "key"), [({}, "from-environment"), ({"api_key": "given", "api_secret": "t"}, "given")]
)
async def test_credentials_of_the_environment(given, key, monkeypatch):
    """Credentials are read from the environment, unless they are given."""
    monkeypatch.setenv("FOURTH_API_KEY", "from-environment")
    monkeypatch.setenv("FOURTH_API_SECRET", "s")
    script = Script.of()
    async with Fourth(transport=script, **given) as client:
        await client.trading.order()

    assert key == script.came[0].request.headers["X-Key"]


@pytest.mark.parametrize("client", CLIENTS)
def test_no_credentials(client):
    """A client for public calls needs no credentials."""
    assert client()._session._config.credentials is None


@pytest.mark.parametrize("value", ["", "with blank", "new\nline", "é", "a\x00", "x" * 513, 5, b"key"])
@pytest.mark.parametrize("name", ["api_key", "api_secret"])
def test_a_bad_credential(name, value):
    """A credential that could not travel, or is empty, is refused without being printed."""
    with pytest.raises(UsageError, match=f"^Fourth: {name} must be printable ASCII without blanks$"):
        Fourth(**{**CREDENTIALS, name: value})


def test_a_bad_credential_of_the_environment(monkeypatch):
    """The error about an invalid credential of the environment names its variable."""
    monkeypatch.setenv("FOURTH_API_KEY", "with blank")
    with pytest.raises(UsageError, match="FOURTH_API_KEY must be printable ASCII"):
        Fourth()


def test_credentials_without_a_key():
    """A secret without a key is refused."""
    with pytest.raises(UsageError, match="credentials without an api_key"):
        Fourth(api_secret="s")


def test_a_secret_alone_in_the_environment(monkeypatch):
    """A secret without a key in the environment is ignored: there are no credentials."""
    monkeypatch.setenv("FOURTH_API_SECRET", "s")

    assert Fourth()._session._config.credentials is None


def test_a_credential_that_an_exchange_does_not_have():
    """A credential that no scheme of the exchange uses is refused."""
    with pytest.raises(UsageError, match="Bitex: this exchange has no api_secret"):
        Bitex(api_key="k", api_secret="s")


@in_virtual_time
async def test_a_view_is_a_client():
    """A view has all areas of its client, of older generations too, and does not change the client."""
    script = Script.of(open=asyncio.Event())
    async with Fourth(transport=script, **CREDENTIALS) as client:
        view = client.with_options(timeout_seconds=2)
        with pytest.raises(Exception, match="no answer before the deadline"):
            await view.v1.oldtrading.order()
        after_view = elapsed()
        with pytest.raises(Exception, match="no answer before the deadline"):
            await client.market.thing()

    assert (Fourth, 2.0, 32.0) == (type(view), after_view, elapsed())


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "2"])
def test_a_bad_view(seconds):
    """A view with an invalid deadline is refused."""
    with pytest.raises(UsageError, match="timeout_seconds must be a positive number"):
        Fourth().with_options(timeout_seconds=seconds)


@in_virtual_time
async def test_closing_a_view_closes_the_session():
    """A view and its client end together."""
    client = Fourth(transport=Script.of())
    await client.with_options(timeout_seconds=1).aclose()
    with pytest.raises(UsageError, match="the client is closed"):
        await client.market.thing()


@in_virtual_time
async def test_a_block():
    """A client in a block is closed when the block is left."""
    async with Fourth(transport=Script.of()) as client:
        pass

    assert repr(client) == "Fourth(Session(fourth production, 0 in flight, closed))"
