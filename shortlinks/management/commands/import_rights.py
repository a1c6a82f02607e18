"""Import users and their rights from a CSV or XLSX file."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain import rights_imports
from shortlinks.management import importing
from shortlinks.models import User


class Command(BaseCommand):
    help = (
        "Imports users and their rights from a CSV or XLSX file, as an administrator"
        " does it. Rows with faults are named and left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        importing.add_arguments(parser, who="administrator")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].lower()
        by = User.objects.filter(email=email, is_admin=True, is_active=True).first()
        if by is None or by.account_id is None:
            raise CommandError(f"no administrator of an account has e-mail {email}")
        lines = importing.checked(
            options["file"],
            lambda rows: rights_imports.check(rows, by),
            no_head=rights_imports.NO_HEAD,
        )
        if not importing.tell(self, lines, options):
            return
        stored = rights_imports.store(lines)
        for users, flag in ((stored.created, ADDITION), (stored.changed, CHANGE)):
            LogEntry.objects.log_actions(by.pk, users, flag, "Rights imported.")
        self.stdout.write(
            f"created: {len(stored.created)}, changed: {len(stored.changed)},"
            f" left out: {stored.left_out}"
        )
