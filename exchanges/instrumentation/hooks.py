"""Hooks: one small Protocol, through which observers hear of every call and of what happens to streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import field

from exchanges.instrumentation.lines import Log
from exchanges.values import define

__all__ = ["HOOK_NAMES", "AttemptRecord", "AttemptWatch", "CallRecord", "Hooks", "Watch", "notify"]

logger = Log(__name__)


@define(eq=False)
class AttemptRecord:
    """One request for a call, as far as it has come. Moments are of the clock of the event loop, in seconds.

    Attributes:
        number: 1 for the first.
        began: When it began to wait for its permit.
        sent_at: When it was handed to the connection; None before.
        answered_at: When its whole answer was there; None before, and without one.
        status: The HTTP status of the answer; None without one.
    """

    number: int
    began: float
    sent_at: float | None = None
    answered_at: float | None = None
    status: int | None = None

    @property
    def waiting_seconds(self) -> float | None:
        """How long it waited before it was sent; None if it was not."""
        return None if self.sent_at is None else self.sent_at - self.began

    @property
    def wire_seconds(self) -> float | None:
        """How long its answer took; None if there was none."""
        return None if self.answered_at is None or self.sent_at is None else self.answered_at - self.sent_at


@define(eq=False)
class CallRecord:
    """One call, as far as it has come. It holds no argument beside the market, and no secret.

    Attributes:
        endpoint: Its id, such as ``bitso.trading.place_order``.
        verb: The HTTP verb.
        kind: What it does: ``read``, ``idempotent``, ``cancel``, ``write`` or ``money``.
        host: Host and port of the server.
        market: The market that it names, in the exchange's words; empty if it names none.
        began: When it began, on the clock of the event loop.
        attempts: Its requests; the last one is under way.
        ended_at: When its caller got the result; None before.
        status: The HTTP status that decided it; None without one.
        error: The name of the error's class; None if there is none, and if the caller was cancelled.
        may_have_executed: Whether the error leaves it open that the exchange executed the call.
    """

    endpoint: str
    verb: str
    kind: str
    host: str
    market: str
    began: float
    attempts: list[AttemptRecord] = field(factory=list[AttemptRecord])
    ended_at: float | None = None
    status: int | None = None
    error: str | None = None
    may_have_executed: bool = False

    @property
    def outcome(self) -> str:
        """Status, or status and error, as log lines show it; ``-`` if the caller was cancelled."""
        if self.error is None:
            return str(self.status or "-")
        return f"{self.status or '-'} {self.error}"

    @property
    def seconds(self) -> float:
        """How long it took; 0 before it ended."""
        return 0.0 if self.ended_at is None else self.ended_at - self.began


class Hooks(Protocol):
    """Observes a client: ``Bitso(hooks=[...])``. Inherit from it and define what you need.

    Methods are called in the event loop and must neither wait nor take long. What one raises is logged, by the name of
    its class, and changes nothing about the call, but for `KeyboardInterrupt` and `SystemExit`. After a caller was
    cancelled, its request may still be answered: then `call_ended` comes before `attempt_answered`.
    """

    def call_started(self, call: CallRecord) -> None:
        """Observe a call whose arguments are right."""
        return

    def attempt_waiting(self, call: CallRecord, attempt: AttemptRecord) -> None:
        """Observe a request that begins to wait for its permit."""
        return

    def attempt_sent(self, call: CallRecord, attempt: AttemptRecord) -> None:
        """Observe a request that is handed to the connection."""
        return

    def attempt_answered(self, call: CallRecord, attempt: AttemptRecord) -> None:
        """Observe a whole answer, whatever it says."""
        return

    def call_ended(self, call: CallRecord) -> None:
        """Observe how a call ended for its caller."""
        return

    def stream_event(self, exchange: str, event: object) -> None:
        """Observe an event of the streams of a client, such as `exchanges.streams.Disconnected`."""
        return


HOOK_NAMES = ("call_started", "attempt_waiting", "attempt_sent", "attempt_answered", "call_ended", "stream_event")


def notify(hooks: tuple[Hooks, ...], name: str, *values: object) -> None:
    """Call one method of each hook; log those that raise."""
    for hook in hooks:
        try:
            getattr(hook, name)(*values)
        except (KeyboardInterrupt, SystemExit):
            raise  # of the program, which a signal may have stopped just here
        except BaseException as error:  # noqa: BLE001 - an observer must not change what is known about a call
            # Not its text: it may show what the hook looked at.
            logger.error("%s.%s raised %s", type(hook).__name__, name, type(error).__name__)  # noqa: TRY400 - as above


class Watch:
    """Keeps the record of one call, and notifies hooks of its steps.

    Args:
        hooks: Whom to notify.
        call: The record.
        clock: The clock of the event loop.
    """

    __slots__ = ("_clock", "_hooks", "call")

    def __init__(self, hooks: tuple[Hooks, ...], call: CallRecord, clock: Callable[[], float]) -> None:
        self._hooks, self.call, self._clock = hooks, call, clock
        notify(hooks, "call_started", call)

    def waiting(self) -> AttemptWatch:
        """Record that a request begins to wait for its permit."""
        attempt = AttemptRecord(len(self.call.attempts) + 1, self._clock())
        self.call.attempts.append(attempt)
        notify(self._hooks, "attempt_waiting", self.call, attempt)
        return AttemptWatch(self, attempt)

    def step(self, name: str, attempt: AttemptRecord) -> None:
        """Notify of a step of a request."""
        notify(self._hooks, name, self.call, attempt)

    @property
    def now(self) -> float:
        """The moment, on the clock of the event loop."""
        return self._clock()

    def ended(self, status: int | None, error: str | None, *, may_have_executed: bool) -> None:
        """Record how the call ended for its caller."""
        call = self.call
        call.ended_at, call.status, call.error = self._clock(), status, error
        call.may_have_executed = may_have_executed
        notify(self._hooks, "call_ended", call)


class AttemptWatch:
    """Keeps the record of one request."""

    __slots__ = ("_attempt", "_watch")

    def __init__(self, watch: Watch, attempt: AttemptRecord) -> None:
        self._watch, self._attempt = watch, attempt

    def sent(self) -> None:
        """Record that it is handed to the connection."""
        self._attempt.sent_at = self._watch.now
        self._watch.step("attempt_sent", self._attempt)

    def answered(self, status: int) -> None:
        """Record its whole answer."""
        self._attempt.answered_at, self._attempt.status = self._watch.now, status
        self._watch.step("attempt_answered", self._attempt)
