"""Erase the persons of a list again, after the database was restored."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain.personal_data import erasure, restore
from shortlinks.domain.personal_data.restore import UnreadableList


class Command(BaseCommand):
    help = "Reads the output of list_erasures, and erases these persons again."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            repeated = restore.repeat(line.encode() for line in sys.stdin)
        except UnreadableList as error:
            raise CommandError(f"standard input: {error}") from None
        for receipt in repeated.receipts:
            erasure.finish(receipt)
        self.stdout.write(f"persons erased again: {len(repeated.receipts)}")
        for entity_id in repeated.mixed:
            self.stdout.write(
                f"not erased: contact {entity_id} is merged with one that was not"
                " erased. Undo the merge, and erase it again."
            )
