"""Create the first account of an empty installation."""

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
from shortlinks.models import Account, Scope, User

LANGUAGES = ("ru", "en")
# The steps of docs/operations.md create a contact and a link, and read its notes.
SCOPES = (Scope.LINKS_WRITE, Scope.CONTACTS_WRITE, Scope.CONTACTS_READ)


class Command(BaseCommand):
    help = (
        "Creates the first account, its administrator, who is also the operator, and a"
        " token. Prints them as KEY=value lines. The password and the token are not"
        " shown again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the administrator's e-mail, to sign in with")
        parser.add_argument("--account", default="Main", help="the account's name")
        parser.add_argument("--language", default="en", choices=LANGUAGES)
        parser.add_argument("--time-zone", default="UTC", help="such as Europe/Moscow")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if Account.objects.exists():
            raise CommandError("An account already exists. Nothing was changed.")
        for key, value in _create(options).items():
            self.stdout.write(f"{key}={value}")


def _create(options: dict[str, str]) -> dict[str, object]:
    email, zone = options["email"].strip().lower(), options["time_zone"]
    _check(email, zone)
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
        "TOKEN": tokens.issue(administrator, name="bootstrap", scopes=SCOPES).text,
    }


def _check(email: str, zone: str) -> None:
    if zone not in available_timezones():
        raise CommandError(f"There is no time zone {zone}.")
    try:
        validate_email(email)
    except ValidationError:
        raise CommandError(f"{email} is not an e-mail address.") from None
