"""Delete old rows by the retention periods, as the worker does every ten minutes."""

import math
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from shortlinks.domain.personal_data import retention


class Command(BaseCommand):
    help = (
        "Redact the details of old visits, and delete old visits, notes, chats and"
        " other rows, by the retention periods of the accounts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only show how many")

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry = options["dry_run"]
        counts = retention.count_expired() if is_dry else retention.run(math.inf)
        for name, count in counts.items():
            self.stdout.write(f"{name}: {count}")
