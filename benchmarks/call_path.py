"""The path of one call through the package: files, functions and frames.

Run it with ``python benchmarks/call_path.py``.

One call is made over a scripted transport and recorded with `sys.setprofile`. Counted are functions whose code is in a
file of the package, lambdas and properties included, in the thread of the event loop; a coroutine or a generator counts
once, however often it is resumed. Not counted are comprehensions, which are loops and not calls, and code that is
compiled from text and so has no file: the ``__init__`` of attrs classes and the builders of the fast paths. A move is
an entry into a function of another file than the function entered before; a return is none.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import httpx
from attrs import define, field

import exchanges
from exchanges import Bitex
from exchanges.bitex import Bid
from exchanges.state import FileState, MemoryState, State

PACKAGE = str(Path(exchanges.__file__).parent)
SESSION = ("session/session.py", "session/attempts.py")
BID = b'[1, %d, 946685400, 1, 100.00000000, 100.00000000, 10.00000000, 1, 0, 1.1, "key", 0.01]'
ORDER_BOOK = b'{"bids":[[639.21,1.95]],"asks":[[641.29,1.0]]}'
COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")


@define(eq=False)
class Recorder:
    """What ran of the package.

    Attributes:
        entries: How often each function was entered.
        moves: Entries into another file than that of the entry before.
        frames: Frames of the package between the declared method and the transport.
        objects: Objects of the package that came into being for the call and live while it is sent, by class.
    """

    entries: Counter[CodeType] = field(factory=Counter[CodeType])
    moves: int = 0
    frames: list[str] = field(factory=list[str])
    objects: Counter[str] = field(factory=Counter[str])
    caller: asyncio.Task[Any] | None = None
    before: set[int] = field(factory=set[int])
    _file: str = ""
    _seen: set[FrameType] = field(factory=set[FrameType])

    def profile(self, frame: FrameType, event: str, _: object) -> None:
        """Record one event of the interpreter."""
        code = frame.f_code
        if event != "call" or not is_own(code) or frame in self._seen:
            return
        # Once per frame: resuming a coroutine is an event too. The frame is kept, so that a later one at the same
        # address is not taken for it.
        self._seen.add(frame)
        self.entries[code] += 1
        self.moves += bool(self._file) and code.co_filename != self._file
        self._file = code.co_filename

    def at_transport(self, frame: FrameType | None) -> None:
        """Record the frames and the objects behind the request that is about to be sent."""
        waiting: Any = None if self.caller is None else self.caller.get_coro()
        frames: list[CodeType] = []
        while waiting is not None:
            if (code := getattr(waiting, "cr_code", None)) is not None:
                frames.append(code)
            waiting = getattr(waiting, "cr_await", None)
        inner: list[CodeType] = []
        while frame is not None:
            inner.append(frame.f_code)
            frame = frame.f_back
        self.frames = [code.co_qualname for code in frames + inner[::-1] if is_own(code)][1:]
        fresh = [o for o in own_objects() if id(o) not in self.before]
        self.objects = Counter(type(o).__name__ for o in fresh)


def is_own(code: CodeType) -> bool:
    """Whether a function is written in the package and is no comprehension."""
    return code.co_filename.startswith(PACKAGE) and code.co_name not in COMPREHENSIONS


def own_objects() -> Iterator[Any]:
    """Walk the live objects whose class is in the package."""
    # As text: a class in C may have a descriptor there.
    return (o for o in gc.get_objects() if str(type(o).__module__).startswith("exchanges."))


class Transport(httpx.AsyncBaseTransport):
    """Answers every request with the same body, but for the id in it."""

    def __init__(self, body: bytes, recorder: Recorder) -> None:
        self.body = body
        self.recorder = recorder
        self.requests = 0

    async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
        """Record what stands behind the request, and answer it."""
        profile = sys.getprofile()
        sys.setprofile(None)
        self.recorder.at_transport(sys._getframe())  # noqa: SLF001 - there is no other way to the frames of a coroutine
        sys.setprofile(profile)
        self.requests += 1
        # An id may not come twice: an answer that names what an earlier call made is not believed.
        return httpx.Response(200, content=self.body % self.requests if b"%d" in self.body else self.body)


async def record(call: Callable[[Bitex], Awaitable[Any]], body: bytes, state: State) -> Recorder:
    """Call *call* twice, so that nothing is counted that only a first call does, and record the second."""
    recorder = Recorder()
    async with Bitex(api_key="key", transport=Transport(body, recorder), state=state) as client:
        await call(client)
        await asyncio.sleep(0)
        recorder.__init__()  # type: ignore[misc]  # a fresh start with the same transport
        recorder.before = {id(o) for o in own_objects()}
        recorder.caller = asyncio.current_task()
        sys.setprofile(recorder.profile)
        try:
            await call(client)
        finally:
            sys.setprofile(None)
    return recorder


def show(name: str, recorder: Recorder) -> None:
    """Print the figures of one call."""
    entries = recorder.entries
    files = sorted({code.co_filename[len(PACKAGE) + 1 :] for code in entries})
    session = [code.co_qualname for code in entries if code.co_filename.endswith(SESSION)]
    print(f"{name}")
    print(f"  files entered                  {len(files):4}  {', '.join(files)}")
    print(f"  moves between files            {recorder.moves:4}")
    print(f"  frames down to the transport   {len(recorder.frames):4}  {', '.join(recorder.frames)}")
    print(f"  function entries / functions   {entries.total():4} / {len(entries)}")
    print(f"  functions of session, attempts {len(session):4}  {', '.join(session)}")
    objects = ", ".join(f"{count} {name}" for name, count in sorted(recorder.objects.items()))
    print(f"  objects of one attempt         {recorder.objects.total():4}  {objects}")


def main() -> None:
    """Print the figures of an order, of an order with a state in a file, and of a public read."""

    def order(client: Bitex) -> Awaitable[Bid]:
        return client.trading.create_bid(amount=100, price=10)

    show("bitex.trading.create_bid", asyncio.run(record(order, BID, MemoryState())))
    with tempfile.TemporaryDirectory() as folder, FileState(Path(folder) / "state") as state:
        show("the same with a FileState", asyncio.run(record(order, BID, state)))
    read = asyncio.run(record(lambda client: client.market.order_book(), ORDER_BOOK, MemoryState()))
    show("bitex.market.order_book", read)


if __name__ == "__main__":
    main()
