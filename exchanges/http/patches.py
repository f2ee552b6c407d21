"""Detection of patches: whether a mock, recorder or tracer has replaced anything through which httpx or httpcore send.

Requests must go through httpx then, so that mocks are respected and no test places a real order. Patches come and go,
and may be older than the import of this package, so httpx is judged before every request, and not compared with what it
was at import. Judging everything (`Survey`) costs milliseconds; before a request it is only checked whether anything
has changed since.

Before everything that is no read all of it is checked. Before a read, which is frequent and harms nobody, the classes
of a request's way are checked and where they are looked up, and of the rest a part: helpers of modules, and whether a
function got other code. Each part has its turn within `PARTS` reads.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import cycle
from operator import is_
from types import ModuleType

from exchanges.http.originals import Survey
from exchanges.http.unchanged import Classes, Name, Part
from exchanges.values import define

__all__ = ["PARTS", "SENDING", "PatchDetector"]

SENDING = {
    "httpx": ("AsyncClient", "AsyncHTTPTransport"),
    "httpx._client": ("AsyncClient", "AsyncHTTPTransport"),
    "httpx._transports.base": ("AsyncBaseTransport",),
    "httpx._transports.default": ("AsyncHTTPTransport",),
    "httpcore": ("AsyncConnectionPool", "AsyncHTTPProxy"),
    "httpcore._async.connection": ("AsyncHTTPConnection", "AsyncHTTP11Connection", "AutoBackend"),
    "httpcore._async.connection_pool": ("AsyncConnectionPool", "AsyncHTTPConnection", "AutoBackend"),
    "httpcore._async.http11": ("AsyncHTTP11Connection",),
    "httpcore._async.http_proxy": ("AsyncHTTPProxy", "AsyncForwardHTTPConnection", "AsyncTunnelHTTPConnection"),
    "httpcore._async.interfaces": (),
    "httpcore._backends.auto": ("AutoBackend",),
}
"""The modules through which httpx sends without blocking, and the names that must be there.

Those that only wait or observe are left out: their locks and events carry no request.
"""
_OPTIONAL = {
    "httpcore._async.http2": ("AsyncHTTP2Connection",),
    "httpcore._async.socks_proxy": ("AsyncSOCKSProxy", "AsyncSocks5Connection"),
    "httpcore._backends.anyio": ("AnyIOBackend", "AnyIOStream"),
    "httpcore._ssl": (),
}
_BELOW = {"anyio": ("connect_tcp",), "anyio._core._sockets": ("connect_tcp",), "h11": ("Connection",)}
"""What httpcore uses in the namespaces of other packages, which may fill them late."""
_PARTS_OF_A_REQUEST = (
    "AsyncByteStream", "AsyncEvent", "AsyncLock", "AsyncPoolRequest", "AsyncResponseStream", "AsyncShieldCancellation",
    "AsyncThreadLock", "BoundAsyncStream", "Connection", "HTTP11ConnectionByteStream", "PoolByteStream", "Request",
)  # fmt: skip
"""Classes of what a sender uses: locks, requests, streams."""
_USUAL = {
    "httpx": ("AsyncClient", "AsyncHTTPTransport"),
    "httpx._client": ("AsyncHTTPTransport",),
    "httpcore": ("AsyncConnectionPool",),
    "httpcore._async.connection": ("AsyncHTTP11Connection", "AutoBackend"),
    "httpcore._async.connection_pool": ("AsyncHTTPConnection", "AutoBackend"),
    "httpcore._async.http11": ("h11",),
    "httpcore._backends.anyio": ("AnyIOStream", "anyio"),
    "anyio": ("connect_tcp",),
    "h11": ("Connection",),
}
"""Where each class on the usual way of a request is looked up."""
_LATE = ("httpx", "httpcore", "httpcore._backends.anyio")
"""The modules that are looked up when a request is sent."""
_MODULES = (*SENDING, *_OPTIONAL, *_BELOW)
_SENDERS = frozenset(name for names in (*SENDING.values(), *_OPTIONAL.values(), _PARTS_OF_A_REQUEST) for name in names)
PARTS = 32


class _Look:
    """What was found, and all on which it depends.

    Attributes:
        replaced: The names of what was replaced.
    """

    def __init__(self) -> None:
        modules, survey = _imported(), Survey(_SENDERS)
        # httpx imports httpcore when it first sends.
        packages = {name.partition(".")[0] for name in SENDING if name in sys.modules}
        missing: list[str] = []
        for name, module in zip(_MODULES, modules, strict=True):
            if name in _BELOW and module is not None and packages:
                survey.add_names(name, module, _BELOW[name])
            elif name not in _BELOW and module is not None:
                survey.add_module(name, module, SENDING.get(name, ()))
            elif name in SENDING and name.partition(".")[0] in packages:
                missing.append(name)
        self.replaced = (*missing, *survey.finish())
        self._modules, self._imports = modules, len(sys.modules)
        self._kinds = list(map(type, modules))
        self._namespaces = survey.namespaces
        self._sizes = list(map(len, survey.namespaces))
        self._classes = Classes(survey.classes)
        real = {name: module for name, module in zip(_MODULES, modules, strict=True) if type(module) is ModuleType}
        usual: list[Name] = [(key, vars(real[name])) for name, keys in _USUAL.items() if name in real for key in keys]
        usual += [(name, sys.modules) for name in _LATE]
        self._whole = Part([*usual, *survey.names], survey.functions)
        parts = [Part([*usual, *survey.names[i::PARTS]], survey.functions[i::PARTS]) for i in range(PARTS)]
        self._turns = cycle(parts)

    def is_current(self, *, thorough: bool) -> bool:
        """Return whether nothing has changed since."""
        if len(sys.modules) != self._imports:
            if not _same(self._modules, _imported()):
                return False
            self._imports = len(sys.modules)
        if not self._classes.is_unchanged:
            return False
        if thorough:
            return self._whole.is_unchanged and self._is_framed
        return next(self._turns).is_unchanged

    @property
    def _is_framed(self) -> bool:
        """Whether the modules themselves are as they were, and no name was added to one."""
        return (
            _same(self._modules, _imported())
            and self._kinds == list(map(type, self._modules))
            and self._sizes == list(map(len, self._namespaces))
        )


def _imported() -> tuple[object, ...]:
    return tuple(map(sys.modules.get, _MODULES))


def _same(values: Sequence[object], others: Sequence[object]) -> bool:
    return all(map(is_, values, others))


@define(eq=False)
class PatchDetector:
    """Judges httpx and httpcore, quickly if nothing has changed since the last time."""

    _look: _Look | None = None

    def replaced(self, *, thorough: bool = True) -> tuple[str, ...]:
        """Return the names of what was replaced, such as ``httpx.AsyncClient.send``; empty if nothing was.

        A package that is not imported cannot be patched, and is not imported here.

        Args:
            thorough: Whether to check all that may have changed, and not only what the usual patches replace.
        """
        look = self._look
        if look is None or not look.is_current(thorough=thorough):
            look = self._look = _Look()
        return look.replaced
