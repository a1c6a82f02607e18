"""Traces, where OTEL_EXPORTER_OTLP_ENDPOINT is set; else nothing, at no cost."""

import contextlib
import importlib
from collections.abc import MutableMapping
from typing import Any, Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class Span(Protocol):
    def set_answer(self, route: str, status: int) -> None: ...


class Tracing(Protocol):
    def request(self, method: str) -> contextlib.AbstractContextManager[Span]: ...
    def carry(self, headers: MutableMapping[str, Any]) -> None: ...
    def task_began(self, name: str, headers: MutableMapping[str, Any]) -> None: ...
    def task_ended(self, state: str) -> None: ...
    def finish(self) -> None: ...


class _NoSpan:
    def set_answer(self, route: str, status: int) -> None:
        pass


class _NoTracing:
    def request(self, method: str) -> contextlib.AbstractContextManager[Span]:
        return contextlib.nullcontext(_NoSpan())

    def carry(self, headers: MutableMapping[str, Any]) -> None:
        pass

    def task_began(self, name: str, headers: MutableMapping[str, Any]) -> None:
        pass

    def task_ended(self, state: str) -> None:
        pass

    def finish(self) -> None:
        pass


_tracing: Tracing = _NoTracing()


def start(role: str) -> None:
    """The packages are imported here or not at all."""
    global _tracing
    if settings.OTLP_ENDPOINT:
        try:
            module = importlib.import_module("shortlinks.observability.otlp")
        except ModuleNotFoundError as error:
            raise ImproperlyConfigured(
                "OTEL_EXPORTER_OTLP_ENDPOINT needs what requirements-tracing.txt lists:"
                f" {error}"
            ) from None
        _tracing = module.OtlpTracing(role, settings.OTLP_ENDPOINT)


def tracing() -> Tracing:
    return _tracing
