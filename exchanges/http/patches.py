"""Whether somebody has replaced what httpx or httpcore send with: a mock, a recorder, a tracer.

Requests must go through httpx then, so that a mock is honoured and no order leaves a test. That is asked before every
request, for patches come and go, and may have been there before this package was imported: an identity noted at import
proves nothing. A method is original if it is a plain function whose code comes from the package's own file under its
own name, and that wraps nothing. Whatever cannot be recognised counts as replaced.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from attrs import define, field, frozen

__all__ = ["WATCHED", "PatchDetector", "Watched"]


@frozen(eq=False)
class Watched:
    """A class through which httpx sends.

    Attributes:
        name: Of the class.
        modules: Where httpx looks it up; a patch may replace the class in one of them only.
        methods: Those that patches are known to replace.
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


@frozen
class _Original:
    """A class that was recognised as the original, with its methods."""

    owner: type
    places: tuple[tuple[dict[str, object], str], ...]
    methods: tuple[tuple[str, FunctionType, CodeType], ...]

    @property
    def is_unchanged(self) -> bool:
        """Whether everything is as it was when it was recognised."""
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
    """Looks at httpx and httpcore, quickly as long as nothing changes."""

    _originals: dict[Watched, _Original] = field(factory=dict[Watched, _Original])

    def replaced(self) -> str | None:
        """Return what is not the original, such as ``httpx.AsyncClient.send``; None if everything is.

        A package that was not imported cannot be patched, and is not imported for this.
        """
        for watched in WATCHED:
            known = self._originals.get(watched)
            if known is not None and known.is_unchanged:
                continue
            if watched.modules[0].partition(".")[0] not in sys.modules:
                continue
            original = _recognise(watched)
            if isinstance(original, str):
                return original
            self._originals[watched] = original
        return None


def _recognise(watched: Watched) -> _Original | str:
    """Return the original class, or the name of what replaced it."""
    package = watched.modules[0].partition(".")[0]
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
        # By type and not by `isinstance`: the proxies of wrapt claim the class, and the code, of what they wrap.
        if type(function) is not FunctionType or not _is_original(function, owner, name, folder):
            return f"{shown}.{name}"
        methods.append((name, function, function.__code__))
    return _Original(owner, tuple((namespace, watched.name) for namespace in namespaces), tuple(methods))


def _is_of(owner: type, package: str, name: str) -> bool:
    """Return whether a class is *package*'s own; a metaclass could show one method and call another."""
    return type(owner) is type and owner.__name__ == name and owner.__module__.partition(".")[0] == package


def _is_original(function: FunctionType, owner: type, name: str, folder: str) -> bool:
    code = function.__code__
    # A method of the same package under another name is a patch too: MockTransport's in place of AsyncHTTPTransport's.
    names = {f"{base.__name__}.{name}" for base in owner.__mro__}
    return code.co_filename.startswith(folder) and code.co_qualname in names and not function.__dict__
