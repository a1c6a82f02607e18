"""Make an empty installation one that can be logged in to."""

import secrets
from argparse import ArgumentParser
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.text import slugify

from shortlinks.domain.auth import tokens
from shortlinks.models import Account, User

LANGUAGES = ("ru", "en")


class Command(BaseCommand):
    help = (
        "Creates the first account, its administrator (who operates the service, too)"
        " and a token, and prints them as KEY=value lines: the password and the token"
        " are shown once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the administrator's, to log in with")
        parser.add_argument("--account", default="Main", help="the account's name")
        parser.add_argument("--language", default="en", choices=LANGUAGES)
        parser.add_argument("--time-zone", default="UTC", help="such as Europe/Moscow")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if Account.objects.exists():
            raise CommandError("there is an account already; nothing was changed")
        for key, value in _create(options).items():
            self.stdout.write(f"{key}={value}")


def _create(options: dict[str, str]) -> dict[str, object]:
    email, zone = options["email"].strip().lower(), options["time_zone"]
    if zone not in available_timezones():
        raise CommandError(f"no such time zone: {zone}")
    try:
        validate_email(email)
    except ValidationError:
        raise CommandError(f"no e-mail address: {email}") from None
    account = Account.objects.create(
        name=options["account"],
        subdomain=slugify(options["account"])[:63] or "main",
        language=options["language"],
        time_zone=zone,
    )
    password = secrets.token_urlsafe(12)
    administrator = User.objects.create_user(
        email,
        password,
        account=account,
        name="Administrator",
        language=options["language"],
        is_admin=True,
        is_superuser=True,
    )
    return {
        "ACCOUNT_ID": account.id,
        "ADMIN_EMAIL": email,
        "ADMIN_PASSWORD": password,
        "TOKEN": tokens.issue(administrator, name="first run").text,
    }
