"""Servers that repeat a request in messages, codes, fields, headers and elsewhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx

from tests.support import secrets as canaries
from tests.support.leak_scenarios import Call, Failure, Watching, called, credentials_of
from tests.support.leak_sinks import Scene


def _secrets(call: Call, request: httpx.Request, scene: Scene) -> list[str]:
    """Return the secrets that a server has received."""
    known = [value for name, value in credentials_of(call.client).items() if name != "api_secret"]
    held = {b"password": canaries.PASSWORD, b"request_details": canaries.DETAILS, b"payment_method": canaries.DETAILS}
    return [*known, *scene.detector.caught[-1:], *(text for mark, text in held.items() if mark in request.content)]


def _json(status: int, value: Any, **headers: str) -> httpx.Response:
    raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return httpx.Response(status, content=json.dumps(value).encode(), headers=raw)


def _refusals(exchange: str, said: str) -> dict[str, tuple[int, Any]]:
    """Return the refusals of each exchange, with *said* in place of each text."""
    if exchange == "bitex":
        entry = {"code": said, "title": said, "detail": said, "source": {"pointer": f"/data/{said}"}}
        return {
            "the key": (401, {"error": f"Invalid API key {said}"}),
            "a permission": (403, {"error": f"no permission for {said}"}),
            "a field": (422, {"errors": [entry]}),
            "missing": (404, {"error": said}),
            "too many": (429, {"error": said}),
            "vague": (418, {"error": said}),
            "broken": (500, {"error": said}),
        }
    if exchange == "bitso":
        v3 = {
            "the key": "0201", "a permission": "0202", "a nonce": "0207", "a field": "0301", "missing": "0312",
            "too many": "0800", "funds": "0602", "a quote": "0345", "off": "0410", "vague": said, "broken": "0101",
        }  # fmt: skip
        made: dict[str, Any] = {
            k: (400, {"success": False, "error": {"code": c, "message": said}}) for k, c in v3.items()
        }
        return made | {"words": (400, {"error": {said: [said]}}), "no code": (400, {"error": said})}
    codes = {
        "the key": "API0005", "a permission": "API0003", "a nonce": "API0004", "too many": "400.002",
        "missing": "404.001", "vague": said, "broken": "500.012",
    }  # fmt: skip
    made = {k: (400, {"status": "error", "reason": said, "code": c}) for k, c in codes.items()}
    return made | {
        "a field": (400, {"error": {said: [said]}}),
        "funds": (400, {"error": f"You have only {said}"}),
        "words": (200, {"error": said}),
    }


def _oddities(said: str) -> dict[str, httpx.Response]:
    """Return answers of other shapes, with *said* in place of each text."""
    header = said.encode("ascii", "replace").decode().replace("\n", " ")
    return {
        "HTML": httpx.Response(502, content=f"<html>{said}"),
        "HTML of a wall": httpx.Response(403, content=f"<html>{said}"),
        "nothing": httpx.Response(200, headers={"x-said": header}),
        "a redirect": httpx.Response(302, headers={"location": f"https://elsewhere.example/?{header}"}),
        "too many, in HTML": httpx.Response(429, content=said, headers={"retry-after": header}),
        "a cookie": _json(503, {}, set_cookie=f"a={header}"),
        "an encoding": httpx.Response(200, stream=_Raw(said.encode()), headers={"content-encoding": header}),
        "garbled": httpx.Response(200, content=b'{"' + said.encode()),
        "an object": _json(200, {said: said}),
        "a list": _json(200, [[said, {said: said}]]),
        "a text": _json(200, said),
        "no UTF-8": httpx.Response(200, content=b"\xff" + said.encode()),
        "an error that is no text": _json(400, {"error": {"code": {said: said}, "message": [said]}}),
    }


class _Raw(httpx.AsyncByteStream):
    """A body that is sent unchanged, whatever the headers say."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


def answered(name: str, call: Call, spelling: str) -> Iterator[Failure]:
    """Yield each answer of a server that repeats a request, in one *spelling*."""
    spell = canaries.SPELLINGS[spelling]

    def case(answer: str) -> Callable[[Scene], Awaitable[None]]:
        async def happen(scene: Scene) -> None:
            def step(request: httpx.Request) -> httpx.Response:
                said = " ".join(map(spell, _secrets(call, request, scene)))
                refusals = _refusals(call.exchange, said)
                return _json(*refusals[answer], retry_after="0") if answer in refusals else _oddities(said)[answer]

            await called(scene, call, Watching(scene, step))

        return happen

    for answer in (*_refusals(call.exchange, ""), *_oddities("")):
        if call.takes_text and answer == "a text":
            continue
        yield Failure(f"{name}: {answer}, {spelling}", call.exchange, case(answer), call.real)
