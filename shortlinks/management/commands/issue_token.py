"""Issue an API token and print it."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain.auth import tokens
from shortlinks.models import Scope, User

MAX_DAYS = 3650


class Command(BaseCommand):
    help = "Issues an API token for a user and prints it. It is not stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the user for whom the token acts")
        parser.add_argument("--name", default="command line", help="its purpose")
        parser.add_argument(
            "--days", type=int, default=365, help="days until it expires"
        )
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help="a permission; repeatable; the default is links:write alone",
        )
        parser.add_argument(
            "--rate", type=int, help="requests a second; 0 for no limit"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].lower()).first()
        if user is None or user.account_id is None:
            raise CommandError(
                f"No user of an account has the e-mail {options['email']}."
            )
        if not 1 <= options["days"] <= MAX_DAYS:
            raise CommandError(f"--days must be from 1 to {MAX_DAYS}.")
        if options["rate"] is not None and options["rate"] < 0:
            raise CommandError("--rate must be 0 or more.")
        issued = tokens.issue(
            user,
            name=options["name"],
            life=timedelta(days=options["days"]),
            scopes=options["scope"],
        )
        if options["rate"] is not None:
            tokens.set_rate_limit(issued.row, options["rate"])
        self.stdout.write(issued.text)
