"""What is noticed of patches of httpx and httpcore, and what a look costs."""

import contextlib
import importlib
import sys
import types
from unittest import mock

import anyio
import h11
import httpcore
import httpx
import pytest

from exchanges.http import unchanged
from exchanges.http.patches import PARTS, SENDING, PatchDetector

CLASSES = {
    "httpx": ("AsyncClient", "AsyncHTTPTransport"),
    "httpx._client": ("AsyncClient", "AsyncHTTPTransport", "BoundAsyncStream"),
    "httpx._transports.default": ("AsyncHTTPTransport", "AsyncResponseStream"),
    "httpcore": ("AsyncConnectionPool", "AsyncHTTPProxy"),
    "httpcore._async.connection_pool": ("AsyncConnectionPool", "AsyncHTTPConnection", "AutoBackend"),
    "httpcore._async.connection": ("AsyncHTTPConnection", "AsyncHTTP11Connection", "AutoBackend"),
    "httpcore._async.http11": ("AsyncHTTP11Connection",),
    "httpcore._async.http_proxy": ("AsyncHTTPProxy", "AsyncTunnelHTTPConnection", "AsyncHTTP11Connection"),
    "httpcore._backends.auto": ("AutoBackend",),
}
PLACES = [(module, name) for module, names in CLASSES.items() for name in names]
METHODS = [
    (httpx.AsyncClient, "send"),
    (httpx.AsyncClient, "stream"),
    (httpx.AsyncClient, "_enforce_trailing_slash"),
    (httpx.AsyncHTTPTransport, "handle_async_request"),
    (httpcore.AsyncConnectionPool, "_assign_requests_to_connections"),
    (httpcore.AsyncHTTPConnection, "_connect"),
    (httpcore.AsyncHTTP11Connection, "_send_event"),
    (httpcore.AnyIOBackend, "connect_tcp"),
    (httpcore.Request, "__init__"),
    (sys.modules["httpcore._async.connection_pool"].AsyncPoolRequest, "wait_for_connection"),
    (sys.modules["httpcore._async.connection_pool"].PoolByteStream, "__aiter__"),
    (sys.modules["httpcore._async.http11"].HTTP11ConnectionByteStream, "__aiter__"),
    (sys.modules["httpcore._synchronization"].AsyncLock, "__aenter__"),
    (sys.modules["httpcore._synchronization"].AsyncThreadLock, "__enter__"),
    (h11.Connection, "send"),
]


async def recorder(self, request):
    """Stand for whatever a recorder sends with."""


@pytest.fixture
def detector():
    """Create a detector that has not looked yet."""
    return PatchDetector()


@pytest.fixture(params=[(0, True), (1, True), (1, False)], ids=["before the first look", "after it", "without the bit"])
def looking(request, detector, monkeypatch):
    """Create a detector that has looked, or has not, on a Python that tells when a class changes, or does not."""
    times, has_bit = request.param
    if not has_bit:
        monkeypatch.setattr(unchanged, "_VALID", 0)
    for _ in range(times):
        detector.replaced()
    return detector


def test_nothing_is_replaced(detector):
    """Without a patch there is none."""
    assert ((), ()) == (detector.replaced(), detector.replaced())


@pytest.mark.parametrize(("owner", "name"), METHODS, ids=str)
def test_a_method_is_replaced(looking, monkeypatch, owner, name):
    """A method that is replaced is named, whenever that happened, and no longer when it is restored."""
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, recorder)
        seen = looking.replaced()

    package = owner.__module__.partition(".")[0]

    assert ((f"{package}.{owner.__name__}.{name}",), ()) == (seen, looking.replaced())


@pytest.mark.sweep
@pytest.mark.parametrize(("module", "name"), PLACES)
def test_a_class_is_replaced(looking, module, name):
    """A class that is replaced is named, in whichever module it is looked up."""
    original = getattr(sys.modules[module], name)
    forged = type(name, (original,), {"__module__": original.__module__})
    for other in (type(name, (original,), {}), forged, mock.MagicMock(), lambda: None, types.SimpleNamespace()):
        with mock.patch(f"{module}.{name}", other):
            assert f"{module}.{name}" in looking.replaced()

    assert () == looking.replaced()


@pytest.mark.parametrize("name", SENDING)
def test_a_module_that_is_missing(looking, name, monkeypatch):
    """A module that was removed counts as replaced."""
    monkeypatch.delitem(sys.modules, name)

    assert name in looking.replaced()


