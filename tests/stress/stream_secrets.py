"""A canary as the token of private channels, and key and secret: everything that may show them while streams fail.

The server is websockets' own, over a real socket: refusals, answers, reasons of its close and frames that cannot be
read repeat the token. Looked at are all logs at DEBUG, messages, attributes, pickles and tracebacks with locals of
errors, stacks of tasks, and the representations of everything that belongs to the streams.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import pickle
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any
from unittest.mock import patch

from attrs import define, field
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame as RawFrame

from exchanges import bitstamp
from exchanges.bitstamp.streams import Streams
from exchanges.errors import ExchangeError
from exchanges.streams import runner
from exchanges.streams.host import Address
from exchanges.streams.hub import Hub
from tests.stress.figures import Figure, Mechanisms
from tests.support.bitstamp_account import Account, event
from tests.support.streaming import PlayedHost

PROMISES = ("S9",)
RUNS, QUICK_RUNS = 5, 1
CANARY = "cAnArY0tOkEnOf32LettersAndDigits"
PIECE = 8
READ_SECONDS = 0.2
RAISED = {"BookUnknown", "ReaderTooSlow"}
"""Errors that come out of streams alone."""
KEYS = ("kEyCaNaRy00112233445566778899aabb",)

MECHANISMS: Mechanisms = {
    "hidden logger": lambda: patch("exchanges.streams.connection._hidden_logger", lambda: logging.getLogger("w")),
    "redaction": lambda: patch.multiple(runner, quotable=lambda text, *_: text, redacted=lambda text, _: text),
}


class CanaryHost(PlayedHost):
    """A client whose token is the canary, at a real server."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.timeout_seconds = 5.0
        account = Account(self)
        account.open = []
        self.answers["bitstamp.account.websockets_token"] = lambda: bitstamp.WebsocketsToken(
            token=CANARY, valid_sec=60, user_id="7"
        )

    async def address(self, api: Any) -> Address:
        """Return the server's."""
        return Address(self.url)

    def secrets(self) -> tuple[str, ...]:
        """Return the key."""
        return KEYS


@define(eq=False)
class Looks:
    """What was looked at, and where the canary was.

    Attributes:
        checks: How many texts were searched.
        hits: Where it was found.
        errors: Classes of the errors that were looked at.
    """

    checks: int = 0
    hits: list[str] = field(factory=list)
    errors: set[str] = field(factory=set)

    def search(self, where: str, text: str) -> None:
        """Search a text for any piece of the canaries."""
        self.checks += 1
        for secret in (CANARY, *KEYS):
            if any(secret[n : n + PIECE] in text for n in range(len(secret) - PIECE + 1)):
                self.hits.append(where)


# What the server does


async def _refuses(socket: ServerConnection, frame: dict[str, Any]) -> None:
    said = {"code": 4009, "message": f"no such token: {frame['data']['auth']} of {KEYS[0]}"}
    await socket.send(json.dumps({"event": "bts:error", "channel": "", "data": said}))


async def _refuses_plainly(socket: ServerConnection, frame: dict[str, Any]) -> None:
    said = {"code": CANARY, "message": f"Bad subscription: {json.dumps(frame)}"}
    await socket.send(json.dumps({"event": "bts:error", "channel": "", "data": said}))


async def _closes(socket: ServerConnection, frame: dict[str, Any]) -> None:
    await socket.close(1008, f"bad token {frame['data']['auth']}")


async def _garbles(socket: ServerConnection, frame: dict[str, Any]) -> None:
    await socket.send(b"\x00" + frame["data"]["auth"].encode())
    await socket.send(frame["data"]["auth"])
    await socket.send(json.dumps({"event": frame["data"]["auth"], "channel": frame["data"]["channel"], "data": 1}))


async def _is_silent(socket: ServerConnection, frame: dict[str, Any]) -> None:
    pass


async def _confirms_nonsense(socket: ServerConnection, frame: dict[str, Any]) -> None:
    name = frame["data"]["channel"]
    await socket.send(json.dumps({"event": "bts:subscription_succeeded", "channel": name, "data": {}}))
    broken = {"event": "order_created", "channel": name, "data": {"id": CANARY, "order_type": CANARY}}
    await socket.send(json.dumps(broken))


async def _sends_too_much(socket: ServerConnection, frame: dict[str, Any]) -> None:
    name = frame["data"]["channel"]
    await socket.send(json.dumps({"event": "bts:subscription_succeeded", "channel": name, "data": {}}))
    for number in range(1, 4):
        sent = event(number, "order_created", str(number), "1.00000000")
        await socket.send(json.dumps(sent | {"channel": name}))


