"""Import contacts from a CSV or XLSX file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain import imports, tables
from shortlinks.domain.imports import Line
from shortlinks.models import User


class Command(BaseCommand):
    help = (
        "Imports contacts from a CSV or XLSX file, with a user's rights. Rows with"
        " faults are named and left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("email", help="the user who imports them")
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what would happen"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].lower()).first()
        if user is None or user.account_id is None:
            raise CommandError(f"no user of an account has e-mail {options['email']}")
        lines = _checked(options["file"], user)
        for line in lines:
            if line.faults:
                self.stderr.write(f"row {line.number}: {' '.join(line.faults)}")
        if options["dry_run"]:
            good = sum(not line.faults for line in lines)
            self.stdout.write(f"would be imported: {good} of {len(lines)}")
            return
        stored = imports.store(lines, user)
        self.stdout.write(
            f"created: {stored.created}, changed: {stored.changed},"
            f" left out: {stored.left_out}"
        )


def _checked(file: Path, user: User) -> list[Line]:
    try:
        return imports.check(tables.read(file.read_bytes()), user)
    except OSError as error:
        raise CommandError(str(error)) from None
    except tables.NoTable as error:
        raise CommandError(str(error)) from None
    except tables.NoHead:
        raise CommandError(imports.NO_HEAD) from None
