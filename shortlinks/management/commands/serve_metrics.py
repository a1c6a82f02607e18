"""Serve the metrics of all processes that share METRICS_DIR."""

import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from shortlinks.observability import exporter, http_server


class Command(BaseCommand):
    help = "Serves /metrics for Prometheus on METRICS_HOST and METRICS_PORT."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = settings.METRICS_HOST, settings.METRICS_PORT
        try:
            http_server.start(
                host, port, {"/metrics": exporter.page, "/healthz": http_server.alive}
            )
        except OSError as error:
            raise CommandError(f"METRICS_PORT {port}: {error}") from None
        self.stdout.write(f"metrics on http://{host}:{port}/metrics")
        threading.Event().wait()
