"""Transports, clocks, states and loops that fail, or end, in the middle of a call."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from exchanges.endpoint import endpoints_of
from exchanges.errors import ExchangeError, StateError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.state import FileState, MemoryState
from tests.support.leak_scenarios import Call, Failure, Watching, called, made
from tests.support.leak_sinks import Scene


def _told(request: httpx.Request) -> str:
    return f"{request.url} {dict(request.headers)} {request.content!r}"


FAULTS: dict[str, Callable[[str], BaseException]] = {
    "no connection": httpx.ConnectError,
    "no connection in time": httpx.ConnectTimeout,
    "no connection free": httpx.PoolTimeout,
    "broken off": httpx.ReadError,
    "broken off while writing": httpx.WriteError,
    "no answer in time": httpx.ReadTimeout,
    "not HTTP": httpx.RemoteProtocolError,
    "not to be sent": httpx.LocalProtocolError,
    "a proxy": httpx.ProxyError,
    "too many redirects": httpx.TooManyRedirects,
    "a bad address": httpx.InvalidURL,
    "the system": OSError,
    "cancelled from inside": asyncio.CancelledError,
}
# Errors in the code of a transport reach the caller as they are, so they must not hold secrets themselves.
CODE_FAULTS: dict[str, Callable[[], Exception]] = {
    "a fault": RuntimeError,
    "a missing key": KeyError,
    "not UTF-8": partial(UnicodeDecodeError, "utf-8", b"", 0, 1, "odd"),
    "several": partial(ExceptionGroup, "odd", [RuntimeError()]),
    "too deep": RecursionError,
}


def _failing(kind: Callable[[str], BaseException]) -> Callable[[httpx.Request], httpx.Response]:
    """Return a step that raises an exception with the whole request in all of its parts."""

    def step(request: httpx.Request) -> httpx.Response:
        error = kind(_told(request))
        error.add_note(_told(request))
        if isinstance(error, httpx.RequestError):
            error.request = request
        raise error from ValueError(request, _told(request))

    return step


def _raising(fault: Callable[[], Exception]) -> Callable[[httpx.Request], httpx.Response]:
    def step(_: httpx.Request) -> httpx.Response:
        raise fault()

    return step


class _Breaking(httpx.AsyncByteStream):
    """A body that ends in an exception, and raises another when it is closed."""

    def __init__(self, request: httpx.Request) -> None:
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"'
        raise httpx.ReadError(_told(self._request))

    async def aclose(self) -> None:
        raise httpx.CloseError(_told(self._request))


def _broken_body(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=_Breaking(request))


async def _silence(_: httpx.Request) -> httpx.Response:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("unreachable")


class _BadState(MemoryState):
    """A state of which one part raises when it is called."""

    def __init__(self, part: str, error: Exception) -> None:
        super().__init__()
        self._part, self._error = part, error

    def __getattribute__(self, name: str) -> Any:
        # Only the call fails: a state without such a part would be refused with the options.
        if name != object.__getattribute__(self, "__dict__").get("_part"):
            return super().__getattribute__(name)
        return _BadJournal(self._error) if name == "journal" else self._fail

    def _fail(self, *_: object, **__: object) -> Any:
        raise self._error


class _BadJournal:
    """A journal of which each method raises when it is called."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_: object, **__: object) -> Any:
            raise self._error

        return fail


def broken(name: str, call: Call) -> Iterator[Failure]:
    """Yield each failure of the parts below a call."""

    def failure(what: str, happen: Callable[[Scene], Awaitable[None]], *, real: bool = False) -> Failure:
        return Failure(f"{name}: {what}", call.exchange, happen, real or call.real)

    for what, kind in FAULTS.items():
        yield failure(f"{what}, and the exception holds the request", partial(_through, call, _failing(kind)))
    for what, fault in CODE_FAULTS.items():
        yield failure(what, partial(_through, call, _raising(fault)))
    yield failure("the body breaks off", partial(_through, call, _broken_body))
    if not call.real:
        yield failure("silence", partial(_through, call, _silence))
        yield failure("silence to a view with another deadline", partial(_viewed, call))
        for times in (1, 2):
            yield failure(f"cancelled {times} times", partial(_cancelled, call, times))
        yield failure("closed under way", partial(_closed, call))
        yield failure("no permit in time", partial(_crowded, call))
        yield failure("the same again", partial(_again, call))
    for part in ("limiter", "shared", "shared_limiter", "journal"):
        for error in (StateError("the state cannot be read"), OSError("the disk is full")):
            yield failure(f"the state's {part}: {type(error).__name__}", partial(_stateless, call, part, error))
    yield failure("a clock that stands", partial(_through, call, _silence, clock=_no_clock))
    yield failure("closed before", partial(_closed_before, call))
    yield failure("another loop", partial(_elsewhere, call), real=True)
    yield failure("an outcome that is written down", partial(_written, call), real=True)


