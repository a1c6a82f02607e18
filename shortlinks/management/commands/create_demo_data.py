"""Create a demo account in an empty installation."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from shortlinks.domain.auth import tokens
from shortlinks.domain.contacts import contacts
from shortlinks.domain.contacts.contacts import NewContact
from shortlinks.domain.links import link_creation, urls
from shortlinks.domain.links.link_requests import AuthorizedLinkRequest
from shortlinks.models import AccessLevel, Account, ConnectedSite, Contact, Group, User
from shortlinks.models.tokens import USER_SCOPES

NAMES = [("Анна", "Петрова"), ("Timur", "Akhmetov"), ("Olga", "Lis")]
HIDDEN = ("Ivan", "Hidden")
# The contact of all samples in docs/, so that they run as they are printed.
SAMPLE_ID = 11070881


class Command(BaseCommand):
    help = (
        "Creates a demo account with an administrator, a manager, contacts and tokens,"
        " and prints them as KEY=value lines. Does nothing if an account exists."
    )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if Account.objects.exists():
            return
        for key, value in _create().items():
            self.stdout.write(f"{key}={value}")


def _create() -> dict[str, object]:
    account = Account.objects.create(name="Demo", subdomain="demo")
    group = Group.objects.create(account=account, name="Sales")
    passwords = [secrets.token_urlsafe(12) for _ in range(2)]
    admin = User.objects.create_user(
        "admin@demo.example",
        passwords[0],
        account=account,
        name="Demo administrator",
        is_admin=True,
        is_superuser=True,
    )
    manager = User.objects.create_user(
        "manager@demo.example",
        passwords[1],
        account=account,
        group=group,
        name="Demo manager",
        contacts_view=AccessLevel.MINE,
        contacts_edit=AccessLevel.MINE,
    )
    ids = [SAMPLE_ID, *[None] * (len(NAMES) - 1)]
    own = contacts.create(
        [
            _contact(entity_id, *name, manager)
            for entity_id, name in zip(ids, NAMES, strict=True)
        ],
        user=admin,
    )
    hidden = contacts.create([_contact(None, *HIDDEN, admin)], user=admin)
    return {
        "ACCOUNT_ID": account.id,
        "TOKEN": _token(admin),
        "MANAGER_TOKEN": _token(manager),
        "CONTACT_IDS": ",".join(str(contact.entity_id) for contact in own),
        "HIDDEN_CONTACT_ID": hidden[0].entity_id,
        "ADMIN_EMAIL": admin.email,
        "ADMIN_PASSWORD": passwords[0],
        "MANAGER_EMAIL": manager.email,
        "MANAGER_PASSWORD": passwords[1],
        **(_site(own[-1]) if settings.DEMO_SITE_URL else {}),
    }


def _token(user: User) -> str:
    """Issue a token for the samples of all pages of docs/."""
    return tokens.issue(user, name="demo", scopes=USER_SCOPES).text


def _site(contact: Contact) -> dict[str, object]:
    """Create a connected site, and a link of the contact to it."""
    url = urls.parse(f"{settings.DEMO_SITE_URL}/", urls.policy())
    site = ConnectedSite.objects.create(
        account=contact.account, origin=settings.DEMO_SITE_URL
    )
    entity_id, account_id = contact.entity_id, contact.account_id
    [link] = link_creation.create(
        [AuthorizedLinkRequest(url, entity_id, contact.pk, account_id)]
    )
    return {
        "SITE_KEY": site.site_key,
        "DEMO_LINK": f"{settings.SHORT_BASE_URL}/{link.code}",
    }


def _contact(
    entity_id: int | None, first_name: str, last_name: str, responsible: User
) -> NewContact:
    return NewContact(
        entity_id=entity_id,
        name=f"{first_name} {last_name}",
        first_name=first_name,
        last_name=last_name,
        responsible_user_id=responsible.id,
    )