@pytest.mark.sweep
@pytest.mark.parametrize(("module", "name"), [(m, name) for m, names in SENDING.items() for name in names])
def test_a_class_that_is_missing(looking, monkeypatch, module, name):
    """A class that was removed from where its package looks it up counts as replaced."""
    monkeypatch.delattr(sys.modules[module], name)

    assert f"{module}.{name}" in looking.replaced()


def test_httpx_imports_httpcore_late(looking, monkeypatch):
    """Nothing is replaced if httpx is imported and has not sent yet."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "httpcore"]:
        monkeypatch.delitem(sys.modules, name)

    assert () == looking.replaced()


@pytest.mark.parametrize("bases", [(), (httpx.AsyncHTTPTransport,)])
def test_a_metaclass_decides_what_an_attribute_is(looking, monkeypatch, bases):
    """A class with a metaclass of its own may show one method and call another."""
    meta = {"metaclass": type("Meta", (type,), {"__getattr__": lambda *_: recorder})}
    forged = types.new_class("AsyncHTTPTransport", bases, meta, lambda body: body.update(__module__="httpx"))
    for module in ("httpx", "httpx._client", "httpx._transports.default"):
        monkeypatch.setattr(sys.modules[module], "AsyncHTTPTransport", forged)

    assert "httpx.AsyncHTTPTransport" in looking.replaced()


def test_the_code_of_a_method_is_replaced(looking, monkeypatch):
    """A function that keeps its identity and gets other code is a patch."""
    monkeypatch.setattr(httpx.AsyncClient.send, "__code__", recorder.__code__)

    assert ("httpx.AsyncClient.send",) == looking.replaced()


@pytest.mark.parametrize(
    "replace",
    [
        lambda patch: patch.setattr(httpx.AsyncClient, "send", recorder),
        lambda patch: patch.setattr(h11.Connection, "send", recorder),
        lambda patch: patch.setattr(sys.modules["httpx._client"], "AsyncHTTPTransport", mock.MagicMock()),
        lambda patch: patch.setattr(sys.modules["httpcore._async.connection"], "AutoBackend", mock.MagicMock()),
        lambda patch: patch.setattr(anyio, "connect_tcp", recorder),
        lambda patch: patch.setattr(sys.modules["httpcore._backends.anyio"], "anyio", mock.MagicMock()),
        lambda patch: patch.setitem(sys.modules, "httpcore", types.ModuleType("httpcore")),
        lambda patch: patch.delitem(sys.modules, "httpx._transports.base"),
    ],
)
def test_before_a_read(looking, monkeypatch, replace):
    """The next read notices what a patch replaces on the way of a request, and what it restores."""
    with monkeypatch.context() as patch:
        replace(patch)
        seen = looking.replaced(thorough=False)

    assert (True, ()) == (bool(seen), looking.replaced(thorough=False))


@pytest.mark.parametrize("owner", [httpx.AsyncClient.send, httpx._client._same_origin], ids=["method", "helper"])
def test_code_before_reads(looking, monkeypatch, owner):
    """Code that is replaced is noticed by each other call at once, and by one read of `PARTS`."""
    looking.replaced(thorough=False)
    with monkeypatch.context() as patch:
        patch.setattr(owner, "__code__", recorder.__code__)
        seen = [bool(looking.replaced(thorough=False)) for _ in range(PARTS)]
        looking.replaced()
    looking.replaced()
    monkeypatch.setattr(owner, "__code__", recorder.__code__)

    assert (True, True) == (seen[-1], bool(looking.replaced()))


def test_classes_that_nothing_can_be_derived_from(detector, monkeypatch):
    """Where one class refuses to be derived from, the attributes of all are compared."""
    monkeypatch.setattr(httpx.AsyncClient, "__init_subclass__", mock.Mock(side_effect=ValueError))
    detector.replaced()
    monkeypatch.setattr(h11.Connection, "send", recorder)

    assert "h11.Connection.send" in detector.replaced(thorough=False)


def test_the_code_behind_a_context_manager_is_replaced(looking, monkeypatch):
    """A function that the standard library has wrapped is judged by what it wraps."""
    monkeypatch.setattr(httpx.AsyncClient.stream.__wrapped__, "__code__", recorder.__code__)

    assert ("httpx.AsyncClient.stream",) == looking.replaced()


def test_a_context_manager_of_somebody_else(looking, monkeypatch):
    """A function of the package that is attached to another one does not make that original."""
    other = contextlib.asynccontextmanager(recorder)
    other.__wrapped__ = httpx.AsyncClient.stream.__wrapped__
    monkeypatch.setattr(httpx.AsyncClient, "stream", other)

    assert ("httpx.AsyncClient.stream",) == looking.replaced()


def test_code_with_the_globals_of_somebody_else(looking, monkeypatch):
    """A function with the code of the package and other globals calls something else."""
    original = httpx.AsyncClient.send
    other = types.FunctionType(original.__code__, dict(original.__globals__), "send")
    monkeypatch.setattr(httpx.AsyncClient, "send", other)

    assert ("httpx.AsyncClient.send",) == looking.replaced()


def test_a_method_of_the_package_in_another_place(looking, monkeypatch):
    """A method of httpx's own that stands in for another is a patch."""
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", httpx.MockTransport.handle_async_request)

    assert ("httpx.AsyncHTTPTransport.handle_async_request",) == looking.replaced()


