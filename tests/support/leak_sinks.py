"""Everywhere that a program may show its data: errors, tracebacks, logs, warnings, pickles, the frames of tasks.

A `Scene` is one failure: its errors, its clients, and what was written meanwhile. `SINKS` yields the texts of each sink
for a scene.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import io
import logging
import pickle
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Self

import attrs
import httpcore
import httpx
from attrs import define, field

import exchanges
from exchanges.client import Client
from exchanges.endpoint import Api, Endpoint
from exchanges.http.signing import Credentials
from exchanges.instrumentation import CallRecord, Hooks
from tests.support.secrets import Detector

OURS = str(Path(exchanges.__file__).parent)
LIBRARIES = tuple(str(Path(module.__file__).parent) for module in (exchanges, httpx, httpcore))
DEPTH = 12

Sink = Callable[["Scene"], Iterator[str]]


class _Ear(logging.Handler):
    """Keeps every log record."""

    def __init__(self) -> None:
        super().__init__(1)
        self.heard: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record)


class _Observer(Hooks):
    """Keeps the record of every call."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []

    def call_started(self, call: CallRecord) -> None:
        self.calls.append(call)


@define(eq=False, repr=False)
class Scene:
    """One failure, and everything it showed.

    Attributes:
        detector: Finds the canaries and the noted signatures.
        errors: The exceptions raised.
        clients: The clients used.
        ear: Every record of every logger.
        observer: What hooks are told.
        warned: Every warning.
        told: What the event loop and the interpreter reported.
        seen: Tasks and their frames while a request was in flight.
        printed: What was written to the two streams.
        written: What was written to files.
    """

    detector: Detector = field(factory=Detector)
    errors: list[BaseException] = field(factory=list[BaseException])
    clients: list[Client] = field(factory=list[Client])
    ear: _Ear = field(factory=_Ear)
    observer: _Observer = field(factory=_Observer)
    warned: list[warnings.WarningMessage] = field(factory=list[warnings.WarningMessage])
    told: list[str] = field(factory=list[str])
    seen: list[str] = field(factory=list[str])
    printed: io.StringIO = field(factory=io.StringIO)
    written: list[str] = field(factory=list[str])

    @contextlib.contextmanager
    def played(self) -> Iterator[Self]:
        """Record logs, warnings, streams and exceptions of the block."""
        root, hook = logging.getLogger(), sys.unraisablehook
        level, disabled = root.level, root.manager.disable
        root.addHandler(self.ear)
        root.setLevel(1)
        logging.disable(logging.NOTSET)
        sys.unraisablehook = lambda args: self.told.append(f"{args.exc_value!r} {args.object!r} {args.err_msg}")
        try:
            with (
                warnings.catch_warnings(record=True) as self.warned,
                contextlib.redirect_stdout(self.printed),
                contextlib.redirect_stderr(self.printed),
                self.kept(),
            ):
                warnings.simplefilter("always")
                yield self
        finally:
            sys.unraisablehook = hook
            root.setLevel(level)
            logging.disable(disabled)
            root.removeHandler(self.ear)

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Keep an exception of the block."""
        try:
            yield
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is
            self.errors.append(error)

    def hear(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Keep what an event loop reports to its exception handler."""
        self.told.append(f"{context!r}")
        if isinstance(error := context.get("exception"), BaseException):
            self.errors.append(error)

    def look(self, frame: FrameType | None = None) -> None:
        """Record the tasks that are running now, and the frames from *frame* outwards."""
        while frame is not None:
            self.seen.extend(_shown_frame(frame))
            frame = frame.f_back
        for task in asyncio.all_tasks():
            stack = io.StringIO()
            task.print_stack(file=stack)
            self.seen += [repr(task), repr(task.get_coro()), stack.getvalue()]
            for inner in _frames_of(task.get_coro()):
                self.seen.extend(_shown_frame(inner))


# Frames


def _frames_of(waiting: Any) -> Iterator[FrameType]:
    """Yield the frames of a suspended coroutine and of what it awaits."""
    while waiting is not None:
        names = ("cr_frame", "gi_frame", "ag_frame")
        yield from filter(None, (getattr(waiting, name, None) for name in names))
        awaited = (getattr(waiting, name, None) for name in ("cr_await", "gi_yieldfrom", "ag_await"))
        waiting = next(filter(None, awaited), None)