WAYS: dict[str, Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]] = {
    "refuses the token": _refuses,
    "refuses the channel": _refuses_plainly,
    "closes": _closes,
    "sends what cannot be read": _garbles,
    "is silent": _is_silent,
    "sends odd orders": _confirms_nonsense,
    "sends more than is read": _sends_too_much,
}


# What is looked at


def _look_at_error(looks: Looks, error: BaseException) -> None:
    looks.errors.add(type(error).__name__)
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    looks.search("traceback with locals", "".join(shown.format()))
    for text in (str(error), repr(error), repr(vars(error)), repr(error.__cause__), repr(error.__context__)):
        looks.search("error", text)
    if isinstance(error, ExchangeError):
        looks.search("pickle", pickle.dumps(error).decode("latin-1"))


def _look_at_tasks(looks: Looks) -> None:
    for task in asyncio.all_tasks():
        if task.get_name().startswith("server"):
            continue
        for frame in task.get_stack():
            if "/exchanges/" in frame.f_code.co_filename:
                looks.search("locals of a task", repr(frame.f_locals))


def _look_at_parts(looks: Looks, hub: Hub, *streams: Any) -> None:
    for line in hub._lines:
        for part in (line, *line._links, *line.feeds()):
            looks.search("repr", repr(part))
            looks.search("attributes", repr(vars(part)))
    for part in (hub, *streams):
        looks.search("repr", repr(part))


async def _way(looks: Looks, behave: Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]) -> None:
    async def handle(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in socket:
                frame = json.loads(message)
                if frame["event"] == "bts:subscribe":
                    await behave(socket, frame)

    # The server's own log is another program's.
    quiet = logging.Logger("server", level=logging.CRITICAL + 1)  # noqa: LOG001 - as said
    async with serve(handle, "127.0.0.1", 0, logger=quiet) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        hub = Hub(CanaryHost(f"ws://127.0.0.1:{port}/"))
        live, events = Streams(hub), []
        listening = live.events()
        stream = live.my_orders("btcusd", buffer=1, timeout_seconds=0.6)
        entering = asyncio.create_task(stream.__aenter__())
        for _ in range(6):
            await asyncio.sleep(0.05)
            _look_at_tasks(looks)
            _look_at_parts(looks, hub, stream)
        try:
            await entering
            _ = live.order_book("btcusd").bids
        except ExchangeError as error:
            _look_at_error(looks, error)
        try:
            async with asyncio.timeout(READ_SECONDS):
                async for _ in stream:
                    continue
        except ExchangeError as error:
            _look_at_error(looks, error)
        except TimeoutError:
            looks.search("repr", repr(stream))
        await stream.__aexit__(None, None, None)
        await hub.aclose()
        events = [event async for event in listening]
        looks.search("events", repr(events))


async def _all_ways(looks: Looks, runs: int) -> None:
    for _ in range(runs):
        for behave in WAYS.values():
            await _way(looks, behave)


def figures(*, quick: bool, seed: int, without: str | None = None) -> Iterator[Figure]:
    """Open private channels at servers that repeat the token."""
    looks, log = Looks(), io.StringIO()
    handler, root = logging.StreamHandler(log), logging.getLogger()
    level, disabled = root.level, root.manager.disable
    root.addHandler(handler)
    logging.disable(logging.NOTSET)
    root.setLevel(logging.DEBUG)
    try:
        # As if the program had asked for whole frames in its log (WEBSOCKETS_MAX_LOG_SIZE).
        with patch.object(RawFrame, "MAX_LOG_SIZE", 4096):
            asyncio.run(_all_ways(looks, QUICK_RUNS if quick else RUNS))
    finally:
        root.setLevel(level)
        logging.disable(disabled)
        root.removeHandler(handler)
    for line in log.getvalue().splitlines():
        looks.search("log", line)
    where = ", ".join(dict.fromkeys(looks.hits)) or "nowhere"
    yield Figure(
        f"token of a private channel: found in {looks.checks} texts of {len(WAYS)} ways to fail",
        f"{len(looks.hits)} ({where})",
        "0",
        not looks.hits,
    )
    seen = RAISED & looks.errors
    yield Figure("errors that streams alone raise, looked at", f"{len(seen)} of {len(RAISED)}", "all", seen == RAISED)
