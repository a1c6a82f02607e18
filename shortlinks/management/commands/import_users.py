"""Import users and their access levels from a CSV or XLSX file."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.management import import_command
from shortlinks.models import ImportKind, User


class Command(BaseCommand):
    help = (
        "Imports users and their access levels from a CSV or XLSX file, as one of the"
        " account's administrators. Rows with errors are printed and skipped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        import_command.add_arguments(parser, role="administrator")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].lower()
        admin = User.objects.filter(email=email, is_admin=True, is_active=True).first()
        if admin is None or admin.account_id is None:
            raise CommandError(
                f"No active administrator of an account has the e-mail {email}."
            )
        import_command.run(self, admin, ImportKind.USERS, options)