def _shown_frame(frame: FrameType) -> Iterator[str]:
    if _is_ours(frame.f_code):
        for name, value in frame.f_locals.items():
            yield f"{frame.f_code.co_qualname} {name} = {_shown(value)}"


def _is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith(OURS)


def _shown(value: object, depth: int = 3) -> str:
    """Return a value as tracebacks print it: by ``repr``, and with the fields of attrs classes."""
    try:
        text = repr(value)
    except Exception as error:
        raise AssertionError(f"{type(value).__name__} cannot be printed") from error
    if depth and attrs.has(type(value)) and not isinstance(value, Endpoint | Api):  # facts without a secret, and large
        parts = [getattr(value, a.name, None) for a in attrs.fields(type(value)) if a.repr]
        text += " ".join(_shown(part, depth - 1) for part in parts)
    elif depth and isinstance(value, dict | list | tuple | set | frozenset):
        parts = [*value, *(value.values() if isinstance(value, dict) else ())]
        text += " ".join(_shown(part, depth - 1) for part in parts)
    return text


def _chain(error: BaseException | None, seen: set[int] | None = None) -> Iterator[BaseException]:
    """Yield an error and all errors behind it, including those that are not printed by default."""
    seen = set() if seen is None else seen
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    for behind in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        yield from _chain(behind, seen)


def chains(scene: Scene) -> Iterator[BaseException]:
    """Yield all errors of a scene and those behind them."""
    seen: set[int] = set()
    for error in scene.errors:
        yield from _chain(error, seen)


# Sinks of an error


def words(scene: Scene) -> Iterator[str]:
    """``str`` of every error in the chain, and its notes."""
    for error in chains(scene):
        yield " ".join([str(error), f"{error}", *getattr(error, "__notes__", ())])


def representations(scene: Scene) -> Iterator[str]:
    """``repr`` of every error in the chain."""
    for error in chains(scene):
        yield f"{error!r} {error.args!r}"


def attributes(scene: Scene) -> Iterator[str]:
    """The attributes of every error in the chain."""
    for error in chains(scene):
        yield _shown(vars(error)) if hasattr(error, "__dict__") else ""


def plain_tracebacks(scene: Scene) -> Iterator[str]:
    """Printed tracebacks."""
    for error in scene.errors:
        yield "".join(traceback.format_exception(error))


def tracebacks_with_locals(scene: Scene) -> Iterator[str]:
    """Every frame of the library, and of those below, that an error in the chain holds."""
    for error in scene.errors:
        traceback.TracebackException.from_exception(error, capture_locals=True)  # some releases print without a net
    for error in chains(scene):
        trace: TracebackType | None = error.__traceback__
        while trace is not None:
            code, held = trace.tb_frame.f_code, trace.tb_frame.f_locals
            if code.co_filename.startswith(LIBRARIES):
                yield from (f"{code.co_qualname} {name} = {_shown(value)}" for name, value in held.items())
            trace = trace.tb_next


def pickled_errors(scene: Scene) -> Iterator[str]:
    """Every error of the library, pickled and unpickled."""
    for error in _ours(scene):
        yield pickle.dumps(error, 0).decode("latin-1")
        frozen = pickle.dumps(error)
        thawed = pickle.loads(frozen)  # noqa: S301 - made above
        yield f"{frozen.decode('latin-1')} {thawed!r} {thawed} {_shown(vars(thawed))}"


def copied_errors(scene: Scene) -> Iterator[str]:
    """Every error of the library, copied."""
    for error in _ours(scene):
        for copied in (copy.copy(error), copy.deepcopy(error)):
            yield f"{copied!r} {copied} {_shown(vars(copied))}"


def _ours(scene: Scene) -> Iterator[BaseException]:
    return (error for error in chains(scene) if isinstance(error, exchanges.ExchangeError))


def as_dictionaries(scene: Scene) -> Iterator[str]:
    """``attrs.asdict`` of each attrs object that an error holds."""
    for error in _ours(scene):
        for value in vars(error).values():
            if attrs.has(type(value)):
                yield repr(attrs.asdict(value))


