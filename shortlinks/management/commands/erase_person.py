"""Erase the person behind a contact."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain.personal_data import erasure
from shortlinks.domain.personal_data.erasure import AlreadyErased
from shortlinks.management.contact_arguments import add_contact, contact
from shortlinks.models import ErasureOrigin


class Command(BaseCommand):
    help = "Erases the person behind a contact, and prints the receipt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_contact(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            receipt = erasure.request(
                contact(options), origin=ErasureOrigin.COMMAND, by=None
            )
        except AlreadyErased:
            raise CommandError("This person was erased before.") from None
        erasure.finish(receipt)
        counts = ", ".join(f"{n} {name}" for name, n in sorted(receipt.rows.items()))
        self.stdout.write(f"erasure {receipt.pk}: {counts or 'nothing was stored'}")
