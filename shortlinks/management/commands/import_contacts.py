"""Import contacts from a CSV or XLSX file."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.management import import_command
from shortlinks.models import ImportKind, User


class Command(BaseCommand):
    help = (
        "Imports contacts from a CSV or XLSX file, with a user's rights. Rows with"
        " errors are printed and skipped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        import_command.add_arguments(parser, role="user")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].lower()
        user = User.objects.filter(email=email, is_active=True).first()
        if user is None or user.account_id is None:
            raise CommandError(f"No active user of an account has the e-mail {email}.")
        import_command.run(self, user, ImportKind.CONTACTS, options)
