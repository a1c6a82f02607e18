"""Import users and their rights from a CSV or XLSX file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain import rights_imports, tables
from shortlinks.domain.rights_imports import Line
from shortlinks.models import User


class Command(BaseCommand):
    help = (
        "Imports users and their rights from a CSV or XLSX file, as an administrator"
        " does it. Rows with faults are named and left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("email", help="the administrator who imports them")
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what would happen"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].lower()
        by = User.objects.filter(email=email, is_admin=True, is_active=True).first()
        if by is None or by.account_id is None:
            raise CommandError(f"no administrator of an account has e-mail {email}")
        lines = _checked(options["file"], by)
        for line in lines:
            if line.faults:
                self.stderr.write(f"row {line.number}: {' '.join(line.faults)}")
        if options["dry_run"]:
            good = sum(not line.faults for line in lines)
            self.stdout.write(f"would be imported: {good} of {len(lines)}")
            return
        stored = rights_imports.store(lines)
        for users, flag in ((stored.created, ADDITION), (stored.changed, CHANGE)):
            LogEntry.objects.log_actions(by.pk, users, flag, "Rights imported.")
        self.stdout.write(
            f"created: {len(stored.created)}, changed: {len(stored.changed)},"
            f" left out: {stored.left_out}"
        )


def _checked(file: Path, by: User) -> list[Line]:
    try:
        return rights_imports.check(tables.read(file.read_bytes()), by)
    except (OSError, tables.NoTable) as error:
        raise CommandError(str(error)) from None
    except tables.NoHead:
        raise CommandError(rights_imports.NO_HEAD) from None
