"""Spans and metrics, by the exporters that OpenTelemetry keeps for tests."""

import gc

import httpx
import pytest

from exchanges.errors import ExchangeError, NotFound
from exchanges.streams.happenings import Connected
from tests.support.fourth import CREDENTIALS, Fourth
from tests.support.leak_scenarios import CALLS, Watching, called
from tests.support.leak_sinks import Scene
from tests.support.scripted_transport import Script, answer, refusal
from tests.support.virtual_time import in_virtual_time

pytest.importorskip("opentelemetry.sdk")
pytestmark = pytest.mark.interop


class Exported:
    """An observer, and what it has exported."""

    def __init__(self):
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        from exchanges.instrumentation.otel import OpenTelemetry

        self.exporter, self.reader, traces = InMemorySpanExporter(), InMemoryMetricReader(), TracerProvider()
        traces.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = traces.get_tracer("a test")
        self.telemetry = OpenTelemetry(
            tracer_provider=traces, meter_provider=MeterProvider(metric_readers=[self.reader], shutdown_on_exit=False)
        )

    @property
    def spans(self):
        return self.exporter.get_finished_spans()

    def points(self, name):
        data = self.reader.get_metrics_data()
        metrics = [] if data is None else data.resource_metrics[0].scope_metrics[0].metrics
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]

    @property
    def text(self):
        data = self.reader.get_metrics_data()
        return "".join([*(span.to_json() for span in self.spans), "" if data is None else data.to_json()])


@pytest.fixture
def exported():
    """An observer with exporters of its own."""
    return Exported()


def fourth(script, exported):
    """Create an observed client."""
    return Fourth(transport=script, hooks=[exported.telemetry], **CREDENTIALS)


@in_virtual_time
async def test_spans(exported):
    """A call has a span within the current one, and each of its requests a span within that."""
    script = Script.of(answer(status=503), answer(), seconds=2.0)
    with exported.tracer.start_as_current_span("mine"):
        async with fourth(script, exported) as client:
            await client.market.thing("a")
    first, second, call, mine = exported.spans

    assert ["GET", "GET", "fourth.market.thing", "mine"] == [span.name for span in exported.spans]
    assert [call.context.span_id] * 2 == [first.parent.span_id, second.parent.span_id]
    assert mine.context.span_id == call.parent.span_id
    assert [503, 200] == [span.attributes["http.response.status_code"] for span in (first, second)]
    assert (2.0, 0.0) == (second.attributes["exchanges.wire_seconds"], second.attributes["exchanges.waiting_seconds"])
    assert {
        "exchanges.endpoint": "fourth.market.thing",
        "exchanges.kind": "read",
        "exchanges.outcome": "200",
        "http.response.status_code": 200,
        "server.address": "fourth.example",
    } == dict(call.attributes)


@in_virtual_time
async def test_the_span_of_a_failure(exported):
    """The span of a call that failed has the class of the error, and whether the call may have been executed."""
    async with fourth(Script.of(refusal("missing", 404)), exported) as client:
        with pytest.raises(NotFound):
            await client.trading.create_order(amount=1)
    call = exported.spans[-1]

    assert ("NotFound", False) == (call.attributes["error.type"], call.attributes["exchanges.may_have_executed"])
    assert not call.status.is_ok


@in_virtual_time
async def test_a_request_without_an_answer(exported):
    """The span of a request that got no answer ends with its call."""
    async with fourth(Script.of(httpx.ReadError("gone")), exported) as client:
        with pytest.raises(ExchangeError):
            await client.trading.create_order(amount=1)
    request, call = exported.spans

    assert ("POST", False, "- OutcomeUnknown") == (
        request.name,
        request.status.is_ok,
        call.attributes["exchanges.outcome"],
    )


@in_virtual_time
async def test_metrics_of_calls(exported):
    """Durations are counted by endpoint and outcome."""
    async with fourth(Script.of(seconds=2.0), exported) as client:
        await client.market.thing("a")
        await client.market.thing("a")
    (point,) = exported.points("exchanges.call.duration")

    assert (2, 4.0, "200") == (point.count, point.sum, point.attributes["exchanges.outcome"])


@in_virtual_time
async def test_metrics_of_limits(exported):
    """Free slots of each limit of a client are shown, and nothing of a client that is gone."""
    client = fourth(Script.of(), exported)
    exported.telemetry.watch_limits(client)
    await client.market.thing("a")
    free = {point.attributes["limit"]: point.value for point in exported.points("exchanges.limit.free")}
    closed = [point.value for point in exported.points("exchanges.limit.closed")]
    await client.aclose()
    del client
    gc.collect()

    assert ({"fourth open": 99, "fourth": 5}, [0, 0], []) == (free, closed, exported.points("exchanges.limit.free"))


def test_events_of_streams(exported):
    """Events are counted by their class."""
    exported.telemetry.stream_event("fourth", Connected("ws.fourth.example"))
    (point,) = exported.points("exchanges.stream.events")

    assert (1, {"exchange": "fourth", "event": "Connected"}) == (point.value, dict(point.attributes))


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if not call.real])
@in_virtual_time
async def test_no_secret_is_exported(name, exported):
    """A refusal that repeats its whole request leaves no secret in spans and metrics."""
    scene = Scene()

    def repeated(request):
        return httpx.Response(400, json={"error": f"{request.url} {request.headers} {request.content!r}"})

    with pytest.raises(ExchangeError):
        await called(scene, CALLS[name], Watching(scene, repeated), hooks=[exported.telemetry])

    assert CALLS[name].exchange in exported.text
    assert [] == scene.detector.find(exported.text)
