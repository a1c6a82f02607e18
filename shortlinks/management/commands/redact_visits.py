"""Redact details of old visits, as the worker does every hour."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from shortlinks.domain.visits import retention


class Command(BaseCommand):
    help = (
        "Redact address, user agent and other details of visits that are older than"
        " VISIT_DETAILS_RETENTION_DAYS. Visits, verdicts, notes and counts stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only show how many")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            self.stdout.write(f"visits to redact: {retention.count()}")
            return
        self.stdout.write(f"visits redacted: {sum(retention.redact_details())}")
