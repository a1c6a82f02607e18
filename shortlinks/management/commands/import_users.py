"""Import users and their rights from a CSV or XLSX file."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.management import import_command
from shortlinks.models import ImportKind, User


class Command(BaseCommand):
    help = (
        "Imports users and their rights from a CSV or XLSX file, as an administrator"
        " does it. Rows with faults are named and left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        import_command.add_arguments(parser, who="administrator")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].lower()
        by = User.objects.filter(email=email, is_admin=True, is_active=True).first()
        if by is None or by.account_id is None:
            raise CommandError(f"no administrator of an account has e-mail {email}")
        import_command.run(self, by, ImportKind.USERS, options)
