"""Issue an API token and show it, once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain.auth import tokens
from shortlinks.models import Scope, User

MOST_DAYS = 3650


class Command(BaseCommand):
    help = "Issues an API token for a user. It is shown once and stored nowhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the user whose rights the token has")
        parser.add_argument("--name", default="command line", help="what it is for")
        parser.add_argument("--days", type=int, default=365, help="its life")
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help="what it may do; again for more; all if none is named",
        )

        parser.add_argument(
            "--rate", type=int, help="requests a second it may make; 0 for no limit"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].lower()).first()
        if user is None or user.account_id is None:
            raise CommandError(f"no user of an account has e-mail {options['email']}")
        if not 1 <= options["days"] <= MOST_DAYS:
            raise CommandError(f"--days must be from 1 to {MOST_DAYS}")
        if options["rate"] is not None and options["rate"] < 0:
            raise CommandError("--rate must be 0 or more")
        issued = tokens.issue(
            user,
            name=options["name"],
            life=timedelta(days=options["days"]),
            scopes=options["scope"] or Scope.values,
        )
        if options["rate"] is not None:
            tokens.set_rate_limit(issued.row, options["rate"])
        self.stdout.write(issued.text)
