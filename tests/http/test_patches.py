import sys
import types
from unittest import mock

import httpx
import pytest

from exchanges.http.patches import WATCHED, PatchDetector

METHODS = [(watched, name) for watched in WATCHED for name in watched.methods]
CLASSES = [(module, watched.name) for watched in WATCHED for module in watched.modules]


def owner_of(watched):
    """Return the class as httpx looks it up."""
    return getattr(sys.modules[watched.modules[0]], watched.name)


async def recorder(self, request):
    """Stand for whatever a recorder sends with."""


@pytest.fixture
def detector():
    """Make a detector that has not looked yet."""
    return PatchDetector()


def test_nothing_is_replaced(detector):
    """Without a patch there is none."""
    assert (None, None) == (detector.replaced(), detector.replaced())


@pytest.mark.parametrize("before", [0, 1], ids=["before the first look", "after it"])
@pytest.mark.parametrize(("watched", "name"), METHODS, ids=str)
def test_a_method_is_replaced(detector, monkeypatch, watched, name, before):
    """A method that is replaced is named, whenever that happened, and no longer when it is restored."""
    for _ in range(before):
        detector.replaced()
    with monkeypatch.context() as patch:
        patch.setattr(owner_of(watched), name, recorder)
        seen = detector.replaced()

    package = watched.modules[0].partition(".")[0]

    assert (f"{package}.{watched.name}.{name}", None) == (seen, detector.replaced())


@pytest.mark.parametrize("before", [0, 1], ids=["before the first look", "after it"])
@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_a_class_is_replaced(detector, module, name, before):
    """A class that is replaced is named, in whichever module httpx would look it up."""
    for _ in range(before):
        detector.replaced()
    original = getattr(sys.modules[module], name)
    for other in (type(name, (original,), {}), mock.MagicMock(), lambda: None):
        with mock.patch(f"{module}.{name}", other):
            assert f"{module.partition('.')[0]}.{name}" == detector.replaced()

    assert detector.replaced() is None


@pytest.mark.parametrize("before", [0, 1])
def test_a_class_that_is_missing(detector, before, monkeypatch):
    """A class that was removed counts as replaced."""
    for _ in range(before):
        detector.replaced()
    monkeypatch.delattr(httpx, "AsyncHTTPTransport")

    assert "httpx.AsyncHTTPTransport" == detector.replaced()


def test_a_metaclass_decides_what_an_attribute_is(detector, monkeypatch):
    """A class with a metaclass of its own may show one method and call another."""
    forged = types.new_class(
        "AsyncHTTPTransport", (httpx.AsyncHTTPTransport,), {"metaclass": type("Meta", (type,), {})}
    )
    for module in ("httpx", "httpx._client", "httpx._transports.default"):
        monkeypatch.setattr(sys.modules[module], "AsyncHTTPTransport", forged)

    assert "httpx.AsyncHTTPTransport" == detector.replaced()


@pytest.mark.parametrize("before", [0, 1])
def test_the_code_of_a_method_is_replaced(detector, monkeypatch, before):
    """A function that keeps its identity and gets other code is a patch."""
    for _ in range(before):
        detector.replaced()
    monkeypatch.setattr(httpx.AsyncClient.send, "__code__", recorder.__code__)

    assert "httpx.AsyncClient.send" == detector.replaced()


def test_a_method_of_the_package_in_another_place(detector, monkeypatch):
    """A method of httpx's own that stands in for another is a patch."""
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", httpx.MockTransport.handle_async_request)

    assert "httpx.AsyncHTTPTransport.handle_async_request" == detector.replaced()


def test_a_wrapper_that_looks_like_what_it_wraps(detector, monkeypatch):
    """A wrapper that passes on the code of what it wraps, as tracers' do, is a patch."""

    class Wrapper:
        def __init__(self, wrapped):
            self.__wrapped__ = wrapped
            self.__code__, self.__module__ = wrapped.__code__, wrapped.__module__

        @property
        def __class__(self):
            return types.FunctionType

        def __get__(self, instance, owner):
            return self

    monkeypatch.setattr(httpx.AsyncClient, "send", Wrapper(httpx.AsyncClient.send))

    assert "httpx.AsyncClient.send" == detector.replaced()


def test_a_package_that_is_not_imported(detector, monkeypatch):
    """What nobody imported is not patched, and is not imported for the question."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("httpx", "httpcore")]:
        monkeypatch.delitem(sys.modules, name)

    assert (None, False) == (detector.replaced(), "httpx" in sys.modules)


def test_what_is_watched_exists():
    """Every class and method that is watched is there, in the oldest supported release too."""
    missing = [f"{w.name}.{m}" for w in WATCHED for m in w.methods if not hasattr(owner_of(w), m)]

    assert [] == missing


def test_a_look_is_quick(detector):
    """A look that finds nothing new asks each method for its identity and compares no texts."""
    detector.replaced()
    with mock.patch("exchanges.http.patches._verify", side_effect=AssertionError):
        assert detector.replaced() is None


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

    assert ["httpx.AsyncClient._transport_for_url", None] == seen[:2]
    assert seen[2].startswith("httpcore.Async")
    assert seen[3] is None


@pytest.mark.interop
def test_vcrpy(detector, tmp_path):
    """A recorder of vcrpy is noticed, and gone when it ends."""
    vcr = pytest.importorskip("vcr")
    with vcr.use_cassette(str(tmp_path / "cassette.yaml")):
        seen = detector.replaced()

    assert ("httpx.AsyncHTTPTransport.handle_async_request", None) == (seen, detector.replaced())


@pytest.mark.interop
def test_pytest_httpx(detector, request):
    """The fixture of pytest-httpx is noticed."""
    pytest.importorskip("pytest_httpx")
    request.getfixturevalue("httpx_mock")

    assert "httpx.AsyncHTTPTransport.handle_async_request" == detector.replaced()


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

    assert ("httpx.AsyncHTTPTransport.handle_async_request", None) == (seen, detector.replaced())
