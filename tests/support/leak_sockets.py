"""Failures on real sockets, with the default transport: each layer below may write logs and hold frames."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from exchanges.errors import ExchangeError
from exchanges.state import MemoryState
from tests.support import secrets as canaries
from tests.support.leak_scenarios import Call, Failure, credentials_of, made
from tests.support.leak_sinks import Scene
from tests.support.raw_server import Heard, response, serving
from tests.support.sending import closed_port

PROXY = f"user:{quote(canaries.PROXY_PASSWORD, safe='')}@127.0.0.1"
Said = Callable[[bytes, Scene], bytes]


def _header(heard: bytes, scene: Scene) -> bytes:
    """Return the request and its signatures as one line."""
    told = b" ".join([*heard.splitlines(), *(s.encode() for s in scene.detector.caught)])
    return bytes(c if 32 <= c < 127 else 46 for c in told)


ANSWERS: dict[str, Said] = {
    "a redirect": lambda h, s: response(b"", b"Location: https://a.example/?" + _header(h, s), status=b"302 No"),
    "a cookie": lambda h, s: response(b"{}", b"Set-Cookie: a=" + _header(h, s), status=b"500 " + _header(h, s)),
    "words for a status": lambda h, s: response(b"no", status=b"403 " + _header(h, s)),
    "a body": lambda h, s: response(json.dumps({"error": _header(h, s).decode()}).encode(), status=b"400 No"),
    "no HTTP": lambda h, s: _header(h, s) + b"\r\n\r\n",
    "a header that is none": lambda h, s: b"HTTP/1.1 200 OK\r\n" + _header(h, s) + b"\r\n\r\n",
    "a wrong length": lambda h, s: b"HTTP/1.1 200 OK\r\nContent-Length: " + _header(h, s) + b"\r\n\r\n",
    "two lengths": lambda h, s: response(_header(h, s), b"Content-Length: 5"),
    "a body that ends early": lambda h, s: response(_header(h, s), length=100_000),
    "chunks that are none": lambda h, s: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + _header(h, s),
    "an encoding": lambda h, s: response(b"{}", b"Content-Encoding: " + _header(h, s)),
    "no gzip": lambda h, s: response(_header(h, s), b"Content-Encoding: gzip"),
    "nothing": lambda *_: b"",
}


def wired(name: str, call: Call) -> Iterator[Failure]:
    """Yield each failure that a server, or a proxy, can cause over a real socket."""

    def failure(what: str, happen: Callable[[Scene], Awaitable[None]]) -> Failure:
        return Failure(f"{name}: {what}", call.exchange, happen, real=True)

    for what, said in ANSWERS.items():
        yield failure(f"{what} over a socket", partial(_answered, call, said))
    yield failure("cancelled over a socket", partial(_cancelled, call))
    yield failure("dropped with open sockets", partial(_dropped, call))
    yield failure("no server", partial(_without_server, call, {}))
    yield failure("no proxy", partial(_without_server, call, {"proxy": f"http://{PROXY}:{closed_port()}"}))
    for secure in (False, True):
        what = f"a proxy that refuses{' a tunnel' * secure}"
        yield failure(what, partial(_refused_by_proxy, call, secure=secure))


async def _once(scene: Scene, call: Call, **options: Any) -> None:
    options = {"limits": None, "state": MemoryState(), "timeout_seconds": 0.3, **options}
    async with made(call.client, scene, **options) as client:
        await call.make(client)


def _talking(scene: Scene, said: Said) -> Callable[[Heard], Awaitable[None]]:
    async def talk(heard: Heard) -> None:
        request = await _request(heard)
        _note(scene, request)
        scene.look()
        await heard.say(said(request, scene))

    return talk


async def _request(heard: Heard) -> bytes:
    """Read a request as it is signed: without the origin that is addressed to a proxy."""
    request = await heard.request()
    return request.replace(b"http://127.0.0.1", b"", 1)


def _note(scene: Scene, request: bytes) -> None:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    scene.detector.note(first.partition(" ")[0], "", pairs, b"" if b"multipart/" in head else body)


async def _answered(call: Call, said: Said, scene: Scene) -> None:
    async with serving(_talking(scene, said)) as server:
        await _once(scene, call, base_url=server.origin)


async def _cancelled(call: Call, scene: Scene) -> None:
    came = asyncio.Event()

    async def talk(heard: Heard) -> None:
        _note(scene, await _request(heard))
        scene.look()
        came.set()
        await heard.reader.read()

    async with serving(talk) as server:
        task = asyncio.create_task(_once(scene, call, base_url=server.origin))
        await came.wait()
        task.cancel()
        await task


async def _dropped(call: Call, scene: Scene) -> None:
    """Drop a client without closing it."""
    answer = response(b"{}")
    async with serving(_talking(scene, lambda *_: answer)) as server:
        options = {"base_url": server.origin, "limits": None, "state": MemoryState(), "timeout_seconds": 0.3}
        client = call.client(**credentials_of(call.client), **options)
        with suppress(ExchangeError):  # not kept: its frames hold the client
            await call.make(client)
        transport = client._session._config.transport
        del client
        gc.collect()
        await transport.aclose()


async def _without_server(call: Call, options: dict[str, Any], scene: Scene) -> None:
    await _once(scene, call, base_url=f"http://127.0.0.1:{closed_port()}", **options)


async def _refused_by_proxy(call: Call, scene: Scene, *, secure: bool) -> None:
    """Send a call through a proxy that refuses it and repeats its password."""

    def said(request: bytes, _: Scene) -> bytes:
        told = _header(request, scene)
        return response(told, b"Proxy-Authenticate: " + told, status=b"407 " + told)

    async with serving(_talking(scene, said)) as proxy:
        origin = f"{'https' if secure else 'http'}://127.0.0.1:{closed_port()}"
        await _once(scene, call, base_url=origin, proxy=f"http://{PROXY}:{proxy.port}")
