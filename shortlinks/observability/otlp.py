"""Send traces of API requests, tasks and their SQL statements over OTLP/HTTP.

OpenTelemetry's own instrumentations send URLs and headers. This one sends routes, and
statements without values. Imported only if an endpoint is set.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from opentelemetry import context, propagate
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Span,
    SpanKind,
    Status,
    StatusCode,
    set_span_in_context,
)

from shortlinks.observability import tracing

MAX_STATEMENT_LENGTH = 2000


class RequestSpan(tracing.RequestSpan):
    def __init__(self, span: Span, method: str) -> None:
        self._span = span
        self._method = method

    def set_response(self, route: str, status: int) -> None:
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))


class OtlpTracing(tracing.Tracing):
    def __init__(self, role: str, endpoint: str) -> None:
        resource = Resource.create({"service.name": f"shortlinks-{role}"})
        self._provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("shortlinks")
        self._task: tuple[Span, contextvars.Token[context.Context]] | None = None
        connection_created.connect(self._trace_connection)
        for connection in connections.all(initialized_only=True):
            self._trace_connection(connection=connection)

    @contextlib.contextmanager
    def request(self, method: str) -> Iterator[RequestSpan]:
        with self._tracer.start_as_current_span(
            method,
            context=context.Context(),  # never continue the trace of a client
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method},
        ) as span:
            yield RequestSpan(span, method)

    def inject(self, headers: MutableMapping[str, Any]) -> None:
        propagate.inject(headers)

    def start_task(self, name: str, headers: MutableMapping[str, Any]) -> None:
        parent = {key: headers[key] for key in ("traceparent",) if headers.get(key)}
        span = self._tracer.start_span(
            name, context=propagate.extract(parent), kind=SpanKind.CONSUMER
        )
        token = context.attach(set_span_in_context(span))
        self._task = span, token

    def end_task(self, state: str) -> None:
        if self._task is None:
            return
        (span, token), self._task = self._task, None
        span.set_attribute("celery.state", state)
        if state != "SUCCESS":
            span.set_status(Status(StatusCode.ERROR))
        context.detach(token)
        span.end()

    def finish(self) -> None:
        self._provider.shutdown()

    def _trace_connection(self, connection: BaseDatabaseWrapper, **_: object) -> None:
        if self._trace_statement not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._trace_statement)

    def _trace_statement(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,  # noqa: FBT001  Django's own signature
        ctx: dict[str, Any],
    ) -> Any:
        verb = sql.split(maxsplit=1)[0].upper()
        attributes = {
            "db.system.name": "postgresql",
            "db.operation.name": verb,
            "db.query.text": sql[:MAX_STATEMENT_LENGTH],
        }
        with self._tracer.start_as_current_span(
            verb, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False
        ):
            return execute(sql, params, many, ctx)
