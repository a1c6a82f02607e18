"""Arguments of commands that identify a contact."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from shortlinks.models import Contact


def add_contact(parser: ArgumentParser) -> None:
    parser.add_argument("subdomain", help="the account's")
    parser.add_argument("entity_id", type=int, help="the contact's id in the CRM")


def contact(options: Mapping[str, Any]) -> Contact:
    """Return the contact, which may be deleted; raise CommandError if there is none."""
    rows = Contact.objects.filter(
        account__subdomain=options["subdomain"],
        entity_id=options["entity_id"],
    )
    found = rows.select_related("merged_into").first()
    if found is None:
        raise CommandError("This account has no contact with this id.")
    return found
