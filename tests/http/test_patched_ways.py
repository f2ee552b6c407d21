"""The many ways in which tests and tools replace what httpx sends with: each is noticed, and no order passes it by."""

import contextlib
import functools
import sys
import types
from unittest import mock

import anyio
import h11
import httpcore
import httpx
import pytest

from exchanges.http.patches import PatchDetector
from exchanges.http.transport import HttpTransport
from tests.support.raw_server import answering, response, serving
from tests.support.sending import request_to, send_by

ANSWER = response(b'{"id": 1}')
CLIENT, TRANSPORT, POOL = httpx.AsyncClient, httpx.AsyncHTTPTransport, httpcore.AsyncConnectionPool


class Stopped(Exception):
    """What a mock raises in place of sending."""


def stop(*_, **__):
    """Stand for a mock."""
    raise Stopped


async def stops(self, *args, **kwargs):
    """Stand for a mock that is awaited."""
    raise Stopped


class Stops:
    """Stand for a class that is a mock."""

    def __init__(self, *_, **__):
        raise Stopped


class Proxy:
    """A callable that looks like the function that it wraps, as those of wrapt do."""

    def __init__(self, wrapped):
        self.__wrapped__ = wrapped
        self.__code__, self.__name__ = wrapped.__code__, wrapped.__name__

    @property
    def __class__(self):
        return types.FunctionType

    def __get__(self, instance, owner):
        return stop

    def __eq__(self, other):
        return self.__wrapped__ == other

    def __hash__(self):
        return hash(self.__wrapped__)


def module(name):
    """Return a module of httpcore or httpx."""
    return sys.modules[name]


class Namespace:
    """Stand for a module, with a mock among its classes."""

    def __init__(self, original):
        vars(self).update(vars(original), AsyncConnectionPool=stop)


def attribute(owner, name, value=stop):
    """Patch an attribute, as `monkeypatch.setattr` does."""
    return lambda patch: patch.setattr(module(owner) if isinstance(owner, str) else owner, name, value)


def by_subclass(owner, name):
    """Replace a class by a subclass of the same name that does not send."""

    def swap(patch):
        original = getattr(module(owner), name)
        method = "handle_async_request" if hasattr(original, "handle_async_request") else "connect_tcp"
        patch.setattr(module(owner), name, type(name, (original,), {method: stops, "__module__": "httpx"}))

    return swap


def by_code(patch):
    """Replace the code of a function and keep the function."""
    patch.setattr(TRANSPORT.handle_async_request, "__code__", stops.__code__)
    patch.setitem(TRANSPORT.handle_async_request.__globals__, "Stopped", Stopped)


def by_wraps(patch):
    """Wrap a method, with its name and all."""

    @functools.wraps(CLIENT.send)
    async def send(self, *args, **kwargs):
        raise Stopped

    patch.setattr(CLIENT, "send", send)


def by_stream(patch):
    """Replace the context manager that streams."""

    @contextlib.asynccontextmanager
    async def stream(self, *args, **kwargs):
        raise Stopped
        yield

    patch.setattr(CLIENT, "stream", stream)


def by_modules(patch):
    """Replace a whole module among those that are imported."""
    fake = types.ModuleType("httpx")
    fake.__file__, fake.AsyncClient = httpx.__file__, Stops
    patch.setitem(sys.modules, "httpx", fake)


class Bases:
    """The base classes of the client, as an attribute that can be restored."""

    @property
    def current(self):
        """Return them."""
        return CLIENT.__bases__

    @current.setter
    def current(self, bases):
        CLIENT.__bases__ = bases


def by_bases(patch):
    """Put a class between one of httpx and its base."""
    patch.setattr(Bases(), "current", (type("Base", (), {"__getattribute__": stop}), *CLIENT.__bases__))


def by_transport(patch):
    """Pass a mocked transport to every client."""

    def create(self, *args, **kwargs):
        original(self, transport=httpx.MockTransport(stop))

    original = CLIENT.__init__
    patch.setattr(CLIENT, "__init__", create)


