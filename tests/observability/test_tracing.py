"""Traces of requests, tasks and statements that real processes send."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from config.celery import app
from shortlinks import tasks
from shortlinks.models import User
from tests import factories, services
from tests.observability.receiver import Receiver, receiver

pytestmark = pytest.mark.process


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def environment(collector: Receiver) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }


def spans(collector: Receiver) -> list[Span]:
    found = []
    for received in list(collector.received):
        assert received.path == "/v1/traces"
        request = ExportTraceServiceRequest.FromString(received.body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                found += scope.spans
    return found


def trace_of(collector: Receiver, name: str) -> list[Span]:
    """Return the first span of this name and those below it."""

    def found() -> list[Span]:
        sent = spans(collector)
        traces = [span.trace_id for span in sent if span.name == name]
        return [span for span in sent if span.trace_id in traces[:1]]

    traced: list[Span] = services.wait_for(found)
    return traced


def attributes(span: Span) -> dict[str, object]:
    return {
        pair.key: pair.value.int_value or pair.value.string_value
        for pair in span.attributes
    }


def test_request_and_its_statements_are_one_trace(
    admin: User, collector: Receiver, tmp_path: Path
) -> None:
    token = factories.token(admin)
    with services.web(tmp_path, **environment(collector)) as web:
        headers = {"Authorization": f"Bearer {token}", "traceparent": "00-1-1-01"}
        assert web.get("/api/v4/contacts/7?q=secret", headers=headers).status_code
        route = "api/v4/contacts/<id:entity_id>"
        traced = trace_of(collector, f"GET {route}")

    request = next(span for span in traced if span.name.startswith("GET"))
    statements = [span for span in traced if span is not request]
    assert attributes(request) == {
        "http.request.method": "GET",
        "http.route": route,
        "http.response.status_code": 404,
    }
    assert statements
    assert {span.parent_span_id for span in statements} == {request.span_id}
    texts = {str(attributes(span)["db.query.text"]) for span in statements}
    assert any("shortlinks_contact" in text for text in texts)
    sent = collector.bodies()
    assert token.encode() not in sent
    assert b"secret" not in sent


def test_task_and_its_statements_are_one_trace(
    admin: User, collector: Receiver, tmp_path: Path
) -> None:
    assert admin.account is not None
    factories.visit(factories.link(factories.contact(admin.account)))
    services.empty_queues()
    with services.worker(tmp_path, **environment(collector)):
        app.send_task(tasks.process_visits.name)
        traced = trace_of(collector, "process_visits")

    task = next(span for span in traced if span.name == "process_visits")
    assert attributes(task) == {"celery.state": "SUCCESS"}
    claims = [
        span for span in traced if "FOR UPDATE SKIP LOCKED" in str(attributes(span))
    ]
    assert {span.parent_span_id for span in claims} == {task.span_id}
