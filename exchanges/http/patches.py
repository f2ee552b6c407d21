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

from attrs import define, frozen

__all__ = ["WATCHED", "PatchDetector", "Watched"]


@frozen(eq=False)
class Watched:
    """A class through which httpx sends.

    Attributes:
        name: Of the class.
        modules: Where it can be looked up; a patch may replace the class in one of them only.
        methods: Those that patches replace.
    """

    name: str
    modules: tuple[str, ...]
    methods: tuple[str, ...]


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


@frozen(eq=False)
class _Originals:
    """Classes that were verified to be the originals, with their methods.

    Attributes:
        missing: Packages that were not imported.
        places: Where each class is looked up: namespace, name, class.
        methods: Owner, name, function and code of each method.
    """

    missing: frozenset[str]
    places: tuple[tuple[dict[str, object], str, type], ...]
    methods: tuple[tuple[type, str, FunctionType, CodeType], ...]

    @property
    def are_unchanged(self) -> bool:
        """Whether nothing has changed since."""
        # Plain loops over tuples that are made once: every request passes here.
        for namespace, name, owner in self.places:
            if namespace.get(name) is not owner:
                return False
        for owner, name, function, code in self.methods:
            # ``f.__code__ = g.__code__`` replaces a method without another function.
            if getattr(owner, name, None) is not function or function.__code__ is not code:
                return False
        return sys.modules.keys().isdisjoint(self.missing)


@define(eq=False)
class PatchDetector:
    """Checks httpx and httpcore, quickly if nothing has changed since the last time."""

    _originals: _Originals | None = None

    def replaced(self) -> str | None:
        """Return the name of what was replaced, such as ``httpx.AsyncClient.send``; None if nothing was.

        A package that is not imported cannot be patched, and is not imported here.
        """
        if self._originals is not None and self._originals.are_unchanged:
            return None
        found = _verify()
        if isinstance(found, str):
            return found
        self._originals = found
        return None


def _verify() -> _Originals | str:
    """Return the original classes, or the name of what replaced one of them."""
    missing: set[str] = set()
    places: list[tuple[dict[str, object], str, type]] = []
    methods: list[tuple[type, str, FunctionType, CodeType]] = []
    for watched in WATCHED:
        package = watched.modules[0].partition(".")[0]
        if package not in sys.modules:
            missing.add(package)
            continue
        modules = [sys.modules.get(name) for name in watched.modules]
        namespaces = [module.__dict__ for module in modules if isinstance(module, ModuleType)]
        owner, file = _owner(watched, package, namespaces), getattr(sys.modules[package], "__file__", None)
        if owner is None or file is None:
            return f"{package}.{watched.name}"
        places += [(namespace, watched.name, owner) for namespace in namespaces]
        folder = str(Path(file).parent) + os.sep
        for name in watched.methods:
            function = getattr(owner, name, None)
            # `isinstance` would accept proxies of wrapt, which report the class and the code of what they wrap.
            if type(function) is not FunctionType or not _is_original(function, owner, name, folder):
                return f"{package}.{watched.name}.{name}"
            methods.append((owner, name, function, function.__code__))
    return _Originals(frozenset(missing), tuple(places), tuple(methods))


def _owner(watched: Watched, package: str, namespaces: list[dict[str, object]]) -> type | None:
    """Return the class that is watched, if it is the package's own and the same everywhere."""
    owners = [namespace.get(watched.name) for namespace in namespaces]
    owner = owners[0] if len(owners) == len(watched.modules) else None
    if not isinstance(owner, type) or any(other is not owner for other in owners):
        return None
    return owner if _is_of(owner, package, watched.name) else None


def _is_of(owner: type, package: str, name: str) -> bool:
    """Return whether a class belongs to *package*; a metaclass could return other methods than are called."""
    return type(owner) is type and owner.__name__ == name and owner.__module__.partition(".")[0] == package


def _is_original(function: FunctionType, owner: type, name: str, folder: str) -> bool:
    code = function.__code__
    # A patch may use another method of the package itself, such as that of MockTransport.
    names = {f"{base.__name__}.{name}" for base in owner.__mro__}
    return code.co_filename.startswith(folder) and code.co_qualname in names and not function.__dict__
