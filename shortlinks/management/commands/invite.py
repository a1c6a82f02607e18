"""Print a link with which a user sets a password, if no e-mail can be sent."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain.auth import invitations, second_factors
from shortlinks.models import User


class Command(BaseCommand):
    help = (
        "Prints a link with which the user sets a password. It works once: within a"
        " week, or an hour if the user has a password already."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--without-factors",
            action="store_true",
            help="also remove the user's second factors",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].lower()).first()
        if user is None:
            raise CommandError(f"no user has the e-mail {options['email']}")
        if options["without_factors"]:
            second_factors.remove_all(user)
        self.stdout.write(invitations.link(user))
