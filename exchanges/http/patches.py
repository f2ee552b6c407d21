"""Detection of patches: whether a mock, recorder or tracer has replaced a method with which httpx or httpcore send.

Requests must go through httpx then, so that mocks are respected and no test places a real order. Patches come and go,
and may be older than the import of this package, so the methods are checked before every request, and not compared
with those at import. A method is original if it is a plain function with code from the package's own file under its
own name, and without ``__wrapped__``. Everything else counts as replaced.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from attrs import Factory, define, field, frozen

__all__ = ["WATCHED", "PatchDetector", "Watched"]


@frozen(eq=False)
class Watched:
    """A class through which httpx sends.

    Attributes:
        name: Of the class.
        modules: Where it can be looked up; a patch may replace the class in one of them only.
        methods: Those that patches replace.
        package: The first part of all modules; kept, as every request asks whether it is imported.
    """

    name: str
    modules: tuple[str, ...]
    methods: tuple[str, ...]
    package: str = field(init=False, default=Factory(lambda self: self.modules[0].partition(".")[0], takes_self=True))


_HANDLE = "handle_async_request"
WATCHED = (
    Watched(
        "AsyncClient",
        ("httpx", "httpx._client"),
        (
            *("__init__", "_init_transport", "_init_proxy_transport", "_transport_for_url", "request", "send"),
            *("_send_handling_auth", "_send_handling_redirects", "_send_single_request"),
            *("get", "post", "put", "patch", "delete"),
        ),
    ),
    Watched(
        "AsyncHTTPTransport",
        ("httpx", "httpx._client", "httpx._transports.default"),
        ("__init__", "__aenter__", _HANDLE),
    ),
    Watched(
        "AsyncConnectionPool",
        ("httpcore", "httpcore._async.connection_pool"),
        ("__init__", "create_connection", _HANDLE),
    ),
    Watched("AsyncHTTPProxy", ("httpcore", "httpcore._async.http_proxy"), ("__init__", "create_connection", _HANDLE)),
    Watched("AsyncHTTPConnection", ("httpcore", "httpcore._async.connection_pool"), ("__init__", "_connect", _HANDLE)),
    Watched("AsyncHTTP11Connection", ("httpcore", "httpcore._async.http11"), ("__init__", "_send_event", _HANDLE)),
    Watched("AutoBackend", ("httpcore._backends.auto", "httpcore._async.connection_pool"), ("connect_tcp",)),
    Watched("AnyIOBackend", ("httpcore", "httpcore._backends.anyio"), ("connect_tcp",)),
)


@frozen
class _Original:
    """A class that was verified to be the original, with its methods."""

    owner: type
    places: tuple[tuple[dict[str, object], str], ...]
    methods: tuple[tuple[str, FunctionType, CodeType], ...]

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing has changed since."""
        owner = self.owner
        for namespace, name in self.places:
            if namespace.get(name) is not owner:
                return False
        for name, function, code in self.methods:
            # ``f.__code__ = g.__code__`` replaces a method without another function.
            if getattr(owner, name, None) is not function or function.__code__ is not code:
                return False
        return True


@define(eq=False)
class PatchDetector:
    """Checks httpx and httpcore, quickly if nothing has changed since the last time."""

    _originals: dict[Watched, _Original] = field(factory=dict[Watched, _Original])

    def replaced(self) -> str | None:
        """Return the name of what was replaced, such as ``httpx.AsyncClient.send``; None if nothing was.

        A package that is not imported cannot be patched, and is not imported here.
        """
        for watched in WATCHED:
            known = self._originals.get(watched)
            if known is not None and known.is_unchanged:
                continue
            if watched.package not in sys.modules:
                continue
            original = _verify(watched)
            if isinstance(original, str):
                return original
            self._originals[watched] = original
        return None


def _verify(watched: Watched) -> _Original | str:
    """Return the original class, or the name of what replaced it."""
    package = watched.package
    shown = f"{package}.{watched.name}"
    modules = [sys.modules.get(name) for name in watched.modules]
    namespaces = [module.__dict__ for module in modules if isinstance(module, ModuleType)]
    owners = [namespace.get(watched.name) for namespace in namespaces]
    owner, file = owners[0] if owners else None, getattr(sys.modules[package], "__file__", None)
    if len(owners) < len(watched.modules) or not isinstance(owner, type) or file is None:
        return shown
    if any(other is not owner for other in owners) or not _is_of(owner, package, watched.name):
        return shown
    folder = str(Path(file).parent) + os.sep
    methods: list[tuple[str, FunctionType, CodeType]] = []
    for name in watched.methods:
        function = getattr(owner, name, None)
        # `isinstance` would accept proxies of wrapt, which report the class and the code of what they wrap.
        if type(function) is not FunctionType or not _is_original(function, owner, name, folder):
            return f"{shown}.{name}"
        methods.append((name, function, function.__code__))
    return _Original(owner, tuple((namespace, watched.name) for namespace in namespaces), tuple(methods))


def _is_of(owner: type, package: str, name: str) -> bool:
    """Return whether a class belongs to *package*; a metaclass could return other methods than are called."""
    return type(owner) is type and owner.__name__ == name and owner.__module__.partition(".")[0] == package


def _is_original(function: FunctionType, owner: type, name: str, folder: str) -> bool:
    code = function.__code__
    # A patch may use another method of the package itself, such as that of MockTransport.
    names = {f"{base.__name__}.{name}" for base in owner.__mro__}
    return code.co_filename.startswith(folder) and code.co_qualname in names and not function.__dict__
