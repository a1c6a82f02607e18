"""Import contacts from a CSV or XLSX file."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain import imports
from shortlinks.management import importing
from shortlinks.models import User


class Command(BaseCommand):
    help = (
        "Imports contacts from a CSV or XLSX file, with a user's rights. Rows with"
        " faults are named and left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        importing.add_arguments(parser, who="user")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].lower()).first()
        if user is None or user.account_id is None:
            raise CommandError(f"no user of an account has e-mail {options['email']}")
        lines = importing.checked(
            options["file"],
            lambda rows: imports.check(rows, user),
            no_head=imports.NO_HEAD,
        )
        if not importing.tell(self, lines, options):
            return
        stored = imports.store(lines, user)
        self.stdout.write(
            f"created: {stored.created}, changed: {stored.changed},"
            f" left out: {stored.left_out}"
        )