WAYS = {
    "method of the transport": attribute(TRANSPORT, "handle_async_request"),
    "entering the transport": attribute(TRANSPORT, "__aenter__"),
    "creating the transport": attribute(TRANSPORT, "__init__"),
    "code of a method": by_code,
    "functools.wraps": by_wraps,
    "a proxy object": lambda patch: patch.setattr(CLIENT, "send", Proxy(CLIENT.send)),
    "functools.partialmethod": lambda patch: patch.setattr(CLIENT, "send", functools.partialmethod(stop)),
    "a mock": attribute(CLIENT, "send", mock.AsyncMock(side_effect=Stopped)),
    "send": attribute(CLIENT, "send", stops),
    "request": attribute(CLIENT, "request", stops),
    "the verb": attribute(CLIENT, "post", stops),
    "stream": by_stream,
    "one request": attribute(CLIENT, "_send_single_request", stops),
    "the choice of a transport": attribute(CLIENT, "_transport_for_url"),
    "the default transport": attribute(CLIENT, "_init_transport"),
    "creating the client": by_transport,
    "attributes of the client": attribute(CLIENT, "__getattribute__"),
    "the client": attribute("httpx", "AsyncClient", Stops),
    "a subclass of the transport": by_subclass("httpx", "AsyncHTTPTransport"),
    "a subclass where it is used": by_subclass("httpx._client", "AsyncHTTPTransport"),
    "a function in place of it": attribute("httpx._client", "AsyncHTTPTransport"),
    "a base class": by_bases,
    "a module": by_modules,
    "a namespace for a module": lambda patch: patch.setitem(sys.modules, "httpcore", Namespace(httpcore)),
    "the pool": attribute("httpcore", "AsyncConnectionPool", Stops),
    "method of the pool": attribute(POOL, "handle_async_request"),
    "assigning requests": attribute(POOL, "_assign_requests_to_connections"),
    "creating a connection": attribute(POOL, "create_connection"),
    "the connection": attribute("httpcore._async.connection_pool", "AsyncHTTPConnection", Stops),
    "a subclass of the connection": by_subclass("httpcore._async.connection_pool", "AsyncHTTPConnection"),
    "its protocol": by_subclass("httpcore._async.connection", "AsyncHTTP11Connection"),
    "method of the protocol": attribute("httpcore._async.http11", "AsyncHTTP11Connection", Stops),
    "the backend": attribute("httpcore._async.connection_pool", "AutoBackend", Stops),
    "method of the backend": lambda patch: patch.setattr(
        module("httpcore._backends.auto").AutoBackend, "connect_tcp", stops
    ),
    "the backend of anyio": lambda patch: patch.setattr(httpcore.AnyIOBackend, "connect_tcp", stops),
    "the stream": lambda patch: patch.setattr(module("httpcore._backends.anyio").AnyIOStream, "write", stops),
    "anyio": attribute(anyio, "connect_tcp"),
    "h11": attribute(h11.Connection, "send"),
    "a lock": attribute(module("httpcore._synchronization").AsyncLock, "__aenter__", stops),
    "a request in the pool": attribute(module("httpcore._async.connection_pool").AsyncPoolRequest, "__init__"),
    "a request of httpcore": attribute(httpcore.Request, "__init__"),
    "the tunnel": attribute("httpcore._async.http_proxy", "AsyncTunnelHTTPConnection", Stops),
    "a class of a module": lambda patch: patch.setattr(
        module("httpx._client"), "__class__", type("Module", (types.ModuleType,), {})
    ),
}
UNUSED = ("method of the protocol", "the tunnel", "a class of a module")
"""Ways that a program which uses httpx would not notice either."""


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("way", "before"),
    [
        *((way, True) for way in WAYS),
        *(pytest.param(way, False, marks=pytest.mark.stress) for way in WAYS),
    ],
)
async def test_an_order_does_not_pass_a_patch_by(monkeypatch, way, before):
    """However httpx is patched, before or after the first request, an order goes where the patch says, and no further.

    Without the patch the next request goes over an own connection again.
    """
    transport = HttpTransport()
    async with serving(answering(ANSWER)) as server:
        order = request_to(server.origin, verb="POST", body=b"amount=1")
        for _ in range(before):
            await send_by(transport, order)
        count = len(server.requests)
        with monkeypatch.context() as patch:
            WAYS[way](patch)
            assert transport._detector.replaced()
            if way in UNUSED:
                await send_by(transport, order)
            else:
                with pytest.raises(Stopped):
                    await send_by(transport, order)
                assert count == len(server.requests)
        assert not transport._detector.replaced()
        await send_by(transport, order)
        await transport.aclose()


@pytest.mark.parametrize("way", ["code of a method", "a subclass where it is used", "a module", "the stream"])
async def test_a_patch_that_comes_during_a_request(monkeypatch, way):
    """A patch that appears while an own connection waits is honoured by the next request."""

    async def talk(heard):
        while True:
            await heard.request()
            if len(heard.server.requests) == 1:
                WAYS[way](monkeypatch)
            await heard.say(ANSWER)

    transport = HttpTransport()
    async with serving(talk) as server:
        order = request_to(server.origin, verb="POST", body=b"amount=1")
        first = await send_by(transport, order)
        patched = transport._detector.replaced()
        monkeypatch.undo()
        await transport.aclose()

        assert (200, True) == (first.status, bool(patched))


def test_several_patches(monkeypatch):
    """All that was replaced is named, so that the method which a mock replaced is called among others."""
    for owner, name in ((CLIENT, "post"), (POOL, "handle_async_request")):
        monkeypatch.setattr(owner, name, stops)

    assert ("httpx.AsyncClient.post", "httpcore.AsyncConnectionPool.handle_async_request") == (
        PatchDetector().replaced()
    )


async def test_a_mock_beside_another(monkeypatch):
    """A mock of a verb is honoured although something else is patched as well."""
    for owner, name in ((CLIENT, "send"), (CLIENT, "post")):
        monkeypatch.setattr(owner, name, stops if name == "post" else getattr(owner, name).__get__(owner))
    transport = HttpTransport()
    async with serving(answering(ANSWER)) as server:
        with pytest.raises(Stopped):
            await send_by(transport, request_to(server.origin, verb="POST"))

        assert [] == server.requests


def test_what_does_not_send_may_be_patched(monkeypatch):
    """A patch of what blocks, or of a model, changes nothing: our requests would not pass through it."""
    monkeypatch.setattr(httpx, "get", stop)
    monkeypatch.setattr(httpx.Client, "send", stop)
    monkeypatch.setattr(httpx.Response, "json", stop)
    monkeypatch.setattr(httpcore.ConnectionPool, "handle_request", stop)

    assert () == PatchDetector().replaced()
