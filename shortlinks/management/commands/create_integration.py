"""Register an integration and print its secret and a code."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import URLValidator

from shortlinks.domain.auth import oauth
from shortlinks.models import Scope, User


class Command(BaseCommand):
    help = (
        "Registers an integration of a user's account. Prints its client id, its secret"
        " and a code for POST /oauth2/access_token that is valid for 20 minutes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the user for whom the integration acts")
        parser.add_argument("name", help="its name")
        parser.add_argument(
            "redirect_uri", help="the redirect_uri that the client sends"
        )
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help="a permission; repeatable; the default is links:write alone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].lower()).first()
        if user is None or user.account_id is None:
            raise CommandError(
                f"No user of an account has the e-mail {options['email']}."
            )
        try:
            URLValidator(schemes=["http", "https"])(options["redirect_uri"])
        except ValidationError:
            raise CommandError("redirect_uri must be an http or https URL.") from None
        registered = oauth.register(
            user=user,
            name=options["name"],
            redirect_uri=options["redirect_uri"],
            scopes=options["scope"],
        )
        self.stdout.write(f"CLIENT_ID={registered.integration.client_id}")
        self.stdout.write(f"CLIENT_SECRET={registered.secret}")
        self.stdout.write(f"CODE={oauth.authorize(registered.integration, user)}")