def test_a_class_of_the_standard_library(looking, monkeypatch):
    """What the standard library offers is no original either where another class belongs."""
    monkeypatch.setattr(sys.modules["httpx._client"], "AsyncHTTPTransport", contextlib.AsyncExitStack)

    assert ("httpx._client.AsyncHTTPTransport",) == looking.replaced()


def test_a_package_that_is_not_imported(detector, monkeypatch):
    """What nobody imported is not patched, and is not imported for the question."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("httpx", "httpcore")]:
        monkeypatch.delitem(sys.modules, name)

    assert ((), False) == (detector.replaced(), "httpx" in sys.modules)


def test_a_package_that_is_imported_again(looking, monkeypatch):
    """A fresh copy of the packages is original, and its patches are noticed."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("httpx", "httpcore")]:
        monkeypatch.delitem(sys.modules, name)
    fresh = importlib.import_module("httpx")
    seen = looking.replaced()
    fresh.AsyncClient.send = recorder
    patched = looking.replaced()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("httpx", "httpcore")]:
        del sys.modules[name]

    assert ((), ("httpx.AsyncClient.send",)) == (seen, patched)


def test_a_look_is_quick(detector):
    """A look that finds nothing new judges nothing, with a patch in place as well."""
    detector.replaced()
    with mock.patch("exchanges.http.patches.Survey", side_effect=AssertionError):
        assert () == detector.replaced()
    with mock.patch("httpx.AsyncClient.send", recorder):
        seen = detector.replaced()
        with mock.patch("exchanges.http.patches.Survey", side_effect=AssertionError):
            assert seen == detector.replaced() == ("httpx.AsyncClient.send",)


# Real packages


@pytest.mark.interop
def test_respx(detector):
    """The mocks of respx are noticed, and gone when they end, in both of its ways."""
    respx = pytest.importorskip("respx")
    seen = []
    for using in ("httpx", "httpcore"):
        with respx.mock(using=using, assert_all_called=False):
            seen.append(detector.replaced())
        seen.append(detector.replaced())

    assert [("httpx.AsyncClient._transport_for_url",), ()] == seen[:2]
    assert seen[2][0].startswith("httpcore.Async")
    assert () == seen[3]


@pytest.mark.interop
def test_vcrpy(detector, tmp_path):
    """A recorder of vcrpy is noticed, and gone when it ends."""
    vcr = pytest.importorskip("vcr")
    with vcr.use_cassette(str(tmp_path / "cassette.yaml")):
        seen = detector.replaced()

    assert (("httpx.AsyncHTTPTransport.handle_async_request",), ()) == (seen, detector.replaced())


@pytest.mark.interop
def test_pytest_httpx(detector, request):
    """The fixture of pytest-httpx is noticed."""
    pytest.importorskip("pytest_httpx")
    request.getfixturevalue("httpx_mock")

    assert ("httpx.AsyncHTTPTransport.handle_async_request",) == detector.replaced()


@pytest.mark.interop
def test_opentelemetry(detector):
    """The instrumentation of OpenTelemetry is noticed, and gone when it ends."""
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.httpx")
    instrumentor = instrumentation.HTTPXClientInstrumentor()
    instrumentor.instrument()
    try:
        seen = detector.replaced()
    finally:
        instrumentor.uninstrument()

    assert (("httpx.AsyncHTTPTransport.handle_async_request",), ()) == (seen, detector.replaced())
