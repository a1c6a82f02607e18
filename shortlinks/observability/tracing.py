"""Traces, if OTEL_EXPORTER_OTLP_ENDPOINT is set; otherwise all methods do nothing."""

import contextlib
import importlib
from collections.abc import MutableMapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class RequestSpan:
    def set_response(self, route: str, status: int) -> None:
        pass


class Tracing:
    """Traces nothing; `otlp` has the subclass that does."""

    def request(self, method: str) -> contextlib.AbstractContextManager[RequestSpan]:
        return contextlib.nullcontext(RequestSpan())

    def inject(self, headers: MutableMapping[str, Any]) -> None:
        """Add the trace to a message, so that its task continues it."""

    def start_task(self, name: str, headers: MutableMapping[str, Any]) -> None:
        pass

    def end_task(self, state: str) -> None:
        pass

    def finish(self) -> None:
        pass


_tracing = Tracing()


def start(role: str) -> None:
    global _tracing
    if settings.OTLP_ENDPOINT:
        try:
            module = importlib.import_module("shortlinks.observability.otlp")
        except ModuleNotFoundError as error:
            raise ImproperlyConfigured(
                "OTEL_EXPORTER_OTLP_ENDPOINT needs the packages of"
                f" requirements-tracing.txt: {error}"
            ) from None
        _tracing = module.OtlpTracing(role, settings.OTLP_ENDPOINT)


def current() -> Tracing:
    return _tracing
