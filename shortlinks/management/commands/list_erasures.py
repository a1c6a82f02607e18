"""Write the ids of all erased persons to the standard output, as keyed hashes."""

from typing import Any

from django.core.management.base import BaseCommand

from shortlinks.domain.personal_data import restore


class Command(BaseCommand):
    help = "Prints the erased ids, for repeat_erasures after a restore."

    def handle(self, *args: Any, **options: Any) -> None:
        for line in restore.as_lines():
            self.stdout.write(line.decode(), ending="")
