"""OpenTelemetry: a span for every call and each of its requests, and metrics of calls, limits and streams.

Spans and metrics have the endpoint, its kind, the host, statuses, outcomes and times; no argument, no header, no text
of an exchange.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

try:
    from opentelemetry import metrics, trace
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
except ImportError as missing:
    raise ImportError("OpenTelemetry is not installed: pip install 'aioexchanges[otel]'") from missing

from exchanges.instrumentation.hooks import AttemptRecord, CallRecord, Hooks
from exchanges.version import __version__

__all__ = ["OpenTelemetry"]

NAME = "aioexchanges"


class _Status(Protocol):
    """The headroom of one limit, as far as metrics show it."""

    @property
    def free(self) -> int | None: ...

    @property
    def closed(self) -> tuple[object, ...]: ...


class _Limited(Protocol):
    """A client, as far as metrics of limits need it."""

    @property
    def exchange(self) -> str: ...

    @property
    def limits(self) -> Mapping[str, _Status]: ...


class OpenTelemetry(Hooks):
    """Reports calls and streams to OpenTelemetry: ``Bitso(hooks=[OpenTelemetry()])``.

    Args:
        tracer_provider: Where spans go; None for the global one.
        meter_provider: Where metrics go; None for the global one.
    """

    def __init__(
        self, *, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._tracer = trace.get_tracer(NAME, __version__, tracer_provider)
        self._meter = metrics.get_meter(NAME, __version__, meter_provider)
        self._spans: weakref.WeakKeyDictionary[CallRecord | AttemptRecord, Span] = weakref.WeakKeyDictionary()
        self._seconds = self._meter.create_histogram("exchanges.call.duration", "s", "Calls, with all their requests")
        self._waiting = self._meter.create_histogram("exchanges.request.waiting", "s", "Requests before they are sent")
        self._events = self._meter.create_counter("exchanges.stream.events", "1", "What happens to streams")

    def watch_limits(self, client: _Limited) -> None:
        """Report what is left of the limits of a client, whenever metrics are collected."""
        reference = weakref.ref(client)
        self._gauge("exchanges.limit.free", "Slots that are free", reference, _free)
        self._gauge("exchanges.limit.closed", "Whether it is closed", reference, _closed)

    def _gauge(
        self, name: str, words: str, client: weakref.ref[_Limited], value_of: Callable[[_Status], int | None]
    ) -> None:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            if (limited := client()) is None:
                return []
            try:
                values = {limit: value_of(status) for limit, status in limited.limits.items()}
            except Exception:  # noqa: BLE001 - a state that cannot be read must not end the metrics of others
                return []
            labels = {"exchange": limited.exchange}
            return [
                Observation(value, {**labels, "limit": limit}) for limit, value in values.items() if value is not None
            ]

        self._meter.create_observable_gauge(name, [observe], "1", words)

    def call_started(self, call: CallRecord) -> None:
        """Start the span of a call, within the one that is current."""
        self._spans[call] = self._tracer.start_span(call.endpoint, kind=SpanKind.INTERNAL, attributes=_facts(call))

    def attempt_waiting(self, call: CallRecord, attempt: AttemptRecord) -> None:
        """Start the span of a request."""
        context = trace.set_span_in_context(self._spans[call])
        facts = {**_facts(call), "http.request.method": call.verb, "http.request.resend_count": attempt.number - 1}
        self._spans[attempt] = self._tracer.start_span(call.verb, context, kind=SpanKind.CLIENT, attributes=facts)

    def attempt_sent(self, call: CallRecord, attempt: AttemptRecord) -> None:
        """Record how long a request has waited."""
        waiting = attempt.waiting_seconds or 0.0
        self._spans[attempt].set_attribute("exchanges.waiting_seconds", waiting)
        self._spans[attempt].add_event("sent")
        self._waiting.record(waiting, _labels(call))

    def attempt_answered(self, call: CallRecord, attempt: AttemptRecord) -> None:
        """End the span of a request."""
        # It has ended with its call already, if the caller was cancelled.
        if (span := self._spans.pop(attempt, None)) is not None:
            span.set_attribute("exchanges.wire_seconds", attempt.wire_seconds or 0.0)
            span.set_attribute("http.response.status_code", attempt.status or 0)
            span.end()

    def call_ended(self, call: CallRecord) -> None:
        """End the span of a call, and those of its requests that got no answer."""
        for attempt in call.attempts:
            if (unanswered := self._spans.pop(attempt, None)) is not None:
                unanswered.set_status(Status(StatusCode.ERROR))
                unanswered.end()
        span, labels = self._spans.pop(call), {**_labels(call), "exchanges.outcome": call.outcome}
        span.set_attribute("exchanges.outcome", call.outcome)
        if call.status is not None:
            span.set_attribute("http.response.status_code", call.status)
        if call.error is not None:
            labels["error.type"] = call.error
            span.set_attribute("error.type", call.error)
            span.set_attribute("exchanges.may_have_executed", call.may_have_executed)
            span.set_status(Status(StatusCode.ERROR, call.error))
        span.end()
        self._seconds.record(call.seconds, labels)

    def stream_event(self, exchange: str, event: object) -> None:
        """Count an event."""
        self._events.add(1, {"exchange": exchange, "event": type(event).__name__})


def _free(status: _Status) -> int | None:
    return status.free


def _closed(status: _Status) -> int:
    return int(bool(status.closed))


def _labels(call: CallRecord) -> dict[str, str]:
    return {"exchanges.endpoint": call.endpoint, "exchanges.kind": call.kind}


def _facts(call: CallRecord) -> dict[str, str | int]:
    return {**_labels(call), "server.address": call.host}
