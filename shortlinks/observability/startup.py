"""What every long-lived process does first: it says what it is, and is watched."""

import gc
import importlib

from django.conf import settings

from shortlinks.observability import metrics, tracing


def start(role: str) -> None:
    """Once for each process, and again in a child after a fork."""
    metrics.start(role)
    report_errors(role)
    tracing.start(role)


def freeze_gc() -> None:
    """When all is loaded that stays: no collection walks it again.

    One that did would stop a redirects' process for up to 0.1 s; workers and the API
    lost a fifth of their time to them.
    """
    gc.collect()
    gc.freeze()


def report_errors(role: str) -> None:
    """The package is imported here or not at all."""
    if settings.SENTRY_DSN:
        errors = importlib.import_module("shortlinks.observability.errors")
        errors.start(role, settings.SENTRY_DSN)
