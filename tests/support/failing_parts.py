"""Transports, clocks, states and loops that fail, or end, in the middle of a call."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from exchanges.errors import ExchangeError, StateError
from exchanges.limits.limit import Limit, Scope, Window
from exchanges.state import FileState, MemoryState
from tests.support.leak_scenarios import Call, Mishap, Watching, called, made
from tests.support.leak_sinks import Scene

__all__ = ["broken"]


def _told(request: httpx.Request) -> str:
    return f"{request.url} {dict(request.headers)} {request.content!r}"


def _grouped(words: str) -> Exception:
    return ExceptionGroup(words, [RuntimeError(words)])


def _undecodable(words: str) -> Exception:
    return UnicodeDecodeError("utf-8", words.encode(), 0, 1, words)


FAULTS: dict[str, Callable[[str], BaseException]] = {
    "no connection": httpx.ConnectError,
    "no connection in time": httpx.ConnectTimeout,
    "no room": httpx.PoolTimeout,
    "broken off": httpx.ReadError,
    "broken off while writing": httpx.WriteError,
    "no answer in time": httpx.ReadTimeout,
    "not HTTP": httpx.RemoteProtocolError,
    "not to be sent": httpx.LocalProtocolError,
    "a proxy": httpx.ProxyError,
    "too many redirects": httpx.TooManyRedirects,
    "a bad address": httpx.InvalidURL,
    "the system": OSError,
    "a fault": RuntimeError,
    "a missing key": KeyError,
    "not UTF-8": _undecodable,
    "several": _grouped,
    "too deep": RecursionError,
    "cancelled from inside": asyncio.CancelledError,
}


def _failing(kind: Callable[[str], BaseException]) -> Callable[[httpx.Request], httpx.Response]:
    """Make a step that raises with all of the request in it, in every place that an exception has."""

    def step(request: httpx.Request) -> httpx.Response:
        error = kind(_told(request))
        error.add_note(_told(request))
        if isinstance(error, httpx.RequestError):
            error.request = request
        raise error from ValueError(request, _told(request))

    return step


class _Breaking(httpx.AsyncByteStream):
    """A body that ends in an exception, and may not be closed without another."""

    def __init__(self, request: httpx.Request) -> None:
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"'
        raise RuntimeError(_told(self._request))

    async def aclose(self) -> None:
        raise ValueError(_told(self._request))


def _broken_body(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=_Breaking(request))


async def _silence(_: httpx.Request) -> httpx.Response:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("unreachable")


class _BadState(MemoryState):
    """A state of which one part raises."""

    def __init__(self, part: str, error: Exception) -> None:
        super().__init__()
        self._part, self._error = part, error

    def __getattribute__(self, name: str) -> Any:
        if name == object.__getattribute__(self, "__dict__").get("_part"):
            raise self._error
        return super().__getattribute__(name)


def broken(name: str, call: Call) -> Iterator[Mishap]:
    """Everything that can break under a call."""

    def mishap(what: str, happen: Callable[[Scene], Awaitable[None]], *, real: bool = False) -> Mishap:
        return Mishap(f"{name}: {what}", call.exchange, happen, real or call.real)

    for what, kind in FAULTS.items():
        yield mishap(f"{what}, and the transport says all it knows", _through(call, _failing(kind)))
    yield mishap("the body breaks off", _through(call, _broken_body))
    if not call.real:
        yield mishap("silence", _through(call, _silence))
        yield mishap("silence to a view with another deadline", _viewed(call))
        for times in (1, 2):
            yield mishap(f"cancelled {times} times", _cancelled(call, times))
        yield mishap("closed under way", _closed(call))
        yield mishap("no room in the limit", _crowded(call))
        yield mishap("the same again", _again(call))
    for part in ("limiter", "shared"):
        for error in (StateError("the state cannot be read"), OSError("the disk is full")):
            yield mishap(f"the state's {part}: {type(error).__name__}", _stateless(call, part, error))
    yield mishap("a clock that stands", _through(call, _silence, clock=_no_clock))
    yield mishap("closed before", _closed_before(call))
    yield mishap("another loop", _elsewhere(call), real=True)
    yield mishap("an outcome that is written down", _written(call), real=True)


def _through(call: Call, step: Any, **options: Any) -> Callable[[Scene], Awaitable[None]]:
    async def happen(scene: Scene) -> None:
        await called(scene, call, Watching(scene, step), **options)

    return happen


def _no_clock() -> float:
    raise OSError("no clock")


def _viewed(call: Call) -> Callable[[Scene], Awaitable[None]]:
    async def happen(scene: Scene) -> None:
        async with made(call.client, scene, transport=Watching(scene, _silence), limits=None) as client:
            view = client.with_options(timeout_seconds=2)
            scene.clients.append(view)
            await call.make(view)

    return happen


def _cancelled(call: Call, times: int) -> Callable[[Scene], Awaitable[None]]:
    async def happen(scene: Scene) -> None:
        options = {"limits": None, "timeout_seconds": 2}
        async with made(call.client, scene, transport=Watching(scene, _silence), **options) as client:
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

    return happen


def _closed(call: Call) -> Callable[[Scene], Awaitable[None]]:
    async def happen(scene: Scene) -> None:
        client = made(call.client, scene, transport=Watching(scene, _silence), limits=None, timeout_seconds=2)
        task = asyncio.create_task(call.make(client))
        await asyncio.sleep(1)
        await client.aclose()
        await task

    return happen


def _crowded(call: Call) -> Callable[[Scene], Awaitable[None]]:
    async def happen(scene: Scene) -> None:
        names = {e.limit.name for e in _limits_of(call)}
        limits = [Limit(name, (Window(1, 500.0),), Scope.KEY) for name in names]
        transport = Watching(scene, lambda _: httpx.Response(503))
        async with made(call.client, scene, transport=transport, limits=limits, timeout_seconds=5) as client:
            for _ in range(4):
                with suppress(ExchangeError):
                    await call.make(client)
            await call.make(client)

    return happen


def _limits_of(call: Call) -> Iterator[Any]:
    from exchanges.endpoint import endpoints_of

    return endpoints_of(call.client)


def _again(call: Call) -> Callable[[Scene], Awaitable[None]]:
    async def happen(scene: Scene) -> None:
        transport = Watching(scene, lambda _: httpx.Response(500))
        async with made(call.client, scene, transport=transport, limits=None, timeout_seconds=9) as client:
            try:
                await call.make(client)
            except ExchangeError as error:
                scene.errors.append(error)
            await call.make(client)

    return happen


def _stateless(call: Call, part: str, error: Exception) -> Callable[[Scene], Awaitable[None]]:
    async def happen(scene: Scene) -> None:
        await called(scene, call, Watching(scene, _silence), state=_BadState(part, error), timeout_seconds=0.05)

    return happen


def _closed_before(call: Call) -> Callable[[Scene], Awaitable[None]]:
    async def happen(scene: Scene) -> None:
        client = made(call.client, scene, transport=Watching(scene, _silence), limits=None)
        await client.aclose()
        await call.make(client)

    return happen


def _elsewhere(call: Call) -> Callable[[Scene], Awaitable[None]]:
    """Use a client in one loop, then in another."""

    async def happen(scene: Scene) -> None:
        transport = Watching(scene, lambda _: httpx.Response(403))
        async with made(call.client, scene, transport=transport, limits=None, timeout_seconds=5) as client:
            with suppress(ExchangeError):
                await call.make(client)

            def run() -> None:
                with scene.kept():
                    asyncio.run(call.make(client))

            thread = threading.Thread(target=run)
            thread.start()
            thread.join()

    return happen


def _written(call: Call) -> Callable[[Scene], Awaitable[None]]:
    """Leave an outcome unknown, with a journal in a file, and read all files."""

    async def happen(scene: Scene) -> None:
        transport = Watching(scene, lambda _: httpx.Response(418, json={"error": "no"}))
        with tempfile.TemporaryDirectory() as folder, FileState(Path(folder) / "state") as state:
            with scene.kept():
                await called(scene, call, transport, state=state, timeout_seconds=1)
            scene.written += _read(Path(folder))
            scene.clients.clear()  # what they hold is closed

    return happen


def _read(folder: Path) -> list[str]:
    return [f"{path} {path.read_bytes().decode('latin-1')}" for path in folder.rglob("*") if path.is_file()]
