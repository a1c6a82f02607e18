"""Write what is stored about a person to the standard output, as JSON."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from shortlinks.domain.personal_data import export
from shortlinks.management.contact_arguments import add_contact, contact


class Command(BaseCommand):
    help = "Prints all that is stored about the person behind a contact, as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_contact(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        for part in export.as_json(contact(options)):
            self.stdout.write(part.decode(), ending="")
        self.stdout.write("")