# Sinks beside it


def logs(scene: Scene) -> Iterator[str]:
    """Every record of every logger at every level: its text and its arguments."""
    formatter = logging.Formatter("%(name)s %(threadName)s %(message)s")
    for record in scene.ear.heard:
        yield f"{formatter.format(record)} {record.args!r}"


def warned(scene: Scene) -> Iterator[str]:
    """Every warning."""
    for warning in scene.warned:
        yield f"{warning.message!r} {warning}"


def streams(scene: Scene) -> Iterator[str]:
    """What was printed, and what event loop and interpreter report of uncaught exceptions."""
    yield scene.printed.getvalue()
    yield from scene.told


def tasks(scene: Scene) -> Iterator[str]:
    """Tasks, their stacks, and the locals of the library's frames, while a request was in flight."""
    yield from scene.seen


def files(scene: Scene) -> Iterator[str]:
    """The files of a `FileState`."""
    yield from scene.written


# Sinks of a client


def clients(scene: Scene) -> Iterator[str]:
    """A client in each printed form, and its attributes."""
    for client in scene.clients:
        yield f"{client} {client!r} {client!a} {[client]} {_shown(vars(client))} {dir(client)}"


def reachable(scene: Scene) -> Iterator[str]:
    """Every object of the library that can be reached from a client, printed, and `attrs.asdict` of it."""
    for client in scene.clients:
        yield from _reach(client, set(), DEPTH)


def _reach(thing: object, seen: set[int], depth: int) -> Iterator[str]:
    if id(thing) in seen or not depth or isinstance(thing, type):
        return
    seen.add(id(thing))
    if isinstance(thing, dict | list | tuple | set | frozenset):
        yield repr(thing)
        for item in (*thing, *(thing.values() if isinstance(thing, dict) else ())):
            yield from _reach(item, seen, depth - 1)
    elif type(thing).__module__.startswith("exchanges."):
        yield f"{thing!r} {thing}"
        if attrs.has(type(thing)):
            yield repr(attrs.asdict(thing, recurse=False))
        if not isinstance(thing, Credentials):  # the one place that holds them
            for item in _held(thing):
                yield from _reach(item, seen, depth - 1)
    elif not callable(thing):
        yield repr(thing)


def _held(thing: object) -> Iterator[object]:
    yield from vars(thing).values() if hasattr(thing, "__dict__") else ()
    for kind in type(thing).__mro__:
        for name in getattr(kind, "__slots__", ()):
            yield getattr(thing, name, None)


def clients_elsewhere(scene: Scene) -> Iterator[str]:
    """A client pickled and copied, or the error of the attempt."""
    for client in scene.clients:
        for away in (pickle.dumps, copy.copy, copy.deepcopy):
            try:
                made = away(client)
            except (TypeError, AttributeError, pickle.PicklingError) as error:
                yield f"{error!r}"
            else:
                yield made.decode("latin-1") if isinstance(made, bytes) else f"{made!r} {_shown(vars(made))}"


def observed(scene: Scene) -> Iterator[str]:
    """Yield what hooks were told."""
    return (repr(call) for call in scene.observer.calls)


SINKS: dict[str, Sink] = {
    "str": words,
    "repr": representations,
    "attributes": attributes,
    "traceback": plain_tracebacks,
    "traceback with locals": tracebacks_with_locals,
    "pickle": pickled_errors,
    "copy": copied_errors,
    "attrs.asdict": as_dictionaries,
    "logs": logs,
    "hooks": observed,
    "warnings": warned,
    "streams": streams,
    "tasks under way": tasks,
    "files of the state": files,
    "the client": clients,
    "what it holds": reachable,
    "the client pickled, copied": clients_elsewhere,
}


def leaks(scene: Scene) -> dict[str, list[str]]:
    """Return the secrets that show in each sink; sinks that show none are left out."""
    shown = {name: scene.detector.find("\n".join(dict.fromkeys(sink(scene)))) for name, sink in SINKS.items()}
    return {name: found for name, found in shown.items() if found}
