"""Detection of patches: whether a mock, recorder or tracer has replaced anything through which httpx or httpcore send.

Requests must go through httpx then, so that mocks are respected and no test places a real order. Patches come and go,
and may be older than the import of this package, so httpx is judged before every request, and not compared with what it
was at import. Judging everything (`Survey`) costs milliseconds; before a request it is only checked whether anything
has changed since, which costs microseconds.
"""

from __future__ import annotations

import sys
from operator import attrgetter, is_

from attrs import define, frozen

from exchanges.http.originals import Survey

__all__ = ["SENDING", "PatchDetector"]

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
_BELOW = {"anyio": ("connect_tcp",), "anyio._core._sockets": ("connect_tcp",)}
"""What httpcore calls in the namespaces of other packages, which may fill them late."""
_MODULES = (*SENDING, *_OPTIONAL, *_BELOW)
_SENDERS = frozenset(name for names in (*SENDING.values(), *_OPTIONAL.values()) for name in names)

_code = attrgetter("__code__")
_bases = attrgetter("__mro__")


@frozen(eq=False)
class _Look:
    """What was found, and all on which it depends.

    Attributes:
        replaced: The names of what was replaced.
    """

    replaced: tuple[str, ...]
    _modules: tuple[object, ...]
    _kinds: list[type]
    _sizes: list[int]
    _survey: Survey
    _values: list[object]
    _codes: list[object]
    _mros: list[object]

    @classmethod
    def now(cls) -> _Look:
        """Judge everything."""
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
        replaced = (*missing, *survey.finish())
        return cls(
            replaced,
            modules,
            list(map(type, modules)),
            list(map(len, survey.namespaces)),
            survey,
            survey.values(),
            list(map(_code, survey.functions)),
            list(map(_bases, survey.classes)),
        )

    @property
    def is_current(self) -> bool:
        """Whether nothing has changed since."""
        survey = self._survey
        if self._modules != _imported() or self._kinds != list(map(type, self._modules)):
            return False
        if self._sizes != list(map(len, survey.namespaces)):
            return False
        try:
            values = survey.values()
        except KeyError:
            return False
        # Whole lists are compared, at the speed of C, and by identity: a proxy of wrapt is equal to what it wraps.
        # ``f.__code__ = g.__code__`` replaces no function.
        return (
            len(self._values) == len(values)
            and all(map(is_, values, self._values))
            and self._codes == list(map(_code, survey.functions))
            and self._mros == list(map(_bases, survey.classes))
        )


def _imported() -> tuple[object, ...]:
    return tuple(map(sys.modules.get, _MODULES))


@define(eq=False)
class PatchDetector:
    """Judges httpx and httpcore, quickly if nothing has changed since the last time."""

    _look: _Look | None = None

    def replaced(self) -> tuple[str, ...]:
        """Return the names of what was replaced, such as ``httpx.AsyncClient.send``; empty if nothing was.

        A package that is not imported cannot be patched, and is not imported here.
        """
        look = self._look
        if look is None or not look.is_current:
            look = self._look = _Look.now()
        return look.replaced