async def _through(call: Call, step: Any, scene: Scene, **options: Any) -> None:
    await called(scene, call, Watching(scene, step), **options)


def _opened(call: Call, scene: Scene, step: Any = _silence, *, timeout_seconds: float = 2.0, **options: Any) -> Any:
    """Create a client whose transport answers with *step*, without limits."""
    options = {"limits": None, "timeout_seconds": timeout_seconds, **options}
    return made(call.client, scene, transport=Watching(scene, step), **options)


def _no_clock() -> float:
    raise OSError("no clock")


async def _viewed(call: Call, scene: Scene) -> None:
    async with _opened(call, scene, timeout_seconds=30.0) as client:
        view = client.with_options(timeout_seconds=2)
        scene.clients.append(view)
        await call.make(view)


async def _cancelled(call: Call, times: int, scene: Scene) -> None:
    async with _opened(call, scene) as client:
        task = asyncio.create_task(call.make(client))
        await asyncio.sleep(1)
        scene.look()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        scene.look()
        await asyncio.wait([task])
        scene.seen += [repr(task), repr(client)]
        task.result()


async def _closed(call: Call, scene: Scene) -> None:
    client = _opened(call, scene)
    task = asyncio.create_task(call.make(client))
    await asyncio.sleep(1)
    await client.aclose()
    await task


async def _crowded(call: Call, scene: Scene) -> None:
    names = {e.limit.name for e in endpoints_of(call.client)}
    limits = [Limit(name, (Window(1, 500.0),), Scope.KEY) for name in names]
    async with _opened(call, scene, lambda _: httpx.Response(503), limits=limits, timeout_seconds=5) as client:
        for _ in range(4):
            with suppress(ExchangeError):
                await call.make(client)
        await call.make(client)


async def _again(call: Call, scene: Scene) -> None:
    async with _opened(call, scene, lambda _: httpx.Response(500), timeout_seconds=9) as client:
        with scene.kept():
            await call.make(client)
        await call.make(client)


async def _stateless(call: Call, part: str, error: Exception, scene: Scene) -> None:
    await called(scene, call, Watching(scene, _silence), state=_BadState(part, error), timeout_seconds=0.05)


async def _closed_before(call: Call, scene: Scene) -> None:
    client = _opened(call, scene)
    await client.aclose()
    await call.make(client)


async def _elsewhere(call: Call, scene: Scene) -> None:
    """Use a client in one event loop, then in another."""
    async with _opened(call, scene, lambda _: httpx.Response(403), timeout_seconds=5) as client:
        with suppress(ExchangeError):
            await call.make(client)

        def run() -> None:
            with scene.kept():
                asyncio.run(call.make(client))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()


async def _written(call: Call, scene: Scene) -> None:
    """Leave an outcome unknown with a journal in a file, and read all files."""
    transport = Watching(scene, lambda _: httpx.Response(418, json={"error": "no"}))
    with tempfile.TemporaryDirectory() as folder, FileState(Path(folder) / "state") as state:
        with scene.kept():
            await called(scene, call, transport, state=state, timeout_seconds=1)
        scene.written += _read(Path(folder))
        scene.clients.clear()  # what they hold is closed


def _read(folder: Path) -> list[str]:
    return [f"{path} {path.read_bytes().decode('latin-1')}" for path in folder.rglob("*") if path.is_file()]
